"""What is kept of Strava's rate limit headers."""

from __future__ import annotations

import pytest

from fakes import NOW
from fitferry.core.strava import RateLimit, RateLimitHeaders
from fitferry.storage import rate_limits


@pytest.mark.usefixtures("ledger")
def test_the_rate_limit_is_merged_from_what_each_answer_says() -> None:
    """A lone comma for the reads leaves the last number standing."""
    rate_limits.update(RateLimitHeaders((400, 4000), (1, 2), (200, 2000), (3, 4)), NOW)
    rate_limits.update(RateLimitHeaders((400, 4000), (5, 6), None, None), NOW + 1)

    assert RateLimit((400, 4000), (5, 6), (200, 2000), (3, 4), NOW + 1) == rate_limits.current()


@pytest.mark.usefixtures("ledger")
def test_an_answer_that_names_no_limit_leaves_what_is_known() -> None:
    """Also when it was heard."""
    rate_limits.update(RateLimitHeaders((400, 4000), (1, 2), (200, 2000), (3, 4)), NOW)
    rate_limits.update(RateLimitHeaders(), NOW + 1)

    assert rate_limits.current().heard_at == NOW
