"""`fitferry run` by the shortest way: without click, and without what libraries load for terminals and asyncio.

That saves 5 MB for as long as the daemon runs, and a third of its start. Where there are no usable settings yet,
the ordinary command asks for them or says what is wrong.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fitferry.cli import process
from fitferry.core.errors import FitferryError

if TYPE_CHECKING:
    from fitferry.config.schema import Settings
    from fitferry.web.server import Handover

_PASSED_OVER = ("anyio", "click", "pygments", "rich", "typing_extensions")
"""Libraries that structlog, httpx, httpcore and msgspec take along where they are installed, and do without."""


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
    """Let modules be loaded as if some libraries were not installed, and no garbage looked for meanwhile.

    There is none, and looking for it takes a quarter of the time. What is loaded stays, so it is left out afterwards.
    """
    gc.disable()
    absent = [name for name in _PASSED_OVER if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own sign for "not to be had"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        gc.enable()
        gc.freeze()
