"""What does one ride cost? CPU of the whole daemon, and synced commits to the ledger, from its close to `completed`.

    python bench/upload_cost.py [FILES]

One file at a time, as at home; what the daemon does within two seconds afterwards (status file, tidying) is counted.
CPU is the kernel's own count of all threads; commits are the ledger's revisions.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness, harness
from fit_writer import ride

AFTERWARDS = 2.0
START = int(time.time()) - 40 * 3600


def main() -> None:
    """Measure and print."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder, harness(Path(folder), processing_seconds=1.0) as home:
        settings = home.config.read_text()
        home.config.write_text(
            settings.replace("check_delays = [0.1]", "check_delays = [2]")
        )  # one look is enough
        home.start()
        home.connect()
        _upload(home, 0)  # what is loaded at first use
        before = _revision(home)
        costs = sorted([_upload(home, number) for number in range(1, files + 1)])
        commits = (_revision(home) - before) / files
        print(
            f"{files} rides of 200 kB, one at a time: {costs[files // 2]:.1f} ms CPU median, {costs[-1]:.1f} at most; "
            f"{commits:.1f} synced commits each"
        )


def _upload(home: DaemonHarness, number: int) -> float:
    """Milliseconds of CPU for one ride."""
    assert home.process is not None
    body = ride(START + 500 * number, seconds=10_000, serial=number + 1)
    before = _cpu(home.process.pid)
    home.drop(f"{number}.fit", body)
    home.wait(lambda: _completed(home) > number)
    time.sleep(AFTERWARDS)
    return _cpu(home.process.pid) - before


def _cpu(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def _completed(home: DaemonHarness) -> int:
    """Read beside the daemon: asking it would cost it CPU."""
    return _number(home, "SELECT count(*) FROM upload_job WHERE status = 'completed'")


def _revision(home: DaemonHarness) -> int:
    return _number(home, "SELECT revision FROM ledger")


def _number(home: DaemonHarness, sql: str) -> int:
    with closing(sqlite3.connect(f"file:{home.state}/state.db?mode=ro", uri=True, timeout=20)) as ledger:
        return int(ledger.execute(sql).fetchone()[0])


if __name__ == "__main__":
    main()
