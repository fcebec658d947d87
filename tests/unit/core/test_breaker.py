"""The breakers that all jobs share: since when they are open, how often they were tried, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import NOW
from fitferry.core.breaker import Breaker, BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind

DOWN = verbatim("no route")
OPEN = Breaker(BreakerName.NETWORK, NOW + 300, NOW - 60, 2, StravaErrorKind.UNREACHABLE, DOWN)


@pytest.mark.parametrize(
    ("name", "until", "kept_until"),
    [
        (BreakerName.NETWORK, NOW + 60, NOW + 60),
        (BreakerName.NETWORK, NOW + 900, NOW + 900),
        (BreakerName.RATE_LIMIT, NOW + 60, NOW + 300),
        (BreakerName.RATE_LIMIT, NOW + 900, NOW + 900),
    ],
)
def test_a_breaker_that_is_open_already_counts_the_tries_since_it_was_opened(
    name: BreakerName, until: float, kept_until: float
) -> None:
    """And a rate limit only ever lasts longer: of two answers the later window holds."""
    trip = BreakerTrip(name, until, StravaErrorKind.RATE_LIMITED, verbatim("later"))

    assert Breaker.opened(trip, replace(OPEN, name=name, probing=True), NOW) == Breaker(
        name, kept_until, NOW - 60, 3, StravaErrorKind.RATE_LIMITED, verbatim("later"), probing=False
    )


def test_a_breaker_that_was_closed_is_opened_now_with_one_try_behind_it() -> None:
    """For as long as its trip says."""
    trip = BreakerTrip(BreakerName.RATE_LIMIT, NOW + 60, StravaErrorKind.RATE_LIMITED, DOWN)

    assert Breaker.opened(trip, None, NOW) == Breaker(
        BreakerName.RATE_LIMIT, NOW + 60, NOW, 1, StravaErrorKind.RATE_LIMITED, DOWN
    )


def test_a_breaker_lets_somebody_try_from_its_end_on() -> None:
    """Not a moment before."""
    assert (OPEN.blocks(NOW + 299.9), OPEN.blocks(NOW + 300)) == (True, False)


@pytest.mark.parametrize(
    ("until", "since", "longest", "kept_until", "kept_since"),
    [
        pytest.param(NOW + 200, NOW - 60, 300.0, NOW + 200, NOW - 60, id="a wait within its bound stays"),
        pytest.param(NOW + 9000, NOW - 60, 300.0, NOW + 300, NOW - 60, id="a longer one is cut"),
        pytest.param(NOW + 500, NOW + 400, 300.0, NOW + 100, NOW, id="one from a time to come moves with it"),
    ],
)
def test_a_clock_that_jumped_back_keeps_no_breaker_open(
    until: float, since: float, longest: float, kept_until: float, kept_since: float
) -> None:
    """Counted from now, no breaker is open for longer than its longest wait."""
    breaker = replace(OPEN, until=until, since=since).within(longest, NOW)

    assert (breaker.until, breaker.since) == (kept_until, kept_since)
