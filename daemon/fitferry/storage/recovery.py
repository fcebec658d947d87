"""Opening the ledger at a start: checked, put back from a copy where it is damaged or gone, doubted where it is older."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog

from fitferry.storage import backups, database, database_file, mark
from fitferry.system import state_dir

CHECK_AT_ONCE_BYTES = 16_000_000
"""Up to this size a database is checked at every start: that takes a tenth of a second."""

_log = structlog.get_logger()


@contextlib.contextmanager
def opened_safely(
    path: Path,
    *,
    now: float,
    quarantine: float,
    changed: Callable[[], None],
    check_at_once: int = CHECK_AT_ONCE_BYTES,
) -> Iterator[bool]:
    """The ledger, open; yields whether the check of the whole file was put off to the background.

    `quarantine`: seconds until what may have been sent is looked for. `check_at_once`: a larger one, in bytes, that
    was closed is checked later. Raises StorageError, sqlite3.Error, OSError.
    """
    unchecked = mark.was_closed(path) and path.stat().st_size > check_at_once
    restored = restore_if_damaged(path, now, unchecked=unchecked)
    with database.opened(path, changed=changed):
        older = database.is_older_than_mark()
        if older:
            _log.error("ledger_older", outcome="uncertain", path=str(path))
        if restored or older:
            backups.mark_all_uncertain(path, now, quarantine)
        yield unchecked and not restored


def restore_if_damaged(path: Path, now: float, *, unchecked: bool = False) -> bool:
    """Whether the database was damaged or gone, and a copy had to take its place."""
    if not _was_lost(path) and (unchecked or database_file.is_whole(path)):
        return False
    stamp, today = state_dir.stamp(now), datetime.fromtimestamp(now, UTC).date()
    copy = backups.restore_latest(path, stamp, today.isoformat())
    outcome = "restored" if copy else "begun_anew"
    _log.error("database_damaged", outcome=outcome, moved_to=f"{path}.damaged-{stamp}", copy=str(copy or ""))
    return True


def _was_lost(path: Path) -> bool:
    """Whether there was a database that is not there any more: copies and the API's token are made after it."""
    empty = not path.exists() or path.stat().st_size == 0
    return empty and (bool(database_file.daily_copies(path)) or path.with_name(state_dir.API_TOKEN).exists())
