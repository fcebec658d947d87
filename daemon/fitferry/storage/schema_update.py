"""Bringing the tables of an older version up to date, after a copy of them. Owns playhouse's migrations.

Imported only where there is something to update: playhouse takes 2 MB and a tenth of a start.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import peewee
import structlog
from playhouse import migrations

from fitferry.core.errors import StorageError
from fitferry.core.messages import Message, system, verbatim
from fitferry.storage import database_file

KEPT_COPIES = 2
"""Copies from before updates that are kept."""

_log = structlog.get_logger()


def update(
    database: peewee.SqliteDatabase, folder: Path, path: Path, known: set[str], applied: set[str]
) -> None:
    """Apply the migrations of a folder that the open database at `path` lacks.

    Raises StorageError for a database of a newer version, and where it cannot be copied before.
    """
    newer = sorted(applied - known)
    if newer:
        raise StorageError(_newer_ledger(path, newer[-1], known))
    if applied:
        _log.info("ledger_update", outcome="begun", migrations=len(known - applied))
        _copy(path, max(applied))
    migrations.Runner(database, str(folder)).up()


def _newer_ledger(path: Path, migration: str, known: set[str]) -> Message:
    """What to do with a ledger that a newer version wrote: the copy from before the update is named, if there is one."""
    usable = [copy for copy in database_file.update_copies(path) if copy.last_migration in known]
    if not usable:
        return system.NEWER_LEDGER(migration=migration)
    copy = max(usable, key=lambda usable_copy: usable_copy.last_migration)
    return system.NEWER_LEDGER_WITH_COPY(migration=migration, copy=str(copy.path), path=str(path))


def _copy(path: Path, last_migration: str) -> None:
    """Keep the database as it is before an update; the newest two such copies stay. Raises StorageError."""
    target = database_file.update_path(path, last_migration)
    try:
        database_file.make_copy(path, target)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(system.NO_COPY_BEFORE_UPDATE(reason=verbatim(str(error)))) from error
    copies = sorted(database_file.update_copies(path), key=lambda copy: copy.last_migration, reverse=True)
    for old in copies[KEPT_COPIES:]:
        old.path.unlink(missing_ok=True)
