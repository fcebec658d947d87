"""A second decoder's word on a file: it reads it to its end and finds a session, or it does not."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from fit_writer import (
    ENUM,
    STRING,
    UINT8,
    UINT32,
    Field,
    data,
    definition,
    file_id,
    message,
    ride,
    segment,
    stamp,
)
from fitferry.formats.fit.verify import is_read_by_fitparse

START = datetime(2026, 9, 21, 12, tzinfo=UTC)


def test_a_whole_ride_is_read_and_half_of_one_is_not() -> None:
    """Nor is one with a wrong checksum, one without a session, or what is no FIT file."""
    whole = ride(START)

    assert is_read_by_fitparse(whole)
    assert not is_read_by_fitparse(whole[:-1])
    assert not is_read_by_fitparse(whole[:-2] + b"\1\2")
    assert not is_read_by_fitparse(segment([file_id(4, stamp(START))]))
    assert not is_read_by_fitparse(b"<gpx>")


def test_a_file_does_not_inherit_what_another_one_has_called_its_fields() -> None:
    """The decoder keeps that in a global, and reads with it what would be an error."""
    name: list[Field] = [
        (0, UINT8, 0),
        (1, UINT8, 0),
        (2, UINT8, UINT32),
        (3, STRING, "power"),
        (8, STRING, "W"),
    ]
    declared = [message(207, [(3, UINT8, 0)]), message(206, name)]
    fields: list[Field] = [(5, ENUM, 2)]
    head = definition(18, fields)
    with_its_own = (
        bytes([head[0] | 0x20]) + head[1:] + bytes([1, 0, 4, 0]) + data(fields) + struct.pack("<I", 7)
    )

    assert is_read_by_fitparse(segment([*declared, with_its_own]))
    assert not is_read_by_fitparse(segment([with_its_own]))
