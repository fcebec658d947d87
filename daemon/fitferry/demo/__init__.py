"""The whole path in a minute: daemon, page, a ride that is dropped and uploaded, in a temporary folder."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fitferry.core.errors import FitferryError
from fitferry.core.messages import verbatim
from fitferry.demo.harness import DaemonHarness, harness

RIDE = Path(__file__).parent / "ride.fit"


def show(*, say: Callable[[str], object], keep_running: bool = False) -> None:
    """Run the demo, with an account of each step. Raises FitferryError where a step does not come to its end."""
    began = time.monotonic()

    def step(text: str) -> None:
        say(f"{time.monotonic() - began:5.1f} s  {text}")

    with tempfile.TemporaryDirectory(prefix="fitferry-demo-") as folder, _ended_by_signals():
        with harness(Path(folder), processing_seconds=0.5) as home:
            step(f"a local Strava look-alike is at {home.sandbox.url}")
            home.start()
            _walk(home, step)
            if keep_running:
                _keep_running(home, say)
            code = home.stop()
            if code != 0:
                raise FitferryError(verbatim(f"the daemon ended with {code}:\n{home.words()}"))
        step("the daemon has stopped cleanly")
    step("everything was removed again: that is the whole path")


def _walk(home: DaemonHarness, step: Callable[[str], None]) -> None:
    """The path of one ride, step by step."""
    step(f"the daemon runs and watches {home.rides}; its page is at {home.status()['web']['url']}")
    home.connect()
    (athlete,) = home.ask("GET", "/api/v1/strava/status")["athletes"]
    step(f"signed in at the look-alike's consent page: connected as {athlete['display_name']}")
    _drop(home, "morning.fit")
    step("dropped morning.fit into the folder, as a device would")
    job = home.wait(lambda: next(iter(home.history()), None), otherwise="the file was not noticed")
    kilometres = job["distance_m"] / 1000
    step(f"it is job {job['id']}: {job['sport']}, {kilometres:.1f} km, {job['duration_s']:.0f} s")
    (done,) = home.completed()
    step(f"uploaded: it is activity {done['strava_activity_id']}")
    _check_activity(home, done)
    external_id = f"{done['sha256'][:12]}….fit"
    step(f"the look-alike has it, sent as {external_id}")
    _drop(home, "copy of morning.fit")
    home.wait(lambda: "copy of morning.fit" in home.words(), otherwise="the copy was not noticed")
    if len(home.history()) != 1 or len(home.sandbox.world.uploads) != 1:
        raise FitferryError(verbatim("the same ride was sent twice"))
    step("dropped the same ride under another name: known, nothing is sent twice")


def _check_activity(home: DaemonHarness, done: dict[str, Any]) -> None:
    (activity,) = home.sandbox.world.activities.values()
    if activity.id != done["strava_activity_id"] or activity.external_id != f"{done['sha256']}.fit":
        raise FitferryError(verbatim("the look-alike knows another activity than the history"))


def _drop(home: DaemonHarness, name: str) -> None:
    """Put the ride into the folder, under another name first."""
    temporary = home.rides / f".{name}.part"
    temporary.write_bytes(RIDE.read_bytes())
    temporary.rename(home.rides / name)


def _keep_running(home: DaemonHarness, say: Callable[[str], object]) -> None:
    say(f"\nThe page: {home.ask('POST', '/api/v1/login-link')['url']}")
    say(f"Drop files into {home.rides}. Ctrl-C ends everything.")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, so that nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
