"""Power cuts: what the daemon has acknowledged is there afterwards.

    python bench/powercut.py [CUTS]        (as root: it mounts a filesystem in a file)

The state folder is on an ext4 in a file. At a random moment, while rides pour in, that file is copied as it is: what
the kernel has not written to it yet is lost, as in a power cut. The copy is mounted, its journal replayed, and every
job that the daemon had logged as admitted before the copy began has to be in its ledger.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox

SIZE = 48_000_000
PER_CUT = 12


def main() -> None:
    """Run and print."""
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rng = random.Random(1)  # the same moments for every run
    lost = damaged = acknowledged = 0
    with (
        tempfile.TemporaryDirectory() as name,
        Sandbox(overall_limit=[10**9] * 2, read_limit=[10**9] * 2) as sandbox,
    ):
        folder = Path(name)
        (folder / "state").mkdir()
        (folder / "after").mkdir()
        _make(folder / "image")
        with _mounted(folder / "image", folder / "state"):
            home = DaemonHarness(folder, sandbox)
            home.start()
            home.connect()
            number = 0
            for cut in range(cuts):
                for _ in range(PER_CUT):
                    number += 1
                    home.drop(f"{number}.fit", ride(1_790_000_000 + 100 * number, seconds=5, serial=number))
                    time.sleep(rng.uniform(0, 0.03))
                known = _admitted(home)
                shutil.copyfile(folder / "image", folder / "cut")
                whole, there = _after(folder / "cut", folder / "after")
                acknowledged += len(known)
                lost += len(known - there)
                damaged += not whole
                if cut % 20 == 19:  # now and then
                    print(f"{cut + 1} cuts: {lost} lost of {len(known)}, {damaged} damaged", flush=True)
            home.stop(signal.SIGKILL)
    print(
        f"{cuts} power cuts: {lost} acknowledged jobs lost of {acknowledged:,}, {damaged} databases damaged"
    )
    sys.exit(1 if lost or damaged else 0)


def _make(image: Path) -> None:
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)  # the system's own


@contextlib.contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)  # the same
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # the same


def _admitted(home: DaemonHarness) -> set[int]:
    """The jobs that the log calls admitted: by then they have to be on the disk."""
    found = set()
    for line in home.words().splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("event") == "file_admitted":
                found.add(int(event["job"]))
    return found


def _after(image: Path, folder: Path) -> tuple[bool, set[int]]:
    """Whether the ledger is whole after the cut, and the jobs in it."""
    with _mounted(image, folder), contextlib.closing(sqlite3.connect(folder / "state.db")) as raw:
        whole = raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = {row[0] for row in raw.execute("SELECT id FROM upload_job")}
    return whole, there


if __name__ == "__main__":
    main()
