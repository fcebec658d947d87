"""Is this a whole FIT file, is it an activity, and what is in it? Bytes in, a value out; nothing is raised.

`probe` walks the bytes and decides, `summary` asks fitparse for names, `profile` has what fitparse lacks.
"""

from __future__ import annotations

from dataclasses import replace

from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.formats.fit.names import summarize
from fitferry.formats.fit.profile_tables import KIND_WORDS, KINDS, MANUFACTURERS, SPORTS, SUB_SPORTS
from fitferry.formats.fit.reader import Probe, probe
from fitferry.formats.thumbnail import draw

ACTIVITY = 4
HEAD = 12
"""Bytes at the start of a file that tell how long it will be."""
FIT_EPOCH = 631_065_600
"""FIT counts seconds from 1989-12-31T00:00:00Z."""
FIRST_ABSOLUTE = 0x1000_0000
"""Times below are seconds since the device was switched on (FIT profile, date_time)."""


def is_fit(data: bytes) -> bool:
    """Whether these bytes begin as a FIT file does."""
    return data[8:HEAD] == b".FIT"


def announced_length(head: bytes) -> int | None:
    """How many bytes a file will have by its first HEAD bytes; None where they do not say.

    Of several segments only the first is announced.
    """
    if not is_fit(head):
        return None
    data = int.from_bytes(head[4:8], "little")
    return head[0] + data + 2 if data else None


def inspect(data: bytes | memoryview) -> ParseResult:
    """What these bytes are. Never raises. Takes milliseconds, of 25 MB that were made to take long half a second."""
    found = probe(memoryview(data))
    kind, reason = found.kind, found.reason
    if kind is FileKind.NO_ACTIVITY:
        return ParseResult(found.kind, reason=found.reason, have=found.have, proven=False)
    if kind is FileKind.ACTIVITY and found.file_type != ACTIVITY:
        kind, reason = FileKind.NO_ACTIVITY, _kind_in_words(found.file_type)
    thumbnail = draw(found.samples) if kind is FileKind.ACTIVITY else None
    return ParseResult(
        kind, "fit", _facts(found), reason, have=found.have, want=found.want, thumbnail=thumbnail
    )


def _kind_in_words(kind: int | None) -> str:
    if kind is None:
        return "a FIT file that does not say what it is"
    return KIND_WORDS.get(kind, f"a FIT file of type {kind}")


def _facts(found: Probe) -> ActivityFacts:
    """The numbers of the walk, with the names and developer fields that fitparse adds."""
    names = summarize(found.reduced)
    facts = ActivityFacts(
        kind=None if found.file_type is None else KINDS.get(found.file_type, str(found.file_type)),
        manufacturer=_name(found.manufacturer, names.manufacturer, MANUFACTURERS),
        product=names.product or _text(found.product),
    )
    if found.file_type != ACTIVITY:
        return facts
    sessions = found.sessions
    # The sport message speaks for sessions that do not say it themselves.
    said = sessions[0] if sessions and 5 in sessions[0] else {5: found.sport, 6: found.sub_sport}
    return replace(
        facts,
        sport=_name(said.get(5), names.sport, SPORTS),
        sub_sport=_name(said.get(6), names.sub_sport, SUB_SPORTS),
        start_time=_start(found),
        duration_s=_total(sessions, 8, 1000),
        elapsed_s=_total(sessions, 7, 1000) if sessions else found.record_seconds,
        distance_m=_distance(found, names.distances),
        sessions=len(sessions),
    )


def _name(number: int | None, name: str | None, newer: dict[int, str]) -> str | None:
    if number is None:
        return None
    return newer.get(number) or name or str(number)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _start(found: Probe) -> float | None:
    starts = [one.get(2) for one in found.sessions] if found.sessions else []
    for moment in (*starts, found.first_record, found.created):
        if moment is not None:
            # A relative time says nothing of the day, and neither do the others in such a file.
            return float(moment + FIT_EPOCH) if moment >= FIRST_ABSOLUTE else None
    return None


def _total(sessions: list[dict[int, int]], field: int, scale: int) -> float | None:
    values = [one[field] / scale for one in sessions if field in one]
    return sum(values) if values else None


def _distance(found: Probe, named: list[float | None]) -> float | None:
    """The sum over all sessions; a developer field of that name wins, as its app meant it to."""
    total = _total(found.sessions, 9, 100)
    stated = [value for value in named if value is not None]
    if len(named) == len(found.sessions) and stated and sum(stated) > 0:
        return sum(stated)
    if not found.sessions or total is None:
        return None if found.last_distance is None else found.last_distance / 100
    return total
