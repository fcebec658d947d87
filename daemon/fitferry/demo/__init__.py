"""How does all of it look in a minute? The whole path in a temporary folder, against the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fitferry.core.errors import FitferryError
from fitferry.sandbox import Sandbox

RIDE = Path(__file__).parent / "ride.fit"
PATIENCE = 20.0
"""Seconds that any one step may take."""
_CONFIG = """[strava]
client_id = {client_id}
client_secret = "{secret}"
website = "{url}"
api = "{url}/api/v3"

[[watch]]
folder = {rides}

[web]
port = 0

[uploads]
check_delays = [0.3]

[state]
folder = {state}

[log]
format = "json"
"""


def show(*, say: Callable[[str], object], keep_running: bool = False) -> None:
    """Run the demo, with an account of each step. Raises FerryError where a step does not come to its end."""
    began = time.monotonic()

    def step(words: str) -> None:
        say(f"{time.monotonic() - began:5.1f} s  {words}")

    with tempfile.TemporaryDirectory(prefix="fitferry-demo-") as folder, _ended_by_signals():
        with Sandbox(processing_seconds=0.5) as sandbox:
            step(f"a local Strava look-alike is at {sandbox.url}")
            demo = _Demo(Path(folder), sandbox)
            with demo.daemon():
                _walk(demo, step)
                if keep_running:
                    _keep_running(demo, say)
        step("the daemon has stopped cleanly")
    step("everything was removed again: that is the whole path")


def _walk(demo: _Demo, step: Callable[[str], None]) -> None:
    step(f"the daemon runs and watches {demo.rides}; its page is at {demo.status()['web']['url']}")
    step(f"signed in at the look-alike's consent page: {demo.connect()}")
    demo.drop("morning.fit")
    step("dropped morning.fit into the folder, as a device would")
    job = demo.wait_for(lambda: next(iter(demo.history()), None), "the file was not noticed")
    step(
        f"it is job {job['id']}: {job['sport']}, {job['distance_m'] / 1000:.1f} km, {job['duration_s']:.0f} s"
    )
    done = demo.wait_for(demo.completed, "the upload was not completed")
    step(f"uploaded: it is activity {done['strava_activity_id']}")
    (activity,) = demo.sandbox.world.activities.values()
    if activity.id != done["strava_activity_id"] or activity.external_id != f"{done['sha256']}.fit":
        raise FitferryError("the look-alike knows another activity than the history")
    step(f"the look-alike has it as {activity.sport_type}, sent as {activity.external_id[:12]}….fit")
    demo.drop("copy of morning.fit")
    demo.wait_for(lambda: demo.seen("copy of morning.fit"), "the copy was not noticed")
    if len(demo.history()) != 1 or len(demo.sandbox.world.uploads) != 1:
        raise FitferryError("the same ride was sent twice")
    step("dropped the same ride under another name: known, nothing is sent twice")


def _keep_running(demo: _Demo, say: Callable[[str], object]) -> None:
    say(f"\nThe page: {demo.ask('POST', '/api/v1/login-link')['url']}")
    say(f"Drop files into {demo.rides}. Ctrl-C ends everything.")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


class _Demo:
    """The folders, the sandbox, and the daemon as another process."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.rides, self.state = folder / "rides", folder / "state"
        self._config, self._log = folder / "config.toml", folder / "log"
        self.rides.mkdir()
        switches = sandbox.world.switches
        self._config.write_text(
            _CONFIG.format(
                client_id=switches.client_id,
                secret=switches.client_secret,
                url=sandbox.url,
                rides=json.dumps(str(self.rides)),
                state=json.dumps(str(self.state)),
            ),
            encoding="utf-8",
        )

    @contextlib.contextmanager
    def daemon(self) -> Iterator[None]:
        """The daemon, stopped by SIGTERM at the end."""
        ours = ("FITFERRY_", "STRAVA_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        command = [sys.executable, "-m", "fitferry", "--config", str(self._config), "run"]
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=self.state.parent)  # noqa: S603  # ourselves
            try:
                self.wait_for(lambda: self._ready(process), "the daemon did not start")
                yield
                process.send_signal(signal.SIGTERM)
                if process.wait(PATIENCE) != 0:
                    raise FitferryError(f"the daemon ended with {process.returncode}:\n{self._last_lines()}")
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def status(self) -> dict[str, Any]:
        """The daemon's status file."""
        found: dict[str, Any] = json.loads((self.state / "status.json").read_text(encoding="utf-8"))
        return found

    def connect(self) -> str:
        """Go through the consent page as a browser does; as whom."""
        url = self.ask("GET", "/api/v1/strava/auth")["authorization_url"]
        boxes = [("authorize", "1"), ("scope", "activity:write"), ("scope", "activity:read_all")]
        with urllib.request.urlopen(url, urlencode(boxes).encode(), timeout=PATIENCE) as answer:  # noqa: S310  # our own sandbox
            if answer.status != 200:  # noqa: PLR2004  # OK
                raise FitferryError("the sign-in did not work")
        (athlete,) = self.ask("GET", "/api/v1/strava/status")["athletes"]
        return f"connected as {athlete['display_name']}"

    def drop(self, name: str) -> None:
        """Put the ride into the folder, under another name first."""
        temporary = self.rides / f".{name}.part"
        temporary.write_bytes(RIDE.read_bytes())
        temporary.rename(self.rides / name)

    def history(self) -> list[dict[str, Any]]:
        """The uploads, newest first."""
        return list(self.ask("GET", "/api/v1/strava/uploads")["uploads"])

    def completed(self) -> dict[str, Any] | None:
        """The upload, once it is completed."""
        return next((job for job in self.history() if job["status"] == "completed"), None)

    def seen(self, name: str) -> bool:
        """Whether the daemon has said that it looked at a file."""
        return name in self._log.read_text(encoding="utf-8", errors="replace")

    def ask(self, method: str, path: str) -> dict[str, Any]:
        """Ask the daemon's API."""
        web = self.status()["web"]
        token = (self.state / "api-token").read_text(encoding="ascii").strip()
        request = urllib.request.Request(  # our own daemon
            f"http://{web['host']}:{web['port']}{path}",
            data=b"{}" if method == "POST" else None,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # the same
            found: dict[str, Any] = json.load(answer)
        return found

    def wait_for(self, found: Callable[[], Any], otherwise: str) -> Any:
        """What is found in time. Raises FerryError with the daemon's last words where it is not."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError):
                value = found()
                if value:
                    return value
            time.sleep(0.05)
        raise FitferryError(f"{otherwise}; the daemon's last words:\n{self._last_lines()}")

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise FitferryError(f"the daemon ended with {process.returncode}:\n{self._last_lines()}")
        return (self.state / "status.json").exists() and (self.state / "api-token").exists()

    def _last_lines(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, so that nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
