"""Calls at set times: the earliest first, whatever was set before, and none that was cancelled."""

from __future__ import annotations

import threading

from fitferry.system.alarms import Alarms

PATIENCE = 20.0


def test_a_call_comes_in_its_time_though_a_later_one_was_set_before() -> None:
    """The thread sleeps until the next one, and is woken for an earlier one."""
    alarms, called = Alarms(), threading.Event()
    alarms.set(3600.0, lambda: None)
    alarms.set(0.01, called.set)

    assert called.wait(PATIENCE)


def test_what_was_cancelled_is_not_called() -> None:
    """Also where another call wakes the thread at the same moment."""
    alarms, called, other = Alarms(), threading.Event(), threading.Event()
    number = alarms.set(0.2, called.set)
    alarms.cancel(number)
    alarms.set(0.3, other.set)

    assert other.wait(PATIENCE)
    assert not called.is_set()


def test_calls_go_on_after_the_thread_had_nothing_to_do() -> None:
    """It waits without a limit then."""
    alarms = Alarms()
    for _ in range(2):
        called = threading.Event()
        alarms.set(0.0, called.set)
        assert called.wait(PATIENCE)
