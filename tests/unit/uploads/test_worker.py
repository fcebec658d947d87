"""One attempt after the other: claim, ask Strava, write down what came of it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from fakes import (
    ADMISSION,
    NOW,
    PROCESSING,
    READY,
    UPLOADS,
    InlineFolders,
    a_job,
    admit_file,
    strava,
    the,
)
from fitferry.core.rules import Changes, Conditions, Rule
from fitferry.core.upload import Status, WaitingFor
from fitferry.storage import queries
from fitferry.storage.database import DatabaseError
from fitferry.uploads.worker import UploadWorker
from ledger_statements import failing
from worker_bench import REFUSED, Bench


def test_a_file_is_sent_then_looked_at_then_done(bench: Bench) -> None:
    """Two requests for one activity, and no worker held in between."""
    accepted = bench.try_(bench.job())
    assert (
        accepted.status,
        accepted.own_wait,
        accepted.upload_id,
    ) == (Status.PROCESSING, WaitingFor.PROCESSING, 77)
    assert accepted.next_attempt_at == NOW + 2
    done = bench.later(accepted)

    assert (done.status, done.strava_activity_id) == (Status.COMPLETED, 4242)
    assert [request.method for request in bench.wire.asked] == ["POST", "GET"]


def test_what_the_rules_say_goes_with_the_upload(bench: Bench) -> None:
    """Name, type and marks need no second request; nor does what it is, and the id by which it is found again."""
    rules = [
        Rule(
            Conditions(file=("*.fit",)),
            Changes(name="Ride {file}", sport_type="VirtualRide", trainer=True),
        )
    ]
    attempt = UploadWorker(
        strava(bench.wire),
        bench.tokens,
        uploads=UPLOADS,
        archives=[],
        folders=InlineFolders(),
        rules=rules,
        clock=bench.clock,
    )
    job = bench.job()
    attempt(job.id)
    body = bench.wire.asked[0].content.decode()

    said = {"name": "Ride a", "sport_type": "VirtualRide", "trainer": "1"}
    for name, value in {**said, "data_type": "fit", "external_id": job.external_id}.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n' in body
    assert 'name="commute"' not in body


def test_what_is_about_to_be_sent_is_written_down_before(bench: Bench) -> None:
    """A kill in the middle of the body leaves a trace that the next start can judge."""
    job = bench.job()
    seen: list[float | None] = []
    bench.wire.while_asked = lambda: seen.append(the(job.id).sent_at)
    bench.try_(job)

    assert seen == [NOW]


def test_a_job_that_is_given_to_a_worker_before_it_is_due_asks_nobody(bench: Bench) -> None:
    """The queue may name a job twice."""
    accepted = bench.try_(bench.job())
    bench.try_(accepted)

    assert len(bench.wire.asked) == 1


def test_a_duplicate_is_completed_with_stravas_id(bench: Bench) -> None:
    """Whoever brought it there."""
    bench.wire.to("GET /uploads/N", (200, {**PROCESSING, "error": "x duplicate of activity 99"}))
    done = bench.later(bench.try_(bench.job()))

    assert (done.status, done.strava_activity_id, done.error_code) == (Status.COMPLETED, 99, "duplicate")


def test_one_failed_look_while_strava_processes_lets_no_other_job_wait(bench: Bench) -> None:
    """Questions that fail are counted by themselves, however often was looked before."""
    job = bench.try_(bench.job())
    bench.wire.to("GET /uploads/N", (200, PROCESSING))
    for _ in range(20):
        job = bench.later(job)
    bench.wire.to("GET /uploads/N", httpx.ReadTimeout("slow"), (200, PROCESSING), httpx.ReadTimeout("slow"))
    waits = []
    for _ in range(4):
        job = bench.later(job)
        waits.append(job.next_attempt_at - bench.clock())

    assert waits == [60, 30, 60, 300]


def test_the_schedule_ends_in_failed(bench: Bench) -> None:
    """1 min, 5 min, 30 min, 2 h, then failed with four retries begun."""
    job = bench.job()
    bench.wire.to("POST /uploads", REFUSED)
    waits = []
    for _ in range(5):
        bench.later(job)
        waits.append(the(job.id).next_attempt_at - bench.clock())

    assert waits[:4] == [60, 300, 1800, 7200]
    assert (
        the(job.id).status,
        the(job.id).retry_count,
        bench.wire.count("POST /uploads"),
    ) == (Status.FAILED, 4, 5)


def test_an_accepted_upload_is_looked_at_for_as_long_as_it_takes(bench: Bench) -> None:
    """Whatever the looks meet, the file is never sent again."""
    job = bench.try_(bench.job())
    for answer in [
        (500, b""),
        (503, b""),
        httpx.ReadTimeout("slow"),
        (200, b"<html>"),
        (200, PROCESSING),
        (429, b""),
    ]:
        bench.wire.to("GET /uploads/N", answer)
        job = bench.later(job)
        assert (job.upload_id, job.failures) == (77, 0)
    bench.wire.to("GET /uploads/N", (200, READY))

    assert bench.later(job).status == Status.COMPLETED
    assert bench.wire.count("POST /uploads") == 1


def test_a_file_that_changed_is_admitted_anew_and_the_old_job_skipped(
    bench: Bench, ride: Callable[..., bytes]
) -> None:
    """The bytes that are sent are the bytes that were hashed, never others."""
    job = bench.job()
    (bench.folder / "a.fit").write_bytes(ride())
    old = bench.try_(job)
    admit_file(str(bench.folder / "a.fit"), "me", ADMISSION, NOW)

    assert (old.status, old.error_code) == (Status.SKIPPED, "replaced")
    assert [job.status for job in queries.listed()] == [Status.PENDING]
    assert bench.wire.asked == []


def test_a_file_that_was_renamed_is_found_under_its_other_name(bench: Bench) -> None:
    """Any path with these bytes will do."""
    job = bench.job()
    a_job(bench.folder / "copy.fit")
    (bench.folder / "a.fit").unlink()

    assert bench.try_(job).status == Status.PROCESSING
    assert str(bench.folder / "copy.fit") == the(job.id).path


def test_a_file_that_is_gone_is_held(bench: Bench) -> None:
    """It waits for a person; when it comes back it goes on."""
    job = bench.job()
    (bench.folder / "a.fit").unlink()

    assert (bench.try_(job).status, the(job.id).error_code) == (Status.HELD, "file_gone")


def test_a_folder_that_is_away_is_waited_for(bench: Bench) -> None:
    """A NAS that is off is no reason to give anything up, and counts for nothing."""
    job, other = bench.job(), bench.job("b.fit", b"another ride")
    bench.folder.rename(bench.folder.with_name("away"))
    waiting = bench.try_(job)
    bench.folder.with_name("away").rename(bench.folder)

    assert [the(one.id).next_attempt_at for one in (job, other)] == [NOW + 300] * 2
    assert (waiting.status, waiting.own_wait, waiting.failures) == (Status.PENDING, WaitingFor.FILE, 0)
    assert bench.later(job).status == Status.PROCESSING


def test_a_surprise_counts_and_frees_the_worker(bench: Bench) -> None:
    """The traceback is logged, the job goes on by the schedule."""
    bench.wire.to("POST /uploads", ZeroDivisionError("a bug"))
    job = bench.try_(bench.job())

    assert (job.failures, job.error_code, job.uncertain) == (1, "surprise", True)


def test_an_outcome_that_could_not_be_written_is_written_later(bench: Bench) -> None:
    """The disk was full when Strava's answer came: the answer is not forgotten."""
    job = bench.job()
    with failing(lambda _statement: bench.wire.count("POST /uploads")), pytest.raises(DatabaseError):
        bench.attempt(job.id)
    assert bench.attempt.claims.held() == {job.id}
    bench.attempt(job.id)
    assert bench.wire.count("POST /uploads") == 1
    assert bench.attempt.write_unwritten()
    assert not bench.attempt.write_unwritten()

    assert (
        the(job.id).status,
        the(job.id).upload_id,
        bench.attempt.claims.count(),
    ) == (Status.PROCESSING, 77, 0)
    assert bench.later(job).status is Status.COMPLETED


def test_each_attempt_is_one_line_in_the_log(bench: Bench) -> None:
    """With what came of it, when it goes on, and the activity; what failed is a warning, a mere look is not shown."""
    job = bench.job()
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        bench.wire.to("POST /uploads", (500, {"message": "error"}))
        bench.try_(job)
        bench.wire.to("POST /uploads", (201, PROCESSING))
        bench.wire.to("GET /uploads/N", (200, PROCESSING), (200, READY))
        for _ in range(3):
            bench.later(job)
    found = [log for log in logs if log["event"] == "upload_attempt"]

    assert [(log["outcome"], log["log_level"]) for log in found] == [
        ("retry", "warning"),
        ("accepted", "info"),
        ("processing", "debug"),
        ("completed", "info"),
    ]
    assert {(log["job"], log["file"], log["athlete"]) for log in found} == {(job.id, "a.fit", "me")}
    assert [log["next_in"] for log in found] == [60.0, 2.0, 2.0, None]
    assert [log["strava_activity_id"] for log in found] == [None, None, None, 4242]


def test_an_upload_was_accepted_when_strava_gave_it_a_number(bench: Bench) -> None:
    """From then on its processing is timed."""
    accepted = bench.try_(bench.job())

    assert (accepted.upload_id, accepted.accepted_at) == (77, bench.clock.now)
