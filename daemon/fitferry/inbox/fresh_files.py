"""Bytes of files that were admitted a moment ago, kept for the worker that sends them: they need no second read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MAX_FILES = 4
MAX_BYTES = 8 << 20
"""Bytes of all of them together; a ride has 200 kB."""
MAX_AGE = 30.0
"""Seconds; whatever waits longer is read again."""


class FreshFiles:
    """A few files by the SHA-256 of their bytes, the newest only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, tuple[bytes, float]] = {}

    def put(self, sha256: str, body: bytes) -> None:
        """Keep a file; older ones go where there are too many."""
        with self._lock:
            self._files.pop(sha256, None)
            if len(body) <= MAX_BYTES:
                self._files[sha256] = body, self._clock()
            self._drop_old()

    def take(self, sha256: str) -> bytes | None:
        """The bytes of a file, once; None if they are not here any more."""
        with self._lock:
            self._drop_old()
            body, _ = self._files.pop(sha256, (None, 0.0))
        return body

    def _drop_old(self) -> None:
        since = self._clock() - MAX_AGE
        while self._files:
            oldest = next(iter(self._files))
            too_many = (
                len(self._files) > MAX_FILES or sum(len(b) for b, _ in self._files.values()) > MAX_BYTES
            )
            if not too_many and self._files[oldest][1] >= since:
                return
            del self._files[oldest]
