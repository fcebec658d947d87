"""`fitferry run` by the shortest way: without click, and without what libraries load for terminals and asyncio.

That saves 8 MB for as long as the daemon runs, and a third of its start. Where there are no usable settings yet,
the ordinary command asks for them or says what is wrong.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fitferry.cli import process
from fitferry.core.errors import FitferryError
from fitferry.system.loading import loading

if TYPE_CHECKING:
    from fitferry.config.schema import Settings
    from fitferry.web.server import Handover

PASSED_OVER = ("click", "greenlet", "rich", "typing_extensions")
"""Libraries that structlog, httpx and msgspec take along where they are installed, and do without."""

# From Python 3.12 on each record of a log asks asyncio for its task, and would load it for that.
setattr(logging, "logAsyncioTasks", False)  # noqa: B010  # a name that 3.11 does not know


def has_run(option: str | None) -> bool:
    """Run the daemon to its end; False where the settings do not allow it. Raises CannotRun."""
    with loading(PASSED_OVER):
        from fitferry.config.load import load  # noqa: PLC0415  # it takes its time

    process.prepare(os.environ)
    try:
        settings = load(Path(option) if option else None, os.environ)
    except FitferryError:
        return False
    run_daemon(settings)
    return True


def run_daemon(settings: Settings, handover: Handover | None = None) -> None:
    """Run the daemon in this process, until it is told to stop. Raises CannotRun."""
    with loading(PASSED_OVER):
        from fitferry import daemon  # noqa: PLC0415  # it imports everything
    daemon.run(settings, handover=handover)
