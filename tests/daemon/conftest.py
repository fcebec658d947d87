"""A daemon in a folder of its own, as most tests of it need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from daemon_harness import DaemonHarness, harness

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all."""
    from browser import chromium  # noqa: PLC0415  # for those who need it

    with chromium() as one:
        yield one


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DaemonHarness]:
    """A daemon in a folder of its own; the daemon does not run yet."""
    with harness(tmp_path) as one:
        yield one


@pytest.fixture
def running(home: DaemonHarness) -> DaemonHarness:
    """A daemon in a folder of its own whose athlete is connected."""
    home.start()
    home.connect()
    return home
