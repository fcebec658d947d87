"""Memory that is free goes back to the system, as far as the C library can be told to.

glibc gives each thread an arena of its own, and what is free in one stays there: in an hour of uploads the daemon grew
by 13 MB, and went on growing. Once something large was freed, it also keeps twice as much at the end of the heap.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _ARENA_MAX = -1, -8
"""glibc's names for them in malloc.h, the same on each architecture (2.36, 2026-11-27)."""


def give_back() -> None:
    """Let all threads that begin later share two arenas, and keep 128 KiB at the end of the heap at most.

    That is what glibc begins with, and what it would no longer keep to. Another C library has neither.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 2)
        mallopt(_TRIM_THRESHOLD, 128 * 1024)


def trim() -> None:
    """Give back at once what lies free between what is used, after much was loaded and let go."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
