"""A daemon in a folder of its own, as most tests of it need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from daemon_harness import DaemonHarness, harness
from page_scenes import Scene
from web_client import Page

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


@pytest.fixture
def page(tmp_path: Path, ledger: Path) -> Page:
    """A page without a daemon behind it; nobody is signed in."""
    assert ledger.exists()
    return Page(tmp_path)


@pytest.fixture
def scene(tmp_path: Path, ledger: Path) -> Scene:
    """A page that a test fills, with somebody in front of it."""
    assert ledger.exists()
    made = Scene(tmp_path)
    made.page.sign_in()
    return made
