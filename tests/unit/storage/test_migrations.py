"""Updating is safe: a copy first, a kill or a full disk at any step loses nothing, and there is a way back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import peewee
import pytest
from playhouse import migrations

from fitferry.core.errors import StorageError
from fitferry.core.upload import Status, WaitingFor
from fitferry.storage import database, database_file, queries
from ledger_statements import each_statement

OLD = "0006_claims_and_doubt"


def contents(path: Path) -> list[str]:
    """All that is in a database, but when its migrations ran, and how often it was written."""
    with contextlib.closing(sqlite3.connect(path)) as raw:
        lines = list(raw.iterdump())
    return [line for line in lines if "schema_migration" not in line and 'INTO "ledger"' not in line]


def update(path: Path) -> None:
    """Open and close it, as a start does."""
    with database.opened(path):
        pass


def copies(path: Path) -> list[str]:
    """The names of the copies from before updates."""
    return sorted(copy.path.name for copy in database_file.update_copies(path))


def test_an_update_begins_with_a_copy(old: Path) -> None:
    """It holds what was there before; where there is nothing to update none is made."""
    before = contents(old)
    update(old)
    update(old)

    assert copies(old) == [f"before-update-{OLD}.db"]
    assert contents(database_file.update_path(old, OLD)) == before


def test_a_new_ledger_needs_no_copy(tmp_path: Path) -> None:
    """There is nothing in it."""
    update(tmp_path / "state.db")

    assert copies(tmp_path / "state.db") == []


def test_the_two_latest_copies_are_kept(old: Path) -> None:
    """Each holds a whole history."""
    for earlier in ("0003_notices", "0004_sketches", "0005_farewells"):
        shutil.copyfile(old, database_file.update_path(old, earlier))
        with contextlib.closing(sqlite3.connect(database_file.update_path(old, earlier))) as raw, raw:
            raw.execute("DELETE FROM schema_migration WHERE name > ?", [earlier])
    update(old)

    assert copies(old) == ["before-update-0005_farewells.db", f"before-update-{OLD}.db"]


@pytest.mark.slow
def test_a_kill_at_any_step_of_an_update_loses_nothing(old: Path, tmp_path: Path) -> None:
    """The files as they lay on the disk at each statement are opened anew: the same ledger comes of each."""
    images: dict[str, Path] = {}

    def photograph(*_given: object) -> None:
        image = tmp_path / "images" / str(len(images))
        image.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        for file in tmp_path.glob("state.db*"):
            if not file.name.endswith("-shm"):
                digest.update(file.read_bytes())
                shutil.copyfile(file, image / file.name)
        if images.setdefault(digest.hexdigest(), image) != image:
            shutil.rmtree(image)

    with each_statement(photograph):
        update(old)
    expected = contents(old)
    assert len(images) > 5
    for image in images.values():
        (image / f".before-update-{OLD}.db.part").write_bytes(b"half a copy")
        update(image / "state.db")
        assert contents(image / "state.db") == expected, image.name
        assert not list(image.glob("*.part"))


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as where the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_a_full_disk_at_any_step_of_an_update_is_told_and_loses_nothing(old: Path, tmp_path: Path) -> None:
    """One sentence, and the next start with room goes on from where it was."""
    original, refused = old.read_bytes(), list[str]()
    reference = tmp_path / "reference"
    reference.mkdir()
    shutil.copyfile(old, reference / "state.db")
    update(reference / "state.db")
    expected = contents(reference / "state.db")
    for number, size in enumerate(range(20_000, 900_000, 60_000)):
        path = tmp_path / str(number) / "state.db"
        path.parent.mkdir()
        path.write_bytes(original)
        with files_of_at_most(size):
            try:
                update(path)
            except StorageError as error:
                refused.append(str(error))
        update(path)
        assert contents(path) == expected, size
        assert not list(path.parent.glob(".*.part"))

    assert len(refused) > 3
    assert not [words for words in refused if "\n" in words]


def test_without_room_for_the_copy_nothing_is_changed(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update that could not be taken back is not begun."""
    before = contents(old)
    full = os.statvfs_result((4096, 4096, 1000, 10, 10, 0, 0, 0, 0, 255))
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda _: full)
        with pytest.raises(StorageError, match="no room"):
            update(old)

    assert contents(old) == before


def test_a_newer_ledger_is_refused_and_the_way_back_is_named(old: Path, tmp_path: Path) -> None:
    """The version before finds the copy that the update made, and the command that puts it in place works."""
    later = tmp_path / "later"
    later.mkdir()
    update(old)
    with contextlib.closing(sqlite3.connect(old)) as raw, raw:
        raw.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '')")
    with pytest.raises(StorageError) as raised:
        update(old)
    copy = database_file.update_path(old, OLD)

    assert "9999_later" in str(raised.value)
    assert f"cp {copy} {old}" in str(raised.value)
    shutil.copyfile(copy, old)
    update(old)


def test_a_newer_ledger_without_a_copy_is_refused_with_words(old: Path) -> None:
    """Nothing is changed."""
    update(old)
    database_file.update_path(old, OLD).unlink()
    with contextlib.closing(sqlite3.connect(old)) as raw, raw:
        raw.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '')")
    before = contents(old)
    with pytest.raises(StorageError, match="newer Fitferry"):
        update(old)

    assert contents(old) == before


VERSIONS = sorted(path.stem for path in database.MIGRATIONS.glob("0*.py"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ledger_of_any_version_can_be_updated(tmp_path: Path, version: str) -> None:
    """Also one that a kill left between two migrations."""
    path = tmp_path / "state.db"
    older = peewee.SqliteDatabase(str(path), pragmas={"journal_mode": "wal"})
    migrations.Runner(older, str(database.MIGRATIONS)).up(version)
    older.close()
    update(path)
    update(tmp_path / "new.db")

    assert contents(path) == contents(tmp_path / "new.db")


STATES: list[tuple[str, str | None, int | None, int | None]] = [
    ("pending", None, None, None),
    ("pending", "confirm", None, None),
    ("processing", "processing", 77, None),
    ("completed", None, 78, 4242),
    ("failed", None, None, None),
    ("held", None, None, None),
    ("skipped", None, None, None),
]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_ledger_of_any_version_is_brought_up_to_date_with_all_its_jobs(
    tmp_path: Path, version: str
) -> None:
    """In every state; nothing is asked of the person."""
    path = tmp_path / "state.db"
    older = peewee.SqliteDatabase(str(path), pragmas={"journal_mode": "wal"})
    migrations.Runner(older, str(database.MIGRATIONS)).up(version)
    older.close()
    waits_for = "own_wait" if version >= "0007" else "waits_for"
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        for number, (status, own_wait, upload_id, activity_id) in enumerate(STATES, 1):
            raw.execute(
                "INSERT INTO activity (id, athlete, sha256, path, size, data_type, sessions, created_at)"
                " VALUES (?, 'me', ?, ?, 1, 'fit', 1, 0)",
                (number, f"{number:064x}", f"/rides/{number}.fit".encode()),
            )
            raw.execute(
                f"INSERT INTO upload_job (activity_id, status, {waits_for}, failures, next_attempt_at, uncertain,"  # noqa: S608  # a name of ours
                " external_id, upload_id, looks, strava_activity_id, created_at)"
                " VALUES (?, ?, ?, 0, 0, ?, ?, ?, 0, ?, 0)",
                (number, status, own_wait, own_wait == "confirm", f"{number:064x}", upload_id, activity_id),
            )
        if version >= "0002":
            raw.execute("UPDATE activity SET file_sha256 = sha256")
    with database.opened(path):
        shown = [*queries.listed(limit=50), *queries.listed(limit=50, status=Status.SKIPPED)]
        found = sorted(shown, key=lambda job: job.id)

        assert [(job.status, job.own_wait, job.upload_id, job.strava_activity_id) for job in found] == [
            (Status(status), WaitingFor(waits) if waits else None, upload_id, activity_id)
            for status, waits, upload_id, activity_id in STATES
        ]
        assert all(job.file_sha256 == job.sha256 and job.after_upload_action is None for job in found)
