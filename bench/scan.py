"""What do very many files cost? First admission, scans of known files, a start with them, a burst.

    python bench/scan.py [FILES [--known]]

Everything in one process against a real ledger in $TMPDIR; the start is that of the real daemon. With --known the files
are written down as known without being read, for very many.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import harness
from fakes import a_receiver
from fit_writer import ride
from fitferry.config.schema import WatchSettings
from fitferry.core.activity import StatFingerprint, WatchMethod
from fitferry.inbox import Scanner
from fitferry.storage import database, seen_files, uploads
from fitferry.system import logs

START = 800_000_000
BURST = 20_000


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    known = "--known" in sys.argv
    logs.configure("error", "json")
    with tempfile.TemporaryDirectory() as name:
        folder, state = Path(name) / "rides", Path(name) / "state"
        folder.mkdir()
        state.mkdir()
        began = time.monotonic()
        for number in range(count):
            (folder / f"{number}.fit").write_bytes(b"%d" % number if known else _body(number))
        print(
            f"{count:,} files of {len(_body(0)):,} bytes, written in {time.monotonic() - began:.1f} s",
            flush=True,
        )
        with database.opened(state / "state.db"):
            _write_down(folder) if known else _admit(folder, count)
            _scan(folder, count)
        _start(folder, state, count)
        _start(folder, state, count)
        with database.opened(Path(name) / "burst.db"):
            _burst(Path(name) / "burst")


def _body(number: int) -> bytes:
    return ride(START + 10_000 * number, seconds=30)


def _scanner(folder: Path, method: WatchMethod = WatchMethod.POLL, settle: float = 0.0) -> Scanner:
    watch = WatchSettings(
        folder=folder, athlete="me", recursive=True, method=method, scan_interval=None, settle=settle
    )
    return Scanner(watch, a_receiver(folder), without=frozenset(), changed=lambda: None)


def _write_down(folder: Path) -> None:
    with database.writing():
        for path in folder.iterdir():
            fingerprint = StatFingerprint.of(path.stat())
            seen_files.remember(seen_files.File("me", str(path), "0" * 64, fingerprint.size, fingerprint))


def _admit(folder: Path, count: int) -> None:
    before, scanner = _memory(), _scanner(folder)
    with _peak() as peak:
        began = time.monotonic()
        scanner.step()
        took = time.monotonic() - began
    assert sum(uploads.counts().values()) == count
    print(
        f"admitted for the first time: {count / took:,.0f} files/s ({took:.1f} s), "
        f"memory {before / 1e6:.0f} -> at most {peak[0] / 1e6:.0f} MB",
        flush=True,
    )


def _scan(folder: Path, count: int) -> None:
    scanner = _scanner(folder)
    scanner.step()
    took, before = [], _memory()
    with _peak() as peak:
        for _ in range(5):
            scanner.rescan()
            began = time.monotonic()
            scanner.step()
            took.append((time.monotonic() - began) * 1000)
    print(
        f"scan of {count:,} known files: median {statistics.median(took):.0f} ms, max {max(took):.0f} ms, "
        f"memory {before / 1e6:.0f} -> at most {peak[0] / 1e6:.0f} MB",
        flush=True,
    )


def _start(folder: Path, state: Path, count: int) -> None:
    with tempfile.TemporaryDirectory() as name, harness(Path(name)) as home:
        home.configure(rides=str(folder), state=str(state))
        home.state = state
        began = time.monotonic()
        home.start()
        print(f"start with {count:,} known files: status after {time.monotonic() - began:.2f} s", flush=True)
        home.stop()


def _burst(folder: Path) -> None:
    folder.mkdir()
    scanner = _scanner(folder, WatchMethod.EVENTS, settle=0.2)
    scanner.start()
    while not scanner.state.available:
        time.sleep(0.01)
    time.sleep(0.5)
    body = _body(0)
    began = time.monotonic()
    for number in range(BURST):
        with open(folder / f"{number}.fit", "wb") as file:  # noqa: PTH123  # as fast as it gets
            file.write(body)
    wrote = time.monotonic() - began
    deadline = time.monotonic() + 600
    while _listed() < BURST and time.monotonic() < deadline:
        time.sleep(0.5)
    print(
        f"{BURST:,} files written in {wrote:.1f} s: {_listed():,} found after {time.monotonic() - began:.0f} s"
    )
    scanner.stop()


def _listed() -> int:
    return int(database.run("SELECT count(*) FROM seen_path")[0][0])  # of the same bytes: one activity


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The most memory that this process held meanwhile."""
    most, over = [_memory()], threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], _memory())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    assert os.name == "posix"
    main()
