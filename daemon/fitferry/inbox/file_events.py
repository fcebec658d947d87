"""Where may something have changed? The kernel's events, as hints and nothing more. Owns watchdog.

An event names a path to look at; what is there, and whether it is whole, is for others to find out. The
handler puts the hint down and returns: if it raised or blocked, watchdog would go silent for good.
"""

from __future__ import annotations

import logging
import os
import warnings
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

from fitferry.core.activity import FileEvent

Hint = Callable[[str, FileEvent], None]
"""A path to look at, and what its event said."""

_WANTED: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
_its_log = logging.getLogger("watchdog.observers.inotify_c")
_log = logging.getLogger(__name__)
# Copies of whole trees make it warn thousands of times, each time with a list of all its watches.
warnings.filterwarnings("ignore", module=r"watchdog\..*")


class Watcher:
    """The events of one folder. `rescan` is called where they are not enough to know what changed."""

    def __init__(self, folder: str, *, recursive: bool, hint: Hint, rescan: Callable[[], None]) -> None:
        # watchdog follows no link, not even the one that it is given.
        self._folder = os.path.realpath(folder)
        self._recursive = recursive
        self._handler = _Handler(folder, self._folder, hint, rescan)
        self._overflow = _Overflow(rescan)
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
        _its_log.addHandler(self._overflow)

    def stop(self) -> None:
        """Stop watching; nothing if it does not run."""
        _its_log.removeHandler(self._overflow)
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join(timeout=5)

    def alive(self) -> bool:
        """Whether events would still arrive, as far as watchdog knows."""
        observer = self._observer
        if observer is None:
            return False
        threads = [observer, observer._inotify_fd, *observer.emitters]  # noqa: SLF001  # that one dies in silence
        return all(thread.is_alive() for thread in threads)

    def watches(self) -> int:
        """How many folders the kernel really watches: at its limit watchdog leaves the rest out in silence."""
        return len(self._observer._inotify_fd._watch_for_wd) if self._observer else 0  # noqa: SLF001  # it has no other way


class _Overflow(logging.Handler):
    """Hears that the kernel's queue ran over: watchdog says so in its log and nowhere else."""

    def __init__(self, rescan: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._rescan = rescan

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage():
            self._rescan()


class _Handler(FileSystemEventHandler):
    """Turns events into hints, and does nothing else. `real`: what watchdog calls the folder."""

    def __init__(self, folder: str, real: str, hint: Hint, rescan: Callable[[], None]) -> None:
        self._folder = folder
        self._real = real
        self._hint = hint
        self._rescan = rescan

    def dispatch(self, event: FileSystemEvent) -> None:
        try:
            self._pass_on(event)
        except Exception:  # noqa: BLE001  # as the comment says
            # Out of here it would end watchdog's thread, and nobody would hear of it.
            _log.exception("event lost, scanning instead")
            self._rescan()

    def _pass_on(self, event: FileSystemEvent) -> None:
        path = self._folder + os.fsdecode(event.dest_path or event.src_path).removeprefix(self._real)
        match event:
            case FileMovedEvent() | DirMovedEvent() if not event.dest_path:
                pass  # moved away
            case FileClosedEvent() | FileMovedEvent():
                self._hint(path, FileEvent.CLOSED)
            case FileModifiedEvent():
                self._hint(path, FileEvent.WRITTEN)
            case FileCreatedEvent() | DirCreatedEvent() | DirMovedEvent():
                # What a folder brings with it may have come before its watch.
                self._hint(path, FileEvent.APPEARED)
            case DirDeletedEvent() if path == self._folder:
                self._rescan()
            case _:
                pass
