"""How are the ledger's rows kept? The tables, the one open database, and its transactions. Owns peewee."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peewee
from playhouse import migrations

from fitferry.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MIGRATIONS = Path(__file__).parent / "migrations"
_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",  # NORMAL loses acknowledged commits in a power cut, WAL or not
    "foreign_keys": 1,
    "journal_size_limit": 4_194_304,
}
_BUSY_SECONDS = 10
_PROBE = "can this be written?"


class _Database(peewee.SqliteDatabase):
    """Every thread has a connection of its own; they are closed together at the end.

    But not one whose thread still lives: a worker that outlives a stop may be in the middle of a statement, and the
    process would die of it. Its connection ends with the process.
    """

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[misc]  # where peewee's own extensions hook in, too
        _connections.append((threading.current_thread(), connection))
        return connection

    def close_all(self) -> None:
        self.dispose()
        while _connections:
            owner, connection = _connections.pop()
            if owner is threading.current_thread() or not owner.is_alive():
                connection.close()


_connections: list[tuple[threading.Thread, Any]] = []
# Deferred: `opened` says where. IMMEDIATE, because a transaction that reads and then writes would
# otherwise fail at once, whatever the busy time-out says.
database = _Database(None, lock_type="IMMEDIATE")
_writer = threading.RLock()
_changed: list[Callable[[], None]] = []
_failures: list[str] = []

fn = peewee.fn
Case = peewee.Case
function = database.func()
"""Lets SQL call a function of Python by its name."""
DatabaseError = peewee.DatabaseError
JOIN = peewee.JOIN


@contextlib.contextmanager
def opened(path: Path, changed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Open the database for this process, its tables brought up to date.

    `changed` is called after each write, and when writing begins to fail. Raises LedgerProblem for a database that a newer version wrote.
    """
    database.init(str(path), pragmas=_PRAGMAS, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        _migrate()
        _changed.append(changed)
        yield
    finally:
        _changed.clear()
        _failures.clear()
        database.close_all()


@contextlib.contextmanager
def opened_to_read(path: Path) -> Iterator[None]:
    """Open the database for looking only, whether a daemon runs or not. Raises DatabaseError."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    database.init(uri, uri=True, pragmas={}, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        yield
    finally:
        database.close_all()


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """One transaction, all of it or nothing. One writer at a time in this process."""
    try:
        with _writer, database.atomic():
            yield
    except DatabaseError as error:
        news = not _failures
        _failures[:] = [str(error)]
        if news:  # once: whoever is told tries to write, too
            _tell()
        raise
    _failures.clear()
    _tell()


def _tell() -> None:
    for changed in _changed:
        changed()


def failure() -> str | None:
    """Why the last write failed: a full disk, one that became read-only; None if it did not."""
    return _failures[0] if _failures else None


def try_again() -> None:
    """Where the last write failed, find out whether writing works by now."""
    if _failures:
        with writing():
            database.execute_sql(
                "INSERT OR REPLACE INTO sent_notification (key, at) VALUES (?, 0)", (_PROBE,)
            )  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
            database.execute_sql("DELETE FROM sent_notification WHERE key = ?", (_PROBE,))  # type: ignore[no-untyped-call]  # as above


def tuples(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as plain tuples."""
    return list(query.tuples())


def raw(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as SQLite gives them: for very many, peewee's conversions take most of the time."""
    sql, values = query.sql()
    found: list[tuple[Any, ...]] = database.execute_sql(sql, values).fetchall()  # type: ignore[no-untyped-call]  # as above
    return found


def put(table: type[peewee.Model], **columns: Any) -> None:
    """Write a whole row, in place of the one with the same key."""
    table.insert(**columns).on_conflict_replace().execute()


def outside_transaction(sql: str, *values: object) -> None:
    """Run one statement that SQLite does not allow in a transaction, such as VACUUM INTO."""
    with _writer:
        database.execute_sql(sql, values)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out


def _migrate() -> None:
    runner = migrations.Runner(database, str(_MIGRATIONS))
    known = {migration.name for migration in runner.migrations()}
    newer = sorted(set(runner.applied()) - known)
    if newer:
        raise StorageError(
            f"the database was written by a newer Fitferry (it has {newer[-1]}): install that version again, "
            "or put back the copy from before the update"
        )
    with _writer:
        runner.up()
