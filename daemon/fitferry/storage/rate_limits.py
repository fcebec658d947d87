"""Strava's rate limits as last read from its answers.

They are kept in memory and written with what an attempt writes next: a kill in between loses what the next answer says
again.
"""

from __future__ import annotations

from typing import NamedTuple

from fitferry.core.rate_limit import apply_headers
from fitferry.core.strava import RateLimit, RateLimitHeaders
from fitferry.storage.cached import Cached
from fitferry.storage.database import writing
from fitferry.storage.models import RateLimitRow
from fitferry.storage.statements import put

_PAIRS = ("overall_limit", "overall_usage", "read_limit", "read_usage")
"""Values of a `RateLimit`, each in two columns: of the quarter hour, and of the day."""


class _Known(NamedTuple):
    """The limits, and whether they are in the database as well."""

    rate_limit: RateLimit
    written: bool


def _read() -> _Known:
    row = RateLimitRow.get_or_none()
    if row is None:
        return _Known(RateLimit(), written=True)
    pairs = {name: (getattr(row, f"{name}_quarter"), getattr(row, f"{name}_day")) for name in _PAIRS}
    return _Known(RateLimit(**pairs, heard_at=row.heard_at), written=True)


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
    columns: dict[str, int] = {}
    for name in _PAIRS:
        columns[f"{name}_quarter"], columns[f"{name}_day"] = getattr(known.rate_limit, name)
    with writing():
        put(RateLimitRow, id=1, **columns, heard_at=known.rate_limit.heard_at)
    _known.replace(known, _Known(known.rate_limit, written=True))
