"""How are the ledger's rows kept? The tables, the one open database, and its transactions. Owns peewee."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peewee
from peewee import AutoField, BlobField, BooleanField, FloatField, IntegerField, TextField
from playhouse import migrations

from fitferry.errors import LedgerProblem

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
_database = _Database(None, lock_type="IMMEDIATE")
_writer = threading.RLock()
_changed: list[Callable[[], None]] = []
_failures: list[str] = []

fn = peewee.fn
Case = peewee.Case
function = _database.func()
"""Lets SQL call a function of Python by its name."""
DatabaseError = peewee.DatabaseError
JOIN = peewee.JOIN


class _Table(peewee.Model):
    class Meta:
        database = _database
        legacy_table_names = False


class ActivityRow(_Table):
    id = AutoField()
    athlete = TextField()
    sha256 = TextField()
    path = BlobField()
    size = IntegerField()
    data_type = TextField()
    kind = TextField(null=True)
    sport = TextField(null=True)
    sub_sport = TextField(null=True)
    start_time = FloatField(null=True)
    duration_s = FloatField(null=True)
    elapsed_s = FloatField(null=True)
    distance_m = FloatField(null=True)
    manufacturer = TextField(null=True)
    product = TextField(null=True)
    sessions = IntegerField()
    file_sha256 = TextField()
    member = TextField()
    created_at = FloatField()

    class Meta:
        table_name = "activity"


class JobRow(_Table):
    id = AutoField()
    activity = peewee.ForeignKeyField(ActivityRow, column_name="activity_id", unique=True)
    status = TextField()
    waits_for = TextField(null=True)
    failures = IntegerField()
    next_attempt_at = FloatField()
    claimed_at = FloatField(null=True)
    claim = IntegerField(null=True)
    tried_at = FloatField(null=True)
    sent_at = FloatField(null=True)
    accepted_at = FloatField(null=True)
    uncertain = BooleanField()
    external_id = TextField()
    upload_id = IntegerField(null=True)
    looks = IntegerField()
    strava_activity_id = IntegerField(null=True)
    error_code = TextField(null=True)
    error_message = TextField(null=True)
    after_done = TextField(null=True)
    compared_at = FloatField(null=True)
    created_at = FloatField()
    completed_at = FloatField(null=True)

    class Meta:
        table_name = "upload_job"


class SeenPathRow(_Table):
    path = BlobField(primary_key=True)
    athlete = TextField()
    size = IntegerField()
    mtime_ns = IntegerField()
    ctime_ns = IntegerField()
    sha256 = TextField()

    class Meta:
        table_name = "seen_path"
        without_rowid = True


class SeenFolderRow(_Table):
    path = BlobField()
    athlete = TextField()
    scanned_at = FloatField()

    class Meta:
        table_name = "seen_folder"
        primary_key = peewee.CompositeKey("path", "athlete")


class AthleteRow(_Table):
    name = TextField(primary_key=True)
    athlete_id = IntegerField(null=True)
    display_name = TextField(null=True)
    scopes = TextField()
    sealed_tokens = BlobField(null=True)
    trouble = TextField(null=True)
    trouble_since = FloatField(null=True)

    class Meta:
        table_name = "athlete"


class OauthStateRow(_Table):
    digest = TextField(primary_key=True)
    athlete = TextField()
    created_at = FloatField()
    used_at = FloatField(null=True)
    outcome = TextField(null=True)
    message = TextField(null=True)

    class Meta:
        table_name = "oauth_state"


class LoginLinkRow(_Table):
    digest = TextField(primary_key=True)
    expires_at = FloatField()

    class Meta:
        table_name = "login_link"


class SessionRow(_Table):
    digest = TextField(primary_key=True)
    expires_at = FloatField()

    class Meta:
        table_name = "session"


class AllowanceRow(_Table):
    id = IntegerField(primary_key=True)
    overall_limit_quarter = IntegerField()
    overall_limit_day = IntegerField()
    overall_usage_quarter = IntegerField()
    overall_usage_day = IntegerField()
    read_limit_quarter = IntegerField()
    read_limit_day = IntegerField()
    read_usage_quarter = IntegerField()
    read_usage_day = IntegerField()
    heard_at = FloatField()

    class Meta:
        table_name = "allowance"


class GateRow(_Table):
    name = TextField(primary_key=True)
    until = FloatField()
    since = FloatField()
    tries = IntegerField()
    code = TextField()
    message = TextField()
    probing = BooleanField()

    class Meta:
        table_name = "gate"


class SketchRow(_Table):
    activity = peewee.ForeignKeyField(ActivityRow, column_name="activity_id", primary_key=True)
    kind = TextField()
    path = TextField()

    class Meta:
        table_name = "sketch"


class FarewellRow(_Table):
    id = AutoField()
    athlete = TextField()
    athlete_id = IntegerField(null=True)
    sealed = BlobField()

    class Meta:
        table_name = "farewell"


class DoubtRow(_Table):
    id = IntegerField(primary_key=True)
    until = FloatField()

    class Meta:
        table_name = "doubt"


class NoticeRow(_Table):
    key = TextField(primary_key=True)
    at = FloatField()

    class Meta:
        table_name = "notice"


TABLES: tuple[type[peewee.Model], ...] = (
    ActivityRow,
    JobRow,
    SeenPathRow,
    SeenFolderRow,
    AthleteRow,
    OauthStateRow,
    LoginLinkRow,
    SessionRow,
    AllowanceRow,
    GateRow,
    NoticeRow,
    SketchRow,
    FarewellRow,
    DoubtRow,
)


@contextlib.contextmanager
def opened(path: Path, changed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Open the database for this process, its tables brought up to date.

    `changed` is called after each write, and when writing begins to fail. Raises LedgerProblem for a database that a newer version wrote.
    """
    _database.init(str(path), pragmas=_PRAGMAS, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        _migrate()
        _changed.append(changed)
        yield
    finally:
        _changed.clear()
        _failures.clear()
        _database.close_all()


@contextlib.contextmanager
def opened_to_read(path: Path) -> Iterator[None]:
    """Open the database for looking only, whether a daemon runs or not. Raises DatabaseError."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    _database.init(uri, uri=True, pragmas={}, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        yield
    finally:
        _database.close_all()


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """One transaction, all of it or nothing. One writer at a time in this process."""
    try:
        with _writer, _database.atomic():
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
            put(NoticeRow, key=_PROBE, at=0.0)
            NoticeRow.delete().where(NoticeRow.key == _PROBE).execute()


def tuples(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as plain tuples."""
    return list(query.tuples())


def raw(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as SQLite gives them: for very many, peewee's conversions take most of the time."""
    sql, values = query.sql()
    found: list[tuple[Any, ...]] = _database.execute_sql(sql, values).fetchall()  # type: ignore[no-untyped-call]  # as above
    return found


def put(table: type[peewee.Model], **columns: Any) -> None:
    """Write a whole row, in place of the one with the same key."""
    table.insert(**columns).on_conflict_replace().execute()


def outside_transaction(sql: str, *values: object) -> None:
    """Run one statement that SQLite does not allow in a transaction, such as VACUUM INTO."""
    with _writer:
        _database.execute_sql(sql, values)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out


def _migrate() -> None:
    runner = migrations.Runner(_database, str(_MIGRATIONS))
    known = {migration.name for migration in runner.migrations()}
    newer = sorted(set(runner.applied()) - known)
    if newer:
        raise LedgerProblem(
            f"the database was written by a newer Fitferry (it has {newer[-1]}): install that version again, "
            "or put back the copy from before the update"
        )
    with _writer:
        runner.up()
