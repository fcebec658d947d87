"""What several test modules need."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

import daemon_harness
import fit_writer
import fork_server
import query_plans
from compile_translations import compile_all
from fitferry.i18n.translator import LOCALE
from fitferry.storage import database

daemon_harness.DaemonHarness.server = fork_server.ForkServer()
compile_all(LOCALE)  # here, so that all that is tested finds it: the processes of the daemon, too


LONGEST = (
    ("test_hostile_neighbour.py", "test_machine.py"),
    ("test_storm.py", "test_stop.py"),
    ("test_failpoints.py", "test_surroundings.py"),
)
"""Files with tests that take many seconds each, in groups of as long together."""


def pytest_configure() -> None:
    """Let what tests start be ended by SIGINT, though a shell that has pytest in its background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that at the end no worker is alone with one; each worker begins with its share of them.

    xdist gives each worker a run of neighbours, and whoever is done first takes some of another's last ones. All that
    needs a browser is one group: each worker would start its own.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    groups = [[item for item in items if "browser" in getattr(item, "fixturenames", ())]]
    groups += [[item for item in items if item.path.name in names] for names in LONGEST]
    longest = {item for group in groups for item in group}
    others = (item for item in items if item not in longest)
    ordered: list[pytest.Item] = []
    for number in range(workers):
        share = (len(items) - len(ordered)) // (workers - number)  # as xdist counts
        begin = [item for group in groups[number::workers] for item in group]
        ordered += [*begin, *itertools.islice(others, max(0, share - len(begin)))]
    items[:] = ordered


@pytest.fixture(scope="session")
def _empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger with all migrations done, which takes longer than most tests."""
    path = tmp_path_factory.mktemp("ledger") / "state.db"
    with database.opened(path):
        pass
    return path


@pytest.fixture
def ledger(tmp_path: Path, _empty_ledger: Path) -> Iterator[Path]:
    """An open, empty ledger; the path of its file. No statement that the package makes may walk what grows."""
    path = tmp_path / "state.db"
    shutil.copy(_empty_ledger, path)
    with database.opened(path), query_plans.watched():
        database.run("PRAGMA synchronous = OFF")  # no test of a power cut is in this process
        yield path


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that another user may enter: pytest closes its own to others, whoever runs beside this."""
    with tempfile.TemporaryDirectory(prefix="fitferry-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(autouse=True)
def _no_leftover_logging() -> Iterator[None]:
    """Leave structlog as it was found. Tracebacks are plain: to colour one takes a second."""
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def ride() -> Callable[..., bytes]:
    """Makes the bytes of a small whole FIT activity; keywords as `fit_writer.ride` has them."""

    def make(**wanted: Any) -> bytes:
        return fit_writer.ride(**{"start": datetime(2026, 9, 21, 12, tzinfo=UTC), "seconds": 30, **wanted})

    return make
