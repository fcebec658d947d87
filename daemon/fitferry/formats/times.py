"""Times as devices and apps write them, and which of many belong to one activity."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.core.messages import files
from fitferry.core.printable import printable

FIRST_DAY, LAST_DAY = datetime(1990, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""A time outside is of a clock that was never set: clocks begin in 1970, 1980 (GPS) or 1989 (FIT)."""
UNSET_YEARS = range(1970, 1991)
BUDDHIST_YEARS = 543
"""Thai phones write 2569 for 2026."""
GAP_SECONDS = 86_400.0
YEAR_SECONDS = 365 * GAP_SECONDS
"""No ride pauses for so long: of what is farther apart, the greater part has the right time."""
MAX_OFFSET = timedelta(hours=15)
"""No place is farther from UTC."""
MAX_UNREAD = 1_000
"""Times that are tried where none can be read."""
FEW_SHARE = 20
"""A group of times that is this much smaller than the rest, and a day or more away from it, is a clock's fault."""
_WRITTEN = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?"
    r" *(?:Z|UTC|GMT|([+-])(\d{1,2}):?(\d{2})?)?",
    re.IGNORECASE,
)


def parse(text: str) -> float | None:
    """Seconds since 1970 of a time as XML writes it, or nearly so; None for what is none, or no day of a ride."""
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(char, char)) for char in text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = _lenient(text.strip())
        except (ValueError, OverflowError):
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment >= LAST_DAY:
        moment = _without_buddhist_years(moment)
    return moment.timestamp() if FIRST_DAY <= moment < LAST_DAY else None


def _lenient(text: str) -> datetime:
    """The same for hours of one digit, 24 o'clock, slashes and lower case. Raises ValueError."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6))
    late = hour == 24  # noqa: PLR2004  # midnight as the end of a day
    moment = datetime(year, month, day, 0 if late else hour, minute, min(second, 59), tzinfo=UTC)
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    if offset > MAX_OFFSET:
        raise ValueError(text)
    fraction = timedelta(seconds=float(f"0.{match[7] or 0}"), days=late)
    return moment + fraction + (offset if match[8] == "-" else -offset)


def _without_buddhist_years(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year - BUDDHIST_YEARS)
    except ValueError:  # the 29th of February of a year that has none
        return moment


def coherent(times: Iterable[float]) -> list[float]:
    """The times in order, without those that are years away from most, and without a few at either end that are days away."""
    ordered = max(reversed(_parted(sorted(times), YEAR_SECONDS)), key=len)
    groups = deque(_parted(ordered, GAP_SECONDS))
    few, rest = max(1, len(ordered) // FEW_SHARE), len(ordered)
    for end, drop in ((0, groups.popleft), (-1, groups.pop)):
        while len(groups[end]) <= few and 2 * len(groups[end]) < rest:
            rest -= len(drop())
    return [moment for group in groups for moment in group]


def _parted(ordered: list[float], gap: float) -> list[list[float]]:
    """Times in order, in groups that are farther apart than `gap`."""
    bounds = [at for at in range(1, len(ordered)) if ordered[at] - ordered[at - 1] > gap]
    return [ordered[begin:end] for begin, end in zip([0, *bounds], [*bounds, len(ordered)], strict=True)]


@dataclass(slots=True)
class Span:
    """The times of a track: how many were there, those that could be read, and the first that could not."""

    count: int = 0
    readable: array[float] = field(default_factory=lambda: array("d"))
    unread: str = ""

    def add(self, text: str) -> None:
        """One time more, as XML writes it."""
        self.count += 1
        if self.count > MAX_UNREAD and not self.readable:
            return  # no time of this file can be read
        moment = parse(text)
        if moment is not None:
            self.readable.append(moment)
        elif not self.unread:
            self.unread = text

    def bounds(self) -> tuple[float | None, float | None]:
        if not self.readable:
            return None, None
        first, last = min(self.readable), max(self.readable)
        if last - first <= GAP_SECONDS:
            return first, last
        times = coherent(self.readable)
        return times[0], times[-1]


def unreadable_times(data_type: str, facts: ActivityFacts, span: Span) -> ParseResult:
    example = printable(span.unread)
    if _is_of_unset_clock(span.unread):
        reason = files.CLOCK_NOT_SET(example=example)
    elif span.unread:
        reason = files.TIMES_UNREADABLE(example=example)
    else:
        reason = files.TIMES_EMPTY()
    return ParseResult(FileKind.UNREADABLE_TIMES, data_type, facts, reason)


def _is_of_unset_clock(text: str) -> bool:
    """Whether a time is of the first years in which clocks begin; the years of other calendars are none of them."""
    try:
        return datetime.fromisoformat(text).year in UNSET_YEARS
    except ValueError:
        return False
