"""Sign-ins, refusals, sessions and tokens in the log; somebody who knocks all day fills no disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from flask import current_app

EXTENSION = "security_log"
BURST = 10
"""Refusals of one kind that are logged within WINDOW_SECONDS; of further ones only how many there were."""
WINDOW_SECONDS = 60.0

_log = structlog.get_logger()


class BoundedLog:
    """Logs events; of refused ones no more than BURST a minute and kind, and then their number."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def log(self, event: str, *, outcome: str, **fields: str | int | None) -> None:
        if outcome == "ok":
            _log.info(event, outcome=outcome, **fields)
            return
        with self._lock:
            since, count = self._windows.get(event, (float("-inf"), 0))
            now = self._clock()
            if now - since >= WINDOW_SECONDS:
                if count > BURST:
                    _log.warning(event, outcome="suppressed", count=count - BURST)
                since, count = now, 0
            self._windows[event] = since, count + 1
        if count < BURST:
            _log.warning(event, outcome=outcome, **fields)
        elif count == BURST:
            _log.warning(
                event, outcome="suppressed", reason="more of these within the minute are counted only"
            )


def log_event(event: str, *, outcome: str, **fields: str | int | None) -> None:
    """Log one event of the page; `outcome` is ok or refused."""
    bounded: BoundedLog = current_app.extensions[EXTENSION]
    bounded.log(event, outcome=outcome, **fields)
