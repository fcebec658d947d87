"""What follows uploads, where it fails: when it is tried again, and until when."""

from __future__ import annotations

from collections.abc import Sequence

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


def pause_after(error: Exception) -> float:
    """Log why nothing could be done; the seconds until the next try."""
    if isinstance(error, DatabaseError):
        _log.warning("follow_up", outcome="database_failed", reason=str(error))
    else:
        _log.error("unexpected_error", exc_info=error)
    return DATABASE_SECONDS


def count_failure(owed: FollowUp, message: Message, retry_delays: Sequence[float], now: float) -> str:
    """Write down one failure more: to be tried again by the schedule, or given up. The outcome, for the log."""
    failures = owed.failures + 1
    at = retry_at(failures, retry_delays, now)
    if at is None:
        follow_ups.give_up(owed.id, now, failures, message)
        return "given_up"
    follow_ups.try_later(owed.id, at, failures, message)
    return "retry"
