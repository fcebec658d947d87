"""Reading of a file in one piece, safely, and what its bytes say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fitferry import formats
from fitferry.core.activity import StatFingerprint
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import FileContents
from fitferry.system import safe_files

_TOO_MANY_BYTES = MAX_FILE_BYTES + 1


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that was read at once: its bytes, their SHA-256, and its `stat`.

    Of a file that is larger than Strava takes, `body` and `sha256` are of its first 25 MB and one byte.
    """

    body: bytes
    sha256: str
    fingerprint: StatFingerprint

    @property
    def is_too_large(self) -> bool:
        """Whether `body` is not all of the file."""
        return len(self.body) > MAX_FILE_BYTES


def read(path: str, folder: str = "") -> FileRead | None:
    """Read a regular file; None if it changed meanwhile. Raises LinkInPath, OSError.

    `folder`: the watched folder that holds it, below which no link is followed that leads out of it; the file's own
    folder where there is none.
    """
    with opened(path, folder) as handle:
        return read_open(handle)


@contextmanager
def opened(path: str, folder: str = "") -> Iterator[int]:
    """A descriptor of a regular file. Raises as `read`."""
    with (
        safe_files.open_folder(folder or os.path.dirname(path)) as inside,
        inside.file(inside.relative(path)) as handle,
    ):
        yield handle


def read_open(handle: int) -> FileRead | None:
    """The same of a file that is open already."""
    found = safe_files.read(handle, _TOO_MANY_BYTES)
    fingerprint = StatFingerprint.of(found.after)
    if StatFingerprint.of(found.before) != fingerprint:
        return None
    return FileRead(found.body, hashlib.sha256(found.body).hexdigest(), fingerprint)


def examine(file_read: FileRead) -> FileContents:
    """What the bytes say; more than Strava takes is not looked into."""
    if file_read.is_too_large:
        return FileContents(formats.examine_head(file_read.body))
    return formats.examine(file_read.body, file_read.sha256)
