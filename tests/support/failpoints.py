"""One death at a failpoint, and the life after it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox

HERE = Path(__file__).parent
DEATH = -9


def die_and_live(folder: Path, point: str, *, count: int = 1) -> None:
    """Let a daemon die at a point (the `count`-th time), start it again, and see that all is well.

    A fresh ride is admitted as being sent, in one commit; an old one is not.
    """
    body = ride(time.time() - 7200 if "fresh" in point else 1_790_000_000)
    with Sandbox(processing_seconds=0.05, keep_refresh_token="refresh" in point) as sandbox:
        home = DaemonHarness(folder, sandbox)
        home.configure(archive='after_upload = "archive"' if "put away" in point else "")
        if "migration" in point:
            _die_at_start(home, point, count)
            home.start()
            home.connect()
        else:
            home.start()
            home.connect()
            home.stop()
            _die_at_work(home, point, count, body)
        before = {path.name for path in home.rides.rglob("*.fit")}
        if not before:
            home.drop("ride.fit", body)
        home.wait(lambda: home.history() and home.history()[0]["status"] == "completed")
        home.ask("POST", "/api/v1/keys/rotate")
        home.drop("next.fit", ride(1_790_100_000))
        home.completed(2)
        assert home.stop() == 0
        made = [one.sha256 for one in sandbox.world.activities.values()]
        assert len(made) == len(set(made)) == 2  # the two rides
        assert {path.name for path in home.rides.rglob("*.fit")} == {"ride.fit", "next.fit"}


def _die_at_start(home: DaemonHarness, point: str, count: int) -> None:
    home.program = [str(HERE / "daemon_failpoints.py")]
    home.more = {"FITFERRY_FAILPOINT": f"{point}:{count}"}
    process = home.spawn()
    assert process.wait(60) == DEATH
    home.program, home.more = ["-m", "fitferry"], {}


def _die_at_work(home: DaemonHarness, point: str, count: int, body: bytes) -> None:
    """Start with the failpoint, give it work until it dies, and start again without."""
    home.program = [str(HERE / "daemon_failpoints.py")]
    home.more = {"FITFERRY_FAILPOINT": f"{point}:{count}"}
    if "backup" in point:
        for copy in home.state.glob("state-*.db"):
            copy.unlink()
    else:
        home.start()
    process = home.spawn() if "backup" in point else home.process
    assert process is not None
    if "refresh" in point:
        home.sandbox.world.expire()
    if "rotation" in point:
        _try(home)
    elif "backup" not in point:
        home.drop("ride.fit", body)
    assert process.wait(60) == DEATH
    home.program, home.more = ["-m", "fitferry"], {}
    home.start()


def _try(home: DaemonHarness) -> None:
    """Ask for a new key; the daemon dies of it."""
    try:
        home.ask("POST", "/api/v1/keys/rotate")
    except OSError:
        return
    sys.exit("it did not die")
