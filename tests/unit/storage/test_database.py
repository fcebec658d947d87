"""How the database is opened, kept and closed."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from fakes import COMPLETED, NOW, a_job, recorded
from fitferry.core.errors import StorageError
from fitferry.storage import database, queries, sessions


def _sql(statement: str) -> Any:
    return database.database.execute_sql(statement)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out


def test_the_database_is_kept_safely(tmp_path: Path) -> None:
    """WAL with synchronous FULL lost nothing in forty power cuts; the default modes did."""
    with database.opened(tmp_path / "state.db"):
        assert _sql("PRAGMA journal_mode").fetchone() == ("wal",)
        assert _sql("PRAGMA synchronous").fetchone() == (2,)
        assert _sql("PRAGMA foreign_keys").fetchone() == (1,)
        assert _sql("PRAGMA mmap_size").fetchone() == (0,)


def test_a_worker_that_outlives_the_stop_is_not_cut_off_in_a_statement(tmp_path: Path) -> None:
    """Closing a connection that another thread uses would end the process by a signal."""
    begun, ended, found = threading.Event(), threading.Event(), []

    def work() -> None:
        connection = database.database.connection()  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
        begun.set()
        assert ended.wait(60)
        found.append(connection.execute("SELECT count(*) FROM upload_job").fetchone())
        connection.close()

    with database.opened(tmp_path / "state.db"):
        worker = threading.Thread(target=work)
        worker.start()
        assert begun.wait(60)
    ended.set()
    worker.join(60)

    assert found == [(0,)]


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An old program must not write into tables that it does not know."""
    path = tmp_path / "state.db"
    with database.opened(path), database.writing():
        _sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')")

    with pytest.raises(StorageError, match="newer"), database.opened(path):
        pytest.fail("it was opened")


def test_the_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    """The write-ahead log and its index hold what the database holds."""
    before = os.umask(0o077)
    try:
        with database.opened(tmp_path / "state.db"):
            modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600, "state.mark": 0o600}


def test_reading_needs_no_daemon_and_writes_nothing(tmp_path: Path) -> None:
    """The commands that only look open the database read-only."""
    path = tmp_path / "state.db"
    with database.opened(path):
        job = a_job(tmp_path / "a.fit")

    with database.opened_to_read(path):
        assert job.id == queries.listed()[0].id
        with pytest.raises(database.DatabaseError):
            recorded(job.id, COMPLETED, NOW)


def test_a_write_that_fails_is_known_until_one_succeeds(ledger: Path) -> None:
    """The page and /healthz say why nothing goes on."""
    with pytest.raises(database.DatabaseError), database.writing():
        _sql("INSERT INTO nowhere VALUES (1)")

    assert "nowhere" in (database.failure() or "")
    sessions.add_link("d", NOW)
    assert database.failure() is None
    assert ledger.exists()


def test_every_write_tells_that_something_changed(tmp_path: Path) -> None:
    """So that the status file is written when there is something new in it."""
    calls: list[str] = []
    with database.opened(tmp_path / "state.db", changed=lambda: calls.append("changed")):
        sessions.add_link("d", NOW)
        sessions.link_is_good("d", NOW)

    assert calls == ["changed"]


@pytest.mark.usefixtures("ledger")
def test_nothing_is_written_to_try_again_where_no_write_has_failed() -> None:
    """A look at the health costs no commit."""
    before = database.run("SELECT revision FROM ledger")
    database.try_again()

    assert database.run("SELECT revision FROM ledger") == before
