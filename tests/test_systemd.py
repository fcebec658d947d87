"""What systemd hears."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from fitferry import systemd
from fitferry.nudge import Nudge


def test_lines_go_to_the_socket_that_systemd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one datagram."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd.tell("READY=1", "STATUS=well")

        assert heard.recv(1000) == b"READY=1\nSTATUS=well"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Nor when its socket is gone."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.tell("READY=1")


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("120000000", None, 60.0),
        ("120000000", str(os.getpid()), 60.0),
        ("120000000", "1", None),
        ("", None, None),
        ("x", None, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str | None, expected: float | None
) -> None:
    """If it is us whom it watches."""
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", pid)

    assert expected == systemd.watchdog_seconds()


def test_a_nudge_ends_the_wait_and_many_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor writes the status file once for all of them."""
    monkeypatch.setattr("fitferry.nudge.PAUSE", 0.01)
    with Nudge() as nudge:
        for _ in range(100):
            nudge.set()
        nudge.wait(60)
        nudge.wait(0)
        nudge.stop()
        nudge.wait(60)

        assert nudge.stopping
    nudge.set()
