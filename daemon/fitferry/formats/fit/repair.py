"""Repair of a FIT file that breaks off: what is there, as a whole file.

The whole messages are kept as they are, up to the first one that is not; lap, session and activity are made from the
records where they are missing, or where they speak of records that are lost. Lengths and checksums are made right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.errors import FitferryError
from fitferry.core.messages import files
from fitferry.formats import fit
from fitferry.formats.fit.crc import checksum
from fitferry.formats.fit.encode import ENUM, UINT16, UINT32, Fields, TimerEvents, encode
from fitferry.formats.fit.fields import (
    ACTIVITY,
    EVENT,
    LAP,
    RECORD,
    SESSION,
    SPORT,
    TIMESTAMP,
    Definition,
    Value,
    definition_end,
    is_plausible,
    whole,
)
from fitferry.formats.fit.header import is_fit
from fitferry.formats.fit.reader import MAX_SEGMENTS

_HEADER_WITH_CHECKSUM = 14
_EMPTY_TAIL = 16
"""So many zeros at the end are of a copier that set the length first."""
_GAP = 86_400
"""Seconds between two records behind which the bytes are no records any more."""
_SLACK = 2
"""Seconds at the end that are worth no lap or session of their own."""
_LAP_SPORT, _SESSION_SPORT = (25, 39), (5, 6)
"""The fields of sport and sub-sport."""
_TIMER, _START, _STOPS = 0, 0, frozenset({1, 4, 8, 9})
"""Of an event: that of the timer, and its types."""


class NotRepairable(FitferryError):
    """A file is whole, or nothing in it can be saved; the message says which."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A whole file, what is in it, and how many records it has. `lost`: bytes of the old one that are not in it."""

    data: bytes
    result: ParseResult
    records: int
    lost: int


def repair(data: bytes) -> Repaired:
    """Make a whole file of one that breaks off. Raises NotRepairable."""
    found = fit.inspect([data])
    if found.kind is FileKind.ACTIVITY:
        raise NotRepairable(files.REPAIR_IS_WHOLE())
    if found.kind not in {FileKind.UNFINISHED, FileKind.DAMAGED} or not is_fit(data):
        raise NotRepairable(files.REPAIR_NO_FIT())
    rest = _end_of_whole_segments(data)
    segment = _Segment(data[rest:])
    if not rest:
        if not segment.records:
            raise NotRepairable(files.REPAIR_NO_RECORDS())
        made = segment.rebuilt(segment.summaries())
    else:
        # What is appended to an activity, such as a strap's heart rates, has no summary of its own.
        made = segment.rebuilt([]) if segment.kept else b""
    repaired = data[:rest] + made
    result = fit.inspect([repaired])
    if result.kind is not FileKind.ACTIVITY:
        raise NotRepairable(files.REPAIR_NO_RECORDS())
    return Repaired(repaired, result, segment.records, len(data) - rest - segment.used)


def _end_of_whole_segments(data: bytes) -> int:
    """Where the first segment begins that is not whole."""
    at = 0
    for _ in range(MAX_SEGMENTS):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + data[at] + length + 2
        if not is_fit(data, at) or not length or end > len(data) or checksum(memoryview(data)[at:end]):
            break
        if fit.inspect([data[:end]]).kind in {FileKind.UNFINISHED, FileKind.DAMAGED}:
            break
        at = end
    return at


@dataclass(slots=True)
class _Leg:
    """One session or lap that is to be made: from when to when, and where its distance begins."""

    start: int
    end: int
    distance: int
    paused: float


@dataclass(slots=True)
class _Message:
    definition: Definition
    raw: bytes
    values: dict[int, Value]
    time: int | None


class _Segment:
    """The segment that breaks off, message by message. `used`: its bytes that were readable; `kept`: what is kept."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._header = data[0]
        self.kept: list[bytes] = []
        self.records = self.used = 0
        self._events = TimerEvents()
        self._times: list[tuple[int, int]] = []
        self._sessions: list[int] = []
        self._laps: list[int] = []
        """When those ended that are there."""
        self._has_activity = False
        self._sport: tuple[int | None, int | None] = (None, None)
        self._read()

    def _read(self) -> None:
        messages = list(self._messages())
        times = [
            (at, one.time) for at, one in enumerate(messages) if one.definition.number == RECORD and one.time
        ]
        last_at, last = times[-1] if times else (0, 0)
        for at, message in enumerate(messages):
            if at < last_at and _speaks_of_more(message, last):
                continue
            self.kept.append(message.raw)
            self._note(message)

    def _messages(self) -> Iterator[_Message]:
        """The whole messages; definitions are kept as they come."""
        data, at, clock, last_record = self._data, self._header, 0, 0
        length = int.from_bytes(data[4:8], "little")
        stop = min(len(data), self._header + length) if length else len(data)
        filled = len(data[:stop].rstrip(b"\0"))
        stop = filled if stop - filled >= _EMPTY_TAIL else stop
        definitions: dict[int, Definition] = {}
        while at < stop:
            head = data[at]
            if head & 0xC0 == 0x40:
                after = definition_end(data, at, stop)
                if after > stop or not is_plausible(data[at:after]):
                    break
                definition = definitions[head & 0x0F] = Definition.parse(data[at:after])
                yield _Message(definition, data[at:after], {}, None)
                at = self.used = after
                continue
            local = (head >> 5) & 0x03 if head & 0x80 else head & 0x0F
            found = definitions.get(local)
            if found is None or at + found.step > stop:
                break
            raw = data[at : at + found.step]
            values = found.values(raw)
            clock = _clock(head, values, clock)
            if TIMESTAMP in values and last_record and abs(clock - last_record) > _GAP:
                break  # what follows is none of these messages, but happens to look like one
            last_record = clock if found.number == RECORD and clock else last_record
            yield _Message(found, raw, values, clock or None)
            at = self.used = at + found.step

    def _note(self, message: _Message) -> None:
        number, values, moment = message.definition.number, message.values, message.time
        if not values and number != RECORD:
            return
        match number:
            case n if n == RECORD and moment is not None:
                self.records += 1
                distance = values.get(5)
                known = self._times[-1][1] if self._times else 0
                self._times.append((moment, int(distance) if isinstance(distance, int) else known))
            case n if n == EVENT and values.get(0) == _TIMER and moment is not None:
                kind = values.get(1)
                if kind == _START or kind in _STOPS:
                    self._events.changes.append((moment, kind == _START))
            case n if n == SESSION:
                self._sessions.append(_end(values, moment))
                self._sport = (whole(values.get(5)), whole(values.get(6)))
            case n if n == LAP:
                self._laps.append(_end(values, moment))
            case n if n == ACTIVITY:
                self._has_activity = True
            case n if n == SPORT:
                self._sport = (whole(values.get(0)), whole(values.get(1)))

    def summaries(self) -> list[bytes]:
        """The messages that are missing at the end."""
        if not self._times:
            return []
        made, end = [], self._times[-1][0]
        if self._events.runs:
            made.append(encode(EVENT, [(TIMESTAMP, UINT32, end), (0, ENUM, _TIMER), (1, ENUM, 4)]))
        lap = self._leg(self._laps)
        if lap is not None:
            made.append(
                encode(LAP, [(254, UINT16, len(self._laps)), *self._totals(lap, _LAP_SPORT), (0, ENUM, 9)])
            )
        session = self._leg(self._sessions)
        if session is not None:
            count = len(self._laps) + (lap is not None)
            laps: Fields = [(25, UINT16, 0), (26, UINT16, count)] if not self._sessions else []
            head: Fields = [
                (254, UINT16, len(self._sessions)),
                *self._totals(session, _SESSION_SPORT),
                (0, ENUM, 8),
                *laps,
            ]
            made.append(encode(SESSION, [*head, (28, ENUM, 0)]))
        if session is None and self._has_activity:
            return made
        start = self._times[0][0]
        timer = end - start - self._events.paused(start, end)
        sessions = len(self._sessions) + (session is not None)
        several = int(sessions > 1)
        activity: Fields = [(0, UINT32, int(timer * 1000)), (1, UINT16, sessions), (2, ENUM, several)]
        made.append(encode(ACTIVITY, [(TIMESTAMP, UINT32, end), *activity, (3, ENUM, 26), (4, ENUM, 1)]))
        return made

    def _leg(self, there: list[int]) -> _Leg | None:
        """What no session, or no lap, covers yet; None if all records are. `there`: when they ended."""
        covered = max(there, default=0)
        times = [(moment, distance) for moment, distance in self._times if moment > covered]
        if not times or (there and times[-1][0] - covered <= _SLACK):
            return None
        before = [distance for moment, distance in self._times if moment <= covered]
        start, end = times[0][0], times[-1][0]
        metres = max(0, times[-1][1] - (before[-1] if before else 0))
        return _Leg(start, end, metres, self._events.paused(start, end))

    def _totals(self, leg: _Leg, places: tuple[int, int]) -> Fields:
        elapsed = leg.end - leg.start
        return [
            (TIMESTAMP, UINT32, leg.end),
            (2, UINT32, leg.start),
            (7, UINT32, elapsed * 1000),
            (8, UINT32, int((elapsed - leg.paused) * 1000)),
            (9, UINT32, leg.distance),
            (1, ENUM, 1),
            *((place, ENUM, value) for place, value in zip(places, self._sport, strict=True)),
        ]

    def rebuilt(self, summaries: list[bytes]) -> bytes:
        body = b"".join([*self.kept, *summaries])
        header = bytearray(self._data[: self._header])
        header[4:8] = struct.pack("<I", len(body))
        if len(header) >= _HEADER_WITH_CHECKSUM:
            header[12:14] = checksum(memoryview(bytes(header[:12]))).to_bytes(2, "little")
        whole = bytes(header) + body
        return whole + checksum(memoryview(whole)).to_bytes(2, "little")


def _speaks_of_more(message: _Message, last: int) -> bool:
    """Whether a summary is of records that are lost: some devices write it first, and overwrite it at the end."""
    is_summary = message.definition.number in {SESSION, LAP, ACTIVITY} and bool(message.values)
    return is_summary and _end(message.values, message.time) > last


def _clock(head: int, values: dict[int, Value], clock: int) -> int:
    """The moment of a message: its own, or that of the one before with the five bits in a compressed header."""
    own = values.get(TIMESTAMP)
    if isinstance(own, int):
        return own
    if head & 0x80 and clock:
        offset = head & 0x1F
        return clock + ((offset - clock) & 0x1F)
    return clock


def _end(values: dict[int, Value], moment: int | None) -> int:
    """When a session or lap ends: its start and its elapsed time say it better than its own timestamp."""
    start, elapsed = values.get(2), values.get(7)
    if isinstance(start, int) and isinstance(elapsed, int):
        return start + elapsed // 1000
    return moment or 0
