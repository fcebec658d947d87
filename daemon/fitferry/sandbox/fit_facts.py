"""A reader of FIT files of its own: enough to tell a broken one, and when it began."""

from __future__ import annotations

import struct
from dataclasses import dataclass

EPOCH = 631_065_600
MALFORMED = "The upload appears to be malformed and we are unable to process it"
TIMELESS = "Time information is missing from file."
_FORMATS = {1: "B", 2: "H", 4: "I"}
_SPORTS = {1: "Run", 2: "Ride", 5: "Swim", 11: "Walk", 15: "Rowing", 17: "Hike"}


@dataclass(frozen=True, slots=True)
class FitFacts:
    """The start (seconds since 1970), the length (seconds), the distance (metres) and the sport of a file."""

    start: float
    elapsed: float
    distance: float
    sport: str


class Unusable(ValueError):
    """Why a file becomes no activity, in Strava's words."""


def read(data: bytes) -> FitFacts:
    """Read the first segment. Raises Unusable."""
    if len(data) < 14 or data[8:12] != b".FIT":
        raise Unusable(MALFORMED)
    head, size = data[0], int.from_bytes(data[4:8], "little")
    if size == 0 or len(data) < head + size + 2 or _crc(data[: head + size + 2]) != 0:
        raise Unusable(MALFORMED)
    try:
        return _facts(data[head : head + size])
    except (struct.error, IndexError, KeyError) as error:
        raise Unusable(MALFORMED) from error


def _facts(body: bytes) -> FitFacts:
    definitions: dict[int, tuple[int, str, list[tuple[int, int]], int]] = {}
    kind: int | None = None
    times: list[int] = []
    session: dict[int, int] = {}
    at = 0
    while at < len(body):
        at, number, values = _message(body, at, definitions)
        if number == 0:
            kind = values.get(0)
        elif number == 18 and not session:
            session = values
        elif number == 20 and 253 in values:
            times.append(values[253])
    start = session.get(2) or (min(times) if times else None)
    if kind != 4 or start is None:
        raise Unusable(TIMELESS)
    elapsed = session[7] / 1000 if 7 in session else (max(times) - min(times) if times else 0)
    sport = _SPORTS.get(session.get(5, 0), "Workout")
    return FitFacts(start + EPOCH, elapsed, session.get(9, 0) / 100, sport)


def _message(
    body: bytes, at: int, definitions: dict[int, tuple[int, str, list[tuple[int, int]], int]]
) -> tuple[int, int | None, dict[int, int]]:
    head = body[at]
    if head & 0xC0 == 0x40:
        order = ">" if body[at + 2] == 1 else "<"
        (number,) = struct.unpack_from(order + "H", body, at + 3)
        end = at + 6 + 3 * body[at + 5]
        fields = [(body[place], body[place + 1]) for place in range(at + 6, end, 3)]
        extra = 0
        if head & 0x20:
            count = body[end]
            extra, end = sum(body[end + 2 : end + 1 + 3 * count : 3]), end + 1 + 3 * count
        definitions[head & 0x0F] = (number, order, fields, extra)
        return end, None, {}
    number, order, fields, extra = definitions[(head >> 5) & 3 if head & 0x80 else head & 0x0F]
    at, values = at + 1, {}
    for field, size in fields:
        if size in _FORMATS:
            (value,) = struct.unpack_from(order + _FORMATS[size], body, at)
            if value != (1 << 8 * size) - 1:
                values[field] = value
        at += size
    if at + extra > len(body):
        raise Unusable(MALFORMED)
    return at + extra, number, values


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value


_TABLE = [_entry(value) for value in range(256)]
