"""What the tests of the ledger share."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from samples import SAMPLES


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger as the version of commit e52d9b7 left it."""
    path = tmp_path / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.executescript((SAMPLES / "ledger_e52d9b7.sql").read_text(encoding="utf-8"))
        raw.execute("PRAGMA journal_mode = wal")
    return path
