"""What the attempts of this run have shown of Strava: whether it answers, and whether it takes files."""

from __future__ import annotations

from collections.abc import Callable

from fitferry.config.schema import UploadSettings
from fitferry.core import rate_limit as limits
from fitferry.core.breaker import BreakerName
from fitferry.core.errors import StravaError
from fitferry.core.retry_policy import Action
from fitferry.core.retry_results import DecisionContext
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AttemptResult, Job, Status
from fitferry.storage import breakers, open_jobs, rate_limits, uploads
from fitferry.uploads.attempt import RunningAttempt

_NO_ANSWER = frozenset(
    {
        StravaErrorKind.UNREACHABLE,
        StravaErrorKind.UNAVAILABLE,
        StravaErrorKind.NOT_STRAVA,
        StravaErrorKind.WRONG_ADDRESS,
        StravaErrorKind.BROKEN_OFF,
        StravaErrorKind.USED_UP,
    }
)
"""Errors that do not show that Strava itself has answered."""

_MAYBE_THE_FILE = frozenset(
    {StravaErrorKind.SERVER_ERROR, StravaErrorKind.BROKEN_OFF, StravaErrorKind.REFUSED}
)
"""Errors whose cause may be the file that was sent, or an outage."""


class StravaHealth:
    """What all workers have learned so far; the breakers follow it."""

    def __init__(self, settings: UploadSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._last_arrival = 0.0
        self._failing: set[int] = set()
        """The jobs that were not taken since the last upload that was."""
        self._has_answered = False

    def note_arrival(self, now: float) -> None:
        """An upload was taken."""
        self._last_arrival = now
        self._failing.clear()

    def note_error(self, attempt: RunningAttempt, error: StravaError) -> None:
        """A request ended in an error."""
        if attempt.action is Action.SEND and error.kind in _MAYBE_THE_FILE:
            self._failing.add(attempt.job.id)
        if error.kind not in _NO_ANSWER:
            attempt.answered = True

    def update_breakers(self, attempt: RunningAttempt, result: AttemptResult) -> None:
        """Close the breakers that an attempt as a whole has shown to be needless, and open the one that it calls for."""
        trip = result.breaker
        self._has_answered |= attempt.answered
        if attempt.answered and (trip is None or trip.name is not BreakerName.NETWORK):
            breakers.close(BreakerName.NETWORK)
        if attempt.served and trip is None:
            breakers.close(BreakerName.SETTINGS)
        if trip is not None:
            breakers.open(trip, self._clock())

    def context(self, attempt: RunningAttempt) -> DecisionContext:
        """Gather what a decision needs beside the job."""
        now, network = self._clock(), breakers.open_breakers().get(BreakerName.NETWORK)
        tried_at = attempt.job.tried_at
        has_answered = self._has_answered or attempt.answered
        return DecisionContext(
            now=now,
            settings=self._settings,
            rate_limit=limits.expire_windows(rate_limits.current(), now),
            outstanding=0 if limits.is_fresh(attempt.job.start_time, now) else open_jobs.outstanding(),
            others_succeed=tried_at is not None and self._last_arrival > tried_at,
            others_fail=self._others_fail(attempt.job),
            network_tries=network.tries if network else 0,
            not_strava_since=network.since if network and not has_answered else None,
            bulk=attempt.bulk,
        )

    def _others_fail(self, job: Job) -> bool:
        """Whether uploads of other jobs, which are still to be sent, failed since the last one that arrived."""
        others = [uploads.get(job_id) for job_id in list(self._failing - {job.id})]
        return any(other is not None and other.status is Status.PENDING for other in others)
