"""What was last seen of the ledger, in a file beside it: its revision, and whether it was closed.

It is written after each commit and not synced, so it costs no commit and may lag behind the ledger after a power
cut. It is never ahead, unless an older ledger was put in the place of the one that it speaks of.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_CLEAN = "clean"
_OPEN = "open"


class LedgerMark:
    def __init__(self, path: Path) -> None:
        self.revision = _read(path)[0]
        """The revision that was seen last, 0 where there is no mark."""
        self.is_ahead = False
        """Whether the ledger is older than the mark: then the mark stays, until somebody has accepted that."""
        self._path = path
        self._descriptor = -1

    def open(self, revision: int) -> None:
        """Say, down on the disk, that the ledger is open: only `close` says that it may be trusted unchecked."""
        self.is_ahead = self.revision > revision
        with contextlib.suppress(OSError):  # a mark that cannot be written only costs a check
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(mark_path(self._path), flags, 0o600)
            self._write(_OPEN)
            os.fsync(self._descriptor)

    def saw(self, revision: int) -> None:
        """Note a revision that was committed."""
        if not self.is_ahead:
            self.revision = revision
            self._write(_OPEN)

    def close(self, *, clean: bool) -> None:
        """Say which file was closed, if all of its connections are."""
        if self._descriptor < 0:
            return
        if clean:
            self._write(f"{_CLEAN} {_fingerprint(self._path)}")
        os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, state: str) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.pwrite(self._descriptor, f"{self.revision:020d} {state:<80}\n".encode(), 0)


def mark_path(path: Path) -> Path:
    return path.with_suffix(".mark")


def was_closed(path: Path) -> bool:
    """Whether a database is the very file that was closed cleanly last."""
    state = _read(path)[1]
    return state.startswith(_CLEAN) and state == f"{_CLEAN} {_fingerprint(path)}"


def _read(path: Path) -> tuple[int, str]:
    try:
        descriptor = os.open(mark_path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            revision, _, state = file.read(200).decode("ascii").strip().partition(" ")
        return int(revision), state.strip()
    except (OSError, ValueError):
        return 0, ""


def _fingerprint(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"
