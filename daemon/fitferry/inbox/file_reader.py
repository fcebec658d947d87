"""Reading of a file in one piece, safely, and what its bytes say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from fitferry import formats
from fitferry.core.activity import StatFingerprint
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import FileContents
from fitferry.formats.archives import MAX_ARCHIVE_BYTES, is_zip
from fitferry.system import safe_files

_TOO_MANY_BYTES = MAX_FILE_BYTES + 1
_ZIP_END, _ZIP_END_BYTES = b"PK\x05\x06", 65_557
"""Where a whole zip has its end record; its comment may follow."""

Allowed = Callable[[str], bool]


def _everything(_relative: str) -> bool:
    return True


class FileRead(NamedTuple):
    """A file that was read at once: its bytes, their SHA-256, and its `stat`.

    Of a file that is larger than Strava takes, `body` is its first 25 MB and one byte, and so is `sha256`, unless it
    is a large zip: Strava's bound is for each activity in that.
    """

    body: bytes
    sha256: str
    fingerprint: StatFingerprint
    is_large_zip: bool = False

    @property
    def is_too_large(self) -> bool:
        """Whether `body` is not all of the file."""
        return len(self.body) > MAX_FILE_BYTES


@dataclass(frozen=True, slots=True)
class FileLook:
    """A file that was read, and what it holds."""

    file: FileRead
    contents: FileContents


def look(
    path: str, folder: str = "", *, allowed: Allowed = _everything, between: Callable[[], None] = lambda: None
) -> FileLook | None:
    """Read a file and find out what it holds; None if it changed meanwhile. Raises LinkInPath, OSError.

    `folder`: the watched folder that holds it, below which no link is followed that leads out of it; the file's own
    folder where there is none. `allowed`: see `safe_files.open_folder`. `between`: see `formats.examine`.
    """
    with opened(path, folder, allowed=allowed) as handle:
        file = _read(handle)
        if file is None:
            return None
        if file.is_large_zip:
            return FileLook(file, formats.examine(handle, file.sha256, between))
        return FileLook(file, examine(file, between))


def read(path: str, folder: str = "") -> FileRead | None:
    """Read a regular file; None if it changed meanwhile. As `look`."""
    with opened(path, folder) as handle:
        return _read(handle)


@dataclass(frozen=True, slots=True)
class ActivityBytes:
    """The bytes of one activity in a file, None if it is not in it. `sha256`: the file's; empty if not needed."""

    body: bytes | None
    sha256: str


def read_activity(path: str, folder: str, sha256: str, member: str) -> ActivityBytes | None:
    """Read one activity by its own SHA-256; None if its file changed meanwhile. As `look`.

    `member`: its name in an archive of several, which is then not read whole.
    """
    with opened(path, folder) as handle:
        if member and os.fstat(handle).st_size > MAX_FILE_BYTES:
            body = formats.body_of(handle, "", sha256, member)
            if body is not None:
                return ActivityBytes(body, "")
        file = _read(handle)
        if file is None:
            return None
        if file.is_large_zip:
            body = formats.body_of(handle, file.sha256, sha256, member)
        else:
            body = None if file.is_too_large else formats.body_of(file.body, file.sha256, sha256, member)
        return ActivityBytes(body, file.sha256)


@contextmanager
def opened(path: str, folder: str = "", *, allowed: Allowed = _everything) -> Iterator[int]:
    """A descriptor of a regular file. As `look`."""
    with (
        safe_files.open_folder(folder or os.path.dirname(path), allowed=allowed) as inside,
        inside.file(inside.relative(path)) as handle,
    ):
        yield handle


def _read(handle: int) -> FileRead | None:
    before = StatFingerprint.of(os.fstat(handle))
    body = safe_files.read(handle, _TOO_MANY_BYTES)
    whole = None
    if len(body) > MAX_FILE_BYTES and is_zip(body) and _ends_as_zip(handle):
        whole = safe_files.sha256(handle, MAX_ARCHIVE_BYTES)
    fingerprint = StatFingerprint.of(os.fstat(handle))
    if before != fingerprint:
        return None
    if whole is not None:
        return FileRead(b"", whole, fingerprint, is_large_zip=True)
    return FileRead(body, hashlib.sha256(body).hexdigest(), fingerprint)


def _ends_as_zip(handle: int) -> bool:
    """Whether a large file has a zip's last record: a file that breaks off, or is all holes, is not hashed whole."""
    size = os.fstat(handle).st_size
    start = max(0, size - _ZIP_END_BYTES)
    return size <= MAX_ARCHIVE_BYTES and _ZIP_END in os.pread(handle, _ZIP_END_BYTES, start)


def examine(file: FileRead, between: Callable[[], None] = lambda: None) -> FileContents:
    """What bytes say that are in memory."""
    if file.is_too_large:
        return FileContents(formats.examine_head(file.body, file.fingerprint.size))
    return formats.examine(file.body, file.sha256, between)
