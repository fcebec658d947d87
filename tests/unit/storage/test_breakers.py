"""Breakers: one probe, leases, and clocks that were wrong."""

from __future__ import annotations

import pytest

from fakes import NOW
from fitferry.core import retry_results
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.storage import breakers


def _open(name: BreakerName, *, until: float, now: float = NOW) -> None:
    breakers.open(BreakerTrip(name, until, StravaErrorKind.UNAVAILABLE, verbatim("no route")), now)


@pytest.mark.usefixtures("ledger")
def test_a_breaker_lets_one_probe_out_when_its_time_has_come() -> None:
    """The others find it open until the probe is back."""
    _open(BreakerName.NETWORK, until=NOW + 60)

    with breakers.passing(lambda: NOW + 59) as early:
        assert not early
    with breakers.passing(lambda: NOW + 60) as probe, breakers.passing(lambda: NOW + 60) as second:
        assert probe
        assert not second
        assert breakers.open_breakers()[BreakerName.NETWORK].probing
    with breakers.passing(lambda: NOW + 61) as next_probe:
        assert next_probe


@pytest.mark.usefixtures("ledger")
def test_a_breaker_keeps_the_time_since_when_it_is_open() -> None:
    """However often its probes fail, people see when the trouble began."""
    _open(BreakerName.NETWORK, until=NOW + 60)
    _open(BreakerName.NETWORK, until=NOW + 360, now=NOW + 60)

    assert breakers.open_breakers()[BreakerName.NETWORK].since == NOW
    assert breakers.close(BreakerName.NETWORK)
    assert not breakers.close(BreakerName.NETWORK)


@pytest.mark.usefixtures("ledger")
def test_the_rate_limits_breaker_is_only_ever_kept_open_for_longer() -> None:
    """Strava has asked for an hour; that another answer asks for less shortens nothing."""
    _open(BreakerName.RATE_LIMIT, until=NOW + 3600)
    _open(BreakerName.RATE_LIMIT, until=NOW + 300)

    assert breakers.open_breakers()[BreakerName.RATE_LIMIT].until == NOW + 3600


@pytest.mark.usefixtures("ledger")
def test_a_failed_probe_ends_its_lease() -> None:
    """The lease is longer than the wait until the next probe."""
    _open(BreakerName.NETWORK, until=NOW)
    with breakers.passing(lambda: NOW) as probe:
        _open(BreakerName.NETWORK, until=NOW + 60)
    assert probe

    assert breakers.open_breakers()[BreakerName.NETWORK].until == NOW + 60


@pytest.mark.usefixtures("ledger")
def test_a_breaker_is_clamped_like_a_job() -> None:
    """The clock was hours ahead when it opened: it lasts as long from now on."""
    _open(BreakerName.NETWORK, until=NOW + 9 * 3600 + 60, now=NOW + 9 * 3600)
    _open(BreakerName.SETTINGS, until=NOW + 9 * 3600, now=NOW - 60)
    _open(BreakerName.RATE_LIMIT, until=NOW + 600, now=NOW - 60)
    breakers.clamp(NOW)
    found = breakers.open_breakers()

    assert {name.value: breaker.until - NOW for name, breaker in found.items()} == {
        "network": 60,
        "settings": retry_results.SETTINGS_SECONDS,
        "rate_limit": 600,
    }
    assert found[BreakerName.NETWORK].since == NOW


@pytest.mark.usefixtures("ledger")
def test_a_restart_probes_what_it_may_have_mended() -> None:
    """The settings or the network; what Strava's rate limit asks for is waited for, restart or not."""
    for name in BreakerName:
        _open(name, until=NOW + 600)
    breakers.probe_after_start(NOW + 1)

    found = {name: breaker.until for name, breaker in breakers.open_breakers().items()}
    assert found == {
        BreakerName.SETTINGS: NOW + 1,
        BreakerName.NETWORK: NOW + 1,
        BreakerName.RATE_LIMIT: NOW + 600,
    }


@pytest.mark.usefixtures("ledger")
def test_what_may_be_probed_already_is_not_put_off_by_asking_for_it() -> None:
    """Its time has come; a closed breaker stays closed."""
    breakers.probe_now([BreakerName.SETTINGS], NOW)
    assert breakers.open_breakers() == {}
    _open(BreakerName.SETTINGS, until=NOW)
    breakers.probe_now([BreakerName.SETTINGS, BreakerName.NETWORK], NOW + 60)

    assert {name: one.until for name, one in breakers.open_breakers().items()} == {BreakerName.SETTINGS: NOW}
