"""The open database: connections and transactions. With the rest of `storage` it owns peewee."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import peewee

from fitferry.core.errors import StorageError
from fitferry.core.messages import system, verbatim
from fitferry.storage import database_file
from fitferry.storage.mark import LedgerMark

MIGRATIONS = Path(__file__).parent / "migrations"
_PRAGMAS: dict[str, object] = {
    "journal_mode": "wal",
    "synchronous": "full",  # NORMAL loses acknowledged commits in a power cut, WAL or not
    "foreign_keys": 1,
    "journal_size_limit": 4_194_304,
    "cache_size": -512,  # kilobytes, of each thread's connection; the system keeps the file in memory anyway
    "secure_delete": 1,  # nothing of a revoked token stays in unused bytes
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

    def close_all(self) -> bool:
        """Close the connections of ended threads and of this one; whether that were all."""
        self.dispose()
        every = True
        while _connections:
            owner, connection = _connections.pop()
            if owner is threading.current_thread() or not owner.is_alive():
                connection.close()
            else:
                every = False
        return every

    def close_own(self) -> None:
        """Close this thread's connection, at its end, if it has one."""
        if self.is_closed():
            return
        connection = self.connection()  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
        self.close()
        _connections[:] = [entry for entry in _connections if entry[1] is not connection]


T = TypeVar("T")
_connections: list[tuple[threading.Thread, Any]] = []
# Deferred: `opened` says where. IMMEDIATE, because a transaction that reads and then writes would
# otherwise fail at once, whatever the busy time-out says.
database = _Database(None, lock_type="IMMEDIATE")
_writer = threading.Lock()
on_opening: list[Callable[[], None]] = []
"""What is called when another database is opened: values of the last one are forgotten."""

fn = peewee.fn
SQL = peewee.SQL
Case = peewee.Case
function = database.func()
"""Lets SQL call a function of Python by its name."""
Column = peewee.ColumnBase
"""A column, or what is made of columns: a condition, an order."""
Field: TypeAlias = "peewee.Field[Any]"
Select = peewee.BaseQuery
Value: TypeAlias = Any
"""What a column holds, as SQLite gives it."""
Row: TypeAlias = tuple[Value, ...]
DatabaseError = peewee.DatabaseError


@dataclass(slots=True)
class _Ledger:
    """The ledger that is open for writing. `changed`: is called after each write; `failure`: why the last one failed."""

    mark: LedgerMark | None = None
    changed: Callable[[], None] = lambda: None
    failure: str | None = None


_ledger = _Ledger()


@contextlib.contextmanager
def opened(path: Path, changed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Open the database for this process, its tables brought up to date.

    `changed` is called after each write, and when writing begins to fail. Raises StorageError for a database that a
    newer version wrote, that cannot be opened, or that cannot be updated safely.
    """
    _init(str(path), _PRAGMAS)
    mark = LedgerMark(path)
    clean = False
    try:
        try:
            _bring_up_to_date(path)
        except DatabaseError as error:
            raise StorageError(system.CANNOT_OPEN(path=str(path), reason=verbatim(str(error)))) from error
        mark.open(_revision())
        _ledger.mark, _ledger.changed = mark, changed
        yield
        clean = _ledger.failure is None
    finally:
        _ledger.mark, _ledger.changed, _ledger.failure = None, lambda: None, None
        mark.close(clean=database.close_all() and clean)


@contextlib.contextmanager
def opened_to_read(path: Path) -> Iterator[None]:
    """Open the database for looking only, whether a daemon runs or not. Raises DatabaseError."""
    log = path.with_name(f"{path.name}-wal")
    # SQLite would make files beside it, which a folder that cannot be written does not take; nobody else writes there.
    is_still = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    _init(f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if is_still else ''}", {}, uri=True)
    try:
        yield
    finally:
        database.close_all()


def _init(name: str, pragmas: dict[str, object], *, uri: bool = False) -> None:
    database.init(name, uri=uri, pragmas=pragmas, timeout=_BUSY_SECONDS, check_same_thread=False)
    for call in on_opening:
        call()


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """One transaction, all of it or nothing; within another one a part of it. One writer at a time in this process."""
    if database.transaction_depth():
        yield
        return
    try:
        with _writer:
            with database.atomic():
                before = _changes()
                yield
                revision = _next_revision() if _changes() != before else 0
            if revision and _ledger.mark:
                _ledger.mark.saw(revision)
    except DatabaseError as error:
        first = _first(error)
        news = _ledger.failure is None
        _ledger.failure = str(first)
        if news:  # once: whoever is told tries to write, too
            _ledger.changed()
        if first is not error:
            raise first from first.__cause__
        raise
    if revision:
        _ledger.failure = None
        _ledger.changed()


def write(query: peewee.BaseQuery) -> int:
    """Run one statement in a transaction, see `writing`; how many rows it has changed."""
    with writing():
        return int(query.execute() or 0)


def _changes() -> int:
    """Rows that this thread's connection has changed so far."""
    return int(database.connection().total_changes)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out


def is_older_than_mark() -> bool:
    """Whether the open ledger is older than what was last seen of it, and nobody has accepted that yet."""
    return _ledger.mark is not None and _ledger.mark.is_ahead


def accept_older(newest: int) -> None:
    """Go on from a ledger that is older than its mark, or than the `newest` revision of a copy, as the newest one."""
    mark = _ledger.mark
    with writing():
        run("UPDATE ledger SET revision = max(revision, ?)", max(newest, mark.revision if mark else 0))
    if mark:
        mark.is_ahead = False


def _revision() -> int:
    return int(run("SELECT revision FROM ledger")[0][0])


def _next_revision() -> int:
    return int(run("UPDATE ledger SET revision = revision + 1 RETURNING revision")[0][0])


def _first(error: DatabaseError) -> DatabaseError:
    """The failure itself, where a rollback has failed after it: SQLite rolls back by itself on a full disk."""
    before: BaseException | None = error
    while before is not None and "cannot rollback" in str(before):
        before = before.__context__
    return before if isinstance(before, DatabaseError) else error


def run(sql: str, *values: object) -> list[Row]:
    """Run a statement as it stands; its rows."""
    rows: list[Row] = database.execute_sql(sql, values).fetchall()  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
    return rows


def truncate_log() -> bool:
    """Move the write-ahead log into the database and empty it, so that nothing deleted stays in it.

    False where somebody reads just now: then nothing is waited for.
    """
    with contextlib.closing(sqlite3.connect(database.database, timeout=0.2)) as connection:
        return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def failure() -> str | None:
    """Why the last write failed: a full disk, one that became read-only; None if it did not."""
    return _ledger.failure


def try_again() -> None:
    """Where the last write failed, find out whether writing works by now."""
    if _ledger.failure:
        with writing():
            run("INSERT OR REPLACE INTO sent_notification (key, at) VALUES (?, 0)", _PROBE)
            run("DELETE FROM sent_notification WHERE key = ?", _PROBE)


def _bring_up_to_date(path: Path) -> None:
    """Update the tables where an older version wrote them. Raises StorageError."""
    database_file.remove_leftovers(path)
    known = {migration.stem for migration in MIGRATIONS.glob("[0-9]*.py")}
    applied = _applied()
    if applied != known:
        from fitferry.storage import schema_update  # noqa: PLC0415  # 2 MB that nearly no start needs

        schema_update.update(database, MIGRATIONS, path, known, applied)


def _applied() -> set[str]:
    """The migrations that were applied to the open database."""
    has_history = run("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'")
    return {name for (name,) in run("SELECT name FROM schema_migration")} if has_history else set()
