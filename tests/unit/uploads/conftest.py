"""What the tests of uploads share."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker_bench import Bench


@pytest.fixture
def bench(ledger: Path, tmp_path: Path) -> Bench:
    """A worker with an athlete and an empty folder, on an empty ledger."""
    assert ledger.exists()
    folder = tmp_path / "rides"
    folder.mkdir()
    return Bench(folder)
