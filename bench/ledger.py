"""What does a long history cost? Times of the ledger's own questions, of an update and of a start.

    python bench/ledger.py [ACTIVITIES]

A ledger as version 0.1.0 wrote it, with 1,000,000 completed activities and 50,000 that wait, is made in SQL, then
updated and opened by this version. Each question is asked 20 times; the median is printed, in milliseconds. While the
daily copy is made, a write is tried every ten milliseconds. At last the daemon is started with this ledger, and its
page asked for once its check of the whole file has ended.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import peewee
from playhouse import migrations

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import harness
from fitferry.core.upload import ErrorCode, Status
from fitferry.storage import (
    attempts,
    backups,
    database,
    database_file,
    holds,
    open_jobs,
    queries,
    recovery,
    search,
    uploads,
)

OLD = "0006_claims_and_doubt"
NOW = 1_790_000_000.0
PENDING = 50_000
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
ACTIVITIES = """
INSERT INTO activity (id, athlete, sha256, path, size, data_type, sport, start_time, elapsed_s, distance_m, sessions,
    file_sha256, member, created_at)
SELECT i, CASE i % 2 WHEN 0 THEN 'me' ELSE 'sam' END, printf('%064x', i),
    CAST(printf('/rides/%d/%d-morning-ride.fit', i / 1000, i) AS BLOB), 200000, 'fit', 'cycling',
    1790000000.0 - i * 3600.0, 3600.0, 30000.0, 1, printf('%064x', i), '', 1789000000.0 + i
FROM n
"""
JOBS = """
INSERT INTO upload_job (id, activity_id, status, failures, next_attempt_at, uncertain, external_id, looks,
    strava_activity_id, upload_id, after_done, created_at, completed_at, sent_at)
SELECT i, i, '{status}', 0, 0, 0, printf('%064x', i), 0, {strava}, {strava}, {done}, 1789000000.0 + i, {completed},
    {completed}
FROM n
"""


def make(path: Path, completed: int) -> None:
    """Write a ledger of the old version."""
    old = peewee.SqliteDatabase(str(path), pragmas={"journal_mode": "wal", "synchronous": 0})
    migrations.Runner(old, str(database.MIGRATIONS)).up(OLD)
    for first, last, values in (
        (
            1,
            completed,
            {"status": "completed", "strava": "i", "done": "'keep'", "completed": "1789000000.0 + i"},
        ),
        (
            completed + 1,
            completed + PENDING,
            {"status": "pending", "strava": "NULL", "done": "NULL", "completed": "NULL"},
        ),
    ):
        numbers = NUMBERS.format(first=first, last=last)
        old.execute_sql(numbers + ACTIVITIES)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
        old.execute_sql(numbers + JOBS.format(**values))  # type: ignore[no-untyped-call]  # as above
    old.close()


def shown(name: str, call: Callable[[], object], times: int = 20) -> None:
    """Print the median time of a call."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    print(f"{name:44}{statistics.median(took) * 1000:10.2f} ms")


def questions() -> dict[str, Callable[[], object]]:
    """What a tick, the scheduler and the page ask."""

    def due(limit: int = 3, *, look: bool = True, probe: bool = False) -> list[int]:
        both = ["me", "sam"]
        return open_jobs.due(
            NOW, limit, look=look, fresh_since=None, connected=both, readers=both, probe=probe
        )

    week = NOW - 7 * 86_400
    return {
        "counts": uploads.counts,
        "due": due,
        "due, no reading": lambda: due(look=False),
        "due, probing": lambda: due(1, probe=True),
        "next due": lambda: open_jobs.next_due(NOW, ["me", "sam"]),
        "clamp": lambda: attempts.clamp(7200, 2, NOW),
        "last completed": uploads.last_completed,
        "one job": lambda: uploads.get(500),
        "backlog": lambda: holds.span(ErrorCode.BACKLOG),
        "held files": holds.file_problems,
        "history, 40 newest": lambda: queries.listed_by_day(limit=40),
        "history of one athlete": lambda: queries.listed(limit=40, athlete="me"),
        "history, 200 before the middle": lambda: queries.listed(limit=200, before=500),
        "completed": lambda: queries.listed(limit=40, status=Status.COMPLETED),
        "under way": lambda: queries.under_way(20),
        "starts of ten weeks": lambda: queries.starts_since(NOW - 70 * 86_400),
        "old ones on their way": lambda: open_jobs.count_open(week),
        "the import so far": lambda: queries.import_so_far(week),
        "search, found often": lambda: queries.listed(limit=40, text="morning"),
        "search, found once": lambda: queries.listed(limit=40, text="123-morning"),
        "search, two letters": lambda: queries.listed(limit=40, text="zq"),
        "search, found never": lambda: queries.listed(limit=40, text="nothing like it"),
    }


def copied(path: Path) -> None:
    """Print how long the daily copy takes, and how long writes wait meanwhile."""
    began, waits = time.perf_counter(), []
    copy = threading.Thread(target=backups.make_daily_copy, args=(path, date.today().isoformat()))  # noqa: DTZ011  # a bench
    copy.start()
    while copy.is_alive():
        before = time.perf_counter()
        with database.writing():
            database.run("UPDATE upload_job SET failures = failures WHERE id = 500")
        waits.append(1000 * (time.perf_counter() - before))
        time.sleep(0.01)
    print(f"{'daily copy, beside all else':44}{time.perf_counter() - began:10.2f} s")
    print(f"{'a write meanwhile':44}{statistics.median(waits):10.2f} ms, at most {max(waits):.0f}")


def served(state: Path) -> None:
    """Print what the daemon takes to start with this ledger, and its page."""
    with tempfile.TemporaryDirectory() as folder, harness(Path(folder)) as home:
        home.more["MALLOC_ARENA_MAX"] = "1"  # as the unit and the image set it
        home.state = state
        home.configure()
        began = time.perf_counter()
        home.start()
        assert home.process is not None
        pid = home.process.pid
        cpu = cpu_seconds(pid)
        print(f"{'start of the daemon':44}{time.perf_counter() - began:10.2f} s, {cpu:.2f} s CPU")
        at_rest(pid)
        for name, address in (
            ("the page", "/"),
            ("a search", "/?q=123-morning"),
            ("status", "/api/v1/status"),
        ):
            home.text(address)
            before = cpu_seconds(pid)
            shown(name, lambda address=address: home.text(address))  # type: ignore[misc]  # its own address
            print(f"{'':44}{(cpu_seconds(pid) - before) * 50:10.2f} ms CPU")
        resident = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        print(f"{'memory':44}{resident * os.sysconf('SC_PAGE_SIZE') / (1 << 20):10.1f} MiB")
        home.stop()


def at_rest(pid: int) -> None:
    """Wait until the check of the whole file has ended."""
    before = -1.0
    while (now := cpu_seconds(pid)) - before > 0.02:  # seconds in two
        before = now
        time.sleep(2)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Make, update, ask."""
    completed = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        make(path, completed)
        print(f"{completed} completed, {PENDING} wait: {path.stat().st_size / 1e6:.0f} MB")
        began = time.perf_counter()
        with database.opened(path):
            print(f"{'update':44}{time.perf_counter() - began:10.2f} s")
        began = time.perf_counter()
        with recovery.opened_safely(path, now=NOW, quarantine=60, changed=lambda: None):
            print(f"{'open after a clean end':44}{time.perf_counter() - began:10.2f} s")
            began = time.perf_counter()
            while search.is_behind():
                search.index_some()
            print(f"{'index of names, in the background':44}{time.perf_counter() - began:10.2f} s")
            for name, call in questions().items():
                shown(name, call)
            copied(path)
        began = time.perf_counter()
        database_file.is_whole(path)
        print(f"{'check of the whole file':44}{time.perf_counter() - began:10.2f} s")
        served(path.parent)


if __name__ == "__main__":
    main()
