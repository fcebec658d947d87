"""What does the daemon cost while nothing happens? Its start, the commands that look, and the process at rest.

    python bench/rest.py [SECONDS]

Read from the kernel's own counts: voluntary context switches of every thread are its wake-ups. The daemon is started
anew before, as after a boot: what the page needs is loaded when it is first opened, and counted by itself.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness, harness
from fit_writer import ride

SETTLE = 5.0
STARTS = 9
MIB = 1 << 20


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder, harness(Path(folder)) as home:
        home.more["MALLOC_ARENA_MAX"] = "1"  # as the unit and the image set it
        home.program = [
            str(Path(sys.executable).with_name("fitferry"))
        ]  # as they start it: -m takes 5 ms more
        home.start()
        home.connect()
        home.stop()
        starts = [_start(home, Path(folder)) for _ in range(STARTS)]
        for name, chosen in (("at best", min), ("median", statistics.median)):
            took, cpu = (chosen(found) for found in zip(*starts, strict=True))
            print(f"start    {took * 1000:.0f} ms, {cpu * 1000:.0f} ms CPU, {name} of {STARTS}")
        home.start()
        for words in (["--version"], ["health"], ["status"]):
            cpu = statistics.median(_command(home, words) for _ in range(STARTS))
            print(f"{words[0]:8} {cpu * 1000:.0f} ms CPU")
        home.stop()
        home.start()
        home.drop("ride.fit", ride(1_790_000_000, seconds=7200))
        # Not by the API, which loads Flask: until somebody opens the page, nobody asks it.
        home.wait(lambda: home.status()["queue"]["completed"])
        time.sleep(SETTLE)
        assert home.process is not None
        pid = home.process.pid
        before, began = _counts(pid), time.monotonic()
        time.sleep(seconds)
        after, took = _counts(pid), time.monotonic() - began
        threads = sorted(after[0].items(), key=lambda item: before[0].get(item[0], 0) - item[1])
        print(f"{took:.0f} s at rest after one upload, {len(after[0])} threads")
        print(f"wake-ups {(sum(after[0].values()) - sum(before[0].values())) / took:.2f} /s")
        print(f"CPU      {(after[1] - before[1]) * 1000 / took:.2f} ms/s")
        print(f"RSS      {after[2] / MIB:.1f} MiB")
        home.text("/")
        print(f"         {_counts(pid)[2] / MIB:.1f} MiB once the page was opened")
        for name, count in threads[:3]:
            print(f"  {name}: {(count - before[0].get(name, 0)) / took:.2f} /s")


def _start(home: DaemonHarness, folder: Path) -> tuple[float, float]:
    """Start and stop the daemon: seconds until it tells systemd that it is ready, and of its CPU by then."""
    path = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        home.more["NOTIFY_SOCKET"] = str(path)
        began = time.monotonic()
        process = home.spawn()
        while b"READY=1" not in systemd.recv(4096):
            pass
        took, cpu = time.monotonic() - began, _cpu(process.pid)
        home.stop()
    del home.more["NOTIFY_SOCKET"]
    path.unlink()
    return took, cpu


def _cpu(pid: int) -> float:
    """Seconds of CPU of all threads, more finely than in clock ticks."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[0]) for path in threads) / 1e9


def _command(home: DaemonHarness, words: list[str]) -> float:
    """Seconds of CPU that a command takes."""
    line = home.command(*words) if words != ["--version"] else [sys.executable, *home.program, *words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(line, env=home.environ(), capture_output=True, check=True)  # ourselves
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _counts(pid: int) -> tuple[dict[str, int], float, int]:
    """Wake-ups by thread, CPU seconds, bytes resident."""
    wakes = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = dict(
            line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line
        )
        wakes[f"{status['Name'].strip()} {task.name}"] = int(status["voluntary_ctxt_switches"])
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return wakes, ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
