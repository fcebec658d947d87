"""Where may something have changed? The kernel's events, as hints and nothing more. Owns watchdog.

An event names a path to look at; what is there, and whether it is whole, is for others to find out. The
handler puts the hint down and returns: if it raised or blocked, watchdog would go silent for good.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyObserver

Hint = Callable[[str, bool], None]
"""A path to look at, and whether its writer is known to be done with it."""

_WANTED: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]


class Watcher:
    """The events of one folder. `rescan` is called where they are not enough to know what changed."""

    def __init__(self, folder: str, *, recursive: bool, hint: Hint, rescan: Callable[[], None]) -> None:
        self._folder = folder
        self._recursive = recursive
        self._handler = _Handler(folder, hint, rescan)
        self._observer: InotifyObserver | None = None

    def start(self) -> None:
        """Begin to watch. Raises OSError: no such folder, or a limit of the kernel's is reached."""
        # Full events tell a file that was moved in from outside (whole) from one that was just created.
        observer = InotifyObserver(generate_full_events=True)
        try:
            observer.schedule(self._handler, self._folder, recursive=self._recursive, event_filter=_WANTED)
            observer.start()
        except BaseException:
            observer.on_thread_stop()
            raise
        self._observer = observer

    def stop(self) -> None:
        """Stop watching; nothing if it does not run."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join(timeout=5)

    def alive(self) -> bool:
        """Whether events would still arrive, as far as watchdog knows."""
        observer = self._observer
        return observer is not None and observer.is_alive() and all(e.is_alive() for e in observer.emitters)


class _Handler(FileSystemEventHandler):
    """Turns events into hints, and does nothing else."""

    def __init__(self, folder: str, hint: Hint, rescan: Callable[[], None]) -> None:
        self._folder = folder
        self._hint = hint
        self._rescan = rescan

    def dispatch(self, event: FileSystemEvent) -> None:
        path = os.fsdecode(event.dest_path or event.src_path)
        match event:
            case FileMovedEvent() if not event.dest_path:
                pass  # moved away
            case FileClosedEvent() | FileMovedEvent():
                self._hint(path, True)
            case FileCreatedEvent() | FileModifiedEvent():
                self._hint(path, False)
            case DirCreatedEvent() | DirMovedEvent() if event.dest_path or isinstance(event, DirCreatedEvent):
                # What was moved or copied in with it may have come before its watch.
                self._rescan()
            case DirDeletedEvent() if path == self._folder:
                self._rescan()
            case _:
                pass
