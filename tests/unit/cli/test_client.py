"""The commands' way to the daemon."""

from __future__ import annotations

from fitferry.cli.client import REQUEST_SECONDS
from fitferry.strava.client import REQUEST_DEADLINE


def test_a_command_waits_longer_than_what_the_daemon_may_ask_strava_for_it() -> None:
    """A code is tried three times: who gives up before would call a sign-in failed that has succeeded."""
    assert REQUEST_SECONDS > 3 * REQUEST_DEADLINE
