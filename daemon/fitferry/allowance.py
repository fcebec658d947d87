"""How much of Strava's allowance is left, and who may use it? Pure: `now` is an argument.

Strava counts two buckets for an application, all requests and reads (everything but POST /uploads), each
in quarter hours that begin at :00, :15, :30 and :45, and in UTC days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fitferry.model import Allowance

QUARTER = 900
DAY = 86_400
FRESH_SECONDS = 48 * 3600
"""An activity that started since then is what people wait for; all others are the backlog."""
GRACE = 3.0
"""Seconds after a window's end before anything is asked: Strava's clock is not ours."""

_QUARTER_RESERVE = 2
_DAY_RESERVE, _DAY_READ_RESERVE = 40, 20
_SPEND_FROM = 23.5 * 3600
"""From 23:30 UTC on the backlog may spend what it left for fresh activities: the day is over soon."""
_REQUESTS, _REQUESTS_READING = 2.05, 1.1
"""Requests for one activity of a backlog, without and with the permission to list the athlete's activities."""
_FREE_LOOKS = 5
"""So many uploads may be looked at as often as one likes: they cannot use up the reads."""


@dataclass(frozen=True, slots=True)
class Room:
    """Which requests may be made now."""

    send: bool
    look: bool
    backlog: bool
    """Whether activities that are not fresh may use them, too."""


def rolled(allowance: Allowance, now: float) -> Allowance:
    """The allowance with the use of windows that are over taken out."""
    heard = allowance.heard_at
    overall, read = allowance.overall_usage, allowance.read_usage
    if now // QUARTER != heard // QUARTER:
        overall, read = (0, overall[1]), (0, read[1])
    if now // DAY != heard // DAY:
        overall, read = (overall[0], 0), (read[0], 0)
    return replace(allowance, overall_usage=overall, read_usage=read)


def room(allowance: Allowance, now: float, in_flight: int) -> Room:
    """Which requests may be made, while `in_flight` others, each with a read to come, are not counted yet."""
    overall, read = _left(allowance, now, in_flight)
    spare_overall = _spare(overall, _DAY_RESERVE, now)
    spare_read = _spare(read, _DAY_READ_RESERVE, now)
    return Room(send=min(overall) > 0, look=min(*overall, *read) > 0, backlog=spare_overall and spare_read)


def resume_at(allowance: Allowance, now: float) -> float:
    """When the windows that are used up begin anew; a moment from now if none is."""
    overall, read = _left(allowance, now, 0)
    if min(overall[1], read[1]) <= 0:
        return (now // DAY + 1) * DAY + GRACE
    return (now // QUARTER + 1) * QUARTER + GRACE


def look_spacing(allowance: Allowance, outstanding: int, now: float) -> float:
    """Seconds at least between two looks at one upload, so that the reads last while many are out."""
    _, (quarter, _) = _left(allowance, now, 0)
    remaining = QUARTER - now % QUARTER
    return max(0, outstanding - _FREE_LOOKS) * remaining / max(quarter, 1)


def days_for(activities: int, allowance: Allowance, *, can_read: bool) -> int:
    """How many days so many old activities will take, at most what the backlog may use of each day."""
    per_activity = _REQUESTS_READING if can_read else _REQUESTS
    reads = _REQUESTS_READING - 1 if can_read else _REQUESTS - 1
    overall = max(allowance.overall_limit[1] - _DAY_RESERVE, 1) / per_activity
    read = max(allowance.read_limit[1] - _DAY_READ_RESERVE, 1) / reads
    return math.ceil(activities / min(overall, read))


def _left(allowance: Allowance, now: float, in_flight: int) -> tuple[tuple[int, int], tuple[int, int]]:
    current = rolled(allowance, now)
    overall = tuple(
        limit - used - in_flight
        for limit, used in zip(current.overall_limit, current.overall_usage, strict=True)
    )
    read = tuple(
        limit - used - in_flight for limit, used in zip(current.read_limit, current.read_usage, strict=True)
    )
    return (overall[0], overall[1]), (read[0], read[1])


def _spare(left: tuple[int, int], day_reserve: int, now: float) -> bool:
    spend = now % DAY >= _SPEND_FROM
    return left[0] > _QUARTER_RESERVE and left[1] > (0 if spend else day_reserve)
