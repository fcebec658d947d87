"""What the API's answers have in common."""

from __future__ import annotations

import pytest

from fakes import NOW
from fitferry.core.api_types import iso


@pytest.mark.parametrize(
    ("moment", "shown"),
    [(None, None), (0.0, "1970-01-01T00:00:00Z"), (NOW + 0.9, "2026-09-21T14:00:20Z")],
)
def test_a_time_is_utc_to_the_second_with_a_z(moment: float | None, shown: str | None) -> None:
    """And nothing where there is none."""
    assert iso(moment) == shown
