"""The checksum of a FIT file."""

from __future__ import annotations

import pytest

from fit_writer import crc
from fitferry.formats.fit.crc import checksum, slow_checksum


@pytest.mark.parametrize("text", [b"", b"123456789", bytes(range(256)) * 7])
def test_both_checksums_are_crc_16_arc(text: bytes) -> None:
    """The library's, ours in Python, and the one of the tests."""
    assert crc(text) == checksum(memoryview(text)) == slow_checksum(memoryview(text))
    assert slow_checksum(memoryview(b"123456789")) == 0xBB3D
