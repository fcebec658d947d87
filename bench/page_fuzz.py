"""Odd requests by the hundred thousand against the page: no 500, and memory that does not grow.

python bench/page_fuzz.py [COUNT] [SEED]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import structlog

from fitferry.storage import database
from web_client import Page
from web_fuzz import odd_requests

WARM = 5_000
"""Requests until everything is imported and every cache is full."""


def main() -> None:
    """Run and print; the exit code is 1 where one was answered with 500."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    statuses: Counter[int] = Counter()
    began, warm = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder, database.opened(Path(folder) / "state.db"):
        page = Page(Path(folder))
        page.job()
        for number, request in enumerate(odd_requests(count, seed)):
            statuses[page.odd(request)] += 1
            if number == min(WARM, count - 1):
                warm = _peak()
    grown = _peak() - warm
    print(
        f"{count:,} requests with seed {seed} in {time.monotonic() - began:.0f} s: {dict(sorted(statuses.items()))}"
    )
    print(f"memory grew by {grown / 1e6:.1f} MB after the first {min(WARM, count):,}")
    sys.exit(1 if any(status >= 500 and status not in {502, 503} for status in statuses) else 0)


def _peak() -> int:
    """The most memory so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
