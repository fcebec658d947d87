"""Where the walk through a FIT file ends: the shortest header, and how much of a file is walked and kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from fit_writer import (
    ENUM,
    STRING,
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
from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.messages import files
from fitferry.formats import fit

START = datetime(2026, 9, 21, 12, tzinfo=UTC)
BEGIN = stamp(START)
STRAP = segment([message(132, [(253, UINT32, BEGIN)])])
TIME: list[Field] = [(253, UINT32, BEGIN)]


def inspect(content: bytes) -> ParseResult:
    """What these bytes are."""
    return fit.inspect([content])


@pytest.mark.parametrize(("length", "kind"), [(11, FileKind.UNFINISHED), (12, FileKind.ACTIVITY)])
def test_a_header_has_twelve_bytes_at_least(length: int, kind: FileKind) -> None:
    """One that says less was not written to its end."""
    whole = ride(START, header_size=12)

    assert inspect(bytes([length]) + whole[1:]).kind is kind


@pytest.mark.parametrize(
    ("straps", "last", "kind"),
    [
        (98, STRAP[:5], FileKind.UNFINISHED),
        (99, b"", FileKind.ACTIVITY),
        (99, STRAP[:5], FileKind.ACTIVITY),
    ],
)
def test_a_hundred_segments_are_walked(straps: int, last: bytes, kind: FileKind) -> None:
    """What stands behind them is passed over."""
    assert inspect(ride(START) + STRAP * straps + last).kind is kind


def short_messages(count: int, size: int) -> bytes:
    """An activity of so many messages of so many bytes, and of one definition and three messages more."""
    fields: list[Field] = [(n, ENUM, 1) for n in range(size - 1)]
    return segment([file_id(4, BEGIN), definition(20, fields, local=1), bytes([1] * size) * count])


@pytest.mark.parametrize(
    ("count", "size", "kind"),
    [
        (997, 1, FileKind.ACTIVITY),
        (998, 1, FileKind.DAMAGED),
        (5_000, 2, FileKind.DAMAGED),
        (5_000, 3, FileKind.ACTIVITY),
        (999_997, 3, FileKind.ACTIVITY),
        (999_998, 3, FileKind.DAMAGED),
    ],
)
def test_a_file_has_no_more_messages_than_devices_write(count: int, size: int, kind: FileKind) -> None:
    """A thousand of any length, and as many as are three bytes long on average, up to a million."""
    assert inspect(short_messages(count, size)).kind is kind


def test_five_hundred_sessions_are_kept() -> None:
    """Behind them nothing is added up."""
    sessions = session(BEGIN, 60) * 501

    assert inspect(segment([file_id(4, BEGIN), sessions])).facts.sessions == 500
    assert inspect(segment([file_id(4, BEGIN), sessions])).facts.duration_s == 500 * 60


@pytest.mark.parametrize(("padding", "elapsed"), [(995, 60.0), (996, None)])
def test_a_record_of_more_than_a_thousand_bytes_is_not_kept(padding: int, elapsed: float | None) -> None:
    """Those of devices have less than three hundred."""
    pads: list[Field] = [(100 + n, STRING, "x" * size) for n, size in enumerate(_parts(padding))]
    rows: list[list[Field]] = [[(253, UINT32, BEGIN + at), *pads] for at in (0, 60)]
    records = [data(row, local=1) for row in rows]
    found = inspect(segment([file_id(4, BEGIN), definition(20, rows[0], local=1), *records]))

    assert (found.kind, found.facts.elapsed_s) == (FileKind.ACTIVITY, elapsed)


def _parts(size: int) -> list[int]:
    return [255] * (size // 255) + [size % 255]


def many_definitions(count: int, make: Callable[[int], bytes]) -> bytes:
    """An activity with so many different definitions, with that of its file_id."""
    return segment([file_id(4, BEGIN), message(20, TIME), *map(make, range(count - 2))])


@pytest.mark.parametrize(("count", "kind"), [(5_000, FileKind.ACTIVITY), (5_001, FileKind.DAMAGED)])
def test_five_thousand_different_definitions_are_read(count: int, kind: FileKind) -> None:
    """Devices write a few dozen."""

    def short(number: int) -> bytes:
        return definition(1_000 + number, [(1, ENUM, 0)], local=2)

    assert inspect(many_definitions(count, short)).kind is kind


@pytest.mark.parametrize(("count", "kind"), [(1_297, FileKind.ACTIVITY), (1_302, FileKind.DAMAGED)])
def test_a_million_bytes_of_different_definitions_are_read(count: int, kind: FileKind) -> None:
    """Each may have 771 bytes."""

    def long(number: int) -> bytes:
        return definition(1_000 + number, [(n, ENUM, 0) for n in range(255)], local=2)

    assert inspect(many_definitions(count, long)).kind is kind


@pytest.mark.parametrize("local", [0, 1, 2, 3])
def test_a_message_with_a_compressed_time_names_its_definition_in_two_bits(local: int) -> None:
    """Behind the first bit of its head; five bits of seconds follow."""
    fields: list[Field] = [(5, UINT32, 4200)]
    compressed = bytes([0x80 | local << 5 | 0x1F]) + data(fields)[1:]

    assert inspect(segment([file_id(4, BEGIN), definition(20, fields, local=local), compressed])).kind is (
        FileKind.ACTIVITY
    )


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        (0x10, FileKind.UNFINISHED),
        (0x20, FileKind.UNFINISHED),
        (0x30, FileKind.ACTIVITY),
    ],
)
def test_the_first_bytes_of_a_next_segment_are_known_by_its_version(version: int, kind: FileKind) -> None:
    """There are two of the protocol; other bytes behind the end mean nothing."""
    assert inspect(ride(START) + bytes([14, version])).kind is kind
    assert inspect(ride(START) + bytes([14, version]) + b"x" * 6 + b".F").kind is kind
    assert inspect(ride(START) + bytes([14, version]) + b"x" * 6 + b"GF").kind is FileKind.ACTIVITY


def test_a_next_segment_that_is_cut_is_told_with_the_bytes_that_are_there() -> None:
    """All of the file's, as somebody sees them who looks at it."""
    file = ride(START) + bytes([14, 0x20])

    assert inspect(file).reason == files.NEXT_SEGMENT_CUT(have=len(file))
