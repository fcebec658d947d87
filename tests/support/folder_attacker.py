"""Somebody who may write into a watched folder, as a process: exchanges its names for links, FIFOs and growing files.

python folder_attacker.py RIDES PRIVATE ROUNDS SECONDS; of the standard library alone. RIDES/.stock holds the rides
that are dropped, one each round; PRIVATE is a folder of somebody else with files of the same names.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import sys
import time
from pathlib import Path

_EXCHANGE = 2
_HERE = -100
_LIBC = ctypes.CDLL(None, use_errno=True)
_SPARSE_BYTES = 1 << 43
_HOLD_SECONDS = 0.4


def main() -> None:
    """Play every round, and print how often names were exchanged."""
    rides, private = Path(sys.argv[1]), Path(sys.argv[2])
    rounds, seconds = int(sys.argv[3]), float(sys.argv[4])
    os.umask(0o002)
    _lay_lasting_traps(rides, private)
    stock = sorted((rides / ".stock").iterdir())
    copies: list[Path] = []
    flips = sum(_round(rides, private, stock[number], seconds, copies) for number in range(rounds))
    sys.stdout.write(f"{flips}\n")


def _lay_lasting_traps(rides: Path, private: Path) -> None:
    (rides / "pagemap.fit").symlink_to("/proc/self/pagemap")
    (rides / "outside.fit").symlink_to(private / "outside.fit")
    (rides / "folder").symlink_to(private)
    with (rides / "sparse.fit").open("wb") as file:
        for size in (_SPARSE_BYTES, _SPARSE_BYTES >> 4):  # some filesystems take no more
            with contextlib.suppress(OSError):
                file.truncate(size)
                break


def _round(rides: Path, private: Path, ride: Path, seconds: float, copies: list[Path]) -> int:
    """Drop one ride under a name and in a folder, and exchange both for links; how often.

    `copies`: the names under which copies in the archive are made, also of earlier rides.
    """
    name, body = ride.name, ride.read_bytes()
    folder, waiting = rides / f"in-{ride.stem}", rides / f".away-{ride.stem}"
    folder.mkdir()
    (folder / name).write_bytes(body)
    waiting.symlink_to(private)
    decoy, part = rides / f".decoy-{name}", rides / f".part-{name}"
    decoy.symlink_to(private / name)
    part.write_bytes(body)
    part.rename(rides / name)
    pairs = [(folder, waiting), (rides / name, decoy), (rides / "uploaded", rides / ".uploaded")]
    staging = f".{hashlib.sha256(body).hexdigest()[:16]}.fitferry"
    copies += [rides / "uploaded" / name, rides / "uploaded" / staging]
    flips = sum(_race(one, other, seconds, copies, private) for one, other in pairs)
    for _ in range(2):  # long enough for a scan to take it for settled, and back
        flips += sum(_exchange(one, other) for one, other in pairs)
        _lay_links(copies, private, _HOLD_SECONDS)
    return flips + _bait(rides, seconds)


def _race(one: Path, other: Path, seconds: float, copies: list[Path], private: Path) -> int:
    """Exchange two names back and forth as fast as can be."""
    flips, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends or flips % 2:
        flips += _exchange(one, other)
        _lay_links(copies, private, 0.0)
    return flips


def _lay_links(copies: list[Path], private: Path, seconds: float) -> None:
    """Let links wait where copies are made, again and again: whoever makes them clears the way first."""
    ends = time.monotonic() + seconds
    while True:
        for copy in copies:
            with contextlib.suppress(OSError):
                copy.symlink_to(private / "made-by-the-daemon")
        if time.monotonic() >= ends:
            return


def _bait(rides: Path, seconds: float) -> int:
    """A file that is another one each time somebody looks, and a FIFO in between; and one that grows."""
    bait, fifo = rides / "bait.fit", rides / ".fifo"
    if not fifo.exists():
        os.mkfifo(fifo)
    flips, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        bait.write_bytes(b"no activity: %d" % time.monotonic_ns())
        flips += _exchange(bait, fifo) + _exchange(bait, fifo)
        with (rides / "growing.fit").open("ab") as file:
            file.write(bytes(4_096))
    return flips


def _exchange(one: Path, other: Path) -> int:
    return int(_LIBC.renameat2(_HERE, bytes(one), _HERE, bytes(other), _EXCHANGE) == 0)


if __name__ == "__main__":
    main()
