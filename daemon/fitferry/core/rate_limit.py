"""Strava's rate limit: what is left of it, and who may use it. Pure: `now` is an argument.

Strava counts two buckets for an application, all requests and reads (everything but POST /uploads), each
in quarter hours that begin at :00, :15, :30 and :45, and in UTC days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fitferry.core.strava import RateLimit, RateLimitHeaders

QUARTER = 900
DAY = 86_400
FRESH_SECONDS = 48 * 3600
"""An activity that started since then is what people wait for; all others are the backlog."""
GRACE = 3.0
"""Seconds after a window's end before anything is asked: Strava's clock is not ours."""

_QUARTER_RESERVE = 2
_DAY_RESERVE, _DAY_READ_RESERVE = 40, 20
_SPEND_FROM = 23.5 * 3600
"""From 23:30 UTC on the backlog may spend most of what it left for fresh activities: the day is over soon."""
_LAST_RESERVE = 8
"""What it leaves even then, of either bucket: a ride may end at 23:50, too."""
_SECONDS_EACH = 1.0
"""How long one upload of many takes, where nothing holds it up."""
_OVERTAKEN = 20
"""By so much, as many as may be in flight at most, the use in an answer may be behind what was heard before it."""
_FORESEEN = 365 * DAY
"""No end is foreseen that is further away."""
_REQUESTS, _REQUESTS_READING = 2.0, 1.02
"""Requests for one activity of a backlog, without and with the permission to list the athlete's activities."""
_LOOKS_EACH = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """How many requests may be begun now."""

    send: int
    look: int
    """How many of them may be reads."""
    backlog: int
    """How many of them, reads included, activities that are not fresh may use."""


def expire_windows(rate_limit: RateLimit, now: float) -> RateLimit:
    """The rate limit with the use of windows that are over taken out."""
    heard = rate_limit.heard_at
    overall, read = rate_limit.overall_usage, rate_limit.read_usage
    if now // QUARTER != heard // QUARTER:
        overall, read = (0, overall[1]), (0, read[1])
    if now // DAY != heard // DAY:
        overall, read = (overall[0], 0), (read[0], 0)
    return replace(rate_limit, overall_usage=overall, read_usage=read)


def budget(rate_limit: RateLimit, now: float, in_flight: int) -> Budget:
    """How many requests may be begun, while `in_flight` others, each maybe a read, are not counted yet."""
    overall, read = _left(rate_limit, now, in_flight)
    spare = min(_spare(overall, _DAY_RESERVE, now), _spare(read, _DAY_READ_RESERVE, now))
    return Budget(send=max(0, min(overall)), look=max(0, min(*overall, *read)), backlog=max(0, spare))


def is_fresh(start_time: float | None, now: float) -> bool:
    """Whether people wait for an activity; one that does not say when it began is of the backlog."""
    return start_time is not None and start_time >= now - FRESH_SECONDS


def apply_headers(before: RateLimit, heard: RateLimitHeaders, now: float) -> RateLimit:
    """The rate limit after what an answer said of it; what it did not say stays, until its window ends."""
    current = expire_windows(before, now)
    return RateLimit(
        overall_limit=_limit(heard.overall_limit, current.overall_limit),
        overall_usage=_usage(heard.overall_usage, current.overall_usage),
        read_limit=_limit(heard.read_limit, current.read_limit),
        read_usage=_usage(heard.read_usage, current.read_usage),
        heard_at=now,
    )


def resume_at(rate_limit: RateLimit, now: float) -> float:
    """When the windows that are used up begin anew; a moment from now if none is."""
    overall, read = _left(rate_limit, now, 0)
    if min(overall[1], read[1]) <= 0:
        return (now // DAY + 1) * DAY + GRACE
    return (now // QUARTER + 1) * QUARTER + GRACE


def look_spacing(rate_limit: RateLimit, outstanding: int, now: float) -> float:
    """Seconds at least between two looks at one upload, so that the reads last while many are out.

    0 where two looks at each can be afforded: then people wait for nothing.
    """
    _, (quarter, _) = _left(rate_limit, now, 0)
    if _LOOKS_EACH * outstanding <= quarter:
        return 0.0
    return outstanding * (QUARTER - now % QUARTER) / max(quarter, 1)


def estimate_finish(activities: int, rate_limit: RateLimit, now: float, *, can_read: bool) -> float:
    """When so many old activities will be uploaded: quarter hour by quarter hour, as the backlog may use each.

    One whole day is gone through, and those after it are taken to be the same.
    """
    each = _REQUESTS_READING if can_read else _REQUESTS
    reads = each - 1
    left, moment, at_midnight = float(activities), now, math.inf
    while moment < now + _FORESEEN:
        if moment % DAY == 0:
            if at_midnight == left:
                break
            days = max(0, math.ceil(left / (at_midnight - left)) - 1)
            left, moment = left - days * (at_midnight - left if days else 0), moment + days * DAY
            at_midnight = left
        overall, read = _left(rate_limit, moment, 0)
        spare, spare_reads = _spare(overall, _DAY_RESERVE, moment), _spare(read, _DAY_READ_RESERVE, moment)
        done = max(0.0, min(left, spare / each, spare_reads / reads))
        end = (moment // QUARTER + 1) * QUARTER
        if done >= left:
            return moment + min(end - moment, done * _SECONDS_EACH)
        left -= done
        rate_limit = _used(rate_limit, moment, done * each, done * reads)
        moment = end
    return now + _FORESEEN


def days_for(activities: int, rate_limit: RateLimit, now: float, *, can_read: bool) -> int:
    """How many days that is."""
    if not activities:
        return 0
    return max(1, math.ceil((estimate_finish(activities, rate_limit, now, can_read=can_read) - now) / DAY))


def _limit(heard: tuple[int, int] | None, before: tuple[int, int]) -> tuple[int, int]:
    """A limit of nothing is not believed: with it nothing would be asked, nor another limit heard, for ever."""
    return heard if heard is not None and min(heard) > 0 else before


def _usage(heard: tuple[int, int] | None, before: tuple[int, int]) -> tuple[int, int]:
    """A little less than before is an answer that was overtaken by others; much less is Strava's new window."""
    if heard is None:
        return before
    (quarter, day), (quarter_before, day_before) = heard, before
    return _latest(quarter, quarter_before), _latest(day, day_before)


def _latest(heard: int, before: int) -> int:
    return heard if heard < before - _OVERTAKEN else max(heard, before)


def _used(rate_limit: RateLimit, now: float, overall: float, read: float) -> RateLimit:
    """The rate limit after some requests; of its quarter hour nothing is asked any more."""
    current = expire_windows(rate_limit, now)
    (quarter, day), (read_quarter, read_day) = current.overall_usage, current.read_usage
    return replace(
        current,
        overall_usage=(quarter, day + round(overall)),
        read_usage=(read_quarter, read_day + round(read)),
        heard_at=now,
    )


def _left(rate_limit: RateLimit, now: float, in_flight: int) -> tuple[tuple[int, int], tuple[int, int]]:
    current = expire_windows(rate_limit, now)
    return (
        _less(current.overall_limit, current.overall_usage, in_flight),
        _less(current.read_limit, current.read_usage, in_flight),
    )


def _less(limit: tuple[int, int], usage: tuple[int, int], in_flight: int) -> tuple[int, int]:
    return limit[0] - usage[0] - in_flight, limit[1] - usage[1] - in_flight


def _spare(left: tuple[int, int], day_reserve: int, now: float) -> int:
    spend = now % DAY >= _SPEND_FROM
    return min(left[0] - _QUARTER_RESERVE, left[1] - (_LAST_RESERVE if spend else day_reserve))
