"""Questions to a filesystem that may never answer, with a deadline."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from fitferry.core.messages import Message
from fitferry.core.messages.system import from_os_error

FOLDER_SECONDS = 3.0
"""How long a folder may take to answer somebody who waits: it may be on a server that is away."""

T = TypeVar("T")


def call(work: Callable[[], T], seconds: float = FOLDER_SECONDS) -> T:
    """Do something in a thread of its own. Raises TimeoutError, and what `work` raises.

    A call that does not come back keeps its thread, which ends with the process.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  # it is raised again where it was asked for
            done.set_exception(error)

    threading.Thread(target=run, name="deadline", daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.done():
            raise
        raise TimeoutError(errno.ETIMEDOUT, "it does not answer") from None


class FolderState(StrEnum):
    """What became of a look at a folder."""

    OK = "ok"
    MISSING = "missing"
    NOT_A_FOLDER = "not_a_folder"
    NO_PERMISSION = "no_permission"
    NO_ANSWER = "no_answer"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class FolderLook:
    """Result of a look at a folder. `path`: the folder that is missing or closed, which may be one above.

    `real`: the folder without links, where it is there. `reason`: the system's words where there is nothing better.
    """

    state: FolderState
    path: str
    real: str = ""
    reason: Message | None = None


def look_at_folder(path: str, seconds: float = FOLDER_SECONDS) -> FolderLook:
    """Whether a folder can be listed, found out within `seconds`."""
    try:
        return call(lambda: _look(path), seconds)
    except TimeoutError:
        return FolderLook(FolderState.NO_ANSWER, path)


def closed_folder_above(path: str) -> str:
    """The topmost folder on the way to a path that this user may not enter; the path itself if there is none."""
    walked = ""
    for name in path.split("/")[1:-1]:
        walked += f"/{name}"
        if not os.access(walked, os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            return walked
    return path


def _look(path: str) -> FolderLook:
    try:
        os.scandir(path).close()
    except FileNotFoundError:
        return FolderLook(FolderState.MISSING, path)
    except NotADirectoryError:
        return FolderLook(FolderState.NOT_A_FOLDER, path)
    except PermissionError:
        return FolderLook(FolderState.NO_PERMISSION, closed_folder_above(path))
    except OSError as error:
        return FolderLook(FolderState.ERROR, path, reason=from_os_error(error))
    return FolderLook(FolderState.OK, path, real=os.path.realpath(path))
