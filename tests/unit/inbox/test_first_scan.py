"""The first scan of a folder: nobody's followers get ten years of old rides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fakes import ADMISSION, APP, NOW, receive
from fitferry.core.activity import AdmissionResult, Stability
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.rules import Changes, Conditions, Rule
from fitferry.core.upload import ErrorCode, Status
from fitferry.inbox.first_scan import FEW, FirstScan
from fitferry.storage import holds, matches, seen_files, uploads
from fitferry.uploads.commands import backlog, decide_since_again

Ride = Callable[..., bytes]
OLD = datetime.fromtimestamp(NOW, UTC) - timedelta(days=30)
FRESH = datetime.fromtimestamp(NOW, UTC) - timedelta(days=2)

pytestmark = pytest.mark.usefixtures("ledger")


class House:
    """A folder of rides and its first_scan."""

    def __init__(self, folder: Path, ride: Ride) -> None:
        self.folder = folder
        self.ride = ride
        self.pokes = 0
        self.settings = ADMISSION
        self.serial = 0
        self.again()

    def again(self) -> None:
        """As after a start."""
        self.first_scan = FirstScan(str(self.folder), "me", self.settings, wake=self.wake, clock=lambda: NOW)

    def wake(self) -> None:
        """Somebody rings."""
        self.pokes += 1

    def drop(self, start: datetime, count: int = 1, *, announced: bool = False) -> list[AdmissionResult]:
        """Let rides arrive."""
        arrivals = []
        for _ in range(count):
            self.serial += 1
            path = self.folder / f"{self.serial}.fit"
            path.write_bytes(self.ride(start=start, serial=self.serial))
            arrivals.append(receive(self.first_scan, path, Stability.SETTLED, announced=announced))
        return arrivals

    def counts(self) -> tuple[int, int]:
        """How many are held, and how many wait."""
        found = uploads.counts()
        return found[Status.HELD], found[Status.PENDING]


@pytest.fixture
def house(tmp_path: Path, ride: Ride) -> House:
    """An empty folder that was never seen before."""
    return House(tmp_path, ride)


def test_many_old_activities_wait_for_a_word_and_fresh_ones_do_not(house: House) -> None:
    """The ride of the day before yesterday goes up."""
    house.drop(OLD, FEW + 1)
    house.drop(FRESH, 3)
    house.first_scan.on_scan_finished(FEW + 4)

    assert house.counts() == (FEW + 1, 3)
    assert {job.error_code for job in uploads.with_status(Status.HELD)} == {"backlog"}


def test_old_activities_that_are_found_on_strava_meanwhile_count_as_well(house: House) -> None:
    """Nobody has decided about the rest only because the list came before the scan's end."""
    house.drop(OLD, FEW + 3)
    there = [job.id for job in uploads.with_status(Status.HELD)][:FEW]
    matches.compared(dict.fromkeys(there, 7), NOW)
    house.first_scan.on_scan_finished(FEW + 3)

    assert house.counts() == (3, 0)


def test_a_few_old_activities_are_let_go_when_the_scan_is_over(house: House) -> None:
    """They are no backlog."""
    house.drop(OLD, FEW)
    assert house.counts() == (FEW, 0)
    house.first_scan.on_scan_finished(FEW)

    assert house.counts() == (0, FEW)


def test_after_the_first_scan_old_activities_are_uploaded(house: House) -> None:
    """Whoever drops an old ride into a running folder wants it on Strava."""
    house.drop(FRESH)
    house.first_scan.on_scan_finished(1)
    house.drop(OLD, FEW + 10)

    assert house.counts() == (0, FEW + 11)


def test_a_folder_stays_known_after_a_restart(house: House) -> None:
    """Its first scan was its first scan."""
    house.drop(FRESH)
    house.first_scan.on_scan_finished(1)
    house.again()
    house.drop(OLD, FEW + 1)

    assert house.counts() == (0, FEW + 2)


def test_a_first_scan_that_was_broken_off_goes_on_after_a_restart(house: House) -> None:
    """What it held before counts."""
    house.drop(OLD, FEW)
    house.again()
    house.drop(OLD, 1)
    house.first_scan.on_scan_finished(FEW + 1)

    assert house.counts() == (FEW + 1, 0)


def test_a_mount_that_comes_after_an_empty_scan_is_still_new(house: House) -> None:
    """Fitferry was started before the disk: ten years of rides appear without any event."""
    house.first_scan.on_scan_finished(0)
    house.drop(OLD, FEW + 1)
    house.first_scan.on_scan_finished(FEW + 1)

    assert house.counts() == (FEW + 1, 0)


def test_a_ride_that_is_dropped_into_an_empty_folder_is_uploaded_however_old(house: House) -> None:
    """An event tells that somebody has just put it there."""
    house.first_scan.on_scan_finished(0)

    assert house.drop(OLD, 1, announced=True) == [AdmissionResult.ADMITTED]
    assert house.drop(OLD, FEW + 1, announced=True) == [AdmissionResult.ADMITTED] * (FEW + 1)


@pytest.mark.parametrize(
    "settings",
    [
        replace(ADMISSION, since=date(2000, 1, 1)),
        replace(ADMISSION, since=date(2100, 1, 1)),
        replace(ADMISSION, auto_upload=False),
    ],
)
def test_who_has_decided_by_the_settings_is_not_asked(house: House, settings: AdmissionRules) -> None:
    """`since` and `auto_upload` say what becomes of old rides."""
    house.settings = settings
    house.again()
    house.drop(OLD, FEW + 1)
    house.first_scan.on_scan_finished(FEW + 1)

    assert not holds.span(ErrorCode.BACKLOG)[0]


def test_since_decides_a_backlog_after_a_restart(house: House) -> None:
    """What started since is queued; the rest is held by that setting, and nobody is asked any more."""
    house.drop(OLD, FEW + 1)
    house.drop(OLD - timedelta(days=100), 5)
    house.first_scan.on_scan_finished(FEW + 6)
    settings = type("Settings", (), {"strava": replace(APP, since=(OLD - timedelta(days=3)).date())})

    assert decide_since_again(settings) == FEW + 1  # type: ignore[arg-type]  # it asks for nothing else
    assert house.counts() == (5, FEW + 1)
    assert not holds.span(ErrorCode.BACKLOG)[0]


def test_a_file_without_a_start_is_as_old_as_itself(house: House, ride: Ride) -> None:
    """Relative times say nothing of the day."""
    import os  # noqa: PLC0415  # here alone

    for number, age in enumerate((30, 0)):
        path = house.folder / f"relative-{number}.fit"
        path.write_bytes(ride(start=datetime(1990, 1, 2, tzinfo=UTC), serial=number + 500))
        os.utime(path, (NOW - age * 86_400,) * 2)
        receive(house.first_scan, path, Stability.SETTLED)

    assert house.counts() == (1, 1)


def test_each_athletes_folder_is_received_for_itself(house: House, tmp_path: Path, ride: Ride) -> None:
    """The end of one folder's scan lets nothing of another's go."""
    house.drop(OLD, FEW)
    (tmp_path / "other").mkdir()
    other = FirstScan(str(tmp_path / "other"), "me", ADMISSION, wake=lambda: None, clock=lambda: NOW)
    (tmp_path / "other/a.fit").write_bytes(ride(serial=999))
    receive(other, tmp_path / "other/a.fit", Stability.SETTLED)
    other.on_scan_finished(1)

    assert house.counts()[0] >= FEW


class Clocks:
    """Ours, and Strava's once it was heard."""

    def __init__(self, house: House) -> None:
        self.ours = NOW
        self.strava: float | None = None
        house.first_scan = FirstScan(
            str(house.folder),
            "me",
            ADMISSION,
            wake=house.wake,
            clock=lambda: self.ours,
            server_now=lambda: self.strava,
        )


def unproven(house: House) -> int:
    """How many wait whose age is to be judged again."""
    return len(holds.unproven_below("me", str(house.folder)))


def test_what_looks_fresh_in_a_new_folder_is_queued_and_judged_again_by_stravas_clock(house: House) -> None:
    """Nothing is let go before that was heard; old ones wait for a word."""
    clocks = Clocks(house)
    house.drop(OLD, FEW)
    house.drop(FRESH, 2)
    house.drop(FRESH, 1, announced=True)
    house.first_scan.on_scan_finished(FEW + 3)
    assert (*house.counts(), unproven(house)) == (FEW, 3, 3)
    clocks.strava = NOW
    house.drop(FRESH, 1)
    assert unproven(house) == 3
    house.first_scan.on_scan_finished(FEW + 4)

    assert (*house.counts(), unproven(house)) == (0, FEW + 4, 0)


def test_a_few_old_activities_are_no_backlog_while_the_first_scan_runs(house: House) -> None:
    """Nobody is asked about what is let go a moment later; more than a few are asked about at once, and stay asked about."""
    clocks = Clocks(house)
    house.drop(OLD, FEW)
    house.first_scan.on_scan_finished(FEW)
    assert backlog(["me"], NOW).count == 0
    house.drop(OLD, 1)
    assert backlog(["me"], NOW).count == FEW + 1
    clocks.strava = NOW
    house.first_scan.on_scan_finished(FEW + 1)
    uploads.requeue(uploads.with_status(Status.HELD)[0].id, [Status.HELD])

    assert backlog(["me"], NOW).count == FEW


def test_the_rest_of_a_first_scan_is_judged_by_stravas_clock(house: House) -> None:
    """It is heard within a second, and then ours has no say, however long the scan takes."""
    clocks = Clocks(house)
    clocks.ours, clocks.strava = NOW - 20 * 86_400, NOW
    house.drop(datetime.fromtimestamp(clocks.ours, UTC) - timedelta(days=2), FEW + 1)
    house.drop(FRESH, 2, announced=True)

    assert (*house.counts(), unproven(house)) == (FEW + 1, 2, 0)


def test_a_persons_word_is_final_whatever_any_clock_says(house: House) -> None:
    """What somebody wants uploaded is not judged again."""
    clocks = Clocks(house)
    house.drop(FRESH, 1)
    (job,) = uploads.with_status(Status.PENDING)
    assert uploads.requeue(job.id, [Status.PENDING])
    clocks.strava = NOW + 30 * 86_400
    house.first_scan.on_scan_finished(1)

    assert house.counts() == (0, 1)


@pytest.mark.parametrize("days", [20, 400])
def test_a_clock_that_is_behind_makes_no_history_fresh(house: House, days: int) -> None:
    """A device without a battery starts in the past: what is old by Strava's clock waits, what is fresh goes up."""
    clocks = Clocks(house)
    clocks.ours = NOW - days * 86_400
    looks_fresh = datetime.fromtimestamp(clocks.ours, UTC) - timedelta(days=2)
    house.drop(looks_fresh, FEW + 1)
    house.drop(FRESH, 2)
    house.first_scan.on_scan_finished(FEW + 3)
    clocks.strava = NOW
    house.first_scan.on_scan_finished(FEW + 3)

    assert house.counts() == (FEW + 1, 2)


def test_a_ride_from_the_future_waits_while_a_folder_is_new(house: House) -> None:
    """One of the two clocks is wrong, and nobody knows which."""
    house.drop(datetime.fromtimestamp(NOW, UTC) + timedelta(days=30), FEW + 1)
    house.first_scan.on_scan_finished(FEW + 1)

    assert house.counts() == (FEW + 1, 0)


def test_nothing_of_the_backlog_means_also_the_broken_files_of_a_first_scan(house: House) -> None:
    """They were there before Fitferry, too; one that comes later is asked about, also minutes after the scan."""
    broken, late = house.folder / "broken.fit", house.folder / "late.fit"
    broken.write_bytes(house.ride()[:-2] + b"xx")
    scanned_at = broken.stat().st_ctime + 0.001
    while not late.exists() or late.stat().st_ctime <= scanned_at:  # the file system's clock ticks seldom
        late.write_bytes(house.ride()[:-2] + b"yy")
    seen_files.folder_scanned("me", str(house.folder), scanned_at)
    for path in (broken, late):
        receive(house.first_scan, path, Stability.STALLED)
    assert house.counts() == (2, 0)
    holds.dismiss_first_finds()

    assert [job.file for job in uploads.with_status(Status.HELD)] == ["late.fit"]


def test_a_skipped_activity_is_kept_with_the_number_of_its_rule(tmp_path: Path, ride: Ride) -> None:
    """So that people see why, and can upload it anyway."""
    rule = Rule(Conditions(file=("*test*",)), Changes(skip=True))
    rules = AdmissionRules(rules=(rule,))
    first_scan = FirstScan(str(tmp_path), "me", rules, wake=lambda: None, clock=lambda: NOW)
    for number, name in enumerate(("a test.fit", "ride.fit")):
        (tmp_path / name).write_bytes(ride(serial=number))
        receive(first_scan, tmp_path / name, Stability.CLOSED, announced=True)

    assert [(job.file, str(job.error_message)) for job in uploads.with_status(Status.SKIPPED)] == [
        ("a test.fit", "skipped by rule 1")
    ]
    assert [job.file for job in uploads.with_status(Status.PENDING)] == ["ride.fit"]
