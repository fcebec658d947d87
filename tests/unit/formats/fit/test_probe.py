"""Records become samples, times and a distance; an app's field becomes metres where its type is known."""

from __future__ import annotations

import struct

import pytest

from fit_writer import ENUM, SINT32, STRING, UINT8, UINT16, UINT32, Field, data, definition
from fitferry.core.activity import FileKind, Sample
from fitferry.formats.fit.fields import Definition
from fitferry.formats.fit.probe import MAX_METRES, Probe, Record, add_records, app_distance

QUARTER = 2**29
"""Semicircles of 45 degrees."""


def record(*fields: Field, big_endian: bool = False) -> Record:
    """A record with these fields."""
    head = definition(20, fields, big_endian=big_endian)
    return Definition.parse(head), data(fields, big_endian=big_endian)


def added(*records: Record) -> Probe:
    """What is known after these records."""
    found = Probe(FileKind.ACTIVITY, None)
    add_records(found, list(records))
    return found


FULL: tuple[Field, ...] = (
    (253, UINT32, 1_000),
    (0, SINT32, QUARTER),
    (1, SINT32, -QUARTER),
    (3, UINT8, 120),
    (5, UINT32, 12_300),
    (7, UINT16, 250),
)


@pytest.mark.parametrize("big_endian", [False, True])
def test_a_record_is_a_place_and_an_effort(*, big_endian: bool) -> None:
    """Degrees, beats and watts; the last record closes the run, and is no sample of its own."""
    found = added(record(*FULL, big_endian=big_endian), record((253, UINT32, 1_060)))

    assert found.samples == (Sample(45.0, -45.0, 120, 250),)
    assert (found.times, found.last_distance) == ([1_000, 1_060], None)


def test_what_a_record_does_not_know_is_none() -> None:
    """Each field has its own value for that; the last distance is that of the last record."""
    nothing = record(*((number, kind, None) for number, kind, _ in FULL))
    found = added(nothing, record(*FULL))

    assert found.samples == (Sample(None, None, None, None),)
    assert (found.times, found.last_distance) == ([1_000], 12_300)
    assert added(record(*FULL), nothing).last_distance is None


def test_fields_of_another_width_are_left_out_and_the_others_are_read() -> None:
    """As are those of apps, and all that nobody asks for."""
    odd = record((250, UINT16, 7), (0, UINT16, 7), (3, UINT8, 99), (9, STRING, "text"), (7, UINT16, 200))

    assert added(odd, odd).samples == (Sample(None, None, 99, 200),)


def app_field(base: int, raw: bytes, developer: int = 3, *, big_endian: bool = False) -> Record:
    """A session with one field of an app, its number 5."""
    fields: list[Field] = [(5, ENUM, 2)]
    head = definition(18, fields, big_endian=big_endian)
    whole = bytes([head[0] | 0x20]) + head[1:] + bytes([1, 5, len(raw), developer])
    assert base
    return Definition.parse(whole), data(fields, big_endian=big_endian) + raw


@pytest.mark.parametrize(
    ("value", "metres"),
    [
        (0.0, 0.0),
        (12.5, 12.5),
        (-1.0, None),
        (MAX_METRES / 2, MAX_METRES / 2),
        (1e8, None),
        (float("nan"), None),
    ],
)
def test_metres_of_an_app_are_those_that_somebody_can_have_gone(value: float, metres: float | None) -> None:
    """In its own type; not less than nothing, nor round the earth for years."""
    definition_, raw = app_field(0x09, struct.pack("<d", value))

    assert app_distance(definition_, raw, {(3, 5): 0x09}) == metres


def test_only_a_field_that_was_described_is_read() -> None:
    """By the app's index and the field's number; a text is no distance."""
    big, raw = app_field(0x06, struct.pack(">I", 77), big_endian=True)

    assert app_distance(big, raw, {(3, 5): 0x06}) == 77.0
    assert app_distance(big, raw, {(4, 5): 0x06, (3, 6): 0x06}) is None
    assert app_distance(big, raw, {}) is None
    text, letters = app_field(0x07, b"77\0\0")
    assert app_distance(text, letters, {(3, 5): 0x07}) is None
    plain = Definition.parse(definition(18, [(9, UINT32, 100)]))
    assert app_distance(plain, b"\0" * 5, {(None, 9): 0x06}) is None  # type: ignore[dict-item]  # what no file has
