"""The lock on a state folder, which shows that a daemon lives: the kernel frees the lock of a process that dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from fitferry.core.errors import CannotRun
from fitferry.core.messages import system
from fitferry.system.state_dir import LOCK

BUSY = 75
"""The exit code that tells systemd that trying again later may help (EX_TEMPFAIL)."""


@contextlib.contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Hold the lock on a state folder. Raises CannotRun where somebody else does."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise CannotRun(system.LOCKED(folder=str(folder)), BUSY) from error
    try:
        yield
    finally:
        os.close(handle)


def held(folder: Path) -> bool:
    """Whether somebody holds the lock."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        # Not ours to open: whose it is shows in the status file alone.
        return (folder / LOCK).exists()
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
