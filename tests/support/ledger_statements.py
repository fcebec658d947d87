"""What the ledger is asked, heard in peewee's own log just before it is done, and refused as a full disk does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from fitferry.storage.database import DatabaseError

_WRITES = ("INSERT", "UPDATE", "DELETE")
_log = logging.getLogger("peewee")
_listeners: list[Callable[[str, Any], object]] = []


def _hear(record: logging.LogRecord) -> bool:
    """Pass a statement on; nobody else logs it. What is raised here, who made the statement gets."""
    for listener in tuple(_listeners):
        listener(*cast("tuple[str, Any]", record.msg))
    return False


@contextmanager
def each_statement(listener: Callable[[str, Any], object]) -> Iterator[None]:
    """Let something be called meanwhile with each statement and its values, in the thread that is about to run it."""
    level = _log.level
    _listeners.append(listener)
    _log.addFilter(_hear)
    _log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _listeners.remove(listener)
        _log.setLevel(level)
        if not _listeners:
            _log.removeFilter(_hear)


@contextmanager
def failing(fits: Callable[[str], object]) -> Iterator[None]:
    """Let the statements that fit fail meanwhile."""

    def fail(statement: str, _values: object) -> None:
        if fits(statement):
            raise DatabaseError("database or disk is full")

    with each_statement(fail):
        yield


@contextmanager
def full_disk() -> Iterator[None]:
    """Let nothing be written meanwhile; what is there can be read."""
    with failing(lambda statement: statement.startswith(_WRITES)):
        yield
