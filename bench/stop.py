"""A stop at a random moment of a 25 MB upload, again and again.

python bench/stop.py [TIMES]
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox
from fitferry.sandbox.faults import InjectedFault

LARGE = 24_900_000
LIMIT = [10**9] * 2


def main() -> None:
    """Run and print; exit 1 if anything was lost or doubled, or a stop was not clean."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rng = random.Random(1)  # the same moments for every run
    took, codes = [], []
    with tempfile.TemporaryDirectory() as folder, Sandbox(overall_limit=LIMIT, read_limit=LIMIT) as sandbox:
        home = DaemonHarness(Path(folder), sandbox)
        home.start()
        home.connect()
        for number in range(1, times + 1):
            sandbox.faults.add(InjectedFault("POST /uploads", "slow", seconds=0.4))
            home.drop("large.fit", ride(1_790_000_000 + 100 * number, serial=number, padding=LARGE))
            time.sleep(rng.uniform(0.0, 0.8))
            began = time.monotonic()
            codes.append(home.stop())
            took.append(time.monotonic() - began)
            sandbox.faults.clear()
            home.start()
            home.completed(number)
        home.stop()
        made = len(sandbox.world.activities)
    print(
        f"{times} stops: exit codes {set(codes)}, median {statistics.median(took):.2f} s, max {max(took):.2f} s"
    )
    print(f"{made} activities of {times} files, {len(sandbox.world.uploads)} uploads")
    sys.exit(0 if set(codes) == {0} and made == times else 1)


if __name__ == "__main__":
    main()
