"""What the ledger writes of a job after an attempt: all that it kept of the job before, and what is new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import JOB, NOW
from fitferry.core import attempt_results as results
from fitferry.core.messages import uploads, verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AttemptResult, AuthProblem, ErrorCode, Outcome, Status, WaitingFor

WHY = verbatim("that is why")
BEFORE = replace(
    JOB,
    own_wait=WaitingFor.CONFIRM,
    failures=2,
    uncertain=True,
    looks=3,
    read_failures=1,
    strava_activity_id=4242,
    error_code=StravaErrorKind.SERVER_ERROR,
    error_message=verbatim("once"),
)
"""A job of which much is known, and which may have arrived."""
KEPT = AttemptResult(
    Outcome.WAITING,
    Status.PENDING,
    own_wait=WaitingFor.CONFIRM,
    failures=2,
    uncertain=True,
    looks=3,
    read_failures=1,
    strava_activity_id=4242,
    error_code=StravaErrorKind.SERVER_ERROR,
    error_message=verbatim("once"),
)
ENDED = replace(KEPT, own_wait=None)
DONE = replace(
    ENDED,
    outcome=Outcome.COMPLETED,
    status=Status.COMPLETED,
    uncertain=False,
    error_code=None,
    error_message=None,
)
FAILED = replace(ENDED, outcome=Outcome.FAILED, status=Status.FAILED)
HELD = replace(ENDED, outcome=Outcome.HELD, status=Status.HELD)
WAITS_FOR_FILE = replace(KEPT, own_wait=WaitingFor.FILE, error_code=ErrorCode.FILE_UNREADABLE)

TABLE = {
    "unchanged": (results.unchanged(BEFORE, Outcome.WAITING), KEPT),
    "unchanged, accepted": (
        results.unchanged(replace(BEFORE, upload_id=77), Outcome.PROCESSING),
        replace(KEPT, outcome=Outcome.PROCESSING, status=Status.PROCESSING, upload_id=77),
    ),
    "completed": (results.completed(BEFORE, 9), replace(DONE, strava_activity_id=9)),
    "on Strava before, as an activity that Strava does not name": (
        results.duplicate(BEFORE, None),
        replace(
            DONE,
            outcome=Outcome.DUPLICATE,
            strava_activity_id=None,
            error_code=ErrorCode.DUPLICATE,
            error_message=uploads.ALREADY_ON_STRAVA(),
        ),
    ),
    "refused by Strava": (
        results.failed(BEFORE, ErrorCode.REJECTED, WHY),
        replace(FAILED, uncertain=False, error_code=ErrorCode.REJECTED, error_message=WHY),
    ),
    "given up, still uncertain, with its last error": (results.given_up(BEFORE), FAILED),
    "no access token": (
        results.connection_lost(BEFORE, AuthProblem.SCOPE),
        replace(KEPT, auth_problem=AuthProblem.SCOPE),
    ),
    "other bytes at the path": (
        results.file_changed(replace(BEFORE, uncertain=False)),
        replace(
            ENDED,
            outcome=Outcome.SKIPPED,
            status=Status.SKIPPED,
            uncertain=False,
            error_code=ErrorCode.REPLACED,
            error_message=uploads.FILE_CHANGED(),
        ),
    ),
    "other bytes at the path of what may have arrived": (
        results.file_changed(BEFORE),
        replace(
            ENDED,
            outcome=Outcome.SKIPPED,
            status=Status.SKIPPED,
            error_code=ErrorCode.REPLACED,
            error_message=uploads.FILE_CHANGED_AFTER(),
        ),
    ),
    "old after all": (
        results.old_after_all(BEFORE),
        replace(HELD, error_code=ErrorCode.BACKLOG, error_message=uploads.BEFORE_FITFERRY()),
    ),
    "file gone": (
        results.file_gone(BEFORE),
        replace(HELD, error_code=ErrorCode.FILE_GONE, error_message=uploads.FILE_GONE()),
    ),
    "archive unreadable, still uncertain": (
        results.archive_unreadable(BEFORE),
        replace(FAILED, error_code=ErrorCode.UNPACK, error_message=uploads.ARCHIVE_USELESS()),
    ),
    "folder away: five minutes": (
        results.folder_away(BEFORE, NOW),
        replace(WAITS_FOR_FILE, next_attempt_at=NOW + 300, error_message=uploads.FOLDER_AWAY()),
    ),
    "file unreadable: a minute": (
        results.file_unreadable(BEFORE, WHY, NOW),
        replace(WAITS_FOR_FILE, next_attempt_at=NOW + 60, error_message=WHY),
    ),
    "database failed: a second": (
        results.database_failed(replace(BEFORE, uncertain=False), "disk full", 45.0, NOW),
        replace(
            KEPT,
            own_wait=WaitingFor.RETRY,
            next_attempt_at=NOW + 1,
            uncertain=False,
            error_code=ErrorCode.DATABASE,
            error_message=uploads.DATABASE_FAILED(reason="disk full"),
        ),
    ),
    "database failed under what may have arrived: the uncertain delay": (
        results.database_failed(BEFORE, "disk full", 45.0, NOW),
        replace(
            KEPT,
            next_attempt_at=NOW + 45,
            error_code=ErrorCode.DATABASE,
            error_message=uploads.DATABASE_FAILED(reason="disk full"),
        ),
    ),
}


@pytest.mark.parametrize(("result", "expected"), TABLE.values(), ids=TABLE.keys())
def test_a_result_is_the_job_as_it_was_but_for_what_the_attempt_showed(
    result: AttemptResult, expected: AttemptResult
) -> None:
    """No count is lost, and no doubt dropped that was not cleared up."""
    assert result == expected
