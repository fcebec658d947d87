"""A small FIT writer: any field, any lie. Field and type numbers are those of the FIT profile."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from datetime import datetime

from fitferry.formats.fit.crc import checksum

EPOCH = 631_065_600
"""FIT counts seconds from 1989-12-31, not from 1970."""
# Base types: number, size, format.
ENUM, UINT8, UINT16, SINT32, UINT32, UINT32Z, STRING = 0x00, 0x02, 0x84, 0x85, 0x86, 0x8C, 0x07
_FORMATS = {ENUM: "B", UINT8: "B", UINT16: "H", SINT32: "i", UINT32: "I", UINT32Z: "I"}
INVALID = {ENUM: 0xFF, UINT8: 0xFF, UINT16: 0xFFFF, SINT32: 0x7FFFFFFF, UINT32: 0xFFFFFFFF, UINT32Z: 0}

Field = tuple[int, int, object]
"""A field's number, its base type, and its value (a string for STRING; None for invalid)."""


def _bit_by_bit(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value


_CRC_OF_BYTE = [_bit_by_bit(byte) for byte in range(256)]


def crc(data: bytes, value: int = 0) -> int:
    """CRC-16/ARC, byte by byte; of 100 kB and more by our own quick way, because that would take seconds."""
    if len(data) > 100_000:
        return checksum(memoryview(data))
    for byte in data:
        value = (value >> 8) ^ _CRC_OF_BYTE[(value ^ byte) & 0xFF]
    return value


def message(number: int, fields: Sequence[Field], *, local: int = 0, big_endian: bool = False) -> bytes:
    """A definition and one message of it."""
    return definition(number, fields, local=local, big_endian=big_endian) + data(
        fields, local=local, big_endian=big_endian
    )


def definition(number: int, fields: Sequence[Field], *, local: int = 0, big_endian: bool = False) -> bytes:
    """What the messages of a local number look like from here on."""
    head = struct.pack(">BBBHB" if big_endian else "<BBBHB", 0x40 | local, 0, big_endian, number, len(fields))
    return head + b"".join(
        struct.pack("BBB", field, _size(kind, value), kind) for field, kind, value in fields
    )


def data(fields: Sequence[Field], *, local: int = 0, big_endian: bool = False) -> bytes:
    """One message of a local number that was defined before."""
    return bytes([local]) + b"".join(_pack(kind, value, big_endian) for _, kind, value in fields)


def segment(
    messages: Iterable[bytes],
    *,
    header_size: int = 14,
    header_crc: bool = True,
    data_size: int | None = None,
    file_crc: int | None = None,
) -> bytes:
    """A whole file around messages; `data_size` and `file_crc` may lie."""
    body = b"".join(messages)
    length = len(body) if data_size is None else data_size
    head = struct.pack("<BBHI4s", header_size, 0x10, 2140, length, b".FIT")
    if header_size >= 14:
        head += struct.pack("<H", crc(head) if header_crc else 0) + bytes(header_size - 14)
    return head + body + struct.pack("<H", crc(head + body) if file_crc is None else file_crc)


def stamp(moment: datetime | float) -> int:
    """A moment as FIT counts it."""
    return int(moment.timestamp() if isinstance(moment, datetime) else moment) - EPOCH


def file_id(kind: int, start: int, *, manufacturer: int = 1, product: int = 3121, serial: int = 1) -> bytes:
    """What a file is; its first message."""
    fields: list[Field] = [
        (0, ENUM, kind),
        (1, UINT16, manufacturer),
        (2, UINT16, product),
        (3, UINT32Z, serial),
        (4, UINT32, start),
    ]
    return message(0, fields)


def session(
    start: int,
    seconds: float,
    *,
    sport: int | None = 2,
    sub_sport: int | None = 0,
    distance_m: float | None = 1000.0,
    elapsed: float | None = None,
) -> bytes:
    """The summary of one session; `seconds` of timer time."""
    fields: list[Field] = [
        (253, UINT32, start + int(seconds)),
        (2, UINT32, start),
        (5, ENUM, sport),
        (6, ENUM, sub_sport),
        (7, UINT32, int((seconds if elapsed is None else elapsed) * 1000)),
        (8, UINT32, int(seconds * 1000)),
        (9, UINT32, None if distance_m is None else round(distance_m * 100)),
    ]
    return message(18, fields, local=3)


def session_of_developer(name: str, units: str, value: int) -> tuple[list[bytes], bytes]:
    """A session with one field of a developer's own: the messages that call it so, and the session itself."""
    described: list[Field] = [
        (0, UINT8, 0),
        (1, UINT8, 0),
        (2, UINT8, UINT32),
        (3, STRING, name),
        (8, STRING, units),
    ]
    fields: list[Field] = [(5, ENUM, 2)]
    head = definition(18, fields)
    own = (
        bytes([head[0] | 0x20]) + head[1:] + bytes([1, 0, 4, 0]) + data(fields) + value.to_bytes(4, "little")
    )
    return [message(207, [(3, UINT8, 0)]), message(206, described)], own


def record(moment: int, step: int, distance_m: float) -> list[Field]:
    """The fields of one record: a place on a small circle, with heart rate and power."""
    angle = step / 50
    return [
        (253, UINT32, moment),
        (0, SINT32, _semicircles(52.37 + 0.002 * math.sin(angle))),
        (1, SINT32, _semicircles(4.89 + 0.003 * math.cos(angle))),
        (3, UINT8, 120 + step % 40),
        (5, UINT32, round(distance_m * 100)),
        (7, UINT16, 180 + step % 60),
    ]


def ride(
    start: datetime | float,
    *,
    seconds: int = 60,
    sport: int | None = 2,
    sub_sport: int | None = 0,
    distance_m: float | None = 1000.0,
    kind: int = 4,
    serial: int = 1,
    header_size: int = 14,
    header_crc: bool = True,
    padding: int = 0,
) -> bytes:
    """A whole activity with one session and a record for each second.

    `padding`: bytes of messages that nobody knows, for a file of any size.
    """
    begin = stamp(start)
    metres = distance_m or 0.0
    records = [record(begin + step, step, metres * step / max(seconds, 1)) for step in range(seconds + 1)]
    messages = [
        file_id(kind, begin, serial=serial),
        message(21, [(253, UINT32, begin), (0, ENUM, 0), (1, ENUM, 0)], local=1),
        definition(20, records[0], local=2),
        *(data(fields, local=2) for fields in records),
        _padding(padding),
        message(21, [(253, UINT32, begin + seconds), (0, ENUM, 0), (1, ENUM, 4)], local=1),
        session(begin, seconds, sport=sport, sub_sport=sub_sport, distance_m=distance_m),
        message(34, [(253, UINT32, begin + seconds), (1, UINT16, 1), (5, UINT32, begin)], local=1),
    ]
    return segment(messages, header_size=header_size, header_crc=header_crc)


def _padding(size: int) -> bytes:
    if not size:
        return b""
    fields: list[Field] = [(0, STRING, "x" * 200)]
    return definition(0xFF00, fields, local=4) + data(fields, local=4) * (size // 201)


def _semicircles(degrees: float) -> int:
    return int(degrees * 2**31 / 180)


def _size(kind: int, value: object) -> int:
    return len(str(value)) if kind == STRING else struct.calcsize(_FORMATS[kind])


def _pack(kind: int, value: object, big_endian: bool) -> bytes:
    if kind == STRING:
        return str(value).encode()
    return struct.pack(
        (">" if big_endian else "<") + _FORMATS[kind], INVALID[kind] if value is None else value
    )
