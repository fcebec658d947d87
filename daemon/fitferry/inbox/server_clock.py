"""Strava's clock, for the age of what a first scan finds: ours may be wrong by weeks on a device without a battery."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fitferry.core.errors import FitferryError

RETRY_SECONDS = (5.0, 30.0, 60.0)
"""Seconds between two questions while Strava cannot be reached; the last repeats."""


class ServerClock:
    """Strava's time as it was heard in this run. Asks for it in a thread of its own, once somebody needs it.

    `server_now`: the time by the last answer, None before there was one; `ask`: makes one request for it.
    `on_heard`: is called when it is known.
    """

    def __init__(
        self, server_now: Callable[[], float | None], ask: Callable[[], object], on_heard: Callable[[], None]
    ) -> None:
        self._server_now = server_now
        self._ask = ask
        self._on_heard = on_heard
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def now(self) -> float | None:
        """Strava's time; None while it is not known, and then it is asked for."""
        known = self._server_now()
        if known is None:
            with self._lock:
                if self._thread is None and not self._stopping.is_set():
                    self._thread = threading.Thread(target=self._hear, name="server clock", daemon=True)
                    self._thread.start()
        return known

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()

    def _hear(self) -> None:
        tries = 0
        while self._server_now() is None and not self._stopping.is_set():
            try:
                self._ask()
            except FitferryError:
                self._stopping.wait(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                tries += 1
            else:
                if self._server_now() is None:
                    self._stopping.wait(RETRY_SECONDS[-1])  # an answer that names no time
        if not self._stopping.is_set():
            self._on_heard()
