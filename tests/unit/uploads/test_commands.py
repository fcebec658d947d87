"""What a person decides: retry, dismiss, send again, and what becomes of old activities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes import (
    ADMISSION,
    APP,
    NOW,
    PROCESSING,
    READY,
    UPLOADS,
    a_job,
    admit_file,
    an_athlete,
    recorded,
    refused,
    the,
)
from fitferry import formats
from fitferry.core import admission_rules, attempt_results
from fitferry.core.activity import FileKind, Stability
from fitferry.core.breaker import BreakerCause, BreakerName, BreakerTrip
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import verbatim
from fitferry.core.strava import MAX_FILE_BYTES, RateLimitHeaders
from fitferry.core.upload import AttemptResult, Backlog, ErrorCode, Job, Outcome, Status
from fitferry.storage import breakers, rate_limits, seen_files, uploads
from fitferry.storage.database import writing
from fitferry.storage.models import JobRow
from fitferry.uploads import commands
from fitferry.uploads.commands import Actions
from worker_bench import Bench

Ride = Callable[..., bytes]
pytestmark = pytest.mark.usefixtures("ledger")


def person(bench: Bench) -> Actions:
    """Somebody at the page, by the bench's clock."""
    settings = SimpleNamespace(athletes=("me",), strava=APP, uploads=UPLOADS)
    return Actions(settings, wake=lambda: None, clock=bench.clock)  # type: ignore[arg-type]  # all that it asks for


WAYS: dict[str, Callable[[Actions, Job], object]] = {
    "retry": lambda someone, job: someone.retry(job.id),
    "retry all": lambda someone, _job: someone.retry_failed(),
    "upload": lambda someone, job: someone.upload(job.activity_id),
    "again": lambda someone, job: someone.retry(job.id, again=True),
    "dismiss and upload": lambda someone, job: (
        someone.dismiss(job.activity_id),
        someone.upload(job.activity_id),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_processing_refused_once_can_be_sent_again(bench: Bench, way: str) -> None:
    """A requeue begins a new attempt: the old verdict is not read again."""
    bench.wire.to(
        "GET /uploads/N", (200, {**PROCESSING, "error": "Time information is missing."}), (200, READY)
    )
    job = bench.later(bench.try_(bench.job()))
    assert (job.status, job.error_code) == (Status.FAILED, "rejected")
    WAYS[way](person(bench), job)
    again = the(job.id)
    assert (again.status, again.upload_id, again.uncertain) == (Status.PENDING, None, False)
    assert again.external_id != job.external_id
    done = bench.later(bench.later(job))

    assert (done.status, bench.wire.count("POST /uploads")) == (Status.COMPLETED, 2)


@pytest.mark.parametrize("way", ["retry", "upload", "again", "dismiss and upload"])
def test_what_strava_never_finishes_can_be_sent_again(bench: Bench, way: str) -> None:
    """It is looked for first, and sent under the same id if it is not there."""
    bench.wire.to("GET /uploads/N", (200, PROCESSING))
    job = bench.later(bench.try_(bench.job()))
    someone = person(bench)
    bench.clock.now = (the(job.id).accepted_at or 0) + UPLOADS.check_timeout - 1
    with pytest.raises(RequestRejected):
        WAYS[way](someone, job)
    bench.clock.forward(1)
    WAYS[way](someone, job)
    assert (the(job.id).status, the(job.id).uncertain) == (Status.PENDING, True)
    bench.wire.to("GET /uploads/N", (200, READY))
    done = bench.later(bench.later(job))

    assert (done.status, done.external_id) == (Status.COMPLETED, job.external_id)
    assert bench.wire.count("GET /athlete/activities") == 1
    assert bench.wire.count("POST /uploads") == 2


def test_what_strava_never_finishes_can_be_dismissed(bench: Bench) -> None:
    """And is then nobody's business any more."""
    job = bench.try_(bench.job())
    bench.clock.forward(UPLOADS.check_timeout)
    person(bench).dismiss(job.activity_id)

    assert (the(job.id).status, the(job.id).error_code) == (Status.SKIPPED, "dismissed")


@pytest.mark.parametrize(
    ("ask", "code", "words"),
    [
        (
            lambda actions: actions.upload_file(b"ride", "a.fit", "nobody"),
            RejectionCode.UNKNOWN_ATHLETE,
            "nobody",
        ),
        (
            lambda actions: actions.upload_file(bytes(MAX_FILE_BYTES + 1), "a.fit", "me"),
            RejectionCode.TOO_LARGE,
            "25",
        ),
        pytest.param(
            lambda actions: actions.upload_file(bytes(MAX_FILE_BYTES), "a.fit", "me"),
            RejectionCode.NO_ACTIVITY,
            "no FIT",
            marks=pytest.mark.slow,
        ),
        (lambda actions: actions.retry(99), RejectionCode.UNKNOWN, "99"),
        (lambda actions: actions.upload(99), RejectionCode.UNKNOWN, "99"),
        (lambda actions: actions.dismiss(99), RejectionCode.UNKNOWN, "99"),
        (
            lambda actions: actions.decide_backlog("since", date(1, 1, 1)),
            RejectionCode.BAD_VALUE,
            "no activity can",
        ),
    ],
    ids=["athlete", "size", "largest", "job", "activity", "dismissal", "day"],
)
def test_what_cannot_be_done_is_refused_with_its_code(
    actions: Actions,
    tmp_path: Path,
    ask: Callable[[Actions], object],
    code: RejectionCode,
    words: str,
    woken: list[str],
) -> None:
    """And leaves nothing behind: no file, no job, nobody woken."""
    with pytest.raises(RequestRejected, match=words) as raised:
        ask(actions)

    assert raised.value.code is code
    assert (sum(uploads.counts().values()), woken) == (0, [])
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".fit"]


def test_failed_jobs_are_retried_or_dismissed_all_at_once(actions: Actions, tmp_path: Path) -> None:
    """Those that wait are left alone."""
    failed = [a_job(tmp_path / f"{number}.fit", bytes([number])) for number in range(2)]
    waits = a_job(tmp_path / "waits.fit", b"waits")
    for job in failed:
        recorded(job.id, AttemptResult(Outcome.FAILED, Status.FAILED, error_code=ErrorCode.REJECTED))
    assert [job.id for job in actions.retry_jobs([failed[0].id])] == [failed[0].id]
    assert the(failed[0].id).status is Status.PENDING
    actions.dismiss_failed()

    assert [the(job.id).status for job in (*failed, waits)] == [
        Status.PENDING,
        Status.SKIPPED,
        Status.PENDING,
    ]


def test_what_waits_for_the_settings_is_tried_when_a_person_says_so(
    actions: Actions, woken: list[str]
) -> None:
    """They have mended it; what Strava's rate limit asks for is waited for all the same."""
    for name in (BreakerName.SETTINGS, BreakerName.RATE_LIMIT):
        breakers.open(BreakerTrip(name, NOW + 600, BreakerCause.OUTAGE, verbatim("no")), NOW - 60)
    actions.try_now()

    assert {name: one.until for name, one in breakers.open_breakers().items()} == {
        BreakerName.SETTINGS: NOW,
        BreakerName.RATE_LIMIT: NOW + 600,
    }
    assert woken == ["woken"]


def test_retry_goes_on_after_a_job_that_cannot_be_retried(bench: Bench) -> None:
    """One answer of 409 does not leave the others failed."""
    jobs = [bench.job(f"{number}.fit", b"%d" % number) for number in range(3)]
    for job in jobs:
        bench.wire.to("POST /uploads", (400, refused("Upload", "data", "empty")))
        bench.try_(job)
    someone = person(bench)
    someone.retry(jobs[0].id)
    with pytest.raises(RequestRejected):
        someone.retry_jobs([job.id for job in jobs])

    assert {the(job.id).status for job in jobs} == {Status.PENDING}
    assert someone.retry_failed() == []
    bench.try_(jobs[2])
    assert [job.id for job in someone.retry_failed()] == [jobs[2].id]


def test_what_is_there_of_a_held_file_is_repaired_and_queued(
    actions: Actions, tmp_path: Path, ride: Ride
) -> None:
    """As a file of its own; the held job needs nobody any more, and its file stays as it is."""
    half = ride(seconds=300)[:3_000]
    path = tmp_path / "a ride.fit"
    path.write_bytes(half)
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    (held,) = uploads.with_status(Status.HELD)
    queued = actions.repair_upload(held.activity_id)

    assert (queued.status, queued.file, queued.athlete) == (Status.PENDING, "a ride-repaired.fit", "me")
    assert formats.examine(Path(queued.path).read_bytes(), "").result.kind is FileKind.ACTIVITY
    assert [job.id for job in uploads.with_status(Status.SKIPPED)] == [held.id]
    assert path.read_bytes() == half


def test_what_cannot_be_repaired_stays_held(actions: Actions, tmp_path: Path, ride: Ride) -> None:
    """And what is not held for that is no matter of a repair."""
    path = tmp_path / "a.fit"
    path.write_bytes(ride()[:100])
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    (held,) = uploads.with_status(Status.HELD)
    with pytest.raises(RequestRejected, match="nothing in the file can be saved"):
        actions.repair_upload(held.activity_id)
    assert [job.id for job in uploads.with_status(Status.HELD)] == [held.id]
    (whole,) = actions.upload_file(ride(), "b.fit", "me")
    with pytest.raises(RequestRejected, match="only a held FIT file"):
        actions.repair_upload(whole.activity_id)
    old = tmp_path / "old.fit"
    old.write_bytes(ride(start=NOW - 30 * 86_400))
    admit_file(str(old), "me", ADMISSION, NOW, Stability.CLOSED, hold_old=NOW)
    waiting = uploads.with_status(Status.HELD)[-1]
    assert waiting.error_code == "backlog"
    with pytest.raises(RequestRejected, match="only a held FIT file"):
        actions.repair_upload(waiting.activity_id)


DAY = date(2026, 9, 10)


@pytest.mark.parametrize(
    ("decision", "day", "old", "newer"),
    [
        ("all", None, Status.PENDING, Status.PENDING),
        ("since", DAY, Status.SKIPPED, Status.PENDING),
        ("none", None, Status.SKIPPED, Status.SKIPPED),
    ],
)
def test_a_decision_on_old_activities_queues_them_from_a_day_on(
    actions: Actions,
    tmp_path: Path,
    decision: str,
    day: date | None,
    old: Status,
    newer: Status,
    woken: list[str],
) -> None:
    """The others are dismissed, and the workers woken."""
    begin = admission_rules.midnight(DAY)
    jobs = [a_job(tmp_path / f"{at}.fit", str(at).encode(), start=begin + at) for at in (-1, 0)]
    for job in jobs:
        recorded(job.id, attempt_results.old_after_all(job), NOW)
    left = actions.decide_backlog(decision, day)

    assert ([the(job.id).status for job in jobs], left.count) == ([old, newer], 0)
    assert woken == ["woken"]


@pytest.mark.parametrize(("decision", "status"), [("all", Status.HELD), ("none", Status.SKIPPED)])
def test_who_wants_nothing_old_does_not_want_old_files_with_faults_either(
    actions: Actions, tmp_path: Path, decision: str, status: Status
) -> None:
    """Nobody put them there lately."""
    half = a_job(tmp_path / "half.fit")
    seen_files.folder_scanned("me", str(tmp_path), (tmp_path / "half.fit").stat().st_ctime + 1)
    recorded(half.id, AttemptResult(Outcome.FAILED, Status.HELD, error_code=ErrorCode.UNFINISHED), NOW)
    actions.decide_backlog(decision)

    assert the(half.id).status is status


def held(folder: Path, count: int, *, code: ErrorCode = ErrorCode.BACKLOG, unproven: bool = False) -> None:
    """Old rides that wait for a decision, one a day."""
    for number in range(count):
        a_job(folder / f"{number}.fit", f"{number}".encode(), start=NOW - (400 + number) * 86_400)
    with writing():
        JobRow.update(status=Status.HELD, error_code=code, age_unproven=unproven).execute()


@pytest.mark.parametrize(
    ("count", "unproven", "waits"),
    [(0, False, 0), (20, True, 0), (21, True, 21), (1, False, 1), (20, False, 20)],
)
def test_a_few_that_the_first_scan_may_still_let_go_are_no_backlog(
    tmp_path: Path, count: int, unproven: bool, waits: int
) -> None:
    """Nobody is asked for a decision that the end of the scan may make needless."""
    held(tmp_path, count, unproven=unproven)
    found = commands.backlog(["me"], NOW)

    if waits:
        oldest, newest = NOW - (399 + count) * 86_400, NOW - 400 * 86_400
        assert found == Backlog(waits, oldest, newest, 1, NOW)
    else:
        assert found == Backlog(0, None, None, 0, 0.0)


@pytest.mark.parametrize(("scopes", "days"), [("activity:write,activity:read_all", 1), ("activity:write", 2)])
def test_a_backlog_takes_twice_as_long_where_nothing_may_be_listed(
    bench: Bench, scopes: str, days: int
) -> None:
    """Each upload is looked at by itself then."""
    an_athlete(bench.tokens, scopes=scopes)
    rate_limits.update(RateLimitHeaders((50, 50), (0, 0), (50, 50), (0, 0)), NOW)
    held(bench.folder, 30)

    assert commands.backlog(["me"], NOW).days == days


@pytest.mark.parametrize(("decision", "day"), [("some", None), ("since", None), ("all", DAY), ("none", DAY)])
def test_half_a_decision_is_none(actions: Actions, decision: str, day: date | None) -> None:
    """A day goes with `since`, and with nothing else."""
    with pytest.raises(RequestRejected) as raised:
        actions.decide_backlog(decision, day)

    assert raised.value.code is RejectionCode.BAD_DECISION


@pytest.mark.parametrize(
    ("since", "freed", "left"),
    [
        (None, 3, [None, None, None, "backlog", "backlog", "backlog"]),
        (DAY, 4, ["since", None, None, "since", None, None]),
    ],
)
def test_a_since_that_was_changed_frees_what_it_no_longer_holds(
    tmp_path: Path, since: date | None, freed: int, left: list[str | None]
) -> None:
    """All of it, where there is none any more; where there is one, it decides on the backlog, too."""
    begin, settings = admission_rules.midnight(DAY), SimpleNamespace(strava=replace(APP, since=since))
    jobs: list[Job] = []
    for reason in (ErrorCode.SINCE, ErrorCode.BACKLOG):
        for start in (begin - 1, begin, None):
            jobs.append(a_job(tmp_path / f"{len(jobs)}.fit", b"%d" % len(jobs), start=start))
            recorded(jobs[-1].id, AttemptResult(Outcome.FAILED, Status.HELD, error_code=reason), NOW)

    assert commands.decide_since_again(settings) == freed  # type: ignore[arg-type]  # all that it asks for
    assert [the(job.id).error_code for job in jobs] == left
