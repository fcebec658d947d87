"""The lock on a state folder, which shows that a daemon lives: the kernel frees the lock of a process that dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from fitferry.core.errors import CannotRun
from fitferry.core.messages import system
from fitferry.system.state_dir import LOCK

BUSY = 75
"""The exit code that tells systemd that trying again later may help (EX_TEMPFAIL)."""

_LOCKS = Path("/proc/locks")


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
        return _is_listed(folder / LOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _is_listed(path: Path) -> bool:
    """Whether the kernel lists somebody's lock on a file that is not ours to open."""
    try:
        number = path.stat().st_ino
        locks = _LOCKS.read_text(encoding="ascii")
    except OSError:
        return False
    return re.search(rf"FLOCK +ADVISORY +WRITE .*:{number} ", locks) is not None
