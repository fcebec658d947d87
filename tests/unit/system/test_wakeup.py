"""Waking the main thread, and stopping it by a signal."""

from __future__ import annotations

import os
import signal

from fitferry.system.wakeup import WakeupPipe


def test_a_signal_before_the_wait_is_not_slept_over() -> None:
    """Python's own handler may run only afterwards: here it does nothing at all."""
    with WakeupPipe() as wakeup, wakeup.stopped_by_signals():
        signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        wakeup.wait(86_400)  # pytest's own deadline is much sooner

        assert not wakeup.stopping


def test_signals_call_to_stop_and_are_as_before_afterwards() -> None:
    """Also what the interpreter writes for another library."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with WakeupPipe() as wakeup, wakeup.stopped_by_signals():
        os.kill(os.getpid(), signal.SIGINT)
        assert wakeup.stopping

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert signal.set_wakeup_fd(-1) == -1
