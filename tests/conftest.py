"""What several test modules need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from fitferry.ledger import tables


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Path]:
    """An open, empty ledger; the path of its file."""
    path = tmp_path / "state.db"
    with tables.opened(path):
        yield path


@pytest.fixture(autouse=True)
def _no_leftover_logging() -> Iterator[None]:
    """Leave structlog as it was found."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
