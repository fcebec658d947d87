"""What does each library cost the daemon when it is imported? Milliseconds of CPU and memory.

    python bench/imports.py

The libraries are imported one after the other in one process, so each is charged for what those before it have
not brought along, and the figures add up to the whole.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from dataclasses import make_dataclass

PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
ORDER = (
    "msgspec",
    "structlog",
    "ssl",
    "cryptography.fernet",
    "peewee",
    "huey",
    "httpx",
    "h11",
    "watchdog.observers",
    "waitress.server",
    "fastcrc",
    "fitferry.daemon",
    "flask",
    "babel.dates",
    "prometheus_client",
)
"""The last three only when the page is opened."""
MADE = 200


def memory() -> int:
    """The resident memory of this process in kB."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # nothing is imported for it
        return int(file.read().split()[1]) * PAGE_KB


def main() -> None:
    """Print the table."""
    whole = before = memory()
    print(f"{'an empty Python':24} {'':9} {before / 1024:6.1f} MB")
    for name in ("fitferry.cli.quick_run", *ORDER):
        began, known = time.process_time(), len(sys.modules)
        load(name)
        took, now = time.process_time() - began, memory()
        more = len(sys.modules) - known
        print(f"{name:24} {1000 * took:6.1f} ms {(now - before) / 1024:6.1f} MB {more:4} modules")
        before = now
    print(f"{'all of it':24} {'':9} {(before - whole) / 1024:6.1f} MB {len(sys.modules):4} modules")
    made = own_dataclasses()
    print(f"of it {made} frozen dataclasses, about {1000 * made * seconds_of_one():.0f} ms")


def load(name: str) -> None:
    """Import a module as a start does."""
    if name == "fitferry.cli.quick_run":
        importlib.import_module(name)
        return
    from fitferry.cli.quick_run import PASSED_OVER  # noqa: PLC0415  # what it brings along is measured, too
    from fitferry.system.loading import loading  # noqa: PLC0415  # the same

    with loading(PASSED_OVER if not name.startswith("flask") else ()):
        importlib.import_module(name)


def own_dataclasses() -> int:
    """How many frozen dataclasses the modules of Fitferry define that are loaded."""
    modules = [module for name, module in sys.modules.items() if name.startswith("fitferry.")]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    return sum(hasattr(kind, "__dataclass_params__") and kind.__dataclass_params__.frozen for kind in kinds)


def seconds_of_one() -> float:
    """How long Python takes to make a frozen dataclass of five fields: it compiles its methods."""
    fields = [(name, int) for name in ("a", "b", "c", "d", "e")]
    began = time.process_time()
    for _ in range(MADE):
        make_dataclass("Value", fields, namespace={"__doc__": "A value."}, frozen=True, slots=True)
    return (time.process_time() - began) / MADE


if __name__ == "__main__":
    main()
