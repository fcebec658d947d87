"""What follows uploads: a thread that does what is due, and the count of failures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from fitferry.core.follow_up import FollowUp, retry_at
from fitferry.core.messages import Message
from fitferry.storage import follow_ups
from fitferry.storage.database import DatabaseError

IDLE_SECONDS = 3600.0
"""Seconds of sleep while nothing is owed: a completed upload wakes the thread."""
DATABASE_SECONDS = 60.0
"""Seconds until another try where the database could not be used."""

_log = structlog.get_logger()


class FollowUpThread:
    """One thread around `work`, which does one thing that is due, and returns the seconds until the next."""

    def __init__(self, name: str, work: Callable[[], float]) -> None:
        self._work = work
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
        seconds = 0.0
        while not self._stopping:
            if self._woken.wait(seconds):
                self._woken.clear()
            if self._stopping:
                return
            try:
                seconds = self._work()
            except DatabaseError as error:
                _log.warning("follow_up", outcome="database_failed", reason=str(error))
                seconds = DATABASE_SECONDS
            except Exception:  # noqa: BLE001  # whatever it is, the thread lives on
                _log.exception("unexpected_error")
                seconds = DATABASE_SECONDS


def count_failure(owed: FollowUp, message: Message, retry_delays: Sequence[float], now: float) -> str:
    """Write down one failure more: to be tried again by the schedule, or given up. The outcome, for the log."""
    failures = owed.failures + 1
    at = retry_at(failures, retry_delays, now)
    if at is None:
        follow_ups.give_up(owed.id, now, failures, message)
        return "given_up"
    follow_ups.try_later(owed.id, at, failures, message)
    return "retry"
