"""How fast is a file inspected, beside fitparse reading the same file to its session? CPU time, per file.

    python bench/fit_inspect.py [FOLDER]

Without a folder: the samples of the tests, and rides of about 200 kB and 2 MB made for this.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import fitparse

from fit_writer import ride
from fitferry.formats.fit import inspect

START = 1_790_000_000


def main() -> None:
    """Measure and print."""
    bodies = _bodies()
    ours, theirs = [], []
    for body in bodies:
        slow = _cpu_ms(partial(_to_the_session, body), 1)
        if slow is None:
            continue
        ours.append(_cpu_ms(partial(inspect, [body]), 5) or 0.0)
        theirs.append(slow)
    ratios = [slow / quick for quick, slow in zip(ours, theirs, strict=True)]
    print(f"{len(ratios)} files that fitparse reads, {sum(map(len, bodies)):,} bytes in {len(bodies)} files")
    print("            median      p95      max  ms CPU")
    for name, values in (("inspect", ours), ("fitparse", theirs)):
        print(f"{name:9} {_median(values):9.2f} {_p95(values):8.2f} {max(values):8.2f}")
    print(f"ratio     {_median(ratios):9.1f} x in the median file, {sum(theirs) / sum(ours):.1f} x over all")


def _bodies() -> list[bytes]:
    if len(sys.argv) > 1:
        return [
            path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir()) if path.suffix.lower() == ".fit"
        ]
    samples = Path(__file__).parent.parent / "tests" / "samples"
    made = [ride(START, seconds=seconds) for seconds in (3600, 9_500, 95_000)]
    return [path.read_bytes() for path in sorted(samples.glob("*.fit"))] + made


def _to_the_session(body: bytes) -> None:
    for _ in fitparse.FitFile(body).get_messages("session"):
        pass


def _cpu_ms(work: Callable[[], object], times: int) -> float | None:
    """The least CPU time of several runs in ms; None if it raises."""
    best = float("inf")
    for _ in range(times):
        began = time.process_time()
        try:
            work()
        except Exception:  # noqa: BLE001  # whatever fitparse raises: it cannot read the file
            return None
        best = min(best, time.process_time() - began)
    return best * 1000


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    main()
