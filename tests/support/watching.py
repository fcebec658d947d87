"""Watched folders under test: their settings, and what hears their events."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes import Clock, a_receiver
from fitferry.config.schema import WatchSettings
from fitferry.core.activity import FileEvent, WatchMethod
from fitferry.inbox import Scanner
from fitferry.inbox.file_events import Hint, Skip, Watcher
from fitferry.inbox.surroundings import Surroundings
from fitferry.system import mounts

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


def watch_settings(
    folder: Path,
    method: WatchMethod = WatchMethod.POLL,
    *,
    settle: float = 0.0,
    scan_interval: float | None = None,
) -> WatchSettings:
    """The settings of a folder with all that is below it."""
    return WatchSettings(
        folder=folder,
        athlete="me",
        recursive=True,
        method=method,
        scan_interval=scan_interval,
        settle=settle,
    )


class Ears:
    """Makes the watchers of folders, and hears whatever they hear."""

    def __init__(self) -> None:
        self.watchers: dict[str, Watcher] = {}
        """The last watcher of each folder."""
        self.made = 0
        self.heard: list[tuple[str, FileEvent]] = []
        self.lost_events = threading.Event()
        """Set when a watcher wants its folder to be scanned."""
        self.are_closed = False
        """No event gets through, as on a share that others write to."""
        self.before: Callable[[str], None] = lambda _path: None
        """Called with each path before its event is passed on."""

    def __call__(
        self, folder: str, *, recursive: bool, hint: Hint, rescan: Callable[[], None], skip: Skip
    ) -> Watcher:
        """Make a watcher, as a scanner wants it."""

        def hear(path: str, event: FileEvent) -> None:
            self.before(path)
            if not self.are_closed:
                hint(path, event)
                self.heard.append((path, event))

        def lose() -> None:
            rescan()
            self.lost_events.set()

        watcher = Watcher(folder, recursive=recursive, hint=hear, rescan=lose, skip=skip)
        self.watchers[folder], self.made = watcher, self.made + 1
        return watcher


def scanner_of(
    folder: Path,
    *,
    without: frozenset[str] = frozenset(),
    scan_interval: float | None = None,
    tidy: Callable[[], None] = lambda: None,
    filesystem: Callable[[Path], str] = mounts.filesystem,
) -> tuple[Scanner, Clock]:
    """A scanner that a test steps by hand, and its clock."""
    clock = Clock(1000)
    scanner = Scanner(
        watch_settings(folder, scan_interval=scan_interval),
        a_receiver(folder, tidy=tidy),
        without=without,
        changed=lambda: None,
        surroundings=Surroundings(clock=clock, filesystem=filesystem),
    )
    return scanner, clock


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A small filesystem of its own at a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "test", str(folder)], check=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607
