"""Gear and mute by rule: what an upload cannot carry is set on the finished activity, by one request.

Owed since the transaction that completed the upload; done, or given up after `retry_delays`. The request is sent
again only where its answer was lost or was an error, so that a later edit by hand stays. It counts as a read, and
comes after fresh rides and looks. Its failure leaves the upload completed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import structlog

from fitferry.auth.access_tokens import AccessTokens
from fitferry.core import rate_limit as limits
from fitferry.core.errors import KeyFileError, NotConnected, StravaError
from fitferry.core.follow_up import FollowUp, FollowUpKind
from fitferry.core.rules import Rule, Subject, edit_fields
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import Job
from fitferry.storage import accounts, breakers, follow_ups, open_jobs, rate_limits, uploads
from fitferry.strava import Strava
from fitferry.uploads import requests
from fitferry.uploads.follow_up_failures import IDLE_SECONDS, count_failure

OUTAGE_SECONDS = 300.0
"""Seconds until another try while Strava, the connection or the settings are the cause: that is not counted."""
TURN_SECONDS = 15.0
"""Seconds until another look while fresh rides, or the rate limit, come first."""
_MAYBE_THE_EDIT = frozenset(
    {
        StravaErrorKind.SERVER_ERROR,
        StravaErrorKind.BROKEN_OFF,
        StravaErrorKind.SCOPE_MISSING,
        StravaErrorKind.BAD_FILE,
        StravaErrorKind.REFUSED,
    }
)
"""Errors whose cause may be the edit; that of all others is an outage, the settings or the connection."""

_log = structlog.get_logger()


class ActivityEdits:
    """The edits that are owed, one after the other; each call does one."""

    def __init__(
        self,
        strava: Strava,
        tokens: AccessTokens,
        *,
        rules: Iterable[Rule],
        retry_delays: Sequence[float],
        clock: Callable[[], float],
        in_flight: Callable[[], int],
    ) -> None:
        self._strava = strava
        self._tokens = tokens
        self._rules = tuple(rules)
        self._retry_delays = retry_delays
        self._clock = clock
        self._in_flight = in_flight

    def __call__(self) -> float:
        """Make one edit that is due; the seconds until the next look."""
        now = self._clock()
        owed = follow_ups.first(FollowUpKind.EDIT, due_by=now)
        if owed is None:
            later = follow_ups.next_at(FollowUpKind.EDIT)
            return IDLE_SECONDS if later is None else later - now
        job = uploads.get(owed.job_id)
        fields = {} if job is None else edit_fields(self._rules, Subject(job.athlete, job.file, job))
        if job is None or job.strava_activity_id is None or not fields:
            follow_ups.forget(owed.id)  # nothing is to be set, or it is sent once more: owed anew then
        elif not self._may_ask(job, now):
            return TURN_SECONDS
        else:
            self._edit(owed, job, job.strava_activity_id, fields)
        return 0.0

    def _may_ask(self, job: Job, now: float) -> bool:
        """Whether no breaker is open, nothing fresh waits, and the rate limit has room for one read of the backlog."""
        if breakers.open_breakers() or not accounts.get(job.athlete).connected:
            return False
        if limits.budget(rate_limits.current(), now, self._in_flight()).backlog <= 0:
            return False
        connected = [job.athlete]
        fresh = now - limits.FRESH_SECONDS
        waiting = open_jobs.due(
            now, 1, look=True, fresh_since=fresh, connected=connected, readers=connected, probe=False
        )
        return not waiting

    def _edit(self, owed: FollowUp, job: Job, activity_id: int, fields: dict[str, str | bool]) -> None:
        follow_ups.begin(owed.id)
        try:
            self._request(job, activity_id, fields)
        except (NotConnected, KeyFileError) as error:
            follow_ups.try_later(owed.id, self._clock() + OUTAGE_SECONDS, owed.failures, error.message)
        except StravaError as error:
            self._after_error(owed, job, error)
        else:
            follow_ups.finish(owed.id, self._clock())
            _log.info("activity_edit", outcome="done", job=job.id, file=job.file, fields=sorted(fields))

    def _request(self, job: Job, activity_id: int, fields: dict[str, str | bool]) -> None:
        token = partial(requests.access_token, self._tokens, job.athlete, self._clock())
        requests.with_token(token, lambda token: self._strava.edit_activity(activity_id, fields, token=token))

    def _after_error(self, owed: FollowUp, job: Job, error: StravaError) -> None:
        """Decide what an error means for the edit."""
        now = self._clock()
        if error.kind is StravaErrorKind.NOT_FOUND:  # deleted on Strava: nothing is left to be edited
            follow_ups.forget(owed.id)
            _log.info("activity_edit", outcome="activity_gone", job=job.id, file=job.file)
            return
        if error.kind not in _MAYBE_THE_EDIT:
            follow_ups.try_later(
                owed.id, now + (error.retry_after or OUTAGE_SECONDS), owed.failures, error.message
            )
            return
        outcome = count_failure(owed, error.message, self._retry_delays, now)
        _log.warning("activity_edit", outcome=outcome, job=job.id, file=job.file, reason=str(error))
