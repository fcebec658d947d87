"""Values of every type, and what a file without its own developer fields is given."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime

import pytest

from fit_writer import (
    ENUM,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    Field,
    data,
    definition,
    file_id,
    message,
    ride,
    segment,
    session,
    stamp,
)
from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.formats import fit
from samples import SAMPLES

START = datetime(2026, 9, 21, 12, tzinfo=UTC)
BEGIN = stamp(START)


def inspect(data: bytes) -> ParseResult:
    """What these bytes are."""
    return fit.inspect([data])


def test_invalid_values_are_none() -> None:
    """4,294,967,295 hundredths of a metre is no distance."""
    facts = inspect(ride(START, sport=None, sub_sport=None, distance_m=None)).facts

    assert (facts.sport, facts.sub_sport) == (None, None)
    assert facts.distance_m in {None, 0.0}


def test_big_endian_files_and_compressed_timestamps_are_read() -> None:
    """Both occur in real files."""
    start = [(2, UINT32, BEGIN), (5, ENUM, 2), (8, UINT32, 60_000)]
    big = message(0, [(0, ENUM, 4), (1, UINT16, 1)], big_endian=True) + message(
        18, start, local=1, big_endian=True
    )
    compressed = (
        definition(20, [(5, UINT32, 0)], local=1) + bytes([0x80 | 1 << 5 | 3]) + (5000).to_bytes(4, "little")
    )

    assert (START.timestamp(), 60.0) == _start_and_timer(segment([big]))
    assert FileKind.ACTIVITY is inspect(segment([file_id(4, BEGIN), compressed, session(BEGIN, 60)])).kind


def _start_and_timer(body: bytes) -> tuple[float | None, float | None]:
    facts = inspect(body).facts
    return facts.start_time, facts.duration_s


def test_one_files_developer_fields_are_not_another_ones() -> None:
    """The library keeps them in a global; a file that declares none must not inherit any."""
    first = inspect((SAMPLES / "indoor_ride.fit").read_bytes())
    plain = inspect(ride(START))
    again = inspect((SAMPLES / "indoor_ride.fit").read_bytes())

    assert first == again
    assert plain == inspect(ride(START))


def test_a_file_that_declares_no_developer_fields_inherits_none() -> None:
    """Its own have no name then, whatever the file before it called such fields."""
    name: list[Field] = [
        (0, UINT8, 0),
        (1, UINT8, 0),
        (2, UINT8, UINT32),
        (3, STRING, "total_distance"),
        (8, STRING, "m"),
    ]
    declared = [message(207, [(3, UINT8, 0)]), message(206, name)]
    fields: list[Field] = [(5, ENUM, 2)]
    head = definition(18, fields)
    with_its_own = (
        bytes([head[0] | 0x20]) + head[1:] + bytes([1, 0, 4, 0]) + data(fields) + (77).to_bytes(4, "little")
    )
    anonymous = segment([file_id(4, BEGIN), with_its_own])

    assert inspect(segment([file_id(4, BEGIN), *declared, with_its_own])).facts.distance_m == 77
    assert inspect(anonymous).facts.distance_m is None


def _session_of(fields: list[tuple[int, int, bytes]]) -> ActivityFacts:
    """What a file says whose session has these fields: number, base type, bytes."""
    head = bytes([0x43, 0, 0, 18, 0, len(fields)]) + b"".join(
        bytes([n, len(raw), base]) for n, base, raw in fields
    )
    body = head + b"\3" + b"".join(raw for _, _, raw in fields)
    return inspect(segment([file_id(4, BEGIN), body])).facts


def test_values_of_every_type_are_read() -> None:
    """Floats, arrays, signed ones, and COROS's that are too narrow for what they say they are."""
    start = (2, 0x86, struct.pack("<I", BEGIN))

    assert _session_of([start, (8, 0x88, struct.pack("<f", 60_000.0))]).duration_s == 60
    assert _session_of([start, (8, 0x89, struct.pack("<d", 60_000.0))]).duration_s == 60
    assert _session_of([start, (8, 0x86, struct.pack("<3I", 0xFFFFFFFF, 60_000, 7))]).duration_s == 60
    assert _session_of([start, (8, 0x85, struct.pack("<i", 60_000))]).duration_s == 60
    assert _session_of([start, (8, 0x8F, struct.pack("<Q", 60_000))]).duration_s == 60
    assert _session_of([start, (8, 0x86, struct.pack("<H", 60_000))]).duration_s == 60
    assert _session_of([start, (5, 0x86, b"\2")]).sport == "cycling"
    assert _session_of([start, (8, 0x88, struct.pack("<f", math.nan))]).duration_s is None
    assert _session_of([start, (8, 0x07, b"60000\0")]).duration_s is None
    assert _session_of([start, (5, 0x00, b"")]).sport is None


@pytest.mark.parametrize(
    ("base", "form", "invalid"),
    [
        (0x00, "<B", 0xFF),
        (0x01, "<b", 0x7F),
        (0x02, "<B", 0xFF),
        (0x83, "<h", 0x7FFF),
        (0x84, "<H", 0xFFFF),
        (0x85, "<i", 0x7FFF_FFFF),
        (0x86, "<I", 0xFFFF_FFFF),
        (0x0A, "<B", 0),
        (0x8B, "<H", 0),
        (0x8C, "<I", 0),
        (0x0D, "<B", 0xFF),
        (0x8E, "<q", 0x7FFF_FFFF_FFFF_FFFF),
        (0x8F, "<Q", 0xFFFF_FFFF_FFFF_FFFF),
        (0x90, "<Q", 0),
    ],
)
def test_each_type_has_its_own_value_for_none(base: int, form: str, invalid: int) -> None:
    """By the table of base types in Garmin's FIT protocol; the value beside it is one."""
    start = (2, 0x86, struct.pack("<I", BEGIN))
    beside = invalid - 1 if invalid else 1

    assert _session_of([start, (22, base, struct.pack(form, invalid))]).ascent_m is None
    assert _session_of([start, (22, base, struct.pack(form, beside))]).ascent_m == float(beside)


@pytest.mark.parametrize(
    ("developer", "unit", "metres"), [(0, "m", 77), (1, "m", 77), (1, "metres", 77), (0, "km", None)]
)
def test_an_apps_distance_counts_in_metres_whichever_app_it_is(
    developer: int, unit: str, metres: float | None
) -> None:
    """Another unit would be read as so many metres."""
    name: list[Field] = [
        (0, UINT8, developer),
        (1, UINT8, 0),
        (2, UINT8, UINT32),
        (3, STRING, "total_distance"),
        (8, STRING, unit),
    ]
    fields: list[Field] = [(5, ENUM, 2)]
    head = definition(18, fields)
    own = (
        bytes([head[0] | 0x20])
        + head[1:]
        + bytes([1, 0, 4, developer])
        + data(fields)
        + struct.pack("<I", 77)
    )

    assert inspect(segment([file_id(4, BEGIN), message(206, name), own])).facts.distance_m == metres
