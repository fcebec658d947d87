"""One watched folder with the mounts below it: one scanner more for each mount that hides writes or may hang.

A server that hangs must not stop the local folder, and where no events come the files have to be looked for.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from fitferry.config.schema import WatchSettings
from fitferry.core import filenames
from fitferry.core.activity import WatchMethod, WatchState
from fitferry.core.messages import folders
from fitferry.inbox.receiver import Receiver
from fitferry.inbox.scanner import Scanner
from fitferry.inbox.surroundings import USUAL, Surroundings
from fitferry.system import mounts

T = TypeVar("T")


class WatchedFolder:
    """One watched folder: its own scanner, and one for each mount below it that needs another.

    `receiver`: makes what the files of a folder or mount go to, from its name and the question which paths belong to it.
    """

    def __init__(
        self,
        watch: WatchSettings,
        receiver: Callable[[str, Callable[[str], bool]], Receiver],
        *,
        without: frozenset[str],
        changed: Callable[[], None],
        roots: FolderRoots | None = None,
        incoming: Callable[[], None] = lambda: None,
        surroundings: Surroundings = USUAL,
    ) -> None:
        self.folder = str(watch.folder)
        """As the settings name it."""
        self._watch = watch
        self._receiver = receiver
        self._without = without
        self._read_mountinfo = surroundings.read_mountinfo
        self._lock = threading.Lock()
        self._mounts: dict[str, str] | None = None
        self._seen = ""
        self._below: dict[str, Scanner] = {}
        self._make_scanner = partial(
            Scanner,
            changed=changed,
            skip_watch=lambda: frozenset(self._below),
            incoming=incoming,
            surroundings=surroundings,
        )
        roots = roots or FolderRoots()
        self._main = self._make_scanner(
            watch,
            self._receiver_of(self.folder),
            without=without,
            checked=self._look_at_mounts,
            claim=partial(roots.claim, self.folder),
            is_others=partial(roots.is_others, self.folder),
        )

    def start(self) -> None:
        self._main.start()

    def stop(self) -> None:
        self._main.stop()
        for scanner in self.scanners()[1:]:
            scanner.stop(wait=1.0)

    def scanners(self) -> list[Scanner]:
        """Its own scanner, then those of the mounts below."""
        with self._lock:
            return [self._main, *self._below.values()]

    def holds(self, path: str) -> bool:
        """Whether a path is below this folder, by its name alone."""
        return path.startswith(self.folder.rstrip("/") + "/")

    def run(self, path: str, work: Callable[[], T], seconds: float) -> T:
        """Do something in the thread that a path belongs to, see `FolderTasks.run`."""
        with self._lock:
            scanner = self._below.get(self._part_of(path), self._main)
        return scanner.run(work, seconds)

    @property
    def state(self) -> WatchState:
        """How the folder is doing, with what its mounts have to say."""
        main, *below = [scanner.state for scanner in self.scanners()]
        away = [
            folders.UNREADABLE(folder=state.folder, reason=state.reason)
            for state in below
            if not state.available and state.reason
        ]
        polled = [
            folders.POLLED(folder=state.folder)
            for state in below
            if state.available and state.method is WatchMethod.POLL
        ]
        return replace(
            main,
            notes=(*main.notes, *polled, *away),
            receiving=main.receiving + tuple(file for state in below for file in state.receiving),
            unreadable=main.unreadable + tuple(path for state in below for path in state.unreadable),
            not_moved=next(filter(None, [main.not_moved, *(state.not_moved for state in below)]), None),
        )

    def _receiver_of(self, part: str) -> Receiver:
        return self._receiver(part, lambda path: self._part_of(path) == part)

    def _part_of(self, path: str) -> str:
        """The mount below that holds a path, or the folder itself."""
        points = [point for point in list(self._below) if path.startswith(f"{point}/")]
        return max(points, key=len, default=self.folder)

    def _look_at_mounts(self) -> None:
        """Give every mount that needs one a scanner of its own; called by the main scanner's thread."""
        seen = self._read_mountinfo()
        if seen == self._seen:
            return
        self._seen = seen
        points = self._points_below(seen) if self._watch.recursive else {}
        points = {point: kind for point, kind in points.items() if not self._is_passed_over(point)}
        if points == self._mounts:
            return
        first, self._mounts = self._mounts is None, points
        self._assign_mounts({point for point, kind in points.items() if mounts.needs_polling(kind)})
        if not first:
            # Watches stay with what was there before something was mounted over it.
            self._main.reattach()

    def _points_below(self, mountinfo: str) -> dict[str, str]:
        """The mount points below and their kinds, under the names that the settings give the folder."""
        real = os.path.realpath(self.folder)
        found = mounts.below(real, mountinfo)
        return {self.folder + point.removeprefix(real): kind for point, kind in found.items()}

    def _assign_mounts(self, points: set[str]) -> None:
        self._main.leave_out(self._without | points)
        with self._lock:
            for point in set(self._below) - points:
                self._below.pop(point).stop(wait=0)
            new = {point: self._scanner(point, points - {point}) for point in points - set(self._below)}
            self._below |= new
        for scanner in new.values():
            scanner.start()

    def _scanner(self, point: str, others: set[str]) -> Scanner:
        method = WatchMethod.POLL if self._watch.method is WatchMethod.AUTO else self._watch.method
        watch = replace(self._watch, folder=Path(point), method=method)
        return self._make_scanner(watch, self._receiver_of(point), without=self._without | others)

    def _is_passed_over(self, point: str) -> bool:
        return not filenames.is_inside(point + "/x", self.folder, recursive=True, without=self._without)


class FolderRoots:
    """Which folder is watched under which name: two names may lead to the same one by links."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[tuple[int, int], str] = {}

    def claim(self, name: str, found: os.stat_result) -> str:
        """Take a folder for a name; the other name that has it already, "" if none has."""
        identity = (found.st_dev, found.st_ino)
        with self._lock:
            self._names = {key: other for key, other in self._names.items() if other != name}
            owner = self._names.setdefault(identity, name)
        return "" if owner == name else owner

    def is_others(self, name: str, found: os.stat_result) -> bool:
        """Whether a folder below is one that is watched under another name."""
        return self._names.get((found.st_dev, found.st_ino), name) != name
