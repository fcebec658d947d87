"""From events and scans to the files that are whole."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from documents import START, gpx, zipped
from fakes import NOW, Clock, a_receiver, recorded
from fitferry.core import attempt_results
from fitferry.core.activity import AdmissionResult, FileEvent, Stability, WatchMethod
from fitferry.core.messages import Message
from fitferry.core.upload import AfterUpload, AttemptResult, Outcome, Status
from fitferry.inbox import Scanner
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.surroundings import Surroundings
from fitferry.storage import queries, seen_files, uploads
from fitferry.storage.database import DatabaseError
from fitferry.system.safe_files import OpenFolder
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.file_tidier import FileTidier
from ledger_statements import full_disk
from patience import PATIENCE, wait_for
from watching import watch_settings

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]


class Bench:
    """A watched folder whose intake is stepped by hand, or runs with real events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.clock = Clock()
        self.reads: list[str] = []
        self.arrived = threading.Condition()
        self.before: Callable[[str], None] = lambda _path: None
        """Called with each path before it is admitted."""
        self.intake = self.new_intake()

    def new_intake(
        self, method: WatchMethod = WatchMethod.POLL, *, settle: float = 2.0, max_hints: int = 1000
    ) -> Scanner:
        """A scanner of the folder, as after a start; one with real events has a real clock."""
        self.receiver = a_receiver(self.folder)
        clock = time.monotonic if method is WatchMethod.EVENTS else self.clock
        return Scanner(
            watch_settings(self.folder, method, settle=settle),
            self,
            without=frozenset(),
            changed=lambda: None,
            surroundings=Surroundings(clock=clock, max_hints=max_hints),
        )

    note: Message | None = None

    def tidy(self) -> Message | None:
        """Nothing is archived."""
        return self.receiver.tidy()

    def on_away(self) -> None:
        """The folder is not there."""
        self.receiver.on_away()

    def on_available(self) -> None:
        """The folder is there."""
        self.receiver.on_available()

    def on_file_gone(self, path: str) -> None:
        """A file is not there any more."""
        self.receiver.on_file_gone(path)

    def on_scan_finished(self, folder: OpenFolder, count: int, *, complete: bool) -> None:
        """What the service does after a scan."""
        self.receiver.on_scan_finished(folder, count, complete=complete)

    def admit(self, path: str, look: FileLook, stability: Stability, *, announced: bool) -> AdmissionResult:
        """What the service does with a file."""
        self.before(path)
        arrival = self.receiver.admit(path, look, stability, announced=announced)
        with self.arrived:
            self.reads.append(path)
            self.arrived.notify_all()
        return arrival

    def pass_(self, seconds: float) -> None:
        """Let time pass and whatever became due happen."""
        self.clock.forward(seconds)
        self.intake.step()

    def files(self) -> list[str]:
        """The names of what was admitted, in order."""
        return [Path(job.path).name for job in reversed(queries.listed(limit=200))]

    def wait_for(self, count: int) -> bool:
        """Whether so many activities were admitted before long."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.files()) >= count, timeout=PATIENCE)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with an empty folder."""
    return Bench(tmp_path / "rides")


@pytest.fixture
def live(bench: Bench) -> Iterator[Bench]:
    """The same with real events and a real clock; files without events would need an hour to settle."""
    bench.intake = bench.new_intake(WatchMethod.EVENTS, settle=3600.0)
    bench.intake.start()
    wait_for(lambda: bench.intake.state.available)
    yield bench
    bench.intake.stop()


def test_a_file_without_an_event_is_admitted_when_it_has_settled(bench: Bench, ride: Ride) -> None:
    """A scan finds it; two seconds later it is still the same."""
    (bench.folder / "a.fit").write_bytes(ride())
    bench.intake.step()
    assert bench.files() == []
    bench.pass_(1.9)
    assert bench.files() == []
    bench.pass_(0.2)

    assert bench.files() == ["a.fit"]


def test_a_closed_file_is_admitted_at_once(bench: Bench, ride: Ride) -> None:
    """Its writer is known to be done, and the file says itself that it is whole."""
    path = bench.folder / "a.fit"
    path.write_bytes(ride())
    bench.intake.hint(str(path), FileEvent.CLOSED)
    bench.intake.step()

    assert bench.files() == ["a.fit"]


def test_an_old_ride_that_an_event_named_waits_for_nobody_however_late_it_is_read(
    bench: Bench, ride: Ride
) -> None:
    """Somebody has put it into a folder that was empty: it is no find of the first scan, even if its close is not heard."""
    bench.intake.step()
    path = bench.folder / "a.fit"
    path.write_bytes(ride(start=datetime(2020, 1, 1, tzinfo=UTC)))
    bench.intake.hint(str(path), FileEvent.APPEARED)
    bench.intake.step()
    bench.pass_(2.1)

    assert [(job.file, job.status) for job in queries.listed(limit=200)] == [("a.fit", Status.PENDING)]


@pytest.mark.parametrize("sign", list(FileEvent))
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_half_a_file_is_never_admitted(bench: Bench, ride: Ride, share: float, sign: FileEvent) -> None:
    """However long it stays so, and whatever the events say; the whole of it is."""
    whole, path = ride(), bench.folder / "a.fit"
    path.write_bytes(whole[: int(len(whole) * share)])
    bench.intake.hint(str(path), sign)
    for _ in range(5):
        bench.pass_(60)
    assert bench.files() == []
    path.write_bytes(whole)
    bench.intake.hint(str(path), FileEvent.CLOSED)
    bench.intake.step()

    assert bench.files() == ["a.fit"]


def test_a_file_that_is_full_of_zeros_at_first_is_not_admitted(bench: Bench, ride: Ride) -> None:
    """Some copiers set the length first and fill it afterwards."""
    whole, path = ride(), bench.folder / "a.fit"
    path.write_bytes(whole[:200] + bytes(len(whole) - 200))
    bench.intake.hint(str(path), FileEvent.CLOSED)
    bench.pass_(60)

    assert bench.files() == []


def test_a_file_that_stays_unfinished_is_held_after_ten_minutes_with_what_is_missing(
    bench: Bench, ride: Ride
) -> None:
    """Somebody has to know; when it changes, that job goes and the whole ride is taken."""
    whole, path = ride(), bench.folder / "a.fit"
    path.write_bytes(whole[:500])
    for _ in range(61):
        bench.pass_(10)
    (held,) = queries.listed(status=Status.HELD)
    assert (held.file, held.error_code, str(held.error_message)) == (
        "a.fit",
        "unfinished",
        f"500 of {len(whole)} bytes",
    )
    path.write_bytes(whole)
    for _ in range(2):
        bench.pass_(10)

    assert [job.status for job in queries.listed()] == [Status.PENDING]


def test_the_hold_of_an_unfinished_file_survives_a_restart(bench: Bench, ride: Ride) -> None:
    """It is not read again, and not held twice."""
    (bench.folder / "a.fit").write_bytes(ride()[:-1])
    for _ in range(61):
        bench.pass_(10)
    reads = len(bench.reads)
    bench.intake = bench.new_intake()
    for _ in range(61):
        bench.pass_(10)

    assert len(bench.reads) == reads
    assert uploads.counts()[Status.HELD] == 1


def test_a_held_job_goes_with_its_unfinished_file(bench: Bench, ride: Ride) -> None:
    """Somebody took it away."""
    path = bench.folder / "a.fit"
    path.write_bytes(ride()[:-1])
    for _ in range(61):
        bench.pass_(10)
    path.unlink()
    bench.pass_(300)

    assert sum(uploads.counts().values()) == 0


def test_a_document_is_taken_only_after_it_has_settled(bench: Bench) -> None:
    """Its writer may go on where it ended a moment ago, closed or not."""
    path = bench.folder / "a.gpx"
    path.write_bytes(gpx())
    bench.intake.hint(str(path), FileEvent.CLOSED)
    bench.intake.step()
    assert bench.files() == []
    bench.pass_(1)
    path.write_bytes(gpx(points=20))
    bench.intake.hint(str(path), FileEvent.CLOSED)
    bench.pass_(1.5)
    assert bench.files() == []
    bench.pass_(2)
    (job,) = queries.listed()

    assert (job.data_type, job.elapsed_s) == ("gpx", 190)


def test_an_unknown_file_is_skipped_when_it_has_settled(bench: Bench) -> None:
    """Not before: its first bytes may still be wrong."""
    path = bench.folder / "a.fit"
    path.write_bytes(b"{'message': 'not found'}")
    bench.intake.hint(str(path), FileEvent.CLOSED)
    bench.intake.step()
    assert sum(uploads.counts().values()) == 0
    bench.pass_(2)

    assert uploads.counts()[Status.SKIPPED] == 1


def test_bytes_that_come_back_after_they_were_overwritten_are_uploaded(bench: Bench, ride: Ride) -> None:
    """The job of the first copy was skipped, because its file held something else by then."""
    path = bench.folder / "a.fit"
    path.write_bytes(ride())
    for _ in range(2):
        bench.pass_(10)
    (job,) = queries.listed()
    recorded(job.id, attempt_results.file_changed(job), NOW)
    (bench.folder / "again.fit").write_bytes(ride())
    for _ in range(2):
        bench.pass_(10)

    assert [(one.id, one.status) for one in queries.listed()] == [(job.id, Status.PENDING)]


def test_an_unfinished_file_is_read_once_until_it_changes(bench: Bench, ride: Ride) -> None:
    """A scan every ten seconds does not hash a stalled copy every ten seconds."""
    path = bench.folder / "a.fit"
    path.write_bytes(ride()[:-1])
    for _ in range(10):
        bench.pass_(10)
    assert len(bench.reads) == 1
    path.write_bytes(ride()[:-2])
    for _ in range(2):
        bench.pass_(10)

    assert len(bench.reads) == 2


def test_a_known_file_is_not_read_again(bench: Bench, ride: Ride) -> None:
    """Neither by the next scan nor after a restart."""
    (bench.folder / "a.fit").write_bytes(ride())
    for _ in range(3):
        bench.pass_(10)
    bench.intake = bench.new_intake()
    for _ in range(3):
        bench.pass_(10)

    assert len(bench.reads) == 1


def test_the_same_bytes_under_another_name_are_one_activity(bench: Bench, ride: Ride) -> None:
    """And a name that is used again with other bytes is another one."""
    for name in ("a.fit", "b.fit"):
        (bench.folder / name).write_bytes(ride())
    for _ in range(2):
        bench.pass_(10)
    assert len(bench.files()) == 1
    (bench.folder / "a.fit").write_bytes(ride(serial=2))
    for _ in range(2):
        bench.pass_(10)

    assert len(bench.files()) == 2


def test_what_is_no_activity_is_skipped_with_its_kind(bench: Bench, ride: Ride) -> None:
    """A course is nothing for Strava; the history can say so when asked."""
    (bench.folder / "course.fit").write_bytes(ride(kind=6))
    for _ in range(2):
        bench.pass_(10)
    (skipped,) = queries.listed(status=Status.SKIPPED)

    assert "course" in str(skipped.error_message)


def test_a_missing_folder_is_waited_for(bench: Bench, ride: Ride) -> None:
    """It shows as unavailable, and its files are found when it comes."""
    bench.folder.rmdir()
    bench.pass_(0)
    assert not bench.intake.state.available
    bench.folder.mkdir()
    (bench.folder / "a.fit").write_bytes(ride())
    bench.pass_(5)
    assert bench.intake.state.available
    bench.pass_(3)

    assert bench.files() == ["a.fit"]


def test_too_many_hints_become_a_scan(bench: Bench, ride: Ride) -> None:
    """Nothing that was forgotten stays unseen."""
    bench.intake = bench.new_intake(max_hints=1)
    bench.pass_(0)
    (bench.folder / "a.fit").write_bytes(ride())
    bench.intake.hint(str(bench.folder / "other.fit"), FileEvent.CLOSED)
    bench.intake.hint(str(bench.folder / "a.fit"), FileEvent.CLOSED)
    for _ in range(2):
        bench.pass_(2)

    assert bench.files() == ["a.fit"]


def test_a_hint_is_taken_in_the_middle_of_a_scan(bench: Bench, ride: Ride) -> None:
    """A scan of many files delays nobody: today's ride goes first."""
    for number in range(20):
        (bench.folder / f"{number}.fit").write_bytes(ride(serial=number + 10))
    bench.pass_(0)
    bench.clock.forward(3)

    def hint_once(_path: str) -> None:
        if not bench.reads:
            (bench.folder / "today.fit").write_bytes(ride(serial=99))
            bench.intake.hint(str(bench.folder / "today.fit"), FileEvent.CLOSED)
            bench.intake.rescan()

    bench.before = hint_once
    bench.intake.rescan()
    bench.intake.step()

    assert "today.fit" in bench.files()[:2]


def test_a_copy_that_is_closed_is_found_by_its_event(live: Bench, ride: Ride) -> None:
    """No scan is needed, and no settling."""
    (live.folder / "a.fit").write_bytes(ride())

    assert live.wait_for(1)


def test_a_rename_into_place_is_found_by_its_event(live: Bench, ride: Ride) -> None:
    """As rsync, Syncthing and Samba do it, inside the folder."""
    temporary = live.folder / ".a.fit.AbC123"
    temporary.write_bytes(ride())
    temporary.rename(live.folder / "a.fit")

    assert live.wait_for(1)


def test_a_move_from_outside_is_found_by_its_event(live: Bench, ride: Ride, tmp_path: Path) -> None:
    """The kernel reports no close for it, but it is whole."""
    outside = tmp_path / "outside.fit"
    outside.write_bytes(ride())
    outside.rename(live.folder / "a.fit")

    assert live.wait_for(1)


def test_a_file_in_a_new_folder_is_found_by_its_event(live: Bench, ride: Ride) -> None:
    """Folders below are watched as soon as they are there."""
    (live.folder / "2026/11").mkdir(parents=True)
    (live.folder / "2026/11/first.fit").write_bytes(ride(serial=1))
    (live.folder / "direct.fit").write_bytes(ride(serial=2))

    assert live.wait_for(1)


@pytest.mark.parametrize("sign", [None, FileEvent.CLOSED])
def test_one_file_that_raises_stops_no_other(bench: Bench, ride: Ride, sign: FileEvent | None) -> None:
    """Whatever is in it: it is told of, left alone until it changes, and the scan ends."""
    for number in range(5):
        (bench.folder / f"{number}.fit").write_bytes(ride(serial=number + 1))
    path = bench.folder / "x.fit"

    def stumble(admitted: str) -> None:
        if Path(admitted).read_bytes() == b"a surprise":
            raise RuntimeError("a bug")

    bench.before = stumble
    path.write_bytes(b"a surprise")
    if sign is not None:
        bench.intake.hint(str(path), sign)
    for _ in range(61):
        bench.pass_(10)
    assert sorted(bench.files()) == [f"{number}.fit" for number in range(5)]
    assert list(bench.intake.state.unreadable) == [str(path)]
    assert seen_files.folder_is_known("me", str(bench.folder))
    path.write_bytes(ride(serial=9))
    for _ in range(2):
        bench.pass_(10)

    assert "x.fit" in bench.files()
    assert not bench.intake.state.unreadable


def test_a_ledger_that_cannot_be_written_is_no_fault_of_the_file(bench: Bench, ride: Ride) -> None:
    """It is looked at again, not given up."""
    (bench.folder / "a.fit").write_bytes(ride())
    bench.intake.step()
    with full_disk(), pytest.raises(DatabaseError):
        bench.pass_(10)
    bench.pass_(10)

    assert bench.files() == ["a.fit"]


@pytest.mark.parametrize(
    "year", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "1970-01-01T00:00:00Z"]
)
def test_a_document_of_an_impossible_day_is_taken_as_one_without(bench: Bench, year: str) -> None:
    """Its clock was never set; beside a point that says when, that one counts."""
    (bench.folder / "a.gpx").write_bytes(gpx().replace(b"2026-09-21T12:00:00Z", year.encode()))
    for _ in range(2):
        bench.pass_(10)
    (job,) = queries.listed()

    assert (job.start_time, job.elapsed_s) == (START.timestamp() + 10, 90)


def test_a_zip_with_a_broken_ride_in_it_waits_for_a_word(bench: Bench, ride: Ride) -> None:
    """The whole one is queued, the other one held, and as long as it is the zip is not put away."""
    path = bench.folder / "both.zip"
    path.write_bytes(zipped({"a.fit": ride(), "b.fit": ride(serial=2)[:-1]}))
    for _ in range(2):
        bench.pass_(10)
    held, whole = queries.listed()
    assert (held.file, held.status, held.error_code) == ("both.zip/b.fit", Status.HELD, "unfinished")
    recorded(
        whole.id,
        AttemptResult(Outcome.COMPLETED, Status.COMPLETED),
        NOW,
        after_upload_action=AfterUpload.DELETE,
    )
    tidy = FileTidier([Archive(bench.folder, bench.folder / "uploaded")])
    tidy()
    assert path.exists()
    uploads.dismiss(held.id)
    tidy()

    assert path.exists()
    assert not uploads.awaiting_after_upload()


def test_a_held_ride_in_a_zip_goes_with_it(bench: Bench, ride: Ride) -> None:
    """Not when the same zip is looked at again."""
    path = bench.folder / "both.zip"
    path.write_bytes(zipped({"a.fit": ride(), "b.fit": ride(serial=2)[:-1]}))
    for _ in range(2):
        bench.pass_(10)
    held = queries.listed()[0].id
    path.touch()
    for _ in range(2):
        bench.pass_(10)
    assert [job.id for job in queries.listed(status=Status.HELD)] == [held]
    path.write_bytes(zipped({"a.fit": ride(), "b.fit": ride(serial=2)}))
    for _ in range(2):
        bench.pass_(10)

    assert [job.status for job in queries.listed()] == [Status.PENDING, Status.PENDING]


@pytest.mark.parametrize("name", ["new", "new.fit", "2026.zip"])
def test_what_came_with_a_new_folder_is_found_whatever_it_is_called(
    bench: Bench, ride: Ride, name: str
) -> None:
    """It may have come before the folder's watch, and the next scan is minutes away."""
    bench.pass_(0)
    (bench.folder / name / "below").mkdir(parents=True)
    (bench.folder / name / "below" / "a.fit").write_bytes(ride())
    bench.intake.hint(str(bench.folder / name), FileEvent.APPEARED)
    for _ in range(3):
        bench.pass_(1)

    assert bench.files() == ["a.fit"]


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError])
def test_a_new_folder_that_cannot_be_read_is_told_of(
    bench: Bench, ride: Ride, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """One that is gone again is not; what came with it is taken as soon as it can be read."""
    bench.pass_(0)
    new = bench.folder / "new"
    new.mkdir()
    (new / "a.fit").write_bytes(ride())
    opened = os.open

    def refuse(path: str, *given: int, **options: int) -> int:
        if path == "new":
            number = errno.EACCES if error is PermissionError else errno.ENOENT
            raise error(number, "refused", path)
        return opened(path, *given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        bench.intake.hint(str(new), FileEvent.APPEARED)
        bench.pass_(1)
    assert list(bench.intake.state.unreadable) == ([str(new)] if error is PermissionError else [])
    for _ in range(3):
        bench.pass_(10)

    assert (bench.files(), list(bench.intake.state.unreadable)) == (["a.fit"], [])


def test_what_a_linked_folder_holds_is_not_taken(bench: Bench, ride: Ride, tmp_path: Path) -> None:
    """Whether the link was there at first or came later."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.fit").write_bytes(ride())
    (bench.folder / "link").symlink_to(outside)
    bench.intake.hint(str(bench.folder / "link"), FileEvent.APPEARED)
    for _ in range(3):
        bench.pass_(10)

    assert bench.files() == []


def test_a_slow_writer_is_waited_for(live: Bench, ride: Ride) -> None:
    """Each write is an event; only the last one makes the file whole."""
    whole = ride()
    with (live.folder / "a.fit").open("wb", buffering=0) as file:
        for start in range(0, len(whole), 100):
            file.write(whole[start : start + 100])
        os.fsync(file.fileno())

    assert live.wait_for(1)
    assert len(live.files()) == 1
