"""From a file to a job, by the settings."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from documents import zipped
from fakes import ADMISSION, NOW, InlineFolders, a_job, admit_file, recheck_held, recorded, sending, the
from fitferry.core import attempt_results
from fitferry.core.activity import AdmissionResult
from fitferry.core.follow_up import FollowUpKind
from fitferry.core.rules import Changes, Conditions, Rule
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import AttemptResult, ErrorCode, Job, Outcome, Status
from fitferry.inbox import file_reader
from fitferry.storage import follow_ups, queries, uploads
from fitferry.uploads.source_file import SourceFiles

Ride = Callable[..., bytes]
START = datetime(2026, 9, 21, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("ledger")


def test_a_ride_is_queued_and_known_afterwards(tmp_path: Path, ride: Ride) -> None:
    """Under any name."""
    for name in ("a.fit", "b.fit"):
        (tmp_path / name).write_bytes(ride())

    assert AdmissionResult.ADMITTED is admit_file(str(tmp_path / "a.fit"), "me", ADMISSION, NOW)
    assert AdmissionResult.KNOWN is admit_file(str(tmp_path / "b.fit"), "me", ADMISSION, NOW)
    assert len(queries.listed()) == 1


@pytest.mark.parametrize(
    ("pattern", "skipped"), [("race*", {"race.fit"}), ("*.zip", {"race.fit", "ride.fit"})]
)
def test_a_rule_skips_a_ride_in_a_zip_by_its_own_name_or_the_zips(
    tmp_path: Path, ride: Ride, pattern: str, skipped: set[str]
) -> None:
    """As it is called when it is sent."""
    path = tmp_path / "week.zip"
    path.write_bytes(zipped({"race.fit": ride(serial=1), "ride.fit": ride(serial=2)}))
    rule = Rule(Conditions(file=(pattern,)), Changes(skip=True))
    admit_file(str(path), "me", replace(ADMISSION, rules=(rule,)), NOW)

    assert {job.member for job in queries.listed(status=Status.SKIPPED)} == skipped


@pytest.mark.parametrize(
    ("settings", "expected", "code"),
    [
        ({}, Status.PENDING, None),
        ({"auto_upload": False}, Status.HELD, "auto_upload"),
        ({"since": (START + timedelta(days=2)).date()}, Status.HELD, "since"),
        ({"since": (START - timedelta(days=2)).date()}, Status.PENDING, None),
    ],
)
def test_the_settings_decide_what_is_held(
    tmp_path: Path, ride: Ride, settings: dict[str, object], expected: Status, code: str | None
) -> None:
    """With the reason in words."""
    path = tmp_path / "a.fit"
    path.write_bytes(ride())
    admit_file(str(path), "me", replace(ADMISSION, **settings), NOW)  # type: ignore[arg-type]  # a table of cases
    (job,) = queries.listed()

    assert (expected, code) == (job.status, job.error_code)


def test_an_activity_that_does_not_say_when_is_not_held(tmp_path: Path, ride: Ride) -> None:
    """Relative times say nothing of the day."""
    path = tmp_path / "a.fit"
    path.write_bytes(ride(start=datetime(1990, 1, 2, tzinfo=UTC)))
    admit_file(str(path), "me", replace(ADMISSION, since=START.date()), NOW)

    assert (queries.listed()[0].start_time, queries.listed()[0].status) == (None, Status.PENDING)


def test_nothing_is_written_for_half_a_file(tmp_path: Path, ride: Ride) -> None:
    """It may become whole."""
    path = tmp_path / "a.fit"
    path.write_bytes(ride()[:-1])

    assert AdmissionResult.UNFINISHED is admit_file(str(path), "me", ADMISSION, NOW)
    assert sum(uploads.counts().values()) == 0


def test_a_file_that_is_too_large_is_held_with_the_reason(tmp_path: Path, ride: Ride) -> None:
    """Without being kept in memory."""
    path = tmp_path / "a.fit"
    with path.open("wb") as file:
        file.write(ride())
        file.truncate(MAX_FILE_BYTES + 1)

    assert AdmissionResult.HELD is admit_file(str(path), "me", ADMISSION, NOW)
    (held,) = queries.listed(status=Status.HELD)
    assert (held.error_code, held.size) == ("too_large", MAX_FILE_BYTES + 1)
    assert "25 MB" in str(held.error_message)


def test_what_is_no_regular_file_is_not_there(tmp_path: Path) -> None:
    """A FIFO holds nobody up."""
    os.mkfifo(tmp_path / "a.fit")
    found: list[AdmissionResult] = []
    thread = threading.Thread(
        target=lambda: found.append(admit_file(str(tmp_path / "a.fit"), "me", ADMISSION, NOW))
    )
    # A ledger's connection is a thread's own; none is needed for this.
    thread.start()
    thread.join(60)

    assert found == [AdmissionResult.GONE]
    assert AdmissionResult.GONE is admit_file(str(tmp_path / "missing.fit"), "me", ADMISSION, NOW)


def test_a_file_that_changes_while_it_is_read_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that are sent are the bytes that were hashed."""
    path = tmp_path / "a.fit"
    path.write_bytes(b"x" * 10)
    real = os.fstat
    seen: list[int] = []

    def fstat(handle: int) -> os.stat_result:
        seen.append(handle)
        if len(seen) == 3:
            path.write_bytes(b"y" * 11)
        return real(handle)

    monkeypatch.setattr(os, "fstat", fstat)

    assert file_reader.read(str(path)) is None


def test_a_file_that_came_back_is_queued_again(tmp_path: Path) -> None:
    """Under its own name by looking for it, under another by its bytes."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, AttemptResult(Outcome.HELD, Status.HELD, error_code=ErrorCode.FILE_GONE), NOW)
    (tmp_path / "a.fit").rename(tmp_path / "away")
    assert recheck_held(tmp_path) == 0
    (tmp_path / "away").rename(tmp_path / "a.fit")
    assert recheck_held(tmp_path) == 1

    assert the(job.id).status == Status.PENDING


def lost(job: Job, how: str) -> None:
    """Let the bytes of a job be away when they are to be sent."""
    recorded(
        job.id, attempt_results.file_gone(job) if how == "gone" else attempt_results.file_changed(job), NOW
    )


@pytest.mark.parametrize("how", ["gone", "changed", "not tried yet"])
@pytest.mark.parametrize("first", ["alone", "in a zip"])
def test_bytes_that_are_there_again_in_another_kind_of_file_are_sent_from_there(
    tmp_path: Path, ride: Ride, first: str, how: str
) -> None:
    """A ride alone and the same one in a zip are one activity, and either can stand in for the other."""
    alone, packed = tmp_path / "a.fit", tmp_path / "both.zip"
    bodies = {alone: ride(), packed: zipped({"a.fit": ride(), "b.fit": ride(serial=2)})}
    before, after = (alone, packed) if first == "alone" else (packed, alone)
    before.write_bytes(bodies[before])
    admit_file(str(before), "me", ADMISSION, NOW)
    job = uploads.of_bytes("me", sha256(ride()).hexdigest())
    assert job is not None
    before.unlink()
    if how != "not tried yet":
        lost(job, how)
    after.write_bytes(bodies[after])
    arrival = admit_file(str(after), "me", ADMISSION, NOW, folder=str(tmp_path))

    # The workers are woken only for what is admitted.
    assert (arrival is AdmissionResult.KNOWN) == (how == "not tried yet" and after == alone)
    assert the(job.id).status is Status.PENDING
    assert the(job.id).file == ("both.zip/a.fit" if after == packed else "a.fit")
    assert ride() == SourceFiles(InlineFolders(), ()).read(the(job.id))


@pytest.mark.parametrize("done", [False, True])
def test_a_file_that_is_renamed_while_something_is_done_with_it_is_known_by_its_new_name(
    tmp_path: Path, ride: Ride, *, done: bool
) -> None:
    """While it is sent, and while a command is still to be shown it: there it is archived or deleted afterwards."""
    follow_ups.want([FollowUpKind.HOOK])
    path = tmp_path / "a.fit"
    path.write_bytes(ride())
    admit_file(path, "me", ADMISSION, NOW)
    (job,) = queries.listed()
    sending(job.id)
    if done:
        recorded(job.id, AttemptResult(Outcome.COMPLETED, Status.COMPLETED))
    renamed = path.rename(tmp_path / "b.fit")

    assert admit_file(renamed, "me", ADMISSION, NOW, folder=str(tmp_path)) is AdmissionResult.KNOWN
    assert the(job.id).path == str(renamed)


def test_a_second_copy_takes_nothing_over_while_the_first_is_there(tmp_path: Path, ride: Ride) -> None:
    """The job stays with the file that it came with, which is the one that is put away."""
    for name in ("a.fit", "b.fit"):
        (tmp_path / name).write_bytes(ride())
        admit_file(str(tmp_path / name), "me", ADMISSION, NOW)
    (job,) = queries.listed()
    assert job.file == "a.fit"
    (tmp_path / "a.fit").write_bytes(ride(serial=2))
    admit_file(str(tmp_path / "a.fit"), "me", ADMISSION, NOW)
    (tmp_path / "b.fit").touch()
    admit_file(str(tmp_path / "b.fit"), "me", ADMISSION, NOW)

    assert the(job.id).file == "b.fit"


@pytest.mark.parametrize("state", ["in flight", "completed"])
def test_what_is_being_sent_or_was_sent_stays_where_it_is(tmp_path: Path, ride: Ride, state: str) -> None:
    """Its file is at work, or is to be put away."""
    (tmp_path / "a.fit").write_bytes(ride())
    admit_file(str(tmp_path / "a.fit"), "me", ADMISSION, NOW)
    (job,) = queries.listed()
    if state == "completed":
        recorded(job.id, AttemptResult(Outcome.COMPLETED, Status.COMPLETED), NOW)
    (tmp_path / "a.fit").rename(tmp_path / "b.fit")
    admit_file(str(tmp_path / "b.fit"), "me", ADMISSION, NOW)

    assert the(job.id).file == "a.fit"
