"""What was seen in the watched folders: files by their paths, and folders that were scanned to their end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fitferry.core.activity import StatFingerprint
from fitferry.storage.database import run, write, writing
from fitferry.storage.models import SeenFolderRow, SeenPathRow
from fitferry.storage.statements import put, tuples

_IN_QUESTION = 500
"""Files at most that are asked about in one statement."""
_SEEN = "SELECT sha256, size, mtime_ns, ctime_ns FROM seen_path WHERE path = ? AND athlete = ?"


_UNREAD = """
SELECT s.path FROM seen_path AS s
WHERE s.athlete = ? AND NOT EXISTS (SELECT 1 FROM activity AS a WHERE a.path = s.path AND a.athlete = s.athlete)
"""
_UNREAD_PATHS = f"{_UNREAD} AND s.path > ? AND s.path < ? ORDER BY s.path LIMIT ?"


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: whose it is, where, the SHA-256 of its bytes, how many.

    `fingerprint` is None for a file outside the watched folders: its path is not remembered.
    """

    athlete: str
    path: str
    sha256: str
    size: int
    fingerprint: StatFingerprint | None


def seen(athlete: str, path: str) -> StatFingerprint | None:
    """The fingerprint that a path had when its bytes were last read for this athlete."""
    row = _seen(athlete, path)
    return StatFingerprint(*row[1:]) if row else None


def seen_at(athlete: str, paths: Sequence[str]) -> dict[str, StatFingerprint]:
    """The same of several paths, for a scan: those that are known."""
    found: dict[str, StatFingerprint] = {}
    for start in range(0, len(paths), _IN_QUESTION):
        some = [os.fsencode(path) for path in paths[start : start + _IN_QUESTION]]
        marks = ",".join("?" * len(some))
        # As text: making the statement would take longer than it runs.
        sql = f"SELECT path, size, mtime_ns, ctime_ns FROM seen_path WHERE athlete = ? AND path IN ({marks})"  # noqa: S608  # marks alone
        for path, size, mtime_ns, ctime_ns in run(sql, athlete, *some):
            found[os.fsdecode(path)] = StatFingerprint(size, mtime_ns, ctime_ns)
    return found


def other_paths(athlete: str, sha256: str) -> Sequence[str]:
    """Every path at which these bytes were seen."""
    rows = SeenPathRow.select(SeenPathRow.path).where(
        SeenPathRow.sha256 == sha256, SeenPathRow.athlete == athlete
    )
    return [os.fsdecode(bytes(path)) for (path,) in tuples(rows)]


def holds_other_bytes(athlete: str, path: str, sha256: str) -> bool:
    """Whether other bytes were read at a path since; the disk is not asked."""
    row = _seen(athlete, path)
    return row is not None and row[0] != sha256


def prune_paths(athlete: str, folder: str, exists: Callable[[str], bool]) -> int:
    """Forget the paths below a folder where nothing is any more, and from which no activity is read; how many.

    Whoever gives one file ever new names would fill the disk with them. `exists`: asks the disk.
    """
    start = os.fsencode(folder).rstrip(b"/") + b"/"
    last, end, count = start, start[:-1] + b"0", 0
    while some := [path for (path,) in run(_UNREAD_PATHS, athlete, last, end, _IN_QUESTION)]:
        last = some[-1]
        if gone := [path for path in some if not exists(os.fsdecode(path))]:
            count += write(SeenPathRow.delete().where(SeenPathRow.path.in_(gone)))
    return count


def forget_unread_path(athlete: str, path: str) -> None:
    """Forget a path where nothing is any more, unless an activity is read from there."""
    if run(f"{_UNREAD} AND s.path = ?", athlete, os.fsencode(path)):
        forget_path(path)


def remember(file: File) -> None:
    """Write down that a file was read, and nothing else of it."""
    found = file.fingerprint
    if found is not None:
        with writing():
            put(
                SeenPathRow,
                path=os.fsencode(file.path),
                athlete=file.athlete,
                size=found.size,
                mtime_ns=found.mtime_ns,
                ctime_ns=found.ctime_ns,
                sha256=file.sha256,
            )


def forget_path(path: str) -> None:
    """Forget what was seen at a path: nothing is there any more."""
    write(SeenPathRow.delete().where(SeenPathRow.path == os.fsencode(path)))


def folder_is_known(athlete: str, folder: str) -> bool:
    """Whether a folder has been scanned to its end before."""
    where = (SeenFolderRow.path == os.fsencode(folder)) & (SeenFolderRow.athlete == athlete)
    return bool(SeenFolderRow.select().where(where).exists())


def folder_scanned(athlete: str, folder: str, now: float) -> None:
    """Write down that a folder's first scan has ended."""
    write(
        SeenFolderRow.insert(path=os.fsencode(folder), athlete=athlete, scanned_at=now).on_conflict_ignore()
    )


def _seen(athlete: str, path: str) -> tuple[str, int, int, int] | None:
    """The hash at a path when it was last read, and the size and times of its fingerprint."""
    rows = run(_SEEN, os.fsencode(path), athlete)
    return (rows[0][0], rows[0][1], rows[0][2], rows[0][3]) if rows else None
