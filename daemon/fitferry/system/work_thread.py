"""A thread that does what is due, sleeps until the next is, and can be woken."""

from __future__ import annotations

import threading
from collections.abc import Callable


class WorkThread:
    """One thread around `work`, which does what is due and returns the seconds until the next; None: until it is woken.

    `failed`: told of what `work` raises; it returns such seconds, too, and the thread lives on.
    """

    def __init__(
        self, name: str, work: Callable[[], float | None], failed: Callable[[Exception], float]
    ) -> None:
        self._work = work
        self._failed = failed
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look again at what is due; may be called by any thread."""
        self._woken.set()

    def stop(self, seconds: float) -> None:
        """End after the present piece of work, or after so many seconds without it."""
        self._stopping = True
        self._woken.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        seconds: float | None = 0.0
        while not self._stopping:
            if self._woken.wait(seconds):
                self._woken.clear()
            if self._stopping:
                return
            try:
                seconds = self._work()
            except Exception as error:  # noqa: BLE001  # whatever it is, the thread lives on
                seconds = self._failed(error)
