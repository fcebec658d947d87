"""A database as a file: whether it is whole, and copies of it. Needs no open ledger and holds up no write."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fitferry.core.errors import StorageError
from fitferry.core.messages import system
from fitferry.system import durable_io

_HEADER = b"SQLite format 3\0"
_SPARE_BYTES = 1_000_000
"""What stays free beside a copy, so that the ledger can still be written."""
_DAILY = re.compile(r"state-(\d{4}-\d\d-\d\d)\.db")
_BEFORE_UPDATE = re.compile(r"before-update-(\d{4}_\w+)\.db")


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that Fitferry made: its day, or the last migration in it; and the ledger's revision then, 0 if unknown."""

    path: Path
    day: str
    last_migration: str
    revision: int


def is_whole(path: Path, interrupted: Callable[[], bool] = lambda: False) -> bool:
    """Whether SQLite finds nothing wrong with a database file; a missing one is whole.

    Raises sqlite3.OperationalError where it cannot be looked at, or where `interrupted` says to stop.
    """
    if not path.exists():
        return True
    try:
        with contextlib.closing(_connected(path)) as connection:
            connection.set_progress_handler(interrupted, 100_000)
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        # Not "damaged": another process holds it, or the disk is full or away.
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise
        return False


def make_copy(path: Path, target: Path, interrupted: Callable[[], bool] = lambda: False) -> None:
    """Copy a database, open or not, checked and down on the disk. Writers go on meanwhile.

    Raises StorageError where the disk has no room for it, sqlite3.Error or OSError. Leaves nothing behind then.
    """
    scratch = target.with_name(f".{target.name}.part")
    _remove(scratch)
    require_room(path)
    try:
        with contextlib.closing(_connected(path)) as connection:
            connection.set_progress_handler(interrupted, 100_000)
            connection.execute("VACUUM INTO ?", (str(scratch),))
        scratch.chmod(0o600)
        if not is_whole(scratch, interrupted):
            raise sqlite3.DatabaseError("the copy of the database is not whole")
        durable_io.sync(scratch)
        scratch.replace(target)
        durable_io.sync(target.parent)
    finally:
        _remove(scratch)


def require_room(path: Path) -> None:
    """Raise StorageError unless the disk has room for a copy of a database beside it."""
    size = sum(
        Path(f"{path}{suffix}").stat().st_size for suffix in ("", "-wal") if Path(f"{path}{suffix}").exists()
    )
    found = os.statvfs(path.parent)
    free, needed = found.f_bavail * found.f_frsize, size + _SPARE_BYTES
    if free < needed:
        raise StorageError(system.NO_ROOM_FOR_COPY(free=free, needed=needed))


def put_in_place(copy: Path, path: Path) -> None:
    """Put a copy in the place of a database, whole and down on the disk. Raises OSError."""
    scratch = path.with_suffix(".put-back")
    try:
        shutil.copyfile(copy, scratch, follow_symlinks=False)
        scratch.chmod(0o600)
        durable_io.sync(scratch)
        scratch.replace(path)
        durable_io.sync(path.parent)
    finally:
        _remove(scratch)


def daily_copies(path: Path) -> list[Copy]:
    """The daily copies of a database, unordered."""
    return list(_copies(path, _DAILY))


def update_copies(path: Path) -> list[Copy]:
    """The copies from before updates, unordered."""
    return list(_copies(path, _BEFORE_UPDATE))


def daily_path(path: Path, day: str) -> Path:
    return path.with_name(f"state-{day}.db")


def update_path(path: Path, last_migration: str) -> Path:
    return path.with_name(f"before-update-{last_migration}.db")


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left of an unfinished copy."""
    for scratch in [*path.parent.glob(".state-*.part"), *path.parent.glob(".before-update-*.part")]:
        _remove(scratch)


def is_own_file(path: Path) -> bool:
    """Whether a path is a regular file of this user with a database in it: no link, no folder, nothing else's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        regular = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
        return regular and os.read(descriptor, len(_HEADER)) == _HEADER
    finally:
        os.close(descriptor)


def _copies(path: Path, named: re.Pattern[str]) -> Iterator[Copy]:
    with os.scandir(path.parent) as entries:
        names = [match for entry in entries if (match := named.fullmatch(entry.name))]
    for match in names:
        found = path.with_name(match[0])
        if is_own_file(found):
            last_migration, revision = _contents(found)
            yield Copy(found, match[1], last_migration, revision)


def _contents(path: Path) -> tuple[str, int]:
    """The last migration in a copy and its revision, "" and 0 where they cannot be read."""
    last_migration, revision = "", 0
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_connected(path, immutable=True)) as copy:
        last_migration = copy.execute("SELECT max(name) FROM schema_migration").fetchone()[0] or ""
        revision = copy.execute("SELECT revision FROM ledger").fetchone()[0]
    return last_migration, revision


def _connected(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    options = "mode=ro&immutable=1" if immutable else "mode=ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, timeout=10)


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        path.unlink()
