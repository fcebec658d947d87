"""What a FIT file is and what is in it: bytes in, a value out; nothing is raised.

`reader` walks the bytes and decides, `fields` decodes them, `names` names them, `repair` mends what breaks off.
"""

from __future__ import annotations

from collections.abc import Iterable

from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.core.sports import SPORTS, SUB_SPORTS
from fitferry.formats.fit import names
from fitferry.formats.fit.fields import Value, whole
from fitferry.formats.fit.header import SHORTEST, announced_length, holds_header, is_fit
from fitferry.formats.fit.probe import Probe
from fitferry.formats.fit.reader import probe
from fitferry.formats.times import GAP_SECONDS, LAST_DAY, coherent

HEAD = SHORTEST
"""Bytes at the start of a file that tell how long it will be."""
FIT_EPOCH = 631_065_600
"""FIT counts seconds from 1989-12-31T00:00:00Z."""
FIRST_ABSOLUTE = 0x1000_0000
"""Times below are seconds since the device was switched on (FIT profile, date_time)."""
LAST_ABSOLUTE = int(LAST_DAY.timestamp()) - FIT_EPOCH
_START, _SPORT, _SUB_SPORT, _ELAPSED, _TIMER = 2, 5, 6, 7, 8
_DISTANCE, _HEART_RATE, _POWER, _ASCENT = 9, 16, 20, 22
"""Fields of a session."""

__all__ = ["HEAD", "announced_length", "holds_header", "inspect", "is_fit"]


def inspect(chunks: Iterable[bytes]) -> ParseResult:
    """What these bytes are, that come in chunks. Never raises. Takes a millisecond, of 25 MB that were made to take long half a second."""
    found = probe(chunks)
    kind, reason = found.kind, found.reason
    if kind is FileKind.NO_ACTIVITY:
        return ParseResult(kind, reason=reason)
    file_type = whole(found.file_id.get(0))
    if file_type is None and not found.is_empty:
        file_type = names.ACTIVITY  # it does not say what it is, but something was recorded
    is_activity = file_type == names.ACTIVITY
    proven = kind is FileKind.ACTIVITY
    if proven and (not is_activity or found.is_empty):
        kind, reason = FileKind.NO_ACTIVITY, names.no_activity(file_type)
    elif not is_activity and file_type in names.FILE_TYPES:
        # Also a broken one of these is missed by nobody; the type of half a file may not be there yet.
        kind, reason = FileKind.NO_ACTIVITY, names.no_activity(file_type)
    samples = found.samples if kind is FileKind.ACTIVITY else ()
    return ParseResult(kind, "fit", _facts(found, file_type), reason, proven=proven, samples=samples)


def _facts(found: Probe, file_type: int | None) -> ActivityFacts:
    maker = whole(found.file_id.get(1))
    kind, manufacturer = names.file_type(file_type), names.named(maker, names.MANUFACTURERS)
    product = names.product(whole(found.file_id.get(2)), maker)
    if file_type != names.ACTIVITY:
        return ActivityFacts(kind=kind, manufacturer=manufacturer, product=product)
    absolute = [moment for moment in found.times if moment >= FIRST_ABSOLUTE]
    sessions, times = found.sessions, coherent(absolute or found.times)
    # The sport message speaks for sessions that do not say it themselves.
    by_session = sessions[0] if sessions and _SPORT in sessions[0] else None
    sport, sub_sport = (
        (by_session.get(_SPORT), by_session.get(_SUB_SPORT))
        if by_session is not None
        else (found.sport.get(0), found.sport.get(1))
    )
    elapsed = _total(sessions, _ELAPSED, 1000)
    return ActivityFacts(
        kind=kind,
        sport=names.named(whole(sport), SPORTS),
        sub_sport=names.named(whole(sub_sport), SUB_SPORTS),
        start_time=_start(found, times),
        duration_s=_total(sessions, _TIMER, 1000),
        elapsed_s=elapsed if sessions else _seconds(times),
        distance_m=_distance(found),
        manufacturer=manufacturer,
        product=product,
        sessions=len(sessions),
        ascent_m=_total(sessions, _ASCENT, 1),
        average_heart_rate=_mean(sessions, _HEART_RATE),
        average_power=_mean(sessions, _POWER),
        serials=found.serials,
    )


def _start(found: Probe, times: list[float]) -> float | None:
    """The first session's start; the first record's where that is days away or missing.

    Else the first lap's, or when the file was made.

    A relative time says nothing of the day, and neither does anything else in a file that has one.
    """
    starts = [start for values in found.sessions if (start := whole(values.get(_START)))]
    told = next((start for start in starts if FIRST_ABSOLUTE <= start <= LAST_ABSOLUTE), None)
    recorded = int(times[0]) if times else None
    if told is None or (recorded is not None and abs(told - recorded) > GAP_SECONDS):
        told = recorded
    if not (starts or times):
        told = whole(found.first_lap.get(_START, found.file_id.get(4)))
    return float(told + FIT_EPOCH) if told is not None and told >= FIRST_ABSOLUTE else None


def _seconds(times: list[float]) -> float | None:
    return (times[-1] - times[0] or None) if times else None


def _total(sessions: list[dict[int, Value]], number: int, scale: int) -> float | None:
    values = [
        float(values[number]) / scale for values in sessions if not isinstance(values.get(number, ""), str)
    ]
    return sum(values) if values else None


def _mean(sessions: list[dict[int, Value]], number: int) -> float | None:
    """The mean over all sessions that say it, by their timer time."""
    pairs = [
        (float(values[number]), float(values.get(_TIMER) or 1))
        for values in sessions
        if not isinstance(values.get(number, ""), str)
    ]
    weight = sum(seconds for _, seconds in pairs)
    return sum(value * seconds for value, seconds in pairs) / weight if weight else None


def _distance(found: Probe) -> float | None:
    """Metres over all sessions; what an app says of it wins where it is more than nothing."""
    stated = sum(metres for metres in found.distances if metres is not None)
    if stated:
        return stated
    total = _total(found.sessions, _DISTANCE, 100)
    if total is None and found.last_distance is not None:
        return found.last_distance / 100
    return total
