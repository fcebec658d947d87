"""Results of attempts: what the ledger writes of a job after an attempt, built from the job as it was before."""

from __future__ import annotations

from dataclasses import replace

from fitferry.core.admission_rules import held_as_old
from fitferry.core.messages import Message, uploads
from fitferry.core.upload import (
    AttemptResult,
    AuthProblem,
    ErrorCode,
    Job,
    JobErrorCode,
    Outcome,
    Status,
    WaitingFor,
)

FOLDER_SECONDS = 300.0
FILE_SECONDS = 60.0
"""Seconds until a file that could not be read is tried again, if no event comes first."""
DATABASE_SECONDS = 1.0
"""Seconds until a job that the database failed before anything was sent is tried again."""


def unchanged(job: Job, outcome: Outcome) -> AttemptResult:
    """The job as it is, open, due as soon as nothing is in its way."""
    return AttemptResult(
        outcome=outcome,
        status=Status.PENDING if job.upload_id is None else Status.PROCESSING,
        own_wait=job.own_wait,
        failures=job.failures,
        uncertain=job.uncertain,
        upload_id=job.upload_id,
        looks=job.looks,
        read_failures=job.read_failures,
        strava_activity_id=job.strava_activity_id,
        error_code=job.error_code,
        error_message=job.error_message,
    )


def completed(job: Job, activity_id: int | None) -> AttemptResult:
    """The activity is on Strava; earlier errors are cleared."""
    result = _ended(job, Outcome.COMPLETED, Status.COMPLETED, None, None)
    return replace(result, uncertain=False, strava_activity_id=activity_id)


def duplicate(job: Job, activity_id: int | None) -> AttemptResult:
    """The activity was on Strava before; `activity_id` where Strava names it."""
    return replace(
        completed(job, activity_id),
        outcome=Outcome.DUPLICATE,
        error_code=ErrorCode.DUPLICATE,
        error_message=uploads.ALREADY_ON_STRAVA(),
    )


def failed(job: Job, code: ErrorCode, message: Message) -> AttemptResult:
    """Strava has judged the upload: another try would change nothing."""
    return replace(_ended(job, Outcome.FAILED, Status.FAILED, code, message), uncertain=False)


def given_up(job: Job) -> AttemptResult:
    """The schedule is used up. A job that may have arrived and could not be looked for stays uncertain."""
    return _ended(job, Outcome.FAILED, Status.FAILED, job.error_code, job.error_message)


def connection_lost(job: Job, problem: AuthProblem | None) -> AttemptResult:
    """No access token can be had: the job waits for a person, uncounted."""
    return replace(unchanged(job, Outcome.WAITING), auth_problem=problem)


def file_changed(job: Job) -> AttemptResult:
    """Other bytes are at the path; these are gone, and the new ones have a job of their own."""
    message = uploads.FILE_CHANGED_AFTER() if job.uncertain else uploads.FILE_CHANGED()
    return _ended(job, Outcome.SKIPPED, Status.SKIPPED, ErrorCode.REPLACED, message)


def file_gone(job: Job) -> AttemptResult:
    """The file is not at its path any more, and its bytes are at no other path."""
    return _ended(job, Outcome.HELD, Status.HELD, ErrorCode.FILE_GONE, uploads.FILE_GONE())


def old_after_all(job: Job) -> AttemptResult:
    """Our clock took it for fresh, and Strava's shows that it was there before Fitferry."""
    decision = held_as_old()
    return _ended(job, Outcome.HELD, decision.status, decision.error_code, decision.error_message)


def archive_unreadable(job: Job) -> AttemptResult:
    """The archive that holds the activity cannot be unpacked, although its bytes are the same."""
    return replace(failed(job, ErrorCode.UNPACK, uploads.ARCHIVE_USELESS()), uncertain=job.uncertain)


def folder_away(job: Job, now: float) -> AttemptResult:
    """The file's whole folder is away: its jobs wait together, and are tried when it comes back."""
    return replace(file_unreadable(job, uploads.FOLDER_AWAY(), now), next_attempt_at=now + FOLDER_SECONDS)


def file_unreadable(job: Job, message: Message, now: float) -> AttemptResult:
    """The file cannot be read now: uncounted."""
    return replace(
        unchanged(job, Outcome.WAITING),
        own_wait=WaitingFor.FILE,
        next_attempt_at=now + FILE_SECONDS,
        error_code=ErrorCode.FILE_UNREADABLE,
        error_message=message,
    )


def database_failed(job: Job, reason: str, uncertain_delay: float, now: float) -> AttemptResult:
    """The ledger could not be written in the middle of an attempt: uncounted, and no doubt is dropped."""
    return replace(
        unchanged(job, Outcome.WAITING),
        own_wait=WaitingFor.CONFIRM if job.uncertain else WaitingFor.RETRY,
        next_attempt_at=now + (uncertain_delay if job.uncertain else DATABASE_SECONDS),
        error_code=ErrorCode.DATABASE,
        error_message=uploads.DATABASE_FAILED(reason=reason),
    )


def _ended(
    job: Job, outcome: Outcome, status: Status, code: JobErrorCode | None, message: Message | None
) -> AttemptResult:
    """The job waits for nothing any more, for this reason."""
    result = unchanged(job, outcome)
    return replace(result, status=status, own_wait=None, error_code=code, error_message=message)
