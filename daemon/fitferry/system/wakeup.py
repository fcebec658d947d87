"""Wake-up calls for the main thread, by a byte in a pipe: an Event's lock must not be taken in a signal handler."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

PAUSE = 1.0
"""Seconds between two wake-ups at least, unless it is to stop: the status file is not written more often."""


class WakeupPipe:
    """A wake-up call for one thread that waits, from any thread; and the call to stop, also from signals."""

    def __init__(self, pause: float = PAUSE) -> None:
        self._pause = pause
        self.stopping = False
        self.revision = 0
        """Number of calls so far: another number means that something has changed."""
        self._wake_pipe: tuple[int, int] = (-1, -1)
        self._stop_pipe: tuple[int, int] = (-1, -1)

    def __enter__(self) -> Self:
        self._wake_pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stop_pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in (*self._wake_pipe, *self._stop_pipe):
            os.close(handle)
        self._wake_pipe = self._stop_pipe = (-1, -1)

    def wake(self) -> None:
        """Wake the thread that waits."""
        self.revision += 1
        _write_byte(self._wake_pipe)

    def stop(self) -> None:
        """Wake the thread that waits for the last time."""
        self.stopping = True
        _write_byte(self._stop_pipe)

    def wait(self, seconds: float) -> None:
        """Wait for a call, or for so long; then a moment more, so that many calls become one."""
        select.select([self._wake_pipe[0], self._stop_pipe[0]], [], [], seconds)
        select.select([self._stop_pipe[0]], [], [], self._pause)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_pipe[0], 65_536)

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT call to stop, in the main thread; elsewhere nothing is changed.

        Python runs a handler only between two of its own instructions: a signal in the moment before `select` would
        be slept over. So the interpreter writes to the pipe as soon as the signal comes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, lambda _number, _frame: self.stop()) for number in numbers]
        descriptor = signal.set_wakeup_fd(self._stop_pipe[1], warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _write_byte(pipe: tuple[int, int]) -> None:
    with contextlib.suppress(OSError):  # full: it will wake anyway; closed: nobody waits any more
        os.write(pipe[1], b"x")
