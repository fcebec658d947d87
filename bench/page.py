"""What does an open page cost? CPU seconds a second of the daemon with one browser's polls, and without.

    python bench/page.py [SECONDS] [JOBS]

The page asks every two seconds; this asks as its script does. JOBS (2,000) are in the history. Also the time of
one page that is made anew.
"""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fit_writer import ride  # the tests' own
from household import Household, household  # the same

POLL_SECONDS = 2.0


def cpu(pid: int) -> float:
    """The CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(home: Household, tag: str) -> tuple[int, str, float]:
    """One poll: the status, the new tag, milliseconds."""
    port, token = home.status()["web"]["port"], (home.state / "api-token").read_text(encoding="ascii").strip()
    headers = {"Authorization": f"Bearer {token}", **({"If-None-Match": tag} if tag else {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    began = time.perf_counter()
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    answer.read()
    took = 1000 * (time.perf_counter() - began)
    connection.close()
    return answer.status, answer.headers["ETag"] or tag, took


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000  # an argument
    folder = Path(tempfile.mkdtemp())
    with household(folder) as home:
        for number in range(count):
            home.drop(
                f"{number}.fit",
                ride(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number), serial=number),
            )
        home.more = {"STRAVA_AUTO_UPLOAD": "false"}
        home.start()
        home.wait(lambda: home.status()["queue"]["held"] + home.status()["queue"]["pending"] >= count, 300)
        time.sleep(5)
        assert home.process is not None
        for name, polls in (("nobody looks", False), ("one page is open", True)):
            tag = ask(home, "")[1] if polls else ""  # the first page also reads the templates
            asked, used, end = [], cpu(home.process.pid), time.monotonic() + seconds
            while time.monotonic() < end:
                if polls:
                    status, tag, took = ask(home, tag)
                    asked.append((status, took))
                time.sleep(POLL_SECONDS)
            print(f"{name}: {1000 * (cpu(home.process.pid) - used) / seconds:.2f} ms CPU a second")
            for kind in sorted({status for status, _ in asked}):
                times = sorted(took for status, took in asked if status == kind)
                print(f"  {len(times)} answers {kind}: median {times[len(times) // 2]:.1f} ms")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
