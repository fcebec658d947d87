"""A second decoder's word on a file: it reads it to its end and finds a session, or it does not."""

from __future__ import annotations

from datetime import UTC, datetime

from fit_writer import (
    file_id,
    ride,
    segment,
    session_of_developer,
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
    declared, with_its_own = session_of_developer("power", "W", 7)

    assert is_read_by_fitparse(segment([*declared, with_its_own]))
    assert not is_read_by_fitparse(segment([with_its_own]))
