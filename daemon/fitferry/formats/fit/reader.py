"""Is a FIT file whole, and where is what matters in it? A walk without any library, bounded for any input.

A FIT file is one or more segments: a header that names its length, messages, a checksum. Length alone
proves nothing (copiers set it first), the checksum alone proves nothing (over a header and zeros it is
right), so the messages are walked to the end as well. Each fact is from the FIT profile and real files.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass, field

from fitferry.core.activity import FileKind
from fitferry.formats.fit.crc import checksum
from fitferry.formats.thumbnail import Sample, Samples

SHORTEST = 12
"""Bytes of the shortest header."""
MAX_SEGMENTS = 100
MAX_MESSAGES = 1_000_000
"""More than any device writes in a file of 25 MB that holds an activity."""
MEAN_BYTES, MIN_MESSAGES = 3, 1_000
"""Messages of real files are longer than that on average; a file of shorter ones is built to take long."""
MAX_KEPT = 500
"""Messages that are decoded at most: sessions, sports and what names them."""
MAX_DEFINITIONS = 5_000
"""Different ones. Devices write a few dozen; some apps repeat theirs before each message."""
_ZEROS = bytes(16)

FILE_ID, SPORT, SESSION, RECORD = 0, 12, 18, 20
_KEPT = frozenset({FILE_ID, SPORT, SESSION, 34, 49, 206, 207})
"""What a summary needs: also activity, file_creator, and what developer fields are called."""
_TIMESTAMP, _DISTANCE = 253, 5
_UNSIGNED = {1: "B", 2: "H", 4: "I"}
_INVALID = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}
_DEGREES = 180 / 2**31
"""Positions are in semicircles, signed."""
_NOWHERE = 0x7FFF_FFFF
_SAMPLED = {
    0: ("latitude", "i", _DEGREES),
    1: ("longitude", "i", _DEGREES),
    3: ("heart_rate", "B", 1.0),
    7: ("power", "H", 1.0),
}
_Place = tuple[str, int, str, int, float]
"""An attribute of a sample, where it is in a message, how it is unpacked, what means unknown, its unit."""
_ZERO_IS_INVALID = frozenset({0x0A, 0x8B, 0x8C})
_OUTSIDE = "the messages cannot be read to the end"


@dataclass(slots=True)
class Probe:
    """What the walk found. Message fields are raw numbers by field number; invalid ones are left out."""

    kind: FileKind
    reason: str = ""
    have: int = 0
    want: int | None = None
    file_type: int | None = None
    manufacturer: int | None = None
    product: int | None = None
    created: int | None = None
    sport: int | None = None
    sub_sport: int | None = None
    sessions: list[dict[int, int]] = field(default_factory=list)
    first_record: int | None = None
    last_record: int | None = None
    last_distance: int | None = None
    samples: list[Sample] = field(default_factory=list)
    reduced: bytes = b""

    @property
    def record_seconds(self) -> float | None:
        """The time from the first to the last record."""
        if self.first_record is None or self.last_record is None or self.last_record <= self.first_record:
            return None
        return float(self.last_record - self.first_record)


@dataclass(slots=True)
class _Definition:
    """How the messages of one local number look."""

    number: int
    step: int
    big_endian: bool
    fields: tuple[tuple[int, int, int], ...]
    raw: bytes


class _Bad(Exception):  # it never leaves this module
    """The messages of a segment cannot be read to the end."""


def probe(data: memoryview) -> Probe:
    """Walk through a file."""
    size = len(data)
    if size < SHORTEST or bytes(data[8:12]) != b".FIT":
        return _no_header(data)
    walk = _Walk(data)
    at, segments = 0, 0
    while segments < MAX_SEGMENTS and size - at >= SHORTEST and bytes(data[at + 8 : at + 12]) == b".FIT":
        header, announced_length = data[at], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + header + announced_length + 2
        if announced_length == 0 or header < SHORTEST:
            return Probe(FileKind.UNFINISHED, "it is still being recorded", size)
        if end > size:
            with contextlib.suppress(
                _Bad
            ):  # it breaks off somewhere: what came until then may tell something
                walk.through(at + header, size)
            return walk.found(FileKind.UNFINISHED, f"{size:,} of {end:,} bytes", size, end)
        problem = _problem(data, at, header, end, walk)
        if problem:
            if bytes(data[end - 16 : end]) == _ZEROS:
                return walk.found(FileKind.UNFINISHED, "its end is still empty", size, end)
            return walk.found(FileKind.DAMAGED, problem, size)
        at, segments = end, segments + 1
    return walk.found(FileKind.ACTIVITY, "", size)


def _no_header(data: memoryview) -> Probe:
    size = len(data)
    if size < SHORTEST or bytes(data[SHORTEST:]).count(0) == size - SHORTEST:
        return Probe(
            FileKind.UNFINISHED,
            "it is still empty" if not any(data[:12]) else f"only {size} bytes are there",
            size,
        )
    return Probe(FileKind.NO_ACTIVITY, "not an activity file", size)


def _problem(data: memoryview, at: int, header: int, end: int, walk: _Walk) -> str:
    """What is wrong with a segment of the right length; empty if nothing is."""
    try:
        walk.through(at + header, end - 2)
    except _Bad:
        return _OUTSIDE
    return "" if checksum(data[at:end]) == 0 else "checksum does not match"


class _Walk:
    """The messages that matter, gathered over all segments."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._messages = 0
        self._definitions: dict[bytes, _Definition] = {}
        self._kept: list[tuple[_Definition, int]] = []
        self._first_record: tuple[_Definition, int] | None = None
        self._last_record: tuple[_Definition, int] | None = None
        self._samples: Samples[tuple[_Definition, int]] = Samples()

    def through(self, at: int, end: int) -> None:
        """Walk the messages between two places, which have to end exactly there."""
        data, steps = self._data, [0] * 16
        definitions: list[_Definition | None] = [None] * 16
        watched = [False] * 16
        count, limit = 0, min(MAX_MESSAGES, max(MIN_MESSAGES, len(data) // MEAN_BYTES)) - self._messages
        while at < end:
            head = data[at]
            if head & 0xC0 == 0x40:
                definition = self._define(at, end)
                local = head & 0x0F
                definitions[local], steps[local] = definition, definition.step
                watched[local] = definition.number in _KEPT or definition.number == RECORD
                at += len(definition.raw)
            else:
                local = (head >> 5) & 0x03 if head & 0x80 else head & 0x0F
                if not steps[local]:
                    raise _Bad
                if watched[local]:
                    found = definitions[local]
                    if found is not None:
                        self._keep(found, at)
                at += steps[local]
            count += 1
            if count > limit:
                raise _Bad
        self._messages += count
        if at != end:
            raise _Bad

    def found(self, kind: FileKind, reason: str, have: int, want: int | None = None) -> Probe:
        """What was gathered, decoded."""
        probe = Probe(kind, reason, have, want, reduced=self._reduced())
        for definition, at in self._kept:
            values = self._decode(definition, at)
            if definition.number == FILE_ID and probe.file_type is None:
                # Only the first one counts: heart-rate straps add segments without any.
                probe.file_type, probe.manufacturer, probe.product = (
                    values.get(0),
                    values.get(1),
                    values.get(2),
                )
                probe.created = values.get(4)
            elif definition.number == SPORT and probe.sport is None:
                probe.sport, probe.sub_sport = values.get(0), values.get(1)
            elif definition.number == SESSION:
                probe.sessions.append(values)
        if self._first_record is not None and self._last_record is not None:
            last = self._decode(*self._last_record)
            probe.samples = self._sampled()
            probe.first_record = self._decode(*self._first_record).get(_TIMESTAMP)
            probe.last_record, probe.last_distance = last.get(_TIMESTAMP), last.get(_DISTANCE)
        return probe

    def _define(self, at: int, end: int) -> _Definition:
        data = self._data
        if at + 6 > end:
            raise _Bad
        after = at + 6 + 3 * data[at + 5]
        with_developer_fields = bool(data[at] & 0x20)
        stop = after + 1 + 3 * data[after] if with_developer_fields and after < end else after
        if stop > end or (with_developer_fields and after >= end):
            raise _Bad
        raw = bytes(data[at:stop])
        if raw not in self._definitions:
            if len(self._definitions) >= MAX_DEFINITIONS:
                raise _Bad
            self._definitions[raw] = _defined(raw)
        return self._definitions[raw]

    def _keep(self, definition: _Definition, at: int) -> None:
        if definition.number == RECORD:
            if self._first_record is None:
                self._first_record = (definition, at)
            self._last_record = (definition, at)
            self._samples.add(self._last_record)
        elif len(self._kept) < MAX_KEPT:
            self._kept.append((definition, at))

    def _decode(self, definition: _Definition, at: int) -> dict[int, int]:
        """The single unsigned numbers of a message; arrays, strings and invalid values are left out."""
        values: dict[int, int] = {}
        at += 1
        order = ">" if definition.big_endian else "<"
        for number, size, base in definition.fields:
            letter = _UNSIGNED.get(size)
            if letter is not None and at + size <= len(self._data):
                (value,) = struct.unpack_from(order + letter, self._data, at)
                invalid = 0 if base in _ZERO_IS_INVALID else _INVALID[size]
                if value != invalid and number not in values:
                    values[number] = value
            at += size
        return values

    def _sampled(self) -> list[Sample]:
        """What some records say of place and effort."""
        samples: list[Sample] = []
        places: dict[int, list[_Place]] = {}
        for definition, at in self._samples.kept:
            if at + definition.step > len(self._data):
                continue
            found = places.get(id(definition)) or places.setdefault(id(definition), _places(definition))
            sample = Sample()
            for name, offset, form, invalid, unit in found:
                (value,) = struct.unpack_from(form, self._data, at + offset)
                if value != invalid:
                    setattr(sample, name, value * unit)
            samples.append(sample)
        return samples

    def _reduced(self) -> bytes:
        """A file of a few hundred bytes with what was kept, for a library to read."""
        parts: list[bytes] = []
        for definition, at in self._kept:
            head = self._data[at]
            local = (head >> 5) & 0x03 if head & 0x80 else head & 0x0F
            if at + definition.step > len(self._data):
                continue
            parts += [definition.raw, bytes([local]), bytes(self._data[at + 1 : at + definition.step])]
        body = b"".join(parts)
        head_bytes = struct.pack("<BBHI4s", 12, 0x10, 2140, len(body), b".FIT")
        return head_bytes + body + b"\0\0"


def _defined(raw: bytes) -> _Definition:
    """A definition from its bytes, which are all there."""
    big_endian = raw[2] == 1
    number = int.from_bytes(raw[3:5], "big" if big_endian else "little")
    after = 6 + 3 * raw[5]
    step = 1 + sum(raw[7:after:3]) + sum(raw[after + 2 :: 3])
    # Field number, size and base type, of the messages that are decoded.
    wanted = raw[6:after] if number in _KEPT or number == RECORD else b""
    fields = tuple(zip(wanted[::3], wanted[1::3], wanted[2::3], strict=True))
    return _Definition(number, step, big_endian, fields, raw)


def _places(definition: _Definition) -> list[_Place]:
    """Where a record keeps what is sampled."""
    places, offset, order = [], 1, ">" if definition.big_endian else "<"
    for number, size, _ in definition.fields:
        name, letter, unit = _SAMPLED.get(number, ("", "", 1.0))
        if name and size == struct.calcsize(letter):
            places.append((name, offset, order + letter, _NOWHERE if letter == "i" else _INVALID[size], unit))
        offset += size
    return places
