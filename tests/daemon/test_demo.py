"""The demo shows the whole path and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fit_writer import ride
from fitferry.demo import RIDE
from offline import offline


def test_the_sample_ride_is_what_the_writer_makes() -> None:
    """Whoever changes the writer makes it anew."""
    assert (
        ride(datetime(2026, 11, 22, 8, 30, tzinfo=UTC), seconds=600, distance_m=4800.0) == RIDE.read_bytes()
    )


def test_the_demo_ends_well_and_leaves_nothing(tmp_path: Path) -> None:
    """Each step is told; no file and no process stays. All of it is on this machine, whatever proxy leads out of it."""
    command = [sys.executable, "-m", "fitferry", "demo"]
    environ = {**os.environ, "TMPDIR": str(tmp_path), "FITFERRY_WEB_PORT": "nonsense"}
    environ |= dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    demo = subprocess.Popen(  # ourselves
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        start_new_session=True,
    )
    told, _ = demo.communicate(timeout=60)

    assert demo.returncode == 0, told
    assert "uploaded: it is activity" in told
    assert "nothing is sent twice" in told
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)


def test_a_port_that_is_taken_is_no_sandbox() -> None:
    """In a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = offline("sandbox", "--port", port)

    assert type(ended.exception).__name__ == "FitferryError"
    assert str(ended.exception).startswith(f"port {port} cannot be used (Address already in use")
