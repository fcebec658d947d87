"""Paths that events have named and nobody has looked at yet; filled by watchers, emptied by the folder's thread."""

from __future__ import annotations

import threading

from fitferry.core.activity import FileEvent


class EventHints:
    """The latest event of each path, in the order in which the paths were named first; of `most` paths."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._events: dict[str, FileEvent] = {}

    def __len__(self) -> int:
        return len(self._events)

    def __contains__(self, path: str) -> bool:
        return path in self._events

    def put(self, path: str, event: FileEvent) -> bool:
        """Note an event; False where there are too many. That a file is there says less than any other event."""
        with self._lock:
            if len(self._events) >= self._most:
                return False
            if event is not FileEvent.APPEARED or path not in self._events:
                self._events[path] = event
        return True

    def take(self) -> tuple[str, FileEvent] | None:
        """The next path and its event; None if there is none."""
        with self._lock:
            if not self._events:
                return None
            path = next(iter(self._events))
            return path, self._events.pop(path)
