"""Work of other threads that only a watched folder's own thread may do, because the folder may stop to answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDoneInTime
from typing import Any, TypeVar

from fitferry.core.messages import Message

T = TypeVar("T")


class FolderAway(Exception):  # a state of the folder, not a fault of the program
    """A watched folder is not there, or does not answer; `folder` names it."""

    def __init__(self, folder: str, reason: Message) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(f"{folder}: {reason}")


class FolderBusy(Exception):  # as above
    """A watched folder is there, and its thread had no time for a task."""


class FolderTasks:
    """The tasks that wait for one folder's thread. `wake`: lets that thread look."""

    def __init__(self, folder: str, wake: Callable[[], None]) -> None:
        self._folder = folder
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._away: Message | None = None

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Let the folder's thread do something, and wait for it. Raises FolderAway, FolderBusy, what `work` raises."""
        done: Future[T] = Future()
        with self._lock:
            if self._away:
                raise FolderAway(self._folder, self._away)
            self._waiting.append((done, work))
        self._wake()
        try:
            return done.result(seconds)
        except NotDoneInTime:
            if not done.done():
                done.cancel()
                raise FolderBusy(self._folder) from None
            raise

    def __len__(self) -> int:
        return len(self._waiting)

    def work_off(self) -> None:
        """Do what waits; called by the folder's own thread, between any two files."""
        while self._waiting:
            with self._lock:
                done, work = self._waiting.popleft()
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(work())
                except Exception as error:  # noqa: BLE001  # it is the other thread's
                    done.set_exception(error)

    def refuse(self, reason: Message) -> None:
        """Refuse every task, also those that wait, until `accept`: the folder is away."""
        with self._lock:
            self._away = reason
            waiting, self._waiting = self._waiting, deque()
        for done, _ in waiting:
            if done.set_running_or_notify_cancel():
                done.set_exception(FolderAway(self._folder, reason))

    def accept(self) -> None:
        self._away = None
