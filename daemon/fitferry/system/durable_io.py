"""Writing files down to the disk, so that a power cut takes none of their bytes."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, body: bytes) -> None:
    """Write a file that is not there yet, for the owner alone, down to the disk. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it follows no link
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(handle)


def sync(path: Path) -> None:
    """Get a file, or the names in a folder, down to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
