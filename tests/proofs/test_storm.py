"""Kills at random moments lose and double nothing. The long form is `python bench/storm.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from kill_storm import storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_a_storm_of_kills_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """With lost answers and broken ones in between; every history row equals the server's truth."""
    report = storm(tmp_path, kills=40, files=200)

    assert report.is_clean, report
    assert report.activities == report.completed == report.files


def test_where_strava_refuses_no_duplicates_looking_first_doubles_nothing_either(tmp_path: Path) -> None:
    """With the permission to read activities."""
    report = storm(tmp_path, kills=10, files=50, seed=2, refuse_duplicates=False)

    assert report.is_clean, report
    assert report.activities == report.completed == report.files
