"""Log handler that never blocks whoever logs, and bounds what is repeated."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

QUEUE_LINES = 2000
"""Lines that wait for a reader; what comes while so many wait is dropped and counted."""
CLOSE_SECONDS = 2.0
"""Seconds that the end waits until the lines are written."""
REPEATS, REPEAT_SECONDS = 5, 60.0
"""Lines of one kind in so many seconds, of what libraries say and of tracebacks."""


class QueuedHandler(logging.Handler):
    """Writes to a pipe, socket or terminal from a thread of its own; to a file or buffer at once.

    A pipe that nobody reads, or a terminal that is held, must stop no upload.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._writing = False
        self._closed = False
        self._changed = threading.Condition()
        self._descriptor = descriptor = _blocking_descriptor(stream)
        if descriptor is not None:
            threading.Thread(target=self._write_lines, args=[descriptor], name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line; a record that cannot be formatted is dropped."""
        try:
            line = self.format(record) + "\n"
        except Exception:  # noqa: BLE001  # a line that cannot be made must not stop whoever logs
            line = f"log_line_broken logger={record.name}\n"
        if self._descriptor is None:
            with contextlib.suppress(OSError, ValueError):  # the disk is full, or the stream closed
                self._stream.write(line)
                self._stream.flush()
            return
        with self._changed:
            if len(self._lines) >= QUEUE_LINES:
                self._dropped += 1
                return
            if self._dropped:
                self._lines.append(f"log_lines_dropped count={self._dropped}\n".encode())
                self._dropped = 0
            self._lines.append(line.encode("utf-8", "backslashreplace"))
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until what is queued is written, but not for ever."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._writing, CLOSE_SECONDS)

    def close(self) -> None:
        """Let the thread end as soon as it has written what is queued."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        super().close()

    def _write_lines(self, descriptor: int) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines or self._closed)
                if not self._lines:
                    return
                chunk = b"".join(self._lines)
                self._lines.clear()
                self._writing = True
            with contextlib.suppress(OSError):  # the reader is gone: nobody misses the lines
                while chunk:
                    chunk = chunk[os.write(descriptor, chunk) :]


def _blocking_descriptor(stream: TextIO) -> int | None:
    """The descriptor of a stream whose reader may hold the writer up; None for a file or buffer."""
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):
        return None
    return descriptor if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode) else None


class RepeatFilter(logging.Filter):
    """Lets a kind of traceback or library line through a few times a minute; the next says how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = _kind(record)
        if kind is None:
            return True
        now = self._clock()
        with self._lock:
            since, count = self._seen.get(kind, (now, 0))
            if now - since >= REPEAT_SECONDS:
                left_out, since, count = max(0, count - REPEATS), now, 0
                _note(record, left_out)
            if len(self._seen) > QUEUE_LINES:
                self._seen.clear()
            self._seen[kind] = since, count + 1
        return count < REPEATS


def _kind(record: logging.LogRecord) -> tuple[str, ...] | None:
    """What is repeated, None for a line of our own without a traceback."""
    event = record.msg
    if isinstance(event, dict):
        if not event.get("exc_info"):
            return None
        return record.name, str(event.get("event")), _exception(record)
    return record.name, str(event), _exception(record)


def _exception(record: logging.LogRecord) -> str:
    info = record.exc_info or (record.msg.get("exc_info") if isinstance(record.msg, dict) else None)
    if isinstance(info, tuple):
        info = info[1]
    return type(info).__name__


def _note(record: logging.LogRecord, left_out: int) -> None:
    if not left_out:
        return
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "left_out": left_out}
    else:
        record.left_out = left_out
