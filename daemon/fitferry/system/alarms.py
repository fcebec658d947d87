"""Calls at set times, all on one thread: to start a thread for each would wait until it runs."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable


class Alarms:
    """Calls that are due after a while, unless they are cancelled before. The thread is started with the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = itertools.count()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def set(self, seconds: float, call: Callable[[], None]) -> int:
        """Call this in so many seconds; the number by which it is cancelled."""
        due, number = time.monotonic() + seconds, next(self._numbers)
        with self._changed:
            self._calls[number] = due, call
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()
            elif due < self._wakes_at:
                self._changed.notify()
        return number

    def cancel(self, number: int) -> None:
        """Do not make a call, if that has not begun."""
        with self._changed:
            self._calls.pop(number, None)

    def _run(self) -> None:
        while True:
            for call in self._wait():
                call()

    def _wait(self) -> list[Callable[[], None]]:
        """The calls that are due, once the time of the next has come; what was cancelled may wake it in vain, once."""
        with self._changed:
            self._wakes_at = min((due for due, _ in self._calls.values()), default=math.inf)
            left = self._wakes_at - time.monotonic()
            if left > 0:
                self._changed.wait(None if left == math.inf else left)
            now = time.monotonic()
            ready = [number for number, (due, _) in self._calls.items() if due <= now]
            return [self._calls.pop(number)[1] for number in ready]
