"""Strava's rate limits as last heard."""

from __future__ import annotations

from fitferry.core.rate_limit import apply_headers
from fitferry.core.strava import RateLimit, RateLimitHeaders
from fitferry.storage.database import put, writing
from fitferry.storage.models import RateLimitRow


def allowance() -> RateLimit:
    """Strava's limits and use as last heard; the usual limits where nothing was heard yet."""
    row = RateLimitRow.get_or_none(RateLimitRow.id == 1)
    if row is None:
        return RateLimit()
    return RateLimit(
        overall_limit=(row.overall_limit_quarter, row.overall_limit_day),
        overall_usage=(row.overall_usage_quarter, row.overall_usage_day),
        read_limit=(row.read_limit_quarter, row.read_limit_day),
        read_usage=(row.read_usage_quarter, row.read_usage_day),
        heard_at=row.heard_at,
    )


def hear(heard: RateLimitHeaders, now: float) -> None:
    """Write down what an answer said of the allowance."""
    if heard == RateLimitHeaders():
        return
    with writing():
        known = apply_headers(allowance(), heard, now)
        put(
            RateLimitRow,
            id=1,
            overall_limit_quarter=known.overall_limit[0],
            overall_limit_day=known.overall_limit[1],
            overall_usage_quarter=known.overall_usage[0],
            overall_usage_day=known.overall_usage[1],
            read_limit_quarter=known.read_limit[0],
            read_limit_day=known.read_limit[1],
            read_usage_quarter=known.read_usage[0],
            read_usage_day=known.read_usage[1],
            heard_at=known.heard_at,
        )
