"""Structured log events by the standard library: a name in snake case, and fields; `logs` makes lines of them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

FIELDS = "fields"
"""The attribute of a log record that holds an event's fields; the records of libraries have none."""
_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default={})  # noqa: B039  # it is never changed


class EventLog:
    """The events of one module."""

    def __init__(self, module: str) -> None:
        self._logger = logging.getLogger(module)

    def debug(self, event: str, /, **fields: object) -> None:
        """Log what is only worth knowing while something is looked for."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log what happened."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Log what a person may want to mend."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Log what failed."""
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """Log what failed with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, event, fields, traceback=True)

    def _log(self, level: int, event: str, fields: Mapping[str, object], *, traceback: bool = False) -> None:
        self._logger.log(level, event, exc_info=traceback, extra={FIELDS: {**_bound.get(), **fields}})


@contextlib.contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add these fields to every event that this thread logs meanwhile."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)
