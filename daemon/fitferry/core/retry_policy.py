"""The retry policy: the result of an attempt from what Strava answered. Pure: `now` is in the context.

A failure counts only if the file can be its cause. Once a body has left, only what Strava itself has taken or refused is
certain; everything else is uncertain until it was looked up, or sent again under the same `external_id`.
The table stands in DESIGN.md §4; `retry_results` and `attempt_results` build what it calls for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import assert_never

from fitferry.core import attempt_results as results
from fitferry.core import retry_results as retry
from fitferry.core.breaker import BreakerCause
from fitferry.core.errors import RefreshError, StravaError
from fitferry.core.messages import strava, uploads
from fitferry.core.retry_results import DecisionContext, RetrySettings
from fitferry.core.strava import StravaErrorKind, UploadReport, UploadState
from fitferry.core.upload import AttemptResult, AuthProblem, ErrorCode, Job, Outcome


class Action(StrEnum):
    """What an attempt does for a job."""

    SEND = "send"
    CONFIRM = "confirm"
    """Look among the athlete's activities for what may have arrived."""
    COMPARE = "compare"
    """Look whether an old activity is on Strava already, before it is sent for the first time."""
    LOOK = "look"
    """Ask how an accepted upload is getting on."""
    GIVE_UP = "give_up"


def next_action(job: Job, settings: RetrySettings, *, can_read: bool, compare: bool = False) -> Action:
    """What to do for a job that is due. `compare`: it is one of many that may be on Strava already."""
    if job.upload_id is not None:
        return Action.LOOK
    if job.uncertain and can_read:
        return Action.CONFIRM
    if compare and can_read:
        return Action.COMPARE
    return Action.GIVE_UP if retry.is_exhausted(job.failures, settings) else Action.SEND


def can_do_without_list(error: StravaError) -> bool:
    """Whether only the list of activities is refused, so that uploads can go on without it."""
    return not isinstance(error, RefreshError) and error.kind in _OF_THE_LIST_ALONE


def after_report(job: Job, report: UploadReport, context: DecisionContext) -> AttemptResult:
    """Result of Strava's report on an accepted upload."""
    match report.state:
        case UploadState.PROCESSING:
            return retry.still_processing(job, context)
        case UploadState.READY:
            return results.completed(job, report.activity_id)
        case UploadState.DUPLICATE:
            return results.duplicate(job, report.activity_id)
        case UploadState.DELETED:
            return results.failed(job, ErrorCode.DELETED, uploads.DELETED_ON_STRAVA())
        case UploadState.REJECTED:
            return results.failed(
                job, ErrorCode.REJECTED, uploads.REJECTED(answer=strava.from_strava(report.message))
            )
        case _:
            assert_never(report.state)


def after_error(job: Job, error: StravaError, action: Action, context: DecisionContext) -> AttemptResult:  # noqa: PLR0911  a table, one line a row
    """Result of a request that failed while `action` was carried out."""
    if error.kind in _RULES:
        return _RULES[error.kind](job, error, context)
    if error.kind is StravaErrorKind.NOT_FOUND and action is Action.LOOK:
        return retry.upload_unknown(job, context)
    if action is Action.SEND and context.others_succeed and not isinstance(error, RefreshError):
        return retry.counted(job, error, context)
    if error.kind in _ANSWERS_OF_OTHERS:
        return retry.not_strava(job, error, context)
    if isinstance(error, RefreshError) or error.kind is StravaErrorKind.UNAVAILABLE:
        return retry.network_down(job, error, context)
    if action is not Action.SEND:
        return retry.ask_again(job, error, context)
    if context.others_fail:
        return retry.network_down(job, error, context, code=BreakerCause.OUTAGE)
    return retry.counted(job, error, context)


def after_unexpected_error(job: Job, context: DecisionContext) -> AttemptResult:
    """Result of an exception that nobody planned: it counts, so that a poisoned job cannot loop."""
    error = StravaError(StravaErrorKind.REFUSED, uploads.UNEXPECTED_ERROR())
    return retry.counted(job, error, context, code=ErrorCode.UNEXPECTED)


def _token_refused(job: Job, error: StravaError, context: DecisionContext) -> AttemptResult:
    """Strava refuses a token that it has just issued: the grant is alive, and it passes (ha_strava issue 160)."""
    if context.others_succeed:
        return retry.ask_again(job, error, context)
    return retry.network_down(job, error, context)


_ANSWERS_OF_OTHERS = frozenset(
    {StravaErrorKind.NOT_STRAVA, StravaErrorKind.NOT_FOUND, StravaErrorKind.WRONG_ADDRESS}
)
_OF_THE_LIST_ALONE = frozenset(
    {
        StravaErrorKind.SERVER_ERROR,
        StravaErrorKind.BROKEN_OFF,
        StravaErrorKind.REFUSED,
        StravaErrorKind.NOT_FOUND,
        StravaErrorKind.WRONG_ADDRESS,
        StravaErrorKind.SCOPE_MISSING,
        StravaErrorKind.BAD_FILE,
    }
)
_RULES: dict[StravaErrorKind, Callable[[Job, StravaError, DecisionContext], AttemptResult]] = {
    StravaErrorKind.UNREACHABLE: retry.network_down,
    StravaErrorKind.RATE_LIMITED: retry.rate_limited,
    StravaErrorKind.USED_UP: lambda job, *_: results.unchanged(job, Outcome.WAITING),
    StravaErrorKind.TOKEN_REFUSED: _token_refused,
    StravaErrorKind.GRANT_REFUSED: lambda job, *_: results.connection_lost(job, AuthProblem.REVOKED),
    StravaErrorKind.SCOPE_MISSING: lambda job, *_: results.connection_lost(job, AuthProblem.SCOPE),
    StravaErrorKind.APP_REFUSED: retry.settings_wrong,
    StravaErrorKind.APP_INACTIVE: retry.settings_wrong,
    StravaErrorKind.ATHLETE_LIMIT: retry.settings_wrong,
    StravaErrorKind.BAD_FILE: lambda job, error, _: results.failed(
        job, ErrorCode.REJECTED, uploads.REJECTED(answer=error.message)
    ),
}
"""The rules that do not depend on what was being tried."""
