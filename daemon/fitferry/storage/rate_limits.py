"""Strava's rate limits as last read from its answers.

They are kept in memory and written with what an attempt writes next: a kill in between loses what the next answer says
again.
"""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.core.rate_limit import apply_headers
from fitferry.core.strava import RateLimit, RateLimitHeaders
from fitferry.storage.cached import Cached
from fitferry.storage.database import run, writing
from fitferry.storage.models import RateLimitRow
from fitferry.storage.statements import put

_CURRENT = """
SELECT overall_limit_quarter, overall_limit_day, overall_usage_quarter, overall_usage_day,
    read_limit_quarter, read_limit_day, read_usage_quarter, read_usage_day, heard_at
FROM rate_limit WHERE id = 1
"""


@dataclass(frozen=True, slots=True)
class _Known:
    """The limits, and whether they are in the database as well."""

    rate_limit: RateLimit
    written: bool


def _read() -> _Known:
    rows = run(_CURRENT)
    if not rows:
        return _Known(RateLimit(), written=True)
    values = rows[0]
    rate_limit = RateLimit(
        overall_limit=values[0:2],
        overall_usage=values[2:4],
        read_limit=values[4:6],
        read_usage=values[6:8],
        heard_at=values[8],
    )
    return _Known(rate_limit, written=True)


_known = Cached(_read)


def current() -> RateLimit:
    """Strava's limits and usage; the usual limits where no answer has named any yet."""
    return _known.get().rate_limit


def update(headers: RateLimitHeaders, now: float) -> None:
    """Take the limits and the usage that an answer named."""
    if headers != RateLimitHeaders():
        _known.put(_Known(apply_headers(current(), headers, now), written=False))


def write() -> None:
    """Write what was taken since the last time; within a transaction, if there is one."""
    known = _known.get()
    if known.written:
        return
    limit = known.rate_limit
    with writing():
        put(
            RateLimitRow,
            id=1,
            overall_limit_quarter=limit.overall_limit[0],
            overall_limit_day=limit.overall_limit[1],
            overall_usage_quarter=limit.overall_usage[0],
            overall_usage_day=limit.overall_usage[1],
            read_limit_quarter=limit.read_limit[0],
            read_limit_day=limit.read_limit[1],
            read_usage_quarter=limit.read_usage[0],
            read_usage_day=limit.read_usage[1],
            heard_at=limit.heard_at,
        )
    _known.replace(known, _Known(limit, written=True))
