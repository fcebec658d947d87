"""Values of the open ledger that are kept in memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from fitferry.storage import database

T = TypeVar("T")


class Cached(Generic[T]):
    """A value of the open database that is kept in memory: read when it is first asked for, and after each change."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._value: T | None = None
        self._changes = 0
        database.on_opening.append(self.forget)

    def get(self) -> T:
        with self._lock:
            value, before = self._value, self._changes
        if value is not None:
            return value
        value = self._read()
        with self._lock:
            if before == self._changes:  # else it was changed while it was read
                self._value = value
        return value

    def put(self, value: T) -> None:
        """Keep a value that is still to be written."""
        with self._lock:
            self._changes += 1
            self._value = value

    def replace(self, before: T, after: T) -> None:
        """Keep another value, unless it is not the one before any more."""
        with self._lock:
            if self._value is before:
                self._value = after

    def forget(self) -> None:
        """Read the value again when it is asked for next."""
        with self._lock:
            self._changes += 1
            self._value = None

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """One transaction that changes what the value is read from: it is read again in it, and afterwards."""
        try:
            with database.writing():
                self.forget()
                yield
        finally:
            self.forget()
