"""A daemon in a folder of its own, as most tests of it need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness, harness


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
