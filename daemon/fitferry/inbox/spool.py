"""Files that a person handed over, kept in the state folder until they are done; each in a folder of its own."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from fitferry.storage import uploads
from fitferry.system import durable_io, state_dir

_LONGEST = 200
"""Bytes of a name; Linux takes 255."""


def keep(state: Path, body: bytes, name: str) -> Path:
    """Keep the bytes under their own name, down on the disk before anybody is told."""
    spool = state / state_dir.SPOOL
    folder = spool / secrets.token_hex(8)
    spool.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    path = folder / _plain(name)
    durable_io.write_new(path, body)
    for written in (folder, spool):
        durable_io.sync(written)
    return path


def forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something else is in it, or it is gone
        path.parent.rmdir()


def empty(state: Path) -> None:
    """Delete all that is done."""
    for path in (state / state_dir.SPOOL).glob("*/*"):
        if not uploads.need_file(str(path)):
            forget(path)


def _plain(name: str) -> str:
    """The last part of a name that came from elsewhere, not too long, without what no file name may hold."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c if c.isprintable() else "_" for c in last).encode("utf-8", "replace")[-_LONGEST:]
    return kept.decode("utf-8", "ignore").lstrip(".") or "upload"
