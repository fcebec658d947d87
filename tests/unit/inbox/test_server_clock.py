"""Strava's clock is asked for once somebody needs it."""

from __future__ import annotations

import threading

from fitferry.core.errors import StravaError
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.inbox.server_clock import ServerClock


def test_the_clock_is_asked_for_once_and_told_of() -> None:
    """In a thread of its own: whoever asks goes on."""
    heard, known, asked = threading.Event(), [None], []

    def ask() -> None:
        asked.append(True)
        known[0] = 5.0  # type: ignore[call-overload]  # the answer

    clock = ServerClock(lambda: known[0], ask, heard.set)
    assert clock.now() is None
    assert heard.wait(60)

    assert clock.now() == 5.0
    assert len(asked) == 1


def test_strava_out_of_reach_is_no_fault_and_the_asking_ends_with_the_daemon() -> None:
    """It is tried again."""
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        raise StravaError(StravaErrorKind.UNREACHABLE, verbatim("no network"))

    clock = ServerClock(lambda: None, ask, lambda: None)
    assert clock.now() is None
    assert asked.wait(60)
    clock.stop()

    assert clock.now() is None
