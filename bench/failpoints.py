"""A death at each point between two writes, so many times each.

    python bench/failpoints.py [TIMES]

The daemon of the test build dies by SIGKILL at a passing of the point, and is started again; where one life passes
it several times, at the 1st, the 2nd, ….
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_failpoints import PASSINGS, POINTS
from failpoints import die_and_live


def main() -> None:
    """Run and print."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for point in POINTS:
        began = time.monotonic()
        for number in range(times):
            with tempfile.TemporaryDirectory() as folder:
                die_and_live(Path(folder), point, count=1 + number % PASSINGS.get(point, 1))
        print(f"{point:36} {times} x, nothing lost or doubled ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
