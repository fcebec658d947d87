"""Who looks at a watched folder with mounts below it? One scanner more for each mount that hides writes.

A server that hangs must not stop the local folder, and where no events come the files have to be looked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fitferry.config import WatchSettings
from fitferry.config.values import WatchMethod
from fitferry.core import filenames
from fitferry.core.activity import WatchState
from fitferry.inbox.scanner import Receives, Scanner
from fitferry.system import mounts


class WatchedFolder:
    """One watched folder: its own scanner, and one for each mount below it that needs another."""

    def __init__(
        self,
        watch: WatchSettings,
        receive: Callable[[str], Receives],
        *,
        without: frozenset[str],
        changed: Callable[[], None],
        read_mountinfo: Callable[[], str] = mounts.read_mountinfo,
    ) -> None:
        self._watch = watch
        self._receive = receive
        self._without = without
        self._changed = changed
        self._read_mountinfo = read_mountinfo
        self._lock = threading.Lock()
        self._mounts: dict[str, str] | None = None
        self._seen = ""
        self._below: dict[str, Scanner] = {}
        self._main = Scanner(
            watch, receive(str(watch.folder)), without=without, changed=changed, checked=self._look_at_mounts
        )

    def start(self) -> None:
        """Begin."""
        self._main.start()

    def stop(self) -> None:
        """End."""
        self._main.stop()
        for scanner in self._scanners():
            scanner.stop(wait=1.0)

    def alive(self) -> bool:
        """Whether every thread lives."""
        return self._main.alive() and all(scanner.alive() for scanner in self._scanners())

    def rescan(self) -> None:
        """Scan everything as soon as possible."""
        for scanner in (self._main, *self._scanners()):
            scanner.rescan()

    @property
    def state(self) -> WatchState:
        """How the folder is doing, with what its mounts have to say."""
        main, below = self._main.state, [scanner.state for scanner in self._scanners()]
        away = [
            f"{one.folder} cannot be read ({one.reason})" for one in below if not one.available and one.reason
        ]
        polled = [f"{one.folder} is polled" for one in below if one.available]
        return replace(
            main,
            note="; ".join(filter(None, [main.note, *polled, *away])),
            receiving=main.receiving + tuple(file for one in below for file in one.receiving),
            unreadable=main.unreadable + tuple(path for one in below for path in one.unreadable),
        )

    def _scanners(self) -> list[Scanner]:
        with self._lock:
            return list(self._below.values())

    def _look_at_mounts(self) -> None:
        """Give every mount that hides writes a scanner of its own; called by the main scanner's thread."""
        seen = self._read_mountinfo()
        if seen == self._seen:
            return
        self._seen = seen
        found = mounts.below(str(self._watch.folder), seen) if self._watch.recursive else {}
        found = {point: kind for point, kind in found.items() if not self._is_passed_over(point)}
        if found == self._mounts:
            return
        first, self._mounts = self._mounts is None, found
        self._assign_mounts({point for point, kind in found.items() if self._needs_polling(kind)})
        if not first:
            # Watches stay with what was there before something was mounted over it.
            self._main.reattach()

    def _assign_mounts(self, points: set[str]) -> None:
        self._main.without = self._without | points
        with self._lock:
            for point in set(self._below) - points:
                self._below.pop(point).stop(wait=0)
            new = {point: self._scanner(point, points - {point}) for point in points - set(self._below)}
            self._below |= new
        for scanner in new.values():
            scanner.start()

    def _scanner(self, point: str, others: set[str]) -> Scanner:
        watch = replace(self._watch, folder=Path(point), method=WatchMethod.POLL)
        return Scanner(watch, self._receive(point), without=self._without | others, changed=self._changed)

    def _needs_polling(self, kind: str) -> bool:
        return self._watch.method == "auto" and mounts.needs_polling(kind)

    def _is_passed_over(self, point: str) -> bool:
        folder = str(self._watch.folder)
        inside = filenames.is_inside(point + "/x", folder, recursive=True, without=self._without)
        return not inside
