"""Which jobs may be tried now, and when the next look is worth it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fitferry.config.schema import UploadSettings
from fitferry.core import rate_limit as limits
from fitferry.core import retry_results
from fitferry.core.breaker import BreakerName
from fitferry.core.rate_limit import Budget
from fitferry.storage import accounts, attempts, breakers, open_jobs, rate_limits
from fitferry.uploads import existing_activities
from fitferry.uploads.claims import Claims

IDLE = 3600.0
"""Seconds until the next look when nothing is due: whatever changes that, wakes the scheduler."""


def select_due(
    names: Iterable[str], uploads: UploadSettings, now: float, claims: Claims | None = None
) -> tuple[list[int], float]:
    """The jobs to try, no more than may run at once, and the seconds until something else is due.

    While a breaker is open that is no job at all, whatever waits: a long outage costs no work.
    """
    claims = claims or Claims()
    attempts.clamp(retry_results.longest_wait(uploads), uploads.check_delays[0], now)
    breakers.clamp(now)
    blocked = breakers.seconds_blocked(now)
    if blocked:
        return [], blocked
    connected = claims.order(accounts.connected(names))
    readers = [name for name in connected if accounts.get(name).can_read]
    probe = _is_probe(connected, readers, now, claims)
    in_flight = claims.count()
    slots = min(1 if probe else uploads.max_concurrent, uploads.max_concurrent - in_flight)
    if slots <= 0 or not connected:
        return [], IDLE
    rate_limit = rate_limits.current()
    budget = limits.budget(rate_limit, now, in_flight)
    due = _Due(budget, now, connected, readers, claims.held(), probe=probe).select(slots, claims)
    later = open_jobs.next_due(now, connected)
    seconds = IDLE if later is None else later - now
    if len(due) < min(slots, budget.look, budget.backlog):
        held, pause = existing_activities.next_held(readers, now, claims.held())
        due, seconds = due + held, min(seconds, pause)
    if len(due) < slots and not (budget.look and budget.backlog):
        seconds = min(seconds, limits.resume_at(rate_limit, now) - now)
    return due, seconds


def _is_probe(connected: list[str], readers: list[str], now: float, claims: Claims) -> bool:
    """Whether a breaker is half open, so that one job alone may try; closes those that nobody is left to try."""
    open_breakers = breakers.open_breakers()
    if open_breakers and not (
        claims.count() or open_jobs.any_open(connected) or existing_activities.is_wanted(readers, now)
    ):
        breakers.close(*open_breakers)
    return any(name is not BreakerName.RATE_LIMIT for name in open_breakers)


@dataclass(frozen=True, slots=True)
class _Due:
    """What may be asked of the jobs that are due."""

    budget: Budget
    now: float
    connected: list[str]
    readers: list[str]
    claimed: Collection[int]
    probe: bool

    def select(self, slots: int, claims: Claims) -> list[int]:
        """The jobs to try: fresh activities before the backlog, of athletes in turn, newest first.

        Fresh activities may use all that is left of the rate limit. The backlog leaves some of it, and so does an
        athlete who has had the larger share of this quarter hour.
        """
        if not open_jobs.any_due(self.now):
            return []
        # While there are reads, any of them may be one.
        limit = min(slots, self.budget.look or self.budget.send)
        if self.probe:
            return self._due(limit, self.connected, fresh=False)
        first = [name for name in self.connected if not claims.has_had_share(name, self.now)]
        due = self._due(limit, first, fresh=True)
        spare = min(limit, self.budget.backlog) - len(due)
        for fresh in (True, False):
            if spare > 0:
                more = [job for job in self._due(limit, self.connected, fresh=fresh) if job not in due][
                    :spare
                ]
                due, spare = due + more, spare - len(more)
        return due

    def _due(self, limit: int, athletes: list[str], *, fresh: bool) -> list[int]:
        return open_jobs.due(
            self.now,
            limit,
            look=bool(self.budget.look),
            fresh_since=self.now - limits.FRESH_SECONDS if fresh else None,
            connected=athletes,
            readers=self.readers,
            probe=self.probe,
            claimed=self.claimed,
        )
