"""Does anything grow? Files trickle in, tokens expire, things go wrong; threads, descriptors and memory are watched.

python bench/soak.py [MINUTES]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox
from fitferry.sandbox.faults import InjectedFault

KINDS = [
    "drop_before",
    "drop_after",
    "drop_mid_answer",
    "error_500",
    "error_503",
    "html_200",
    "truncated_json",
]
PATHS = ["POST /uploads", "GET /uploads/N", "POST /oauth/token", "*"]
EVERY = 60.0
LIMIT = [10**9] * 2
REPORTS: list[tuple[float, float, float]] = []


def main() -> None:
    """Run and print a line a minute."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    rng = random.Random(1)  # the same every time
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(
            processing_seconds=0.5, keep_refresh_token=True, overall_limit=LIMIT, read_limit=LIMIT
        ) as sandbox,
    ):
        home = DaemonHarness(Path(folder), sandbox)
        home.configure(retries="[1, 1, 1, 1, 1, 1, 1, 1]")
        home.start()
        home.connect()
        end, report_at, number = time.monotonic() + 60 * minutes, time.monotonic() + 10, 0
        print("minute  files  done  threads  descriptors  RSS MB", flush=True)
        while time.monotonic() < end:
            number += 1
            home.drop(f"{number}.fit", ride(time.time() - 7200 + number, seconds=1, serial=number))
            draw = rng.random()
            if draw < 0.2:  # a fifth of the time
                sandbox.faults.add(InjectedFault(rng.choice(PATHS), rng.choice(KINDS)))
            elif draw < 0.25:  # now and then
                sandbox.world.expire()
            elif draw < 0.3:  # the same
                home.ask("GET", "/api/v1/strava/uploads")
            time.sleep(rng.uniform(0, 1))
            if time.monotonic() >= report_at:
                _report(home, number, 1 - (end - time.monotonic()) / (60 * minutes), minutes)
                report_at += EVERY
        sandbox.faults.clear()
        home.wait(lambda: home.status()["queue"]["completed"] >= number, seconds=120)
        _report(home, number, 1.0, minutes)
        activities = len(sandbox.world.activities)
        print(f"{number} files, {activities} activities, stopped with {home.stop()}")
        growth = _growth()
        print("before, at the end: " + ", ".join(f"{name} {a:.1f}, {b:.1f}" for name, a, b, _ in growth))
        grown = [name for name, before, end, most in growth if end > before + most]
        print("grown: " + (", ".join(grown) or "nothing"))
        sys.exit(1 if grown or activities != number else 0)


def _growth() -> list[tuple[str, float, float, float]]:
    """What was watched: its name, before and at the end, and how much more is no leak.

    Threads and descriptors since the first report; memory by the mean of the last sixth and of the sixth before it.
    """
    sixth = max(1, len(REPORTS) // 6)
    memory = [report[2] for report in REPORTS]
    before, end = mean(memory[-2 * sixth : -sixth] or memory[:1]), mean(memory[-sixth:])
    counts = [
        (name, REPORTS[0][at], REPORTS[-1][at], most)
        for at, (name, most) in enumerate((("threads", 0), ("descriptors", 8)))
    ]
    return [*counts, ("memory", before, end, 0.5)]


def _report(home: DaemonHarness, number: int, share: float, minutes: float) -> None:
    assert home.process is not None
    proc = Path(f"/proc/{home.process.pid}")
    words = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
    done = home.status()["queue"]["completed"]
    descriptors = len(list((proc / "fd").iterdir()))
    memory = int(words["VmRSS"].split()[0]) / 1000
    threads = int(words["Threads"])
    REPORTS.append((threads, descriptors, memory))
    print(
        f"{share * minutes:6.1f} {number:6} {done:5} {threads:8} {descriptors:12} {memory:7.1f}", flush=True
    )


if __name__ == "__main__":
    main()
