"""What does each library cost the daemon when it is imported? Milliseconds and memory.

    python bench/imports.py

The libraries are imported one after the other in one process, so each is charged for what those before it have
not brought along, and the figures add up to the whole.
"""

from __future__ import annotations

import os
import sys
import time

PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
ORDER = (
    "structlog",
    "click",
    "msgspec",
    "ssl",
    "cryptography.fernet",
    "peewee",
    "playhouse.migrations",
    "huey",
    "httpx",
    "watchdog.observers",
    "fitparse",
    "fastcrc",
    "flask",
    "waitress",
    "babel.dates",
    "prometheus_client",
    "fitferry.daemon",
)


def memory() -> int:
    """The resident memory of this process in kB."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # nothing is imported for it
        return int(file.read().split()[1]) * PAGE_KB


def main() -> None:
    """Print the table."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # as `fitferry run` does
    before = memory()
    print(f"{'an empty Python':24} {'':9} {before / 1024:6.1f} MB")
    for name in ORDER:
        began, known = time.perf_counter(), len(sys.modules)
        __import__(name)
        took, now = time.perf_counter() - began, memory()
        more = len(sys.modules) - known
        print(f"{name:24} {1000 * took:6.1f} ms {(now - before) / 1024:6.1f} MB {more:4} modules")
        before = now
    print(f"{'all of it':24} {'':9} {before / 1024:6.1f} MB {len(sys.modules):4} modules")


if __name__ == "__main__":
    main()
