"""What systemd hears."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from fitferry.system import systemd
from fitferry.system.wakeup import WakeupPipe


def test_lines_go_to_the_socket_that_systemd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one datagram."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
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
        ("120000000", "ours", 60.0),
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
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "ours" else pid)

    assert expected == systemd.watchdog_seconds()


def test_a_call_ends_the_wait_and_many_are_one() -> None:
    """The supervisor writes the status file once for all of them."""
    with WakeupPipe(pause=0.01) as wakeup:
        for _ in range(100):
            wakeup.wake()
        wakeup.wait(60)
        wakeup.wait(0)
        wakeup.stop()
        wakeup.wait(60)

        assert wakeup.stopping
    wakeup.wake()


ANALYZE = shutil.which("systemd-analyze")
UNITS = Path(__file__).parents[2] / "systemd"
needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="no systemd-analyze: install Debian's package systemd"
)


def analyzed(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(  # systemd's own
        [str(ANALYZE), *words], capture_output=True, text=True, check=False, env={**os.environ, **environ}
    )


@needs_systemd
@pytest.mark.parametrize(("name", "most"), [("fitferry.service", 1.3), ("user/fitferry.service", 6.2)])
def test_the_unit_gives_little_to_whoever_takes_it_over(name: str, most: float) -> None:
    """Systemd's own measure of exposure, from 0 (safe) to 10: as SECURITY.md says, and why."""
    ended = analyzed("security", "--offline=true", "--no-pager", str(UNITS / name))
    found = re.search(r"Overall exposure level for fitferry.service: ([\d.]+)", ended.stdout)

    assert found is not None, ended.stderr
    assert float(found[1]) <= most
    assert str(most) in (UNITS.parent / "SECURITY.md").read_text(encoding="utf-8")


@needs_systemd
@pytest.mark.parametrize("name", ["fitferry.service", "user/fitferry.service"])
def test_systemd_understands_every_line_of_the_units(tmp_path: Path, name: str) -> None:
    """Without a word; the program itself is not installed here."""
    unit = tmp_path / "fitferry.service"
    text = (UNITS / name).read_text(encoding="utf-8")
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text), encoding="utf-8")
    user = ["--user"] if "/" in name else []
    drop_in = tmp_path / "fitferry.service.d"
    drop_in.mkdir()
    if not user:
        shutil.copy(UNITS / "credentials.conf", drop_in)
    ended = analyzed("verify", *user, str(unit), XDG_RUNTIME_DIR=str(tmp_path))

    assert (ended.returncode, ended.stderr) == (0, "")


def test_every_hardening_line_says_why() -> None:
    """Each stands in a paragraph that begins with its reason."""
    text = (UNITS / "fitferry.service").read_text(encoding="utf-8")
    lines = text.split("What it cannot do")[1].split("[Install]")[0].splitlines()[1:]
    reasons = [line.startswith("#") for line in lines if line]

    assert reasons[0]
    assert sum(reasons) >= len(reasons) / 4
