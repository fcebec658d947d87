"""Values of every type, and what a file without its own developer fields is given."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime

import pytest
from fitparse.profile import MESSAGE_TYPES

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
    session_of_developer,
    stamp,
)
from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.formats import fit
from fitferry.formats.fit import fields
from fitferry.formats.fit.fields import Definition
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
    declared, with_its_own = session_of_developer("total_distance", "m", 77)
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
    ("developer", "unit", "metres"),
    [(0, "m", 77_000), (1, "m", 77_000), (1, "metres", 77_000), (0, "km", None)],
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
        + struct.pack("<I", 77_000)
    )

    assert inspect(segment([file_id(4, BEGIN), message(206, name), own])).facts.distance_m == metres


# --- definitions ---


def test_the_messages_and_fields_that_are_read_have_the_numbers_of_the_profile() -> None:
    """As the library of 2019 knows them by name."""
    wanted = {
        "file_id": {"type", "manufacturer", "product", "serial_number", "time_created"},
        "sport": {"sport", "sub_sport"},
        "session": {
            "start_time",
            "sport",
            "sub_sport",
            "total_elapsed_time",
            "total_timer_time",
            "total_distance",
            "avg_heart_rate",
            "avg_power",
            "total_ascent",
            "timestamp",
        },
        "lap": {"start_time", "total_elapsed_time", "timestamp"},
        "event": {"event", "event_type", "timestamp"},
        "activity": {"timestamp"},
        "record": {"position_lat", "position_long", "heart_rate", "distance", "power", "timestamp"},
        "device_info": {"serial_number"},
        "field_description": {
            "developer_data_index",
            "field_definition_number",
            "fit_base_type_id",
            "field_name",
            "units",
            "native_mesg_num",
            "native_field_num",
        },
    }
    messages = {kind.name: (number, kind) for number, kind in MESSAGE_TYPES.items()}

    assert {
        messages[name][0]: {n for n, field in messages[name][1].fields.items() if field.name in names}
        for name, names in wanted.items()
    } == fields.WANTED
    assert messages["length"][0] == fields.LENGTH
    assert messages["hr"][0] == fields.HR
    assert fields.SET == 225  # newer than the library
    assert messages["record"][1].fields[fields.TIMESTAMP].name == "timestamp"


@pytest.mark.parametrize("big_endian", [False, True])
def test_a_definition_says_where_each_wanted_field_is(*, big_endian: bool) -> None:
    """Behind the head's byte; others count with their bytes, those of apps are kept for sessions alone."""
    three = [(250, UINT16, 0), (5, ENUM, 0), (253, UINT32, 0)]
    session_ = Definition.parse(
        _with_apps(definition(18, three, big_endian=big_endian), (1, 4, 2), (9, 2, 7))
    )
    lap = Definition.parse(_with_apps(definition(19, three, big_endian=big_endian), (1, 4, 2)))
    order = ">" if big_endian else "<"

    assert (session_.number, session_.step, session_.order) == (18, 1 + 7 + 6, order)
    assert session_.fields == (
        fields.Field(5, 3, 1, 0x00),
        fields.Field(253, 4, 4, 0x06),
        fields.Field(1, 8, 4, 0, 2),
        fields.Field(9, 12, 2, 0, 7),
    )
    assert (lap.step, lap.fields) == (12, (fields.Field(253, 4, 4, 0x06),))


def _with_apps(head: bytes, *apps: tuple[int, int, int]) -> bytes:
    """A definition with fields of apps: number, size, index of the app."""
    return bytes([head[0] | 0x20]) + head[1:] + bytes([len(apps)]) + b"".join(map(bytes, apps))


def test_the_first_of_two_fields_of_one_number_counts_and_an_apps_never() -> None:
    """Also where the first one says nothing, the second may."""
    twice = Definition.parse(_with_apps(definition(18, [(5, ENUM, 0), (5, ENUM, 0)]), (6, 1, 0)))

    assert twice.values(b"\3\1\2\7") == {5: 1}
    assert twice.values(b"\3\xff\2\7") == {5: 2}


@pytest.mark.parametrize("apps", [(), ((1, 4, 2),), ((1, 4, 2), (9, 2, 7))])
@pytest.mark.parametrize("before", [0, 5])
def test_a_definition_ends_behind_its_last_field_if_that_is_there(
    apps: tuple[tuple[int, int, int], ...], before: int
) -> None:
    """Else behind what is there, whichever of its bytes is the first that is missing."""
    head = definition(18, [(5, ENUM, 0), (253, UINT32, 0)])
    whole = _with_apps(head, *apps) if apps else head
    body, end = b"x" * before + whole + b"x" * 9, before + len(whole)

    for stop in (end, end + 1, end + 9):
        assert fields.definition_end(body, before, stop) == end
    bare = b"x" * before + definition(18, [])
    assert fields.definition_end(bare, before, len(bare)) == len(bare)
    for stop in range(before, end):
        assert fields.definition_end(body, before, stop) > stop
        assert fields.definition_end(body[:stop], before, stop) > stop


@pytest.mark.parametrize(
    ("raw", "plausible"),
    [
        (definition(20, [(5, ENUM, 0), (253, UINT32, 0)]), True),
        (definition(20, [(5, ENUM, 0)], big_endian=True), True),
        (definition(20, []), True),
        (definition(20, [(9, STRING, "text")]), True),
        (b"\x40\1\0\x14\0\0", False),
        (b"\x40\0\2\x14\0\0", False),
        (b"\x40\0\0\x14\0\1\5\1\x11", False),
        (b"\x40\0\0\x14\0\2\5\1\x02\6\1\x91", False),
        (b"\x40\0\0\x14\0\2\5\1\x62\6\1\x07", True),
        (b"\x60\0\0\x14\0\1\5\1\x02\1\7\1\x1f", True),
        (b"\x60\0\0\x14\0\3" + b"\5\1\2" * 3 + b"\1\7\x1f\0", True),
        *((bytes([0x40, 0, 0, 20, 0, 1, 5, 1, base]), base <= 0x10) for base in range(0x12)),
        (bytes([0x40, 0, 0, 20, 0, 17]) + b"".join(bytes([base, 1, base]) for base in range(17)), True),
    ],
)
def test_a_definition_that_a_device_may_have_written_is_told_from_other_bytes(
    raw: bytes, *, plausible: bool
) -> None:
    """A reserved byte of 0, an order of bytes, and base types that there are; apps' fields are not asked."""
    assert fields.is_plausible(raw) is plausible


# --- values ---


@pytest.mark.parametrize(
    ("raw", "base", "order", "value"),
    [
        (b"\2", 0x06, "<", 2),
        (b"\1\2", 0x06, "<", 0x0201),
        (b"\1\2", 0x06, ">", 0x0102),
        (b"\1\2\3", 0x06, "<", 0x030201),
        (b"\xff", 0x06, "<", None),
        (b"\xff\xff\xff", 0x06, "<", None),
        (b"\xfe\xff", 0x06, "<", 0xFFFE),
        (b"\0", 0x06, "<", 0),
        (b"\0", 0x0C, "<", None),
        (b"\0\0", 0x0B, "<", None),
        (b"\xff", 0x0B, "<", 0xFF),
        (b"\1", 0x0B, "<", 1),
        (b"\1", 0x08, "<", None),
        (b"\1\2\3\4", 0x09, "<", None),
        (b"", 0x06, "<", None),
        (b"", 0x02, "<", None),
        (b"\7", 0x1F, "<", 7),
        (b"\xff", 0x1F, "<", None),
        (b"\xff\7\xff", 0x02, "<", 7),
        (b"\xff\xff\7\0\1", 0x04, "<", 7),
        (struct.pack("<f", math.inf), 0x08, "<", None),
        (b"r\xc3\xa9my\0rest", 0x07, "<", "rémy"),
        (b"\xff", 0x07, "<", "\ufffd"),
        (b"\0rest", 0x07, "<", None),
    ],
)
def test_a_value_is_the_first_valid_one_as_wide_as_it_stands(
    raw: bytes, base: int, order: str, value: fields.Value | None
) -> None:
    """Also in a field that is narrower than its type, whose own largest number is none; floats have one width."""
    assert fields.read_value(b"x" + raw + b"x", 1, len(raw), base, order) == value
