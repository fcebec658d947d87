"""Which jobs may be tried now, and when is the next look worth it?"""

from __future__ import annotations

from collections.abc import Iterable

from fitferry.config import UploadSettings
from fitferry.core import rate_limit as allowances
from fitferry.core import retry_policy
from fitferry.core.rate_limit import Budget
from fitferry.core.upload import BreakerName
from fitferry.storage import accounts, attempts, breakers, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.uploads import existing_activities

IDLE = 3600.0
"""Seconds until the next look when nothing is due: whatever changes that, rings."""


def select_due(names: Iterable[str], uploads: UploadSettings, now: float) -> tuple[list[int], float]:
    """The jobs to ring for, no more than may run at once, and the seconds until something else is due.

    While a gate is shut that is no job at all, whatever waits: a long outage costs no work.
    """
    attempts.clamp(retry_policy.longest_wait(uploads), now)
    breakers.clamp(now)
    blocked = breakers.seconds_blocked(now)
    if blocked:
        return [], blocked
    connected, open_breakers = accounts.connected(names), breakers.open_breakers()
    readers = [name for name in connected if accounts.get(name).can_read]
    flying = attempts.in_flight()
    if open_breakers and not (
        flying or stored_uploads.any_open(connected) or existing_activities.is_wanted(readers, now)
    ):
        breakers.close(*open_breakers)  # nobody is left to try them
        open_breakers = {}
    probe = any(name is not BreakerName.RATE_LIMIT for name in open_breakers)
    slots = min(1 if probe else uploads.max_concurrent, uploads.max_concurrent - flying)
    if slots <= 0 or not connected:
        return [], IDLE
    allowance = rate_limits.current()
    room = allowances.room(allowance, now, flying)
    due = _due(room, slots, now, connected=connected, readers=readers, probe=probe)
    later = stored_uploads.next_due(now, connected)
    seconds = IDLE if later is None else later - now
    if len(due) < min(slots, room.look, room.backlog):
        held, pause = existing_activities.next_held(readers, now)
        due, seconds = due + held, min(seconds, pause)
    if len(due) < slots and not (room.look and room.backlog):
        seconds = min(seconds, allowances.resume_at(allowance, now) - now)
    return due, seconds


def _due(
    room: Budget, slots: int, now: float, *, connected: list[str], readers: list[str], probe: bool
) -> list[int]:
    """What is due, newest first: fresh activities may use all that is left, the backlog not the last of it."""

    def due(limit: int, fresh_since: float | None) -> list[int]:
        return stored_uploads.due(
            now,
            limit,
            look=room.look > 0,
            fresh_since=fresh_since,
            connected=connected,
            readers=readers,
            probe=probe,
        )

    limit = min(slots, room.look or room.send)  # while there are reads, any of them may be one
    spare = min(limit, room.backlog)
    found = due(spare, None) if spare else []
    return max(found, due(limit, now - allowances.FRESH_SECONDS), key=len) if spare < limit else found
