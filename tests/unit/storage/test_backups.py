"""Daily copies, putting one back, and doubt in a ledger that is older than what was seen of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from fakes import NOW, a_job, recorded, sending, the
from fitferry.core.errors import StorageError
from fitferry.core.upload import AttemptResult, Outcome, Status, WaitingFor
from fitferry.storage import backups, database, database_file, mark, recovery, sessions, uploads
from patience import PATIENCE

TODAY = "2026-09-21"
DONE = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, upload_id=77, strava_activity_id=4242)


def damage(path: Path) -> None:
    """Let a database be one no more."""
    path.write_bytes(b"SQLite format 3\0" + b"x" * 8000)
    Path(f"{path}-wal").unlink(missing_ok=True)


def reopened(path: Path) -> bool:
    """Open and close the ledger as a start does; whether the check was put off."""
    with recovery.opened_safely(
        path, now=NOW, quarantine=60, changed=lambda: None, check_at_once=0
    ) as unchecked:
        return unchecked


def names(path: Path) -> list[str]:
    """The daily copies, the latest first."""
    return [copy.path.name for copy in backups.latest_first(path, TODAY)]


def test_a_copy_is_made_and_seven_are_kept(ledger: Path, tmp_path: Path) -> None:
    """Each is a whole database of its own."""
    a_job(tmp_path / "a.fit")
    for day in range(9):
        backups.make_daily_copy(ledger, f"2026-11-0{day + 1}")
        sessions.add_link(f"d{day}", NOW)

    found = sorted(path.name for path in tmp_path.glob("state-*"))
    assert [f"state-2026-11-0{day}.db" for day in range(3, 10)] == found
    assert database_file.is_whole(tmp_path / found[-1])
    assert backups.has_copy_of(ledger, "2026-11-09")


def test_a_damaged_database_is_set_aside_and_the_latest_copy_put_back(tmp_path: Path) -> None:
    """What was open then is uncertain: it may have been sent since the copy was made."""
    path = tmp_path / "state.db"
    with database.opened(path):
        job = a_job(tmp_path / "a.fit")
        backups.make_daily_copy(path, "2026-09-20")
    damage(path)
    (tmp_path / "state-2026-09-21.db").write_bytes(b"SQLite format 3\0damaged, too")

    with recovery.opened_safely(path, now=NOW, quarantine=60, changed=lambda: None):
        assert (the(job.id).uncertain, the(job.id).next_attempt_at) == (True, NOW + 60)
    assert list(tmp_path.glob("state.db.damaged-*"))
    assert not list(tmp_path.glob("*.put-back"))


def test_without_a_good_copy_an_empty_ledger_begins(tmp_path: Path) -> None:
    """The next scan admits every file anew, and Strava refuses what it has."""
    path = tmp_path / "state.db"
    damage(path)

    assert backups.restore_latest(path, "now", TODAY) is None
    with database.opened(path):
        assert sum(uploads.counts().values()) == 0


def test_a_copy_that_is_damaged_itself_is_passed_over(tmp_path: Path) -> None:
    """The latest that is whole is put back."""
    path = tmp_path / "state.db"
    with database.opened(path):
        backups.make_daily_copy(path, "2026-09-19")
        sessions.add_link("d", NOW)
        latest = backups.make_daily_copy(path, "2026-09-20")
    with latest.open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 8000)
    damage(path)

    assert backups.restore_latest(path, "now", TODAY) == tmp_path / "state-2026-09-19.db"
    assert database_file.is_whole(path)


def test_copies_of_days_that_never_came_neither_outrank_nor_push_out(ledger: Path, tmp_path: Path) -> None:
    """A clock was ahead for a while: today's copies go on being made and kept, and the latest is put back."""
    for day in ("2036-01-01", "2099-01-01", *(f"2026-09-{day}" for day in range(15, 22))):
        backups.make_daily_copy(ledger, day)
        sessions.add_link(day, NOW)

    assert names(ledger) == [f"state-2026-09-{day}.db" for day in range(21, 14, -1)]
    assert tmp_path / "state-2026-09-21.db" == backups.restore_latest(ledger, "now", TODAY)


def test_copies_of_versions_before_rank_by_their_day_and_a_future_one_last(tmp_path: Path) -> None:
    """They hold no revision."""
    for day in ("2026-09-20", "2026-09-21", "2099-01-01"):
        with closing(sqlite3.connect(tmp_path / f"state-{day}.db")) as copy, copy:
            copy.execute("CREATE TABLE schema_migration (name TEXT)")

    assert names(tmp_path / "state.db") == [
        "state-2026-09-21.db",
        "state-2026-09-20.db",
        "state-2099-01-01.db",
    ]


def test_only_regular_files_of_its_own_are_taken_or_pruned(ledger: Path, tmp_path: Path) -> None:
    """What else has such a name is neither a copy nor removed: a link, a folder, another file, a second name."""
    ride = tmp_path / "ride"
    ride.write_bytes(b"SQLite format 3\0 or so")
    (tmp_path / "state-2030-01-01.db").symlink_to(ride)
    (tmp_path / "state-2030-01-02.db").mkdir()
    (tmp_path / "state-2030-01-03.db").write_bytes(b"a ride")
    os.link(ride, tmp_path / "state-2030-01-04.db")
    os.mkfifo(tmp_path / "state-2030-01-05.db")
    for day in range(10, 22):
        backups.make_daily_copy(ledger, f"2026-09-{day}")
        sessions.add_link(f"d{day}", NOW)

    assert names(ledger) == [f"state-2026-09-{day}.db" for day in range(21, 14, -1)]
    assert len(list(tmp_path.glob("state-2030-*"))) == 5
    assert ride.read_bytes() == b"SQLite format 3\0 or so"


def test_the_copy_just_made_is_kept_whatever_the_others_say(ledger: Path, tmp_path: Path) -> None:
    """Copies from a ledger with a higher revision, somebody put them there."""
    for day in range(10, 18):
        backups.make_daily_copy(ledger, f"2026-09-{day}")
        with closing(sqlite3.connect(tmp_path / f"state-2026-09-{day}.db")) as copy, copy:
            copy.execute("UPDATE ledger SET revision = 1000000")

    assert backups.make_daily_copy(ledger, TODAY).exists()
    assert len(names(ledger)) == backups.KEPT


def test_a_copy_that_finds_no_room_is_not_begun(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fill the disk, and then no upload could be written down."""
    full = os.statvfs_result((4096, 4096, 1000, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    (tmp_path / ".state-2026-09-20.db.part").write_bytes(b"of a killed process")
    with pytest.raises(StorageError, match="no room"):
        backups.make_daily_copy(ledger, TODAY)

    assert not list(tmp_path.glob("state-*")) + list(tmp_path.glob(".state-*"))


def test_the_days_copy_holds_up_no_write(ledger: Path, tmp_path: Path) -> None:
    """It is made from a snapshot, by a connection of its own: here another thread holds the one writer's turn."""
    a_job(tmp_path / "a.fit")
    thread = backups.CopyThread(ledger, check_first=True)
    with database.writing():
        sessions.add_link("d", NOW)
        thread.run_if_due(NOW)
        _wait()

        assert backups.has_copy_of(ledger, TODAY)
    assert (thread.error, thread.is_damaged) == (None, False)
    thread.stop()


def test_a_check_that_is_due_makes_no_second_copy_of_the_day(ledger: Path) -> None:
    """After a start, a ledger that has its copy is looked at alone."""
    made = backups.make_daily_copy(ledger, TODAY).stat()
    thread = backups.CopyThread(ledger, check_first=True)
    thread.run_if_due(NOW)
    _wait()
    thread.run_if_due(NOW + 7200)

    assert (thread.error, thread.is_damaged) == (None, False)
    assert (ledger.parent / f"state-{TODAY}.db").stat().st_ino == made.st_ino


def test_a_copy_that_failed_is_told_and_tried_again_an_hour_later(ledger: Path, tmp_path: Path) -> None:
    """Not every minute."""
    blocker = tmp_path / f"state-{TODAY}.db"
    blocker.mkdir()
    thread = backups.CopyThread(ledger, check_first=False)
    for seconds in (0, 60, 3540):
        thread.run_if_due(NOW + seconds)
        _wait()
        assert thread.error is not None
    blocker.rmdir()
    thread.run_if_due(NOW + 3600)
    _wait()

    assert thread.error is None
    assert blocker.is_file()


def test_damage_that_is_found_in_the_background_is_an_illness(tmp_path: Path) -> None:
    """The next start puts a copy in its place."""
    path = tmp_path / "state.db"
    damage(path)
    thread = backups.CopyThread(path, check_first=True)
    thread.run_if_due(NOW)
    _wait()

    assert thread.is_damaged
    assert database_file.daily_copies(path) == []


def test_a_check_that_asked_the_ledger_nothing_opens_it_for_nothing(tmp_path: Path) -> None:
    """The copies' thread closes its connection at the end; without one there is nothing to close."""
    (tmp_path / "before").mkdir()
    with database.opened(tmp_path / "before" / "state.db"):
        pass
    shutil.rmtree(tmp_path / "before")
    path = tmp_path / "state.db"
    damage(path)
    raised: list[object] = []
    threading.excepthook, usual = raised.append, threading.excepthook
    try:
        backups.CopyThread(path, check_first=True).run_if_due(NOW)
        _wait()
    finally:
        threading.excepthook = usual

    assert raised == []


def _wait() -> None:
    for thread in threading.enumerate():
        if thread.name == "copies":
            thread.join(PATIENCE)


@pytest.fixture
def put_back(tmp_path: Path) -> tuple[Path, int]:
    """A ledger of yesterday in the place of today's, in which a job was completed since."""
    path = tmp_path / "state.db"
    with database.opened(path):
        job = a_job(tmp_path / "a.fit")
    shutil.copyfile(path, tmp_path / "yesterday")
    with database.opened(path):
        sending(job.id, NOW)
        recorded(job.id, DONE, NOW)
    shutil.copyfile(tmp_path / "yesterday", path)
    return path, job.id


def test_an_older_ledger_that_was_put_back_is_doubted(put_back: tuple[Path, int], tmp_path: Path) -> None:
    """What it says is not sent was sent: it is looked for first; and so is what it does not know at all."""
    path, job_id = put_back
    with recovery.opened_safely(path, now=NOW, quarantine=60, changed=lambda: None):
        job = the(job_id)
        assert (job.uncertain, job.own_wait, job.next_attempt_at) == (True, WaitingFor.CONFIRM, NOW + 60)
        new_job = a_job(tmp_path / "b.fit", b"sent in between")
        os.utime(tmp_path / "b.fit", (NOW, NOW))
        assert new_job.status is Status.PENDING


def test_doubt_is_raised_once(put_back: tuple[Path, int]) -> None:
    """The next start does not find the ledger older again."""
    path, job_id = put_back
    reopened(path)
    with database.opened(path):
        assert not database.is_older_than_mark()
        recorded(job_id, DONE, NOW + 60)
    reopened(path)
    with database.opened(path):
        assert the(job_id).status is Status.COMPLETED


def test_a_command_that_writes_first_does_not_take_the_doubt_away(put_back: tuple[Path, int]) -> None:
    """Without a daemon `retry` opens the ledger, too."""
    path, job_id = put_back
    with database.opened(path):
        sessions.add_link("d", NOW)
    with recovery.opened_safely(path, now=NOW, quarantine=60, changed=lambda: None):
        assert the(job_id).uncertain


def test_a_ledger_as_it_was_left_is_not_doubted(ledger: Path, tmp_path: Path) -> None:
    """Nor after a kill, nor after a power cut that took the mark's last words."""
    job = a_job(tmp_path / "a.fit")
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{ledger}{suffix}", f"{tmp_path / 'killed.db'}{suffix}")
    shutil.copyfile(mark.mark_path(ledger), mark.mark_path(tmp_path / "killed.db"))
    database.database.close_all()

    with recovery.opened_safely(tmp_path / "killed.db", now=NOW, quarantine=60, changed=lambda: None):
        assert not the(job.id).uncertain


def test_a_large_ledger_that_was_closed_is_checked_later(tmp_path: Path) -> None:
    """Only the very file that was closed: after a kill, or with another file in its place, it is checked first."""
    path = tmp_path / "state.db"
    assert not reopened(path)
    assert reopened(path)
    shutil.copyfile(path, tmp_path / "other")
    (tmp_path / "other").replace(path)
    assert not reopened(path)
    assert reopened(path)
    descriptor = os.open(mark.mark_path(path), os.O_WRONLY)
    os.pwrite(descriptor, b"00000000000000000005 open", 0)
    os.close(descriptor)
    assert not reopened(path)


def test_a_write_costs_no_more_than_its_own_commit(ledger: Path) -> None:
    """And a transaction that changes nothing costs none, raises no revision and wakes nobody."""
    before = _revision()
    with database.writing():
        pass
    assert not uploads.dismiss(12345)
    assert _revision() == before
    sessions.add_link("d", NOW)
    assert _revision() == before + 1
    assert (mark.LedgerMark(ledger).revision, mark.was_closed(ledger)) == (before + 1, False)


def _revision() -> int:
    return int(database.run("SELECT revision FROM ledger")[0][0])


def test_the_first_failure_is_told_not_that_of_the_rollback(ledger: Path) -> None:
    """SQLite rolls back by itself on a full disk, and then says that it cannot."""
    limit = database.run("PRAGMA page_count")[0][0]
    database.run(f"PRAGMA max_page_count = {limit}")
    much = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO login_link SELECT i || hex(zeroblob(500)), 1 FROM n
    """
    with pytest.raises(database.DatabaseError, match="full"), database.writing():
        database.run(much)

    assert database.failure() == "database or disk is full"
    database.run("PRAGMA max_page_count = 100000")
    database.try_again()
    assert database.failure() is None
    assert ledger.exists()
