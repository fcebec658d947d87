"""Definitions of FIT messages, and the values of their fields. Numbers are those of the FIT protocol and profile."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable
from dataclasses import dataclass

FILE_ID, SPORT, SESSION, LAP, RECORD, EVENT, DEVICE_INFO = 0, 12, 18, 19, 20, 21, 23
ACTIVITY, LENGTH, HR, FIELD_DESCRIPTION, SET = 34, 101, 132, 206, 225
TIMESTAMP = 253
WANTED = {
    FILE_ID: frozenset({0, 1, 2, 3, 4}),
    SPORT: frozenset({0, 1}),
    SESSION: frozenset({2, 5, 6, 7, 8, 9, 16, 20, 22, TIMESTAMP}),
    LAP: frozenset({2, 7, TIMESTAMP}),
    EVENT: frozenset({0, 1, TIMESTAMP}),
    ACTIVITY: frozenset({TIMESTAMP}),
    RECORD: frozenset({0, 1, 3, 5, 7, TIMESTAMP}),
    DEVICE_INFO: frozenset({3}),
    FIELD_DESCRIPTION: frozenset({0, 1, 2, 3, 8, 14, 15}),
}
"""The fields that are read of each kind of message. A message may be 65 kB wide: no other field costs anything."""
_STRING = 0x07
_FLOATS = frozenset({0x08, 0x09})
_BASES = {
    0x00: ("B", 0xFF),
    0x01: ("b", 0x7F),
    0x02: ("B", 0xFF),
    0x03: ("h", 0x7FFF),
    0x04: ("H", 0xFFFF),
    0x05: ("i", 0x7FFF_FFFF),
    0x06: ("I", 0xFFFF_FFFF),
    0x08: ("f", math.nan),
    0x09: ("d", math.nan),
    0x0A: ("B", 0),
    0x0B: ("H", 0),
    0x0C: ("I", 0),
    0x0D: ("B", 0xFF),
    0x0E: ("q", 0x7FFF_FFFF_FFFF_FFFF),
    0x0F: ("Q", 0xFFFF_FFFF_FFFF_FFFF),
    0x10: ("Q", 0),
}
"""How a base type is unpacked, and which value means that there is none; by its number without the endian bit."""

Value = int | float | str


def whole(value: Value | None) -> int | None:
    """A number without its fraction; None for a text, and for none."""
    return int(value) if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class Field:
    """A field in a message: where it begins, its bytes, its base type. `developer`: the index of its app."""

    number: int
    offset: int
    size: int
    base: int
    developer: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """Layout of the messages of one local number. `step`: their bytes. `fields`: those that are wanted."""

    number: int
    step: int
    order: str
    fields: tuple[Field, ...]
    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Definition:
        """Parse a definition message, all of whose bytes are there."""
        big_endian = raw[2] == 1
        number = int.from_bytes(raw[3:5], "big" if big_endian else "little")
        wanted = WANTED.get(number, frozenset())
        after = 6 + 3 * raw[5]
        fields, offset = [], 1
        for at in range(6, after, 3):
            if raw[at] in wanted:
                fields.append(Field(raw[at], offset, raw[at + 1], raw[at + 2] & 0x1F))
            offset += raw[at + 1]
        for at in range(after + 1, len(raw) - 2, 3):
            if number == SESSION:
                fields.append(Field(raw[at], offset, raw[at + 1], 0, raw[at + 2]))
            offset += raw[at + 1]
        return cls(number, offset, ">" if big_endian else "<", tuple(fields), raw)

    def values(self, raw: bytes) -> dict[int, Value]:
        """Valid values of the wanted native fields of a message, the first one of an array."""
        values: dict[int, Value] = {}
        for field in self.fields:
            if field.developer is None and field.number not in values:
                value = read_value(raw, field.offset, field.size, field.base, self.order)
                if value is not None:
                    values[field.number] = value
        return values


def definition_end(data: bytes, at: int, stop: int) -> int:
    """Where a definition ends; behind `stop` where not all of it is there."""
    if at + 6 > stop:
        return stop + 1
    after = at + 6 + 3 * data[at + 5]
    if data[at] & 0x20:  # with fields of apps
        return after + 1 + 3 * data[after] if after < stop else stop + 1
    return after


def is_plausible(raw: bytes) -> bool:
    """Whether a device may have written this definition: other bytes that look like one seldom are as strict."""
    bases = {base & 0x1F for base in raw[8 : 6 + 3 * raw[5] : 3]}
    return raw[1] == 0 and raw[2] in {0, 1} and bases <= _BASES.keys() | {_STRING}


def read_value(data: bytes, at: int, size: int, base: int, order: str) -> Value | None:
    """The first valid value of a field, None where there is none; a width that does not fit is read as it stands.

    COROS writes fields of `uint32` that are a byte wide (firmware of 2024 and later).
    """
    if base == _STRING:
        return data[at : at + size].partition(b"\0")[0].decode("utf-8", "replace") or None
    letter, invalid = _BASES.get(base, ("B", 0xFF))
    width = struct.calcsize(letter)
    if size < width:
        if base in _FLOATS or not size:
            return None
        number = int.from_bytes(data[at : at + size], "big" if order == ">" else "little")
        return None if number == (0 if invalid == 0 else (1 << 8 * size) - 1) else number
    for value in struct.unpack_from(f"{order}{size // width}{letter}", data, at):
        if value != invalid and math.isfinite(value):
            return value  # type: ignore[no-any-return]  # what struct unpacks is a number here
    return None


def record_reader(definition: Definition) -> Callable[[bytes], list[int | None]]:
    """What reads the RECORD_FIELDS of a record at once, in their order; None for each that has no valid value."""
    parts, found, at = [definition.order], [], 0
    for field in definition.fields:
        letter, _ = RECORD_FIELDS.get(field.number, ("", 0))
        if letter and field.size == struct.calcsize(letter) and field.number not in found:
            parts.append(f"{field.offset - at}x{letter}")
            found.append(field.number)
            at = field.offset + field.size
    unpack = struct.Struct("".join(parts)).unpack_from
    in_order = operator.itemgetter(*((*found, number).index(number) for number in RECORD_FIELDS))
    return lambda raw: [
        None if value == invalid else value
        for value, invalid in zip(in_order((*unpack(raw), None)), _INVALID, strict=True)
    ]


RECORD_FIELDS = {
    TIMESTAMP: ("I", 0xFFFF_FFFF),
    0: ("i", 0x7FFF_FFFF),
    1: ("i", 0x7FFF_FFFF),
    3: ("B", 0xFF),
    5: ("I", 0xFFFF_FFFF),
    7: ("H", 0xFFFF),
}
"""How a field of a record is unpacked, and which value means that there is none."""
_INVALID = [invalid for _, invalid in RECORD_FIELDS.values()]
