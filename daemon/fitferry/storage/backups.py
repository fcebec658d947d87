"""Is the database whole, and what if not? Checks, daily copies, and putting a copy back.

A copy may be a day old: what was sent since then is not in it, so after putting one back every job that is not done
is uncertain, and so is what the next scan finds missing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from fitferry.core.upload import Status, WaitingFor
from fitferry.storage import database
from fitferry.storage.database import put, writing
from fitferry.storage.models import DoubtRow, JobRow
from fitferry.system import durable_io

KEPT = 7
_PATTERN = "state-*.db"


def is_whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a database file; a missing one is whole."""
    if not path.exists():
        return True
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        # Not "damaged": somebody else holds it, or the disk is full or away.
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise
        return False


def mend(path: Path, stamp: str) -> Path | None:
    """Set a damaged database aside as `….damaged-STAMP` and put the newest good copy in its place.

    The copy that was put back, or None if there is no good one: then an empty ledger begins.
    """
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(f"{path}.damaged-{stamp}{suffix}")
    for copy in _copies(path):
        if is_whole(copy):
            scratch = path.with_suffix(".put-back")
            scratch.write_bytes(copy.read_bytes())
            scratch.chmod(0o600)
            durable_io.sync(scratch)
            scratch.replace(path)
            durable_io.sync(path.parent)
            return copy
    return None


def any_of(path: Path) -> bool:
    """Whether there is a copy of a database."""
    return next(_copies(path), None) is not None


def mark_all_uncertain(now: float, quarantine: float) -> None:
    """After a copy was put back: whatever is not done in it may have been sent since it was made.

    So may be what is not in it at all: files that are older than this moment are looked for before they are sent.
    """
    unsent = ~JobRow.status.in_([Status.COMPLETED]) & JobRow.upload_id.is_null()
    waits = JobRow.status.in_([Status.PENDING, Status.PROCESSING])
    with writing():
        JobRow.update(uncertain=True).where(unsent).execute()
        JobRow.update(own_wait=WaitingFor.CONFIRM, next_attempt_at=now + quarantine).where(
            unsent, waits
        ).execute()
        put(DoubtRow, id=1, until=now)


def copy_now(path: Path, day: str) -> Path:
    """Make a copy of the open database beside it, checked and on disk; the newest seven are kept."""
    target, scratch = path.with_name(f"state-{day}.db"), path.with_name(f".state-{day}.part")
    scratch.unlink(missing_ok=True)
    database.outside_transaction("VACUUM INTO ?", str(scratch))
    scratch.chmod(0o600)
    if not is_whole(scratch):
        scratch.unlink()
        raise sqlite3.DatabaseError("the copy of the database is not whole")
    durable_io.sync(scratch)
    scratch.replace(target)
    durable_io.sync(target.parent)
    for old in list(_copies(path))[KEPT:]:
        old.unlink(missing_ok=True)
    return target


def has_copy_of(path: Path, day: str) -> bool:
    """Whether a day's copy is there."""
    return path.with_name(f"state-{day}.db").exists()


def _copies(path: Path) -> Iterator[Path]:
    yield from sorted(path.parent.glob(_PATTERN), reverse=True)
