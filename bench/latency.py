"""How long from the close or the rename of a 200 kB file to the first byte of its POST at the server?

    python bench/latency.py [FILES] [SECONDS OF REST BEFORE]

The real daemon against the sandbox on this machine; the clock is the same on both sides.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness, harness
from fit_writer import ride

START = int(time.time()) - 40 * 3600
"""Rides of the last two days: people wait for those."""


def main() -> None:
    """Measure and print."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    rest = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    with tempfile.TemporaryDirectory() as folder, harness(Path(folder)) as home:
        home.start()
        home.connect()
        time.sleep(rest)
        for way in ("close", "rename"):
            waits = [_one(home, way, number) for number in range(files)]
            waits.sort()
            print(
                f"{way:6} -> first byte of the POST, {files} files of 200 kB: "
                f"median {statistics.median(waits):.1f} ms, p95 {waits[int(files * 0.95)]:.1f} ms, max {waits[-1]:.1f} ms"
            )


def _one(home: DaemonHarness, way: str, number: int) -> float:
    """Milliseconds for one file."""
    before = len(home.sandbox.world.uploads)
    body = ride(START + 500 * number + (way == "close"), seconds=10_000)
    path = home.rides / f"{way}-{number}.fit"
    if way == "close":
        with path.open("wb") as file:
            file.write(body)
        done = time.time()
    else:
        temporary = home.rides / f".{way}-{number}.part"
        temporary.write_bytes(body)
        done = time.time()
        temporary.rename(path)
    home.wait(lambda: len(home.sandbox.world.uploads) > before)
    upload = max(home.sandbox.world.uploads.values(), key=lambda one: one.id)
    time.sleep(0.5)
    return (upload.began_at - done) * 1000


if __name__ == "__main__":
    main()
