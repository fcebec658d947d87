"""Hostile files by the hundred thousand: the slowest one, and how far the memory grows.

    python bench/fuzz.py [COUNT] [SEED] [FOLDER OF REAL FILES]

An exception ends the run with its traceback; the bytes are then in fuzz-failed.bin below $TMPDIR.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from fitferry import formats
from fitferry.core.activity import FileKind
from fuzz import hostile
from samples import SAMPLES


def main() -> None:
    """Run and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else SAMPLES
    verdicts: Counter[str] = Counter()
    files = hostile(count, seed, folder)
    slowest, began, before = (0.0, 0), time.monotonic(), 0
    for number, data in enumerate(files):
        took = _one(data, verdicts)
        slowest = max(slowest, (took, len(data)))
        if number == min(1_000, count - 1):
            before = _peak()  # everything is imported and warm by now
    print(f"{count:,} files with seed {seed} in {time.monotonic() - began:.0f} s: {dict(verdicts)}")
    print(f"slowest {slowest[0] * 1000:.1f} ms (of {slowest[1]:,} bytes)")
    print(f"memory grew by {(_peak() - before) / 1024:.1f} MB after the first thousand")


def _one(data: bytes, verdicts: Counter[str]) -> float:
    digest, began = sha256(data).hexdigest(), time.perf_counter()
    try:
        content = formats.examine(data, digest)
        for item in content.members:
            body = formats.body_of(data, digest, item.sha256, item.name)
            assert body or item.result.kind is not FileKind.ACTIVITY
    except BaseException:
        (Path(tempfile.gettempdir()) / "fuzz-failed.bin").write_bytes(data)
        raise
    verdicts[content.result.kind.value] += 1
    return time.perf_counter() - began


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
