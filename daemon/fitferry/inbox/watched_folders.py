"""All watched folders: who wants bytes or a move asks here, and the folder's own thread does it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from fitferry.core.activity import WatchState
from fitferry.core.messages import Message
from fitferry.inbox.scanner import Scanner
from fitferry.inbox.watched_folder import WatchedFolder
from fitferry.system import deadline, mounts

T = TypeVar("T")


class WatchedFolders:
    """The folders of the settings."""

    def __init__(self, folders: Iterable[WatchedFolder]) -> None:
        self._folders = tuple(folders)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch from here to the end."""
        with contextlib.ExitStack() as parts:
            parts.enter_context(mounts.calling_on_change(self._check))
            for folder in self._folders:
                folder.start()
                parts.callback(folder.stop)
            yield

    def run(self, path: str, work: Callable[[], T], seconds: float) -> T:
        """Do something with a file in the thread of its folder. Raises FolderAway, FolderBusy, what `work` raises.

        What is in no watched folder (any more) is asked in a thread of its own, which may not come back, either.
        """
        holders = [folder for folder in self._folders if folder.holds(path)]
        if not holders:
            return deadline.call(work, seconds)
        return max(holders, key=lambda folder: len(folder.folder)).run(path, work, seconds)

    def tidy(self) -> None:
        """Archive and delete as soon as possible what is to be, each file in its folder's thread."""
        for scanner in self._scanners():
            scanner.tidy()

    def rescan(self) -> None:
        """Scan everything as soon as possible."""
        for scanner in self._scanners():
            scanner.rescan()

    def away(self) -> list[str]:
        """The folders and mounts that are not there now or do not answer: their jobs need not be tried."""
        states = [scanner.state for scanner in self._scanners()]
        return [state.folder for state in states if not state.available and state.reason]

    def states(self) -> tuple[WatchState, ...]:
        return tuple(folder.state for folder in self._folders)

    def health_error(self) -> Message | None:
        """What is wrong with the threads of the folders; None while all is well."""
        return next(filter(None, (scanner.health_error() for scanner in self._scanners())), None)

    def _check(self) -> None:
        for scanner in self._scanners():
            scanner.check()

    def _scanners(self) -> list[Scanner]:
        return [scanner for folder in self._folders for scanner in folder.scanners()]
