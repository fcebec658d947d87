"""Killed at each point between two writes, the next start loses and doubles nothing.

Once each here; twenty times each with `python bench/failpoints.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon_failpoints import POINTS
from failpoints import die_and_live

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", POINTS)
def test_a_death_loses_and_doubles_nothing(tmp_path: Path, point: str) -> None:
    """The file is on Strava once, and the ledger says so."""
    die_and_live(tmp_path, point, count=1)
