"""A kill storm: the real daemon, workers always busy, answers lost, and SIGKILL at random moments."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox
from fitferry.sandbox.faults import Faults, InjectedFault

AT_ONCE = 60
"""Files that wait at most: enough that no worker is ever idle, and few enough that each kill hits another moment."""
BEFORE_KILL = (0.0, 0.35)
"""Seconds of work between two kills."""
LOST, BROKEN = 0.05, 0.05


class RandomFaults(Faults):
    """Five answers of a hundred are lost after the work was done, five requests are answered with 500."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self.calm = False

    def take(self, method: str, path: str) -> InjectedFault | None:  # noqa: ARG002  # as its parent has it
        """Whether something goes wrong now."""
        draw = 1.0 if self.calm or path.startswith("/oauth") else self._rng.random()
        if draw < LOST:
            return InjectedFault("*", "drop_after")
        return InjectedFault("*", "error_500") if draw < LOST + BROKEN else None


@dataclass
class Report:
    """What came of a storm."""

    kills: int
    files: int
    seconds: float
    completed: int
    activities: int
    uploads: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    integrity: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or told wrongly."""
        return not (self.lost or self.doubled or self.untrue) and self.integrity == "ok"


def storm(
    folder: Path,
    *,
    kills: int,
    files: int,
    seed: int = 1,
    refuse_duplicates: bool = True,
    can_read: bool = True,
    at_once: int = AT_ONCE,
    told: Callable[[str], None] = lambda _words: None,
) -> Report:
    """Let it rage, then let the daemon finish in peace, and compare what it says with what the server has.

    `at_once`: files that wait at most; of a few each finds a free worker, and is admitted as being sent.
    """
    rng = random.Random(seed)  # noqa: S311  # the same storm for the same seed
    faults = RandomFaults(rng)
    sandbox = Sandbox(
        processing_seconds=0.05,
        overall_limit=[10**9] * 2,
        read_limit=[10**9] * 2,
        duplicates_by=["bytes", "external_id"] if refuse_duplicates else [],
        untick=[] if can_read else ["activity:read_all"],
    )
    sandbox.faults = faults
    began = time.monotonic()
    with sandbox:
        home = DaemonHarness(folder, sandbox)
        home.configure(extra="", retries="[0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]")
        home.start()
        home.connect()
        dropped = 0
        for kill in range(kills):
            dropped = _drop(home, dropped, min(files, (kill + 2) * files // kills, _done(home) + at_once))
            time.sleep(rng.uniform(*BEFORE_KILL))
            home.stop(signal.SIGKILL)
            home.start()
            if kill % 50 == 49:  # now and then
                told(f"{kill + 1} kills, {dropped} files, {_done(home)} done")
        faults.calm = True
        while dropped < files:
            dropped = _drop(home, dropped, min(files, _done(home) + 500))
            time.sleep(0.2)
        home.wait(lambda: _done(home) >= files, seconds=60 + files / 20)
        home.stop()
        return _judged(home, kills, files, time.monotonic() - began)


def _drop(home: DaemonHarness, begin: int, end: int) -> int:
    """Put more rides into the folder, by copy and by rename; how many there are then."""
    for number in range(begin, end):
        body = ride(time.time() - 40 * 3600 + number * 14, seconds=10, serial=number + 1)
        if number % 2:
            home.drop(f"{number}.fit", body)
        else:
            temporary = home.rides / f".{number}.part"
            temporary.write_bytes(body)
            temporary.rename(home.rides / f"{number}.fit")
    return max(begin, end)


def _done(home: DaemonHarness) -> int:
    """How many uploads the ledger calls completed, read beside the daemon."""
    with closing(sqlite3.connect(f"file:{home.state}/state.db?mode=ro", uri=True, timeout=60)) as ledger:
        return int(ledger.execute("SELECT count(*) FROM upload_job WHERE status = 'completed'").fetchone()[0])


def _judged(home: DaemonHarness, kills: int, files: int, seconds: float) -> Report:
    with closing(sqlite3.connect(f"file:{home.state}/state.db?mode=ro", uri=True)) as ledger:
        rows = ledger.execute(
            "SELECT sha256, status, strava_activity_id FROM activity JOIN upload_job ON activity_id = activity.id"
        ).fetchall()
        integrity = str(ledger.execute("PRAGMA integrity_check").fetchone()[0])
    world = home.sandbox.world
    made = Counter(one.sha256 for one in world.activities.values())
    report = Report(
        kills,
        files,
        seconds,
        completed=sum(status == "completed" for _, status, _ in rows),
        activities=len(world.activities),
        uploads=len(world.uploads),
        integrity=integrity,
    )
    known = {sha256 for sha256, _, _ in rows}
    report.lost = [sha256 for sha256 in known if not made[sha256]] + ["?"] * (files - len(known))
    report.doubled = [str(sha256) for sha256, count in made.items() if count > 1]
    for sha256, status, activity_id in rows:
        there = world.activities.get(activity_id or 0)
        if status != "completed" or there is None or there.sha256 != sha256:
            report.untrue.append(f"{sha256[:12]} {status} {activity_id}")
    return report
