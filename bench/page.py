"""What does an open page cost? CPU seconds a second of the daemon with one browser's polls, and without.

    python bench/page.py [SECONDS] [JOBS]

This asks as the page's script does: every two seconds, and where each answer brings a whole new page, after the
first few every 15. JOBS (2,000) are in the history. Once while nothing happens, once while a file arrives every
second, as in an import, also with the history scrolled. Also the time of one page that is made anew.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness, harness  # the same
from fit_writer import ride  # the tests' own

POLL_SECONDS, STEADY_SECONDS, AT_ONCE = 2.0, 15.0, 5


def cpu(pid: int) -> float:
    """The CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(home: DaemonHarness, path: str, tag: str) -> tuple[int, str, float]:
    """One poll: the status, the new tag, milliseconds."""
    port, token = home.status()["web"]["port"], (home.state / "api-token").read_text(encoding="ascii").strip()
    headers = {"Authorization": f"Bearer {token}", **({"If-None-Match": tag} if tag else {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    took = 1000 * (time.perf_counter() - began)
    connection.close()
    return answer.status, answer.headers["ETag"] or tag, took


def look(home: DaemonHarness, path: str, tag: str, seconds: float) -> dict[int, list[float]]:
    """Keep a page open for so long: what each status took, in milliseconds."""
    asked: dict[int, list[float]] = {}
    looks, end = 0.0, time.monotonic() + seconds  # the first few, which need no pause, have been used up
    while time.monotonic() < end:
        pause = max(POLL_SECONDS, (1 - looks) * STEADY_SECONDS)
        time.sleep(min(pause, max(end - time.monotonic(), 0)))
        looks = min(AT_ONCE, looks + pause / STEADY_SECONDS)
        status, tag, took = ask(home, path, tag)
        looks -= status == HTTPStatus.OK
        asked.setdefault(status, []).append(took)
    return asked


@contextlib.contextmanager
def arriving(home: DaemonHarness, first: int) -> Iterator[None]:
    """A file comes every second."""
    over = threading.Event()

    def drop() -> None:
        for number in itertools.count(first):
            if over.wait(1):
                return
            put(home, number)

    thread = threading.Thread(target=drop)
    thread.start()
    yield
    over.set()
    thread.join()


def put(home: DaemonHarness, number: int) -> None:
    """One ride more in the folder."""
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    home.drop(f"{number}.fit", ride(start, serial=number))


def measure(home: DaemonHarness, name: str, seconds: float, path: str | None) -> None:
    """Print what the daemon used meanwhile; with a `path`, that page is open."""
    assert home.process is not None
    asked: dict[int, list[float]] = {}
    tag = ask(home, path, "")[1] if path else ""
    used = cpu(home.process.pid)
    if path is None:
        time.sleep(seconds)
    else:
        asked = look(home, path, tag, seconds)
    print(f"{name}: {1000 * (cpu(home.process.pid) - used) / seconds:.2f} ms CPU a second")
    for kind, times in sorted(asked.items()):
        print(f"  {len(times)} answers {kind}: median {sorted(times)[len(times) // 2]:.1f} ms")


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000  # an argument
    folder = Path(tempfile.mkdtemp())
    with harness(folder) as home:
        for number in range(count):
            put(home, number)
        home.more = {"STRAVA_AUTO_UPLOAD": "false"}
        home.start()
        home.wait(lambda: home.status()["queue"]["held"] + home.status()["queue"]["pending"] >= count, 300)
        time.sleep(5)
        ask(home, "/", "")  # the first page also reads the templates
        measure(home, "nobody looks", seconds, None)
        measure(home, "one page is open", seconds, "/")
        for times, (name, path) in enumerate(
            {
                "nobody looks": None,
                "one page is open": "/",
                "it is scrolled": f"/?before={count // 2}",
            }.items()
        ):
            with arriving(home, count + 10_000 * times):
                measure(home, f"files arrive, {name}", seconds, path)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
