"""What an attempt came to is written with all that follows from it, and logged once; what cannot be written is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fakes import COMPLETED, NOW, RETRY, UPLOADS, Clock, a_job, the
from fitferry.core.activity import Thumbnail, ThumbnailKind
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.retry_policy import Action
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AfterUpload, AttemptResult, Job, Outcome, Status, WaitingFor
from fitferry.storage import activities, attempts, breakers, database
from fitferry.storage.database import DatabaseError
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.attempt import RunningAttempt
from fitferry.uploads.claims import Claims
from fitferry.uploads.result_writer import ResultWriter
from fitferry.uploads.strava_health import StravaHealth

pytestmark = pytest.mark.usefixtures("ledger")
WAITS = AttemptResult(Outcome.WAITING, Status.PENDING, WaitingFor.RETRY, NOW + 60.04)


class Desk:
    """A job with a claim, whose attempt has ended."""

    def __init__(self, folder: Path) -> None:
        self.completed: list[str] = []
        self.took: list[float] = []
        self.claims = Claims()
        clock = Clock()
        self.results = ResultWriter(
            self.claims,
            StravaHealth(UPLOADS, clock),
            replace(UPLOADS, after_upload=AfterUpload.ARCHIVE),
            [Archive(folder, folder / "uploaded")],
            on_completed=lambda: self.completed.append("tidied"),
            took=self.took.append,
            clock=clock,
        )
        self.job = a_job(folder / "a.fit")
        self.claims.take(self.job.id)

    def attempt(self, **changed: Any) -> RunningAttempt:
        """The attempt."""
        job = replace(self.job, **changed)
        return RunningAttempt(job, Action.SEND)

    def write(self, result: AttemptResult, **changed: Any) -> Job:
        """Write what it came to; the job afterwards."""
        self.results.write(self.attempt(**changed), result)
        return the(self.job.id)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    folder = tmp_path / "rides"
    folder.mkdir()
    return Desk(folder)


@contextmanager
def full_disk() -> Iterator[None]:
    """A ledger that takes nothing."""
    database.run("PRAGMA query_only = 1")
    try:
        yield
    finally:
        database.run("PRAGMA query_only = 0")


@pytest.mark.parametrize(
    ("outcome", "action", "told"),
    [(Outcome.COMPLETED, AfterUpload.ARCHIVE, ["tidied"]), (Outcome.DUPLICATE, AfterUpload.KEEP, [])],
)
def test_a_completed_job_has_its_file_tidied_as_the_settings_say(
    desk: Desk, outcome: Outcome, action: AfterUpload, told: list[str]
) -> None:
    """Only what Strava took from us is moved; another recording of the same ride is kept, and wakes no folder."""
    job = desk.write(replace(COMPLETED, outcome=outcome))

    assert (job.status, job.after_upload_action, desk.completed) == (Status.COMPLETED, action, told)


@pytest.mark.parametrize(
    ("result", "upload_id", "took"), [(COMPLETED, 77, [5.0]), (COMPLETED, None, []), (RETRY, 77, [])]
)
def test_strava_is_timed_over_what_it_had_accepted(
    desk: Desk, result: AttemptResult, upload_id: int | None, took: list[float]
) -> None:
    """Not over what was there by another road, nor over what is not done."""
    desk.write(result, upload_id=upload_id, accepted_at=NOW - 5)

    assert desk.took == took


def test_the_drawing_of_an_activity_is_written_with_what_it_came_to(desk: Desk) -> None:
    """Nobody reads the file for it once more."""
    attempt = desk.attempt()
    attempt.thumbnail = Thumbnail(ThumbnailKind.ROUTE, "0,0 9,9")
    desk.results.write(attempt, COMPLETED)

    assert activities.has_thumbnail(desk.job.activity_id)


def test_what_is_not_completed_is_not_tidied(desk: Desk) -> None:
    """Nor is anything decided on its file."""
    job = desk.write(RETRY)

    assert (job.status, job.after_upload_action, desk.completed) == (Status.PENDING, None, [])


@pytest.mark.parametrize(("upload_id", "accepted_at"), [(77, NOW - 5), (None, None)])
def test_an_upload_without_a_number_was_accepted_at_no_time(
    desk: Desk, upload_id: int | None, accepted_at: float | None
) -> None:
    """Whatever the job says of an earlier one."""
    processing = AttemptResult(Outcome.PROCESSING, Status.PROCESSING, upload_id=upload_id)

    assert desk.write(processing, accepted_at=NOW - 5).accepted_at == accepted_at


def test_what_follows_for_all_jobs_is_written_with_it(desk: Desk) -> None:
    """The breaker."""
    trip = BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, verbatim("words"))
    desk.write(replace(WAITS, breaker=trip))

    assert breakers.open_breakers()[BreakerName.NETWORK].until == NOW + 60


@pytest.mark.parametrize(
    ("result", "kept"), [(WAITS, 0), (replace(WAITS, error_message=verbatim("new")), 1), (RETRY, 1)]
)
def test_an_attempt_that_says_nothing_new_is_not_kept_in_the_history(
    desk: Desk, result: AttemptResult, kept: int
) -> None:
    """A wait in which nothing was asked is none."""
    desk.write(result)

    assert len(attempts.of_job(desk.job.id)) == kept


def test_what_somebody_else_has_decided_meanwhile_is_not_overwritten(desk: Desk) -> None:
    """The attempt has lost its claim: nothing is tidied."""
    first = desk.write(RETRY)
    with capture_logs() as logged:
        job = desk.write(COMPLETED)

    assert (job, desk.completed) == (first, [])
    assert [(entry["event"], entry["outcome"]) for entry in logged] == [("claim_lost", Outcome.COMPLETED)]


def test_what_the_ledger_does_not_take_is_kept_with_its_claim_and_written_later(desk: Desk) -> None:
    """Nobody else works on the job meanwhile."""
    with full_disk(), pytest.raises(DatabaseError):
        desk.write(COMPLETED)
    assert desk.results.is_kept(desk.job.id)
    with full_disk(), pytest.raises(DatabaseError):
        desk.results.write_unwritten()
    assert desk.results.is_kept(desk.job.id)
    assert desk.claims.held() == {desk.job.id}
    assert desk.results.write_unwritten() is True
    assert (the(desk.job.id).status, desk.claims.held()) == (Status.COMPLETED, frozenset())
    assert not desk.results.is_kept(desk.job.id)
    assert desk.results.write_unwritten() is False


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (Outcome.COMPLETED, "info"),
        (Outcome.WAITING, "info"),
        (Outcome.RETRY, "warning"),
        (Outcome.FAILED, "warning"),
        (Outcome.PROCESSING, "debug"),
    ],
)
def test_one_line_of_the_log_tells_an_attempt(desk: Desk, outcome: Outcome, level: str) -> None:
    """A look that changed nothing is for who debugs."""
    with capture_logs() as logged:
        desk.write(replace(WAITS, outcome=outcome, error_message=verbatim("words"), strava_activity_id=4242))

    assert [
        (entry["event"], entry["log_level"], entry["next_in"], entry["waiting_for"]) for entry in logged
    ] == [("upload_attempt", level, 60.0, WaitingFor.RETRY)]
    assert (logged[0]["outcome"], logged[0]["strava_activity_id"]) == (outcome, 4242)
    assert logged[0]["reason"] == (None if outcome is Outcome.COMPLETED else verbatim("words"))


@pytest.mark.parametrize("at", [0.0, NOW - 1, NOW])
def test_what_is_due_at_once_says_no_time(desk: Desk, at: float) -> None:
    """What waits for a breaker names it."""
    trip = BreakerTrip(BreakerName.SETTINGS, NOW + 60, StravaErrorKind.APP_REFUSED, verbatim("words"))
    with capture_logs() as logged:
        desk.write(replace(WAITS, next_attempt_at=at, breaker=trip))

    assert [(entry["next_in"], entry["waiting_for"]) for entry in logged] == [(None, BreakerName.SETTINGS)]
