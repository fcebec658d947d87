"""What next, and when: retry, wait, give up, done? Pure: `now` is an argument. The table of DESIGN.md §4.

The rule behind it: a failure counts only if the file can be its cause. Once a body has left, only an answer
that Strava itself gave is certain; everything else is uncertain until it was looked up or sent again under
the same `external_id`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from fitferry.core import rate_limit as allowances
from fitferry.core.errors import StravaError
from fitferry.core.strava import RateLimit, StravaErrorKind, UploadReport, UploadState
from fitferry.core.upload import (
    AttemptResult,
    AuthProblem,
    Breaker,
    BreakerName,
    Job,
    Outcome,
    Status,
    WaitingFor,
)

PAUSE = 0.05
"""Seconds at least between two requests for the same thing: delays of 0 must not make a loop that spins."""
PROBE_CAP = 300.0
"""Seconds at most between two tries to reach Strava while it is out of reach."""
SETTINGS_SECONDS = 3600.0
"""Seconds between two tries while a setting, or the app's subscription, is wrong."""
BREAKER_SECONDS = {
    BreakerName.NETWORK: PROBE_CAP,
    BreakerName.SETTINGS: SETTINGS_SECONDS,
    BreakerName.RATE_LIMIT: allowances.DAY + allowances.GRACE,
}
"""No gate is shut for longer than this, counted from now."""
SECOND_LOOK = 60.0
"""Seconds until an upload id that Strava does not know is asked for once more."""
BULK_LOOKS = 4
"""One of many old uploads is looked at after so many times the longest check delay: processing is over then, and
one look serves them all."""
FOLDER_SECONDS = 300.0
FILE_SECONDS = 60.0
"""Seconds until a file that could not be read is tried again, if no event comes first."""


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How uploads are tried again and looked at; all delays in seconds."""

    retry_delays: tuple[float, ...]
    uncertain_delay: float
    check_delays: tuple[float, ...]
    check_timeout: float


class Action(StrEnum):
    """What an attempt is to do for a job."""

    SEND = "send"
    CONFIRM = "confirm"
    """Look among the athlete's activities for what may have arrived."""
    COMPARE = "compare"
    """Look whether an old activity is on Strava already, before it is sent for the first time."""
    LOOK = "look"
    """Ask how an accepted upload is getting on."""
    GIVE_UP = "give_up"
    REFRESH = "refresh"
    """Get a fresh access token, on the way to any of the others."""


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision needs to know beside the job itself.

    `others_succeed`: an upload of another job has arrived since this one's last attempt.
    `bulk`: this is one of many old activities: nobody waits for it, and each look costs a request.
    """

    now: float
    uploads: RetrySettings
    allowance: RateLimit = field(default_factory=RateLimit)
    outstanding: int = 0
    others_succeed: bool = False
    breaker_tries: int = 0
    bulk: bool = False


def longest_wait(uploads: RetrySettings) -> float:
    """No delay of a job is longer than this, counted from now: clocks jump."""
    return max(*uploads.retry_delays, *uploads.check_delays, uploads.uncertain_delay, PROBE_CAP)


def move(job: Job, uploads: RetrySettings, *, can_read: bool, old: bool = False) -> Action:
    """What to do for a job whose time has come. `old`: one of many that may be on Strava already."""
    if job.upload_id is not None:
        return Action.LOOK
    if job.uncertain and can_read:
        return Action.CONFIRM
    if old and can_read:
        return Action.COMPARE
    return Action.GIVE_UP if _exhausted(job.failures, uploads) else Action.SEND


def after_confirm(job: Job, activity_id: int | None, around: DecisionContext) -> AttemptResult | None:
    """What it means that the activity was found, or not (None: send it now)."""
    if activity_id is not None:
        return seen_on_strava(job, activity_id)
    return given_up(replace(job, uncertain=False)) if _exhausted(job.failures, around.uploads) else None


def after_compare(job: Job, activity_id: int | None) -> AttemptResult | None:
    """What it means that an old activity is on Strava already, or not (None: send it now)."""
    return None if activity_id is None else _already_there(job, activity_id)


def can_do_without(fault: StravaError, at: Action) -> bool:
    """Whether a list that Strava does not give can be done without: nothing else would fail for that reason."""
    return at is not Action.REFRESH and fault.fault in _OF_THE_LIST_ALONE


def seen_on_strava(job: Job, activity_id: int) -> AttemptResult:
    """An accepted upload stands in the athlete's own list: it is done."""
    return replace(_done(job), strava_activity_id=activity_id)


def still_processing(job: Job, around: DecisionContext) -> AttemptResult:
    """An accepted upload is not done yet: it is looked at again later."""
    since = around.now - (job.accepted_at if job.accepted_at is not None else around.now)
    delays = (
        around.uploads.check_delays if since < around.uploads.check_timeout else around.uploads.retry_delays
    )
    spacing = allowances.look_spacing(around.allowance, around.outstanding, around.now)
    delay = max(_nth(delays, job.looks), 0 if allowances.is_fresh(job.start_time, around.now) else spacing)
    if around.bulk:
        delay = max(delay, BULK_LOOKS * around.uploads.check_delays[-1])
    return replace(
        _same(job, Outcome.PROCESSING if job.looks else Outcome.ACCEPTED),
        own_wait=WaitingFor.PROCESSING,
        next_attempt_at=around.now + min(max(delay, PAUSE), longest_wait(around.uploads)),
        looks=job.looks + 1,
        uncertain=False,
        error_code=None,
        error_message=None,
    )


def given_up(job: Job) -> AttemptResult:
    """The schedule is used up, and a last look found nothing, or could not be had: then it may still be there."""
    return replace(_same(job, Outcome.FAILED), status=Status.FAILED, own_wait=None)


def after_report(job: Job, report: UploadReport, around: DecisionContext) -> AttemptResult:
    """What Strava's word on an accepted upload means."""
    step = _done(job)
    match report.state:
        case UploadState.PROCESSING:
            return still_processing(job, around)
        case UploadState.READY:
            return replace(step, strava_activity_id=report.activity_id)
        case UploadState.DUPLICATE:
            return _already_there(job, report.activity_id)
        case UploadState.DELETED:
            words = (
                "Strava says that the activity was deleted there; `fitferry retry --again` sends it once more"
            )
            return _failed(step, "deleted", words)
        case UploadState.REJECTED:
            return _failed(step, "rejected", f"Strava cannot use the file: {report.message}")
        case _:
            assert_never(report.state)


def after_fault(job: Job, fault: StravaError, at: Action, around: DecisionContext) -> AttemptResult:  # noqa: PLR0911, PLR0912, C901  a table
    """What a request that came to nothing means. `at`: what was being tried."""
    match fault.fault:
        case StravaErrorKind.UNREACHABLE:
            return _wait_for_network(job, fault, at, around)
        case StravaErrorKind.UNAVAILABLE if at is Action.SEND and around.others_succeed:
            return _counted(job, fault, around)
        case StravaErrorKind.UNAVAILABLE:
            return _wait_for_network(job, fault, at, around)
        case StravaErrorKind.SERVER_ERROR | StravaErrorKind.BROKEN_OFF | StravaErrorKind.REFUSED if (
            at is Action.REFRESH
        ):
            return _wait_for_network(job, fault, at, around)
        case StravaErrorKind.SERVER_ERROR | StravaErrorKind.BROKEN_OFF | StravaErrorKind.REFUSED if (
            at is Action.SEND
        ):
            return _counted(job, fault, around)
        case StravaErrorKind.SERVER_ERROR | StravaErrorKind.BROKEN_OFF | StravaErrorKind.REFUSED:
            return _ask_again(job, fault, around)
        case StravaErrorKind.RATE_LIMITED:
            return _wait_for_allowance(job, fault, around)
        case StravaErrorKind.USED_UP:
            return _same(job, Outcome.WAITING)
        case StravaErrorKind.TOKEN_REFUSED | StravaErrorKind.GRANT_REFUSED:
            return lost_connection(job, AuthProblem.REVOKED)
        case StravaErrorKind.SCOPE_MISSING:
            return lost_connection(job, AuthProblem.SCOPE)
        case StravaErrorKind.APP_REFUSED:
            return _wait_for_settings(job, "app_refused", f"{_APP_REFUSED} ({fault})", around)
        case StravaErrorKind.APP_INACTIVE:
            return _wait_for_settings(job, "app_inactive", _APP_INACTIVE, around)
        case StravaErrorKind.NOT_FOUND if at is Action.LOOK:
            return _unknown_upload(job, around)
        case StravaErrorKind.NOT_FOUND | StravaErrorKind.WRONG_ADDRESS:
            return _wait_for_settings(job, "wrong_address", f"{_WRONG_ADDRESS} ({fault})", around)
        case StravaErrorKind.BAD_FILE:
            return _failed(_same(job, Outcome.FAILED), "rejected", f"Strava cannot use the file: {fault}")
        case _:
            assert_never(fault.fault)


def after_unexpected_error(job: Job, around: DecisionContext, *, sent: bool) -> AttemptResult:
    """What an exception means that nobody planned: it counts, so that a poisoned job cannot spin."""
    words = "something went wrong inside Fitferry; the log has the details"
    return _counted(job, StravaError(StravaErrorKind.REFUSED, words, sent=sent), around, code="surprise")


def lost_connection(job: Job, trouble: AuthProblem | None) -> AttemptResult:
    """There is no token to be had for this job: it waits for a person, and nothing counts."""
    return replace(_same(job, Outcome.WAITING), trouble=trouble)


def file_changed(job: Job) -> AttemptResult:
    """The file's bytes are others now: they are an activity of their own, and these are gone."""
    step = _same(job, Outcome.SKIPPED)
    return replace(
        step,
        status=Status.SKIPPED,
        error_code="replaced",
        error_message="the file was changed before it was sent",
    )


def file_gone(job: Job) -> AttemptResult:
    """The file was there and is not any more, and its bytes are nowhere else."""
    step = _same(job, Outcome.HELD)
    return replace(
        step, status=Status.HELD, own_wait=None, error_code="file_gone", error_message="file is gone"
    )


def file_useless(job: Job) -> AttemptResult:
    """The archive that holds the activity cannot be unpacked any more, although its bytes are the same."""
    return _failed(_same(job, Outcome.FAILED), "unpack", "the archive cannot be unpacked")


def folder_away(job: Job, around: DecisionContext) -> AttemptResult:
    """The file's whole folder is away: all that is in it waits together, and is tried when it comes back."""
    step = file_unreadable(job, "its folder is not there", around)
    return replace(step, next_attempt_at=around.now + FOLDER_SECONDS)


def file_unreadable(job: Job, words: str, around: DecisionContext) -> AttemptResult:
    """The file cannot be read now: that is no fault of the file's."""
    return replace(
        _same(job, Outcome.WAITING),
        own_wait=WaitingFor.FILE,
        next_attempt_at=around.now + FILE_SECONDS,
        error_code="file_unreadable",
        error_message=words,
    )


def ledger_failed(job: Job, words: str, uploads: RetrySettings, now: float, *, sent: bool) -> AttemptResult:
    """The ledger could not be written in the middle of an attempt: nothing counts, and nothing is forgotten."""
    uncertain = job.uncertain or sent
    return replace(
        _same(job, Outcome.WAITING),
        uncertain=uncertain,
        own_wait=WaitingFor.CONFIRM if uncertain else WaitingFor.RETRY,
        next_attempt_at=now + uploads.uncertain_delay,
        error_code="database",
        error_message=f"the database cannot be written ({words})",
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
_UNKNOWN = "upload_unknown"
_APP_REFUSED = (
    "Strava does not know this application: client_id or client_secret in [strava] is wrong; "
    "compare both with strava.com/settings/api"
)
_APP_INACTIVE = (
    "Strava has made the API application inactive: its owner needs a Strava subscription. "
    "Fitferry looks again every hour"
)
_WRONG_ADDRESS = "there is no Strava API at the address in [strava] api: it is wrong or has moved"


def _same(job: Job, outcome: Outcome) -> AttemptResult:
    """The job as it is, open, to be tried again as soon as nothing is in its way."""
    return AttemptResult(
        outcome=outcome,
        status=Status.PENDING if job.upload_id is None else Status.PROCESSING,
        own_wait=job.own_wait,
        failures=job.failures,
        uncertain=job.uncertain,
        upload_id=job.upload_id,
        looks=job.looks,
        strava_activity_id=job.strava_activity_id,
        error_code=job.error_code,
        error_message=job.error_message,
    )


def _done(job: Job) -> AttemptResult:
    """The job is over, and whatever went wrong on the way is forgotten."""
    return replace(
        _same(job, Outcome.COMPLETED),
        status=Status.COMPLETED,
        own_wait=None,
        uncertain=False,
        error_code=None,
        error_message=None,
    )


def _already_there(job: Job, activity_id: int | None) -> AttemptResult:
    return replace(
        _done(job),
        outcome=Outcome.DUPLICATE,
        strava_activity_id=activity_id,
        error_code="duplicate",
        error_message="already on Strava",
    )


def _failed(step: AttemptResult, code: str, words: str) -> AttemptResult:
    return replace(
        step,
        outcome=Outcome.FAILED,
        status=Status.FAILED,
        own_wait=None,
        error_code=code,
        error_message=words,
    )


def _counted(job: Job, fault: StravaError, around: DecisionContext, code: str | None = None) -> AttemptResult:
    """One failure more: the next try by the schedule, or the end of it."""
    failures, uncertain = job.failures + 1, job.uncertain or fault.sent
    step = replace(
        _same(job, Outcome.RETRY),
        failures=failures,
        uncertain=uncertain,
        own_wait=WaitingFor.CONFIRM if uncertain else WaitingFor.RETRY,
        error_code=code or fault.fault,
        error_message=str(fault),
    )
    if _exhausted(failures, around.uploads):
        if not uncertain:
            return replace(step, outcome=Outcome.FAILED, status=Status.FAILED, own_wait=None)
        # No uncertain job fails without a last look.
        return replace(step, next_attempt_at=around.now + around.uploads.uncertain_delay)
    delay = _nth(around.uploads.retry_delays, failures - 1)
    if fault.fault in {StravaErrorKind.BROKEN_OFF, StravaErrorKind.NOT_FOUND}:
        delay = max(delay, around.uploads.uncertain_delay)
    return replace(step, next_attempt_at=around.now + delay)


def _ask_again(job: Job, fault: StravaError, around: DecisionContext) -> AttemptResult:
    """A question that got no answer: nothing was sent, so nothing counts."""
    return replace(
        _same(job, Outcome.WAITING),
        looks=job.looks + 1,
        next_attempt_at=around.now + max(PAUSE, _nth(around.uploads.retry_delays, job.looks)),
        error_code=fault.fault,
        error_message=str(fault),
    )


def _wait_for_network(job: Job, fault: StravaError, at: Action, around: DecisionContext) -> AttemptResult:
    """All wait; longer than them what may have arrived, and what waits for a token that may be itself the cause."""
    delay = max(PAUSE, min(_nth(around.uploads.retry_delays, around.breaker_tries), PROBE_CAP))
    uncertain = job.uncertain or fault.sent
    alone = delay if at is Action.REFRESH else 0.0
    if fault.sent:
        alone = max(delay, around.uploads.uncertain_delay)
    return replace(
        _same(job, Outcome.WAITING),
        uncertain=uncertain,
        own_wait=WaitingFor.CONFIRM if uncertain else job.own_wait,
        next_attempt_at=around.now + alone,
        shut=Breaker(
            BreakerName.NETWORK,
            around.now + delay,
            around.now,
            around.breaker_tries + 1,
            fault.fault,
            str(fault),
        ),
    )


def _wait_for_allowance(job: Job, fault: StravaError, around: DecisionContext) -> AttemptResult:
    until = allowances.resume_at(around.allowance, around.now)
    if fault.retry_after is not None:
        until = max(until, min(around.now + fault.retry_after, around.now + allowances.DAY))
    breaker = Breaker(
        BreakerName.RATE_LIMIT, until, around.now, around.breaker_tries + 1, "rate_limited", str(fault)
    )
    return replace(_same(job, Outcome.WAITING), shut=breaker)


def _wait_for_settings(job: Job, code: str, words: str, around: DecisionContext) -> AttemptResult:
    until = around.now + SETTINGS_SECONDS
    breaker = Breaker(BreakerName.SETTINGS, until, around.now, around.breaker_tries + 1, code, words)
    return replace(_same(job, Outcome.WAITING), shut=breaker)


def _unknown_upload(job: Job, around: DecisionContext) -> AttemptResult:
    """An upload id that Strava does not know: once may be a lag; the second time counts, and it may be lost."""
    words = "Strava does not know the upload that it had accepted"
    if job.error_code == _UNKNOWN:
        lost = StravaError(StravaErrorKind.NOT_FOUND, words, sent=True)
        return _counted(replace(job, upload_id=None), lost, around, code=_UNKNOWN)
    return replace(
        _same(job, Outcome.WAITING),
        own_wait=WaitingFor.PROCESSING,
        next_attempt_at=around.now + SECOND_LOOK,
        error_code=_UNKNOWN,
        error_message=words,
    )


def _exhausted(failures: int, uploads: RetrySettings) -> bool:
    return failures > len(uploads.retry_delays)


def _nth(delays: tuple[float, ...], index: int) -> float:
    return delays[min(index, len(delays) - 1)]
