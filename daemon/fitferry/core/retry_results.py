"""Results of attempts after which a job is tried again, or looked at again: when, and what all jobs wait for.

Pure: `now` is in the context.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fitferry.core import attempt_results as results
from fitferry.core import rate_limit as limits
from fitferry.core.breaker import BreakerCause, BreakerName, BreakerTrip
from fitferry.core.errors import RefreshError, StravaError
from fitferry.core.messages import uploads
from fitferry.core.strava import RateLimit, StravaErrorKind
from fitferry.core.upload import AttemptResult, ErrorCode, Job, Outcome, Status, WaitingFor

MIN_DELAY = 0.05
"""Seconds at least between two requests for the same thing: delays of 0 must not make a busy loop."""
NETWORK_SECONDS = 300.0
"""Seconds at most between two tries to reach Strava while it is out of reach."""
SETTINGS_SECONDS = 3600.0
"""Seconds between two tries while a setting, or the app's subscription, is wrong."""
ADDRESS_SECONDS = 3600.0
"""Seconds for which the address must answer with something else than Strava's API before it is called wrong."""
MAX_BREAKER_SECONDS = {
    BreakerName.NETWORK: NETWORK_SECONDS,
    BreakerName.SETTINGS: SETTINGS_SECONDS,
    BreakerName.RATE_LIMIT: limits.DAY + limits.GRACE,
}
"""No breaker is open for longer than this, counted from now."""
SECOND_LOOK = 60.0
"""Seconds until an upload id that Strava does not know is asked for once more."""
BULK_LOOKS = 4
"""One of many old uploads is looked at after so many times the longest check delay: processing is over then, and
one page of the list answers for all of them."""


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How uploads are tried again and looked at; all delays in seconds."""

    retry_delays: tuple[float, ...]
    uncertain_delay: float
    check_delays: tuple[float, ...]
    check_timeout: float


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision needs beside the job and the answer.

    `outstanding`: how many uploads Strava has not finished; counted for an old activity alone, whose looks are spaced.
    `others_succeed`: an upload of another job has arrived since this one's last attempt.
    `others_fail`: uploads of other jobs failed since the last one that arrived.
    `network_tries`, `not_strava_since`: how often the network breaker was tried in vain, and since when only
    answers in another form than Strava's came (None if one of Strava's came since the start).
    `bulk`: this is one of many old activities: nobody waits for it, and each look costs a request.
    """

    now: float
    settings: RetrySettings
    rate_limit: RateLimit
    outstanding: int
    others_succeed: bool
    others_fail: bool
    network_tries: int
    not_strava_since: float | None
    bulk: bool


def longest_wait(settings: RetrySettings) -> float:
    """Seconds that a job waits at most, counted from now: clocks jump."""
    return max(*settings.retry_delays, *settings.check_delays, settings.uncertain_delay, NETWORK_SECONDS)


def still_processing(job: Job, context: DecisionContext) -> AttemptResult:
    """An accepted upload is not done yet: it is looked at again later."""
    settings, now = context.settings, context.now
    since = now - (job.accepted_at if job.accepted_at is not None else now)
    delays = settings.check_delays if since < settings.check_timeout else settings.retry_delays
    delay = _nth(delays, job.looks)
    if not limits.is_fresh(job.start_time, now):
        delay = max(delay, limits.look_spacing(context.rate_limit, context.outstanding, now))
    if context.bulk:
        delay = max(delay, BULK_LOOKS * settings.check_delays[-1])
    return replace(
        results.unchanged(job, Outcome.PROCESSING if job.looks else Outcome.ACCEPTED),
        own_wait=WaitingFor.PROCESSING,
        next_attempt_at=now + min(max(delay, MIN_DELAY), longest_wait(settings)),
        looks=job.looks + 1,
        read_failures=0,
        uncertain=False,
        error_code=None,
        error_message=None,
    )


def network_down(
    job: Job, error: StravaError, context: DecisionContext, code: StravaErrorKind | BreakerCause | None = None
) -> AttemptResult:
    """All jobs wait. What may have arrived waits longer, and so does a job whose token may itself be the cause."""
    settings, now = context.settings, context.now
    delay = max(MIN_DELAY, min(_nth(settings.retry_delays, context.network_tries), NETWORK_SECONDS))
    own_delay = delay if isinstance(error, RefreshError) else 0.0
    if error.sent:
        own_delay = max(delay, settings.uncertain_delay)
    uncertain = job.uncertain or error.sent
    return replace(
        results.unchanged(job, Outcome.WAITING),
        uncertain=uncertain,
        own_wait=WaitingFor.CONFIRM if uncertain else job.own_wait,
        next_attempt_at=now + own_delay,
        breaker=BreakerTrip(BreakerName.NETWORK, now + delay, code or error.kind, error.message),
    )


def not_strava(job: Job, error: StravaError, context: DecisionContext) -> AttemptResult:
    """A gateway or a captive portal; where it answers for an hour and Strava never did, the address is wrong."""
    since = context.not_strava_since
    if since is None or context.now - since < ADDRESS_SECONDS:
        return network_down(job, error, context, code=StravaErrorKind.NOT_STRAVA)
    trip = BreakerTrip(
        BreakerName.SETTINGS, context.now + SETTINGS_SECONDS, StravaErrorKind.WRONG_ADDRESS, error.message
    )
    return replace(network_down(job, error, context), breaker=trip)


def rate_limited(job: Job, error: StravaError, context: DecisionContext) -> AttemptResult:
    """All jobs wait until the rate limit's window is over, or for as long as Strava says."""
    until = limits.resume_at(context.rate_limit, context.now)
    if error.retry_after is not None:
        until = max(until, min(context.now + error.retry_after, context.now + limits.DAY))
    trip = BreakerTrip(BreakerName.RATE_LIMIT, until, error.kind, error.message)
    return replace(results.unchanged(job, Outcome.WAITING), breaker=trip)


def settings_wrong(job: Job, error: StravaError, context: DecisionContext) -> AttemptResult:
    """A matter of the application, whose owner has to do something; tried again every hour."""
    trip = BreakerTrip(BreakerName.SETTINGS, context.now + SETTINGS_SECONDS, error.kind, error.message)
    return replace(results.unchanged(job, Outcome.WAITING), breaker=trip)


def ask_again(job: Job, error: StravaError, context: DecisionContext) -> AttemptResult:
    """A question without an answer: nothing was sent, so nothing counts."""
    delay = max(MIN_DELAY, _nth(context.settings.retry_delays, job.read_failures))
    return replace(
        results.unchanged(job, Outcome.WAITING),
        read_failures=job.read_failures + 1,
        next_attempt_at=context.now + delay,
        error_code=error.kind,
        error_message=error.message,
    )


def upload_unknown(job: Job, context: DecisionContext) -> AttemptResult:
    """An upload id that Strava does not know: once may be a lag; the second time counts, and it may be lost."""
    message = uploads.UPLOAD_UNKNOWN()
    if job.error_code is ErrorCode.UPLOAD_UNKNOWN:
        lost = StravaError(StravaErrorKind.NOT_FOUND, message, sent=True)
        return counted(replace(job, upload_id=None), lost, context, code=ErrorCode.UPLOAD_UNKNOWN)
    return replace(
        results.unchanged(job, Outcome.WAITING),
        own_wait=WaitingFor.PROCESSING,
        next_attempt_at=context.now + SECOND_LOOK,
        error_code=ErrorCode.UPLOAD_UNKNOWN,
        error_message=message,
    )


def counted(
    job: Job, error: StravaError, context: DecisionContext, code: ErrorCode | None = None
) -> AttemptResult:
    """One failure more: the next try by the schedule, or the end of it."""
    settings = context.settings
    failures, uncertain = job.failures + 1, job.uncertain or error.sent
    result = replace(
        results.unchanged(job, Outcome.RETRY),
        failures=failures,
        uncertain=uncertain,
        own_wait=WaitingFor.CONFIRM if uncertain else WaitingFor.RETRY,
        error_code=code or error.kind,
        error_message=error.message,
    )
    if is_exhausted(failures, settings):
        if not uncertain:
            return replace(result, outcome=Outcome.FAILED, status=Status.FAILED, own_wait=None)
        # No uncertain job fails without a last look.
        return replace(result, next_attempt_at=context.now + settings.uncertain_delay)
    delay = max(_nth(settings.retry_delays, failures - 1), settings.uncertain_delay if uncertain else 0.0)
    return replace(result, next_attempt_at=context.now + delay)


def is_exhausted(failures: int, settings: RetrySettings) -> bool:
    """Whether the schedule has no retry left."""
    return failures > len(settings.retry_delays)


def _nth(delays: tuple[float, ...], index: int) -> float:
    return delays[min(index, len(delays) - 1)]
