"""How far does one machine go? Activities an hour with Strava's limits lifted, ten athletes, a history of 100,000.

    python bench/capacity.py [FILES] [HISTORY]

The real daemon against the sandbox on this machine, which takes a part of the machine's time as well. Beside the
figures stands the most that Strava allows an application in a day.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness, harness
from fit_writer import ride
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    FileKind,
    NewActivity,
    ParseResult,
    StatFingerprint,
)
from fitferry.core.upload import Status
from fitferry.storage import activities, database, models, seen_files
from fitferry.storage.seen_files import File

LIMIT = [10**9] * 2
ATHLETES = 10
A_DAY = {1: 2_000, ATHLETES: 4_000}
"""Requests that Strava allows an application of so many athletes."""
REQUESTS = 2
"""Requests that one activity takes at the most."""
MIB = 1 << 20


def main() -> None:
    """Measure and print."""
    count, history = [*map(int, sys.argv[1:]), *[2_000, 100_000][len(sys.argv) - 1 :]]
    for athletes in (1, ATHLETES):
        with (
            tempfile.TemporaryDirectory() as folder,
            harness(Path(folder), overall_limit=LIMIT, read_limit=LIMIT) as home,
        ):
            _flood(home, count, athletes)
    with tempfile.TemporaryDirectory() as folder, harness(Path(folder)) as home:
        _remember(home, history)


def _flood(home: DaemonHarness, count: int, athletes: int) -> None:
    """Many files at once, evenly to all athletes."""
    names = [f"athlete{number}" for number in range(athletes)]
    _configure(home, names)
    home.start()
    for number, name in enumerate(names):
        home.sandbox.world.athletes[2000 + number] = (name, "Sand")
        home.sandbox.world.switches.athlete, home.sandbox.world.switches.capacity = 2000 + number, athletes
        _connect(home, name)
    bodies = [ride(time.time() - 7200 + number, seconds=3600, serial=number + 1) for number in range(count)]
    before, began = _cpu(home), time.monotonic()
    for number, body in enumerate(bodies):
        home.drop(f"{names[number % athletes]}/{number}.fit", body)
    home.wait(lambda: home.status()["queue"]["completed"] >= count, seconds=3600)
    took, cpu = time.monotonic() - began, _cpu(home) - before
    assert len(home.sandbox.world.activities) == count
    most = A_DAY[athletes] // REQUESTS
    print(
        f"{athletes} athlete(s): {count:,} rides of {len(bodies[0]) // 1000} kB in {took:.0f} s = "
        f"{count / took * 3600:,.0f} an hour; {cpu / count * 1000:.1f} ms CPU each",
        flush=True,
    )
    print(
        f"  Strava allows {A_DAY[athletes]:,} requests, {most:,} to {2 * most:,} activities a day: "
        f"{most / (count / took):.0f} s to {2 * most / (count / took):.0f} s of this machine's",
        flush=True,
    )


def _configure(home: DaemonHarness, names: list[str]) -> None:
    for name in names:
        (home.rides / name).mkdir()
    home.configure()
    head, rest = home.config.read_text(encoding="utf-8").split("[[watch]]")
    tables_of = [f'[[watch]]\nathlete = "{name}"\nfolder = "{home.rides / name}"\n' for name in names]
    home.config.write_text(head + "\n".join(tables_of) + "\n[web]" + rest.split("[web]")[1], encoding="utf-8")


def _connect(home: DaemonHarness, name: str) -> None:
    url = home.ask("GET", f"/api/v1/strava/auth?athlete={name}")["authorization_url"]
    boxes = [("authorize", "1"), ("scope", "activity:write"), ("scope", "activity:read_all")]
    urlopen(url, urlencode(boxes).encode(), timeout=20).close()


def _remember(home: DaemonHarness, count: int) -> None:
    """A long history, as the ledger would have it after so many uploads."""
    home.state.mkdir()
    with database.opened(home.state / "state.db"):
        for first in range(0, count, 1000):
            with database.writing():
                for number in range(first, min(first + 1000, count)):
                    _done(home.rides / f"{number}.fit", number)
        seen_files.folder_scanned("me", str(home.rides), time.time())
    began = time.monotonic()
    home.start()
    print(f"{count:,} activities in the history: started in {time.monotonic() - began:.2f} s", flush=True)
    home.connect()
    time.sleep(3)
    _print("status of the commands", lambda: home.run("status"))
    _print("the page", lambda: home.text("/"))
    _print("the page, searched", lambda: home.text("/?q=99999"))
    _print("the API, 200 uploads", lambda: home.ask("GET", "/api/v1/strava/uploads?limit=200"))
    home.drop("new.fit", ride(time.time() - 3600, seconds=600))
    began = time.monotonic()
    home.wait(lambda: home.sandbox.world.uploads)
    print(f"  a new ride is at Strava after {(time.monotonic() - began) * 1000:.0f} ms")
    assert home.process is not None
    words = Path(f"/proc/{home.process.pid}/status").read_text(encoding="ascii")
    resident = int(words.split("VmRSS:")[1].split()[0]) * 1024
    size = (home.state / "state.db").stat().st_size
    print(f"  memory {resident / MIB:.0f} MiB, database {size / 1e6:.0f} MB")


def _done(path: Path, number: int) -> None:
    path.write_bytes(b"%d" % number)
    facts = ActivityFacts(
        "activity", "cycling", start_time=1_400_000_000 + 3600 * number, duration_s=3600, sessions=1
    )
    found = ParseResult(FileKind.ACTIVITY, "fit", facts)
    file = File("me", str(path), f"{number:064x}", 1, StatFingerprint.of(path.stat()))
    ((job_id, _),) = activities.admit(
        file, [NewActivity(file.sha256, found, AdmissionDecision(Status.PENDING))], time.time()
    )
    models.JobRow.update(
        status=Status.COMPLETED, strava_activity_id=10**9 + number, completed_at=time.time()
    ).where(models.JobRow.id == job_id).execute()


def _print(what: str, call: Callable[[], object]) -> None:
    call()
    took = []
    for _ in range(5):
        began = time.monotonic()
        call()
        took.append((time.monotonic() - began) * 1000)
    print(f"  {what}: {sorted(took)[2]:.0f} ms", flush=True)


def _cpu(home: DaemonHarness) -> float:
    assert home.process is not None
    fields = Path(f"/proc/{home.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
