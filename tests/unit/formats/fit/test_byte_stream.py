"""Bytes that come in chunks are used once, in order, and only the last sixteen are remembered."""

from __future__ import annotations

import pytest

from fitferry.formats.fit.byte_stream import ByteStream

TEXT = bytes(range(1, 100))


def chunks(size: int) -> list[bytes]:
    """The text in pieces."""
    return [TEXT[at : at + size] for at in range(0, len(TEXT), size)]


@pytest.mark.parametrize("size", [1, 7, 16, 50, 99])
def test_bytes_are_used_in_order_and_counted(size: int) -> None:
    """In pieces of any size."""
    source = ByteStream(chunks(size))
    assert (source.position, source.last) == (0, b"")
    assert source.need(12)
    source.skip(5)
    assert (source.position, source.last) == (5, TEXT[:5])
    assert source.need(4)
    assert source.buffer[source.at : source.at + 4] == TEXT[5:9]
    assert source.need(9)
    assert source.number(5) == int.from_bytes(TEXT[10:14], "little")
    source.skip(30)
    assert (source.position, source.last) == (35, TEXT[19:35])
    assert source.need(64)
    assert not source.need(65)
    assert source.position == 35


@pytest.mark.parametrize("size", [1, 7, 16, 50, 99])
def test_as_many_are_used_as_there_are(size: int) -> None:
    """Whoever asks for more sees it by the position."""
    source = ByteStream(chunks(size))
    source.skip(0)
    source.skip(-3)
    assert source.position == 0
    source.skip(1_000)

    assert (source.position, source.last) == (99, TEXT[-16:])
    assert not source.more()


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize(
    ("text", "used", "is_empty"),
    [
        (b"", 0, True),
        (bytes(9), 0, True),
        (bytes(8) + b"x", 0, False),
        (b"x" + bytes(8), 0, False),
        (b"x" + bytes(8), 1, True),
        (b"x", 1, True),
    ],
)
def test_what_is_left_is_used_and_told_from_zeros(
    size: int, text: bytes, used: int, *, is_empty: bool
) -> None:
    """What was used before says nothing."""
    source = ByteStream([text[at : at + size] for at in range(0, len(text), size)])
    source.skip(used)

    assert source.drain() is is_empty
    assert source.position == len(text)
    assert source.drain() is True


def test_no_bytes_at_all_are_none() -> None:
    """An empty file gives no chunk."""
    source = ByteStream([])

    assert (source.need(1), source.need(0), source.position) == (False, True, 0)
