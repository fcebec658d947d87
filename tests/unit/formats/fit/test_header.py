"""A FIT header is known by its signature, and says how long its segment is."""

from __future__ import annotations

import pytest

from fit_writer import segment
from fitferry.formats.fit.header import SHORTEST, announced_length, holds_header, is_fit

HEAD = segment([b"x" * 300])[:14]


def test_a_header_is_known_by_its_signature() -> None:
    """Wherever it begins; half a signature is none."""
    assert is_fit(HEAD)
    assert is_fit(b"ab" + HEAD, 2)
    assert not is_fit(b"ab" + HEAD)
    assert not is_fit(HEAD[:11])
    assert not is_fit(HEAD.replace(b".FIT", b".FIS"))


@pytest.mark.parametrize(
    ("before", "size", "found"),
    [(0, 14, True), (1, 14, True), (1, 12, True), (1, 13, False), (4_084, 14, True), (4_085, 14, False)],
)
def test_a_header_behind_other_bytes_is_found_in_the_first_four_thousand(
    before: int, size: int, *, found: bool
) -> None:
    """Its size tells it from the four letters in a text, and so do the eight bytes before them."""
    assert holds_header(b"x" * before + bytes([size]) + HEAD[1:]) is found
    if before > len(b".FIT"):
        assert holds_header(b".FIT".ljust(before) + bytes([size]) + HEAD[1:]) is found


def test_a_header_with_bytes_between_its_own_first_ones_is_found() -> None:
    """By its size, which is there still."""
    assert holds_header(HEAD[:1] + b"xxx" + HEAD[1:])
    assert not holds_header(b"xxx" + HEAD[1:])


@pytest.mark.parametrize("text", [b"", b".FIT", b"\x0e" * 7 + b".FIT"])
def test_four_letters_are_no_header(text: bytes) -> None:
    """Eight bytes stand before them."""
    assert not holds_header(text)


@pytest.mark.parametrize("size", [12, 14])
def test_the_length_is_that_of_header_data_and_checksum(size: int) -> None:
    """In the first twelve bytes; while the length is 0 nobody knows."""
    head = segment([b"x" * 300], header_size=size)[:SHORTEST]

    assert announced_length(head) == size + 300 + 2
    assert announced_length(segment([b"x"], header_size=size)[:SHORTEST]) == size + 1 + 2
    assert announced_length(head[:4] + bytes(4) + head[8:]) is None
    assert announced_length(b"<gpx version") is None
