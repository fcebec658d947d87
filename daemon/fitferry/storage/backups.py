"""Daily copies of the ledger, and putting one back.

A copy may be a day old: what was sent since then is not in it. So after putting one back every job that is not done is
uncertain, and so is what the next scan finds missing. The same holds for an older ledger that somebody put in place.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from fitferry.core.errors import StorageError
from fitferry.core.messages import Message, verbatim
from fitferry.core.upload import Status, WaitingFor
from fitferry.storage import database, database_file, search
from fitferry.storage.database import writing
from fitferry.storage.database_file import Copy, is_whole
from fitferry.storage.models import DoubtRow, JobRow
from fitferry.storage.statements import put

KEPT = 7
"""Daily copies that are kept."""
RETRY_SECONDS = 3600.0
"""Seconds until a copy that failed is tried again."""
STOP_SECONDS = 5.0
INDEX_PAUSE = 0.05
"""Seconds between two parts of the index, in which others write."""

_log = structlog.get_logger()


def restore_latest(path: Path, stamp: str, today: str) -> Path | None:
    """Rename a damaged database to `….damaged-STAMP` and put the latest good copy in its place.

    The copy that was put back, or None if there is no good one: then an empty ledger begins. Raises OSError.
    """
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(f"{path}.damaged-{stamp}{suffix}")
    for copy in latest_first(path, today):
        if is_whole(copy.path):
            database_file.put_in_place(copy.path, path)
            return copy.path
    return None


def mark_all_uncertain(path: Path, now: float, quarantine: float) -> None:
    """Doubt an older ledger that was put back: whatever is not done in it may have been sent since.

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
        database.accept_older(max((copy.revision for copy in database_file.daily_copies(path)), default=0))


def has_copy_of(path: Path, day: str) -> bool:
    return database_file.is_own_file(database_file.daily_path(path, day))


class CopyThread:
    """Does what takes long in a thread that holds up no write: the day's copy, and what else was put off.

    That is the check of the whole file after a quick start, and the index of names for the search.
    """

    def __init__(self, path: Path, *, check_first: bool) -> None:
        self.error: Message | None = None
        """Why the last copy could not be made."""
        self.is_damaged = False
        self._path = path
        self._check_first = check_first
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_at = 0.0

    def run_if_due(self, now: float) -> None:
        """Begin what is due, unless it is under way, or a copy has failed just now."""
        if self._thread is not None and self._thread.is_alive():
            return
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        waits = 0 < self._next_at - now < RETRY_SECONDS
        copy_due = not waits and (self._check_first or not has_copy_of(self._path, day))
        if copy_due:
            self._next_at = now + RETRY_SECONDS
        if copy_due or search.is_behind():
            self._thread = threading.Thread(
                target=self._run, args=[day, copy_due], name="copies", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Break off what is under way; its scratch file is removed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self, day: str, copy_due: bool) -> None:  # noqa: FBT001  # a thread's arguments have no names
        try:
            if copy_due:
                self._check_and_copy(day)
            while not self.is_damaged and search.is_behind() and not self._stopping.wait(INDEX_PAUSE):
                search.index_some()
        except (StorageError, database.DatabaseError, sqlite3.Error, OSError) as error:
            if not self._stopping.is_set():
                self.error = error.message if isinstance(error, StorageError) else verbatim(str(error))
                _log.warning("daily_copy", outcome="failed", reason=str(error))
        finally:
            database.database.close_own()

    def _check_and_copy(self, day: str) -> None:
        if self._check_first:
            self.is_damaged = not is_whole(self._path, self._stopping.is_set)
            self._check_first = False
        if self.is_damaged:
            _log.error("database_check", outcome="damaged", path=str(self._path))
        elif not has_copy_of(self._path, day):
            make_daily_copy(self._path, day, self._stopping.is_set)
            self.error = None


def make_daily_copy(path: Path, day: str, is_stopping: Callable[[], bool] = lambda: False) -> Path:
    """Make the copy of a day beside the database; the latest seven are kept.

    Raises StorageError, sqlite3.Error or OSError.
    """
    database_file.remove_leftovers(path)
    target = database_file.daily_path(path, day)
    database_file.make_copy(path, target, is_stopping)
    kept = [copy.path for copy in latest_first(path, day)]
    for old in [path for path in kept if path != target][KEPT - 1 :]:
        old.unlink(missing_ok=True)
    return target


def latest_first(path: Path, today: str) -> list[Copy]:
    """The daily copies, by the revision inside; those without one by their day, one that is yet to come last."""

    def rank(copy: Copy) -> tuple[int, bool, str]:
        return copy.revision, copy.day <= today, copy.day

    return sorted(database_file.daily_copies(path), key=rank, reverse=True)
