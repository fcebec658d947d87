"""Strava's rate limits as last read from its answers."""

from __future__ import annotations

from fitferry.core.rate_limit import apply_headers
from fitferry.core.strava import RateLimit, RateLimitHeaders
from fitferry.storage.database import put, run, writing
from fitferry.storage.models import RateLimitRow

_CURRENT = """
SELECT overall_limit_quarter, overall_limit_day, overall_usage_quarter, overall_usage_day,
    read_limit_quarter, read_limit_day, read_usage_quarter, read_usage_day, heard_at
FROM rate_limit WHERE id = 1
"""


def current() -> RateLimit:
    """Strava's limits and usage; the usual limits where no answer has named any yet."""
    rows = run(_CURRENT)
    if not rows:
        return RateLimit()
    values = rows[0]
    return RateLimit(
        overall_limit=values[0:2],
        overall_usage=values[2:4],
        read_limit=values[4:6],
        read_usage=values[6:8],
        heard_at=values[8],
    )


def update(headers: RateLimitHeaders, now: float) -> None:
    """Write down the limits and the usage that an answer named."""
    if headers == RateLimitHeaders():
        return
    with writing():
        limit = apply_headers(current(), headers, now)
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
