"""What is free goes back to the system, however many threads there are."""

from __future__ import annotations

import subprocess
import sys

import pytest

ARENAS = """
import ctypes, sys, threading
from fitferry.system.free_memory import give_back
if "limited" in sys.argv:
    give_back()
together = threading.Barrier(6)
def use():
    together.wait()  # nobody's arena is handed on, because nobody has ended
    bytes(range(256)) * 16
    "x".join(map(str, range(5000)))
    together.wait()
threads = [threading.Thread(target=use) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""
GLIBC = (
    sys.platform == "linux"
    and "glibc"
    in subprocess.run(
        [sys.executable, "-c", "import os; print(os.confstr('CS_GNU_LIBC_VERSION'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
)


def arenas(*words: str) -> int:
    """How many arenas six threads at once have made."""
    told = subprocess.run([sys.executable, "-c", ARENAS, *words], capture_output=True, text=True, check=True)
    return told.stdout.count("<heap nr=")


@pytest.mark.skipif(not GLIBC, reason="another C library has no arenas")
def test_threads_share_two_arenas() -> None:
    """Else each has its own, and what is free there stays with it."""
    assert arenas() > 2
    assert arenas("limited") <= 2
