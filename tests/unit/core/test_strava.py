"""What Strava says of an activity."""

from __future__ import annotations

import pytest

from fitferry.core.strava import ListedActivity


@pytest.mark.parametrize(
    ("external_id", "sent_as"),
    [("abc.fit", "abc"), ("abc.fit.gz", "abc"), ("abc", "abc"), ("", ""), (None, "")],
)
def test_an_activity_was_sent_as_its_external_id_without_what_strava_appends(
    external_id: str | None, sent_as: str
) -> None:
    """Strava appends the data type; what came from elsewhere may have none."""
    assert ListedActivity(1, external_id, 0.0, 60.0).sent_as == sent_as
