"""What Strava says of an activity."""

from __future__ import annotations

import pytest

from fitferry.core.strava import Grant, ListedActivity, RateLimit


@pytest.mark.parametrize(
    ("external_id", "sent_as"),
    [("abc.fit", "abc"), ("abc.fit.gz", "abc"), ("abc", "abc"), ("", ""), (None, "")],
)
def test_an_activity_was_sent_as_its_external_id_without_what_strava_appends(
    external_id: str | None, sent_as: str
) -> None:
    """Strava appends the data type; what came from elsewhere may have none."""
    assert ListedActivity(1, external_id, 0.0, 60.0).sent_as == sent_as


def test_no_token_of_a_grant_is_shown() -> None:
    """Whoever prints or logs one by accident gives nothing away."""
    assert "secret" not in repr(Grant("access-secret", "refresh-secret", expires_at=0.0))


def test_until_strava_says_otherwise_its_usual_limits_hold_and_nothing_is_used() -> None:
    """200 requests a quarter hour and 2,000 a day, half of them reads."""
    assert RateLimit() == RateLimit((200, 2000), (0, 0), (100, 1000), (0, 0), heard_at=0.0)
