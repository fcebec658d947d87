"""Events of the kernel for one folder, as hints where something may have changed. Owns watchdog.

An event names a path to look at; what is there, and whether it is whole, is for others to find out. The
handler puts the hint down and returns: if it raised or blocked, watchdog would go silent for good.
"""

from __future__ import annotations

import functools
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyFullEmitter, InotifyObserver, InotifyWatchGroup
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask
from watchdog.observers.inotify_move_event_grouper import PathedInotifyEvent

from fitferry.core.activity import FileEvent
from fitferry.system.walk import MAX_DEPTH

Hint = Callable[[str, FileEvent], None]
"""A path to look at, and what its event said."""
Skip = Callable[[], frozenset[str]]
"""Folders below that are not to be touched: mounts that another thread looks after."""

_WANTED: tuple[type[FileSystemEvent], ...] = (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
)
_watchdog_log = logging.getLogger("watchdog.observers.inotify_c")
_log = structlog.get_logger()
# Copies of whole trees make it warn thousands of times, each time with a list of all its watches.
warnings.filterwarnings("ignore", module=r"watchdog\..*")


class Watcher:
    """The events of one folder. `rescan` is called where they are not enough to know what changed."""

    def __init__(
        self, folder: str, *, recursive: bool, hint: Hint, rescan: Callable[[], None], skip: Skip = frozenset
    ) -> None:
        # watchdog follows no link, not even the one that it is given.
        self._folder = os.path.realpath(folder)
        self._recursive = recursive
        self._handler = _Handler(folder, self._folder, hint, rescan)
        self._overflow = _Overflow(rescan)
        self._skip = lambda: frozenset(self._folder + path.removeprefix(folder) for path in skip())
        self._observer: InotifyObserver | None = None

    def start(self) -> None:
        """Begin to watch. Raises OSError: no such folder, or a limit of the kernel's is reached."""
        # Full events tell a file that was moved in from outside (whole) from one that was just created.
        observer = InotifyObserver(generate_full_events=True)
        observer._emitter_class = functools.partial(_Emitter, skip=self._skip, handler=self._handler)  # type: ignore[assignment]  # noqa: SLF001  # it takes none as argument
        try:
            observer.schedule(
                self._handler, self._folder, recursive=self._recursive, event_filter=list(_WANTED)
            )
            observer.start()
        except BaseException:
            observer.on_thread_stop()
            raise
        self._observer = observer
        _watchdog_log.addHandler(self._overflow)

    def stop(self) -> None:
        """Stop watching; nothing if it does not run."""
        _watchdog_log.removeHandler(self._overflow)
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


@dataclass
class _WatchGroup(InotifyWatchGroup):
    """Watches of a folder and those below, but not of what is to be skipped: watchdog's own walk enters every mount."""

    skip: Skip = field(default=frozenset)

    def _add_all_callbacks(self, path: bytes) -> None:
        skip, below = self.skip(), [path]
        while below:
            here = below.pop()
            if here.count(b"/") - self.path.count(b"/") > MAX_DEPTH:
                continue
            self._add_callback(here)
            if not self.is_recursive:
                return
            try:
                with os.scandir(here) as entries:
                    below += [
                        entry.path
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False) and os.fsdecode(entry.path) not in skip
                    ]
            except OSError:
                continue  # gone, or closed to us: the scan tells of it

    def _recursive_simulate(self, src_path: bytes) -> list[InotifyEvent]:  # noqa: ARG002  # watchdog passes it
        """Nothing: whoever is told of a folder looks at what is in it. Deep ones would end watchdog's thread."""
        return []


class _Emitter(InotifyFullEmitter):
    """Also tells when the watched folder itself is renamed, and hands events over itself.

    By way of the observer's own thread they would come later, on a busy machine by as much as a ride's whole way.
    """

    def __init__(self, *given: Any, skip: Skip, handler: _Handler, **options: Any) -> None:
        super().__init__(*given, **options)
        self._skip = skip
        self._handler = handler

    def queue_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, _WANTED):
            self._handler.dispatch(event)

    def on_thread_start(self) -> None:
        self._inotify = _WatchGroup(
            self._inotify_fd,
            os.fsencode(self.watch.path),
            is_recursive=self.watch.is_recursive,
            event_mask=Mask(self.get_event_mask_from_filter() | InotifyConstants.IN_MOVE_SELF),
            skip=self._skip,
        )

    def build_and_queue_event(self, event: Any, *, full_events: bool = True) -> None:
        if isinstance(event, PathedInotifyEvent) and event.ev.is_move_self:
            if os.fsdecode(event.path) == self.watch.path:
                self.queue_event(DirDeletedEvent(self.watch.path))
            return
        super().build_and_queue_event(event, full_events=full_events)


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
            # Out of here it would end watchdog's thread, and nobody would know.
            _log.exception("unexpected_error", folder=self._folder)
            self._rescan()

    def _pass_on(self, event: FileSystemEvent) -> None:
        path = self._path(event.dest_path or event.src_path)
        match event:
            case FileMovedEvent() if not event.dest_path:
                self._hint(path, FileEvent.APPEARED)  # moved away: a look shows that it is gone
            case DirMovedEvent() if not event.dest_path:
                pass
            case FileClosedEvent() | FileMovedEvent():
                if isinstance(event, FileMovedEvent) and event.src_path:
                    self._hint(self._path(event.src_path), FileEvent.APPEARED)
                self._hint(path, FileEvent.CLOSED)
            case FileModifiedEvent():
                self._hint(path, FileEvent.WRITTEN)
            case FileCreatedEvent() | FileDeletedEvent() | DirCreatedEvent() | DirMovedEvent():
                # What a folder brings with it may have come before its watch.
                self._hint(path, FileEvent.APPEARED)
            case DirDeletedEvent() if path == self._folder:
                self._rescan()
            case _:
                pass

    def _path(self, path: bytes | str) -> str:
        return self._folder + os.fsdecode(path).removeprefix(self._real)
