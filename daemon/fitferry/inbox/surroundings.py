"""What a scanner goes by: times, limits, and what it asks the machine. None of it is a setting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fitferry.inbox import file_reader
from fitferry.inbox.file_events import Hint, Skip, Watcher
from fitferry.inbox.file_reader import Allowed, FileLook
from fitferry.system import mounts


class MakeWatcher(Protocol):
    """Makes what hears the events of a folder."""

    def __call__(
        self, folder: str, *, recursive: bool, hint: Hint, rescan: Callable[[], None], skip: Skip
    ) -> Watcher: ...


class Look(Protocol):
    """Reads a file and finds out what it holds, see `file_reader.look`."""

    def __call__(
        self, path: str, folder: str, *, allowed: Allowed, between: Callable[[], None]
    ) -> FileLook | None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Times are in seconds."""

    away: float = 5.0
    """Between two looks for a folder that is not there."""
    check: float = 60.0
    """Between two looks whether the folder is still the same one; mounts and moves are told of by events."""
    retry: float = 30.0
    """Between two looks at what could not be read, moved or deleted: somebody may have mended it."""
    hung: float = 60.0
    """A folder that answers no call for so long is away; its thread cannot say so itself."""
    pause: float = 1.0
    """Until the next try while this process has no descriptors left."""
    shown_after: float = 1.0
    """How long a file must have been on its way before anybody is told of it."""
    measure: float = 1.0
    """Between two looks how much of such a file is there."""
    max_hints: int = 10_000
    """More paths than this are not kept, and a scan finds what they named."""
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    """The one by which the kernel says when a file was changed."""
    watcher: MakeWatcher = Watcher
    look: Look = file_reader.look
    filesystem: Callable[[Path], str] = mounts.filesystem
    read_mountinfo: Callable[[], str] = mounts.read_mountinfo
    lacks_inotify: Callable[[], bool] = mounts.lacks_inotify


USUAL = Surroundings()
