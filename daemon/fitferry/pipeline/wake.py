"""Which jobs may be tried now, and when is the next look worth it?"""

from __future__ import annotations

from collections.abc import Iterable

from fitferry import allowance as allowances
from fitferry import policy
from fitferry.allowance import Room
from fitferry.config import UploadSettings
from fitferry.ledger import athletes, claims, jobs, shared
from fitferry.model.jobs import GateName
from fitferry.pipeline import compare

IDLE = 3600.0
"""Seconds until the next look when nothing is due: whatever changes that, rings."""


def wake(names: Iterable[str], uploads: UploadSettings, now: float) -> tuple[list[int], float]:
    """The jobs to ring for, no more than may run at once, and the seconds until something else is due.

    While a gate is shut that is no job at all, whatever waits: a long outage costs no work.
    """
    claims.clamp(policy.longest_wait(uploads), now)
    shared.clamp(policy.GATE_SECONDS, now)
    connected, gates = athletes.connected(names), shared.gates()
    opens = max((gate.until for gate in gates.values()), default=0.0)
    if opens > now:
        return [], opens - now
    readers = [name for name in connected if athletes.get(name).can_read]
    flying = claims.in_flight()
    if gates and not (flying or jobs.any_open(connected) or compare.is_wanted(readers, now)):
        shared.reopen(*gates)  # nobody is left to try them
        gates = {}
    probe = any(name is not GateName.RATE_LIMIT for name in gates)
    slots = min(1 if probe else uploads.max_concurrent, uploads.max_concurrent - flying)
    if slots <= 0 or not connected:
        return [], IDLE
    allowance = shared.allowance()
    room = allowances.room(allowance, now, flying)
    due = _due(room, slots, now, connected=connected, readers=readers, probe=probe)
    later = jobs.next_due(now, connected)
    seconds = IDLE if later is None else later - now
    if len(due) < min(slots, room.look, room.backlog):
        held, pause = compare.next_held(readers, now)
        due, seconds = due + held, min(seconds, pause)
    if len(due) < slots and not (room.look and room.backlog):
        seconds = min(seconds, allowances.resume_at(allowance, now) - now)
    return due, seconds


def _due(
    room: Room, slots: int, now: float, *, connected: list[str], readers: list[str], probe: bool
) -> list[int]:
    """What is due, newest first: fresh activities may use all that is left, the backlog not the last of it."""

    def due(limit: int, fresh_since: float | None) -> list[int]:
        return jobs.due(
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
