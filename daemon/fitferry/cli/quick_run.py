"""`fitferry run` by the shortest way: without click, and without what libraries load for terminals and asyncio.

That saves 8 MB for as long as the daemon runs, and a third of its start. Where there are no usable settings yet,
the ordinary command asks for them or says what is wrong.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fitferry.cli import process
from fitferry.core.errors import FitferryError

if TYPE_CHECKING:
    from fitferry.config.schema import Settings
    from fitferry.web.server import Handover

_PASSED_OVER = ("anyio", "click", "greenlet", "pygments", "rich", "typing_extensions")
"""Libraries that structlog, httpcore and msgspec take along where they are installed, and do without."""
_LATER = (
    "asyncio",
    "bz2",
    "calendar",
    "difflib",
    "getopt",
    "gzip",
    "locale",
    "lzma",
    "shutil",
    "subprocess",
    "tempfile",
    "textwrap",
    "unicodedata",
)
"""Modules of Python's own that are imported for what a daemon does seldom or never."""


def has_run(option: str | None) -> bool:
    """Run the daemon to its end; False where the settings do not allow it. Raises CannotRun."""
    with loading():
        from fitferry.config.load import load  # noqa: PLC0415  # it takes its time

    process.prepare(os.environ)
    try:
        settings = load(Path(option) if option else None, os.environ)
    except FitferryError:
        return False
    run_daemon(settings)
    return True


def run_daemon(settings: Settings, *, handover: Handover | None = None) -> None:
    """Run the daemon in this process, until it is told to stop. Raises CannotRun."""
    with loading():
        from fitferry import daemon  # noqa: PLC0415  # it imports everything
    daemon.run(settings, handover=handover)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Let modules be loaded as if some libraries were not installed, others later, and no garbage looked for meanwhile.

    There is none, and looking for it takes a quarter of the time. What is loaded stays, so it is left out afterwards.
    """
    gc.disable()
    given: dict[str, ModuleType | None] = dict.fromkeys(_PASSED_OVER)  # Python's own sign for "not to be had"
    given |= {name: _stand_in(name) for name in _LATER}
    given = {name: module for name, module in given.items() if name not in sys.modules}
    sys.modules.update(given)  # type: ignore[arg-type]  # None is that sign
    try:
        yield
    finally:
        for name, module in given.items():
            if sys.modules[name] is module:
                del sys.modules[name]
        gc.enable()
        gc.freeze()


def _stand_in(name: str) -> ModuleType:
    """A module in the place of one that is imported when something of it is first used."""
    module = ModuleType(name)

    def of_the_real_one(wanted: str) -> object:
        if sys.modules.get(name) is module:
            del sys.modules[name]
        return getattr(import_module(name), wanted)

    module.__getattr__ = of_the_real_one  # type: ignore[method-assign]  # a module's way to say so, PEP 562
    return module
