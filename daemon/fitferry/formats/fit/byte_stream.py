"""Bytes of a file that come in chunks, of which only those that are needed are in memory."""

from __future__ import annotations

from collections.abc import Iterable

TAIL = 16
"""Bytes that are remembered of those that were used last."""


class ByteStream:
    """Bytes that come in chunks. `buffer`: those that are there; `at`: how many of them were used."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._passed = 0
        self.buffer = next(self._chunks, b"")
        self.at = 0
        self.last = b""

    @property
    def position(self) -> int:
        """Bytes of the file that were used."""
        return self._passed + self.at

    def more(self) -> bool:
        chunk = next(self._chunks, b"")
        if not chunk:
            return False
        self._passed += self.at
        self.buffer, self.at = self.buffer[self.at :] + chunk, 0
        return True

    def need(self, count: int) -> bool:
        """Whether so many bytes more are there."""
        while len(self.buffer) - self.at < count:
            if not self.more():
                return False
        return True

    def number(self, offset: int) -> int:
        """The 32 bits that stand so far behind."""
        return int.from_bytes(self.buffer[self.at + offset : self.at + offset + 4], "little")

    def skip(self, count: int) -> None:
        """Use bytes, as many as come; the last ones are remembered."""
        while count > 0:
            step = min(count, len(self.buffer) - self.at)
            taken = self.buffer[max(self.at, self.at + step - TAIL) : self.at + step]
            self.last = (self.last + taken)[-TAIL:]
            self.at += step
            count -= step
            if count and not self.more():
                return

    def drain(self) -> bool:
        """Use all that is left; whether it was nothing but zeros."""
        is_empty = True
        while True:
            is_empty = is_empty and self.buffer.count(0, self.at) == len(self.buffer) - self.at
            self.at = len(self.buffer)
            if not self.more():
                return is_empty
