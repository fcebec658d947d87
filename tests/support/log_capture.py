"""What Fitferry logs, as a test sees it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from fitferry.system.event_log import FIELDS


class _Collector(logging.Handler):
    """Keeps events with `event`, `log_level` and their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        fields = getattr(record, FIELDS, {})
        self.events.append({**fields, "event": record.msg, "log_level": record.levelname.lower()})


@contextlib.contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """The events that Fitferry logs meanwhile."""
    logger, collector = logging.getLogger("fitferry"), _Collector()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(collector)
    try:
        yield collector.events
    finally:
        logger.removeHandler(collector)
        logger.setLevel(level)
