"""Waiting for what other threads do: until it is so, and not for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds until a test gives up; a machine that is busy with others takes long."""


def wait_for(check: Callable[[], object]) -> None:
    """Wait until something is so; it fails if that takes too long."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not check():
        assert time.monotonic() < deadline
        pause.wait(0.01)
