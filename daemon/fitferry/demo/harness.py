"""A whole installation, driven: the sandbox, a folder, and the daemon as a process; for demo, tests and benches."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from fitferry.core.errors import FitferryError
from fitferry.core.messages import verbatim
from fitferry.sandbox import Sandbox

PATIENCE = 60.0
"""Seconds that any one step may take."""
_LAST_LINES = 40
CONFIG = """
[strava]
client_id = 12345
client_secret = "sandbox-secret"
website = "{url}"
api = "{url}/api/v3"

[[watch]]
folder = {rides}
settle = 0.2

[web]
port = {port}

[uploads]
retry_delays = {retries}
uncertain_delay = 0.3
check_delays = [0.1]
{archive}

[state]
folder = {state}

[log]
format = "json"
{extra}
"""
_NOT_INHERITED = (
    "FITFERRY_",
    "STRAVA_",
    "NOTIFY_",
    "WATCHDOG_",
    "JOURNAL_",
    "INVOCATION_ID",
    "STATE_DIR",
    "DISPLAY",
    "WAYLAND_",
    # everything is on this machine
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    # compiled modules are kept, as in every installation: each start is quicker and takes 4 MB less
    "PYTHONDONTWRITE",
)
"""What is meant for another Fitferry, for a desktop, or for the way to the internet; also in lower case."""
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Process(Protocol):
    """The part of `subprocess.Popen` that drives a daemon."""

    pid: int

    def poll(self) -> int | None:
        """The exit code, once it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit code."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal."""

    def kill(self) -> None:
        """Kill it."""


class DaemonHarness:
    """The folders, the sandbox, and the daemon, which can be started, stopped and killed.

    Raises FitferryError, with the daemon's last words, where a step does not come to its end.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.rides, self.state = folder / "rides", folder / "state"
        self.config, self.log = folder / "config.toml", folder / "log"
        self.process: Process | None = None
        self.program = ["-m", "fitferry"]
        self.more: dict[str, str] = {}
        """Further variables of the daemon's environment."""
        self.rides.mkdir()
        self.configure()

    def configure(self, extra: str = "", **values: str) -> None:
        given = {"rides": str(self.rides), "state": str(self.state), "archive": "", "port": "0"}
        given |= {"retries": "[0.2, 0.2, 0.2, 0.2]", **values}
        given |= {name: json.dumps(given[name]) for name in ("rides", "state")}
        text = CONFIG.format(url=self.sandbox.url, extra=extra, **given)
        self.config.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start the daemon and wait until it is ready."""
        (self.state / "status.json").unlink(missing_ok=True)
        self.spawn()
        self.wait(lambda: (self.state / "status.json").exists() or self.process_has_ended())
        if self.process_has_ended():
            raise FitferryError(verbatim(f"the daemon has ended; its last words:\n{self._last_words()}"))

    def spawn(self) -> Process:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # ourselves
                self.command("run"), stdout=log, stderr=log, env={**self.environ(), **self.more}
            )
        return self.process

    def process_has_ended(self) -> bool:
        """Whether the daemon is gone."""
        return self.process is not None and self.process.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the daemon with a signal; its exit code."""
        if self.process is None:
            raise FitferryError(verbatim("no daemon was started"))
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End the daemon for good, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def command(self, *words: str) -> list[str]:
        """A command on this installation's settings."""
        return [sys.executable, *self.program, "--config", str(self.config), *words]

    def environ(self) -> dict[str, str]:
        """Our own environment without anything that is meant for another Fitferry."""
        return {
            name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_INHERITED)
        }

    def connect(self) -> None:
        """Sign in at the sandbox's consent page."""
        url = self.ask("GET", "/api/v1/strava/auth")["authorization_url"]
        boxes = [("authorize", "1"), ("scope", "activity:write"), ("scope", "activity:read_all")]
        _open(url, urlencode(boxes).encode(), timeout=PATIENCE).close()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        with _open(self.request(method, path, data), timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def status(self) -> dict[str, Any]:
        """The status file."""
        found: dict[str, Any] = json.loads((self.state / "status.json").read_text(encoding="utf-8"))
        return found

    def history(self) -> list[dict[str, Any]]:
        """The uploads, newest first."""
        return list(self.ask("GET", "/api/v1/strava/uploads?limit=200")["uploads"])

    def completed(self, count: int = 1) -> list[dict[str, Any]]:
        """So many completed uploads, waited for."""
        self.wait(lambda: len(self._completed()) >= count)
        return self._completed()

    def wait(
        self, found: Callable[[], Any], seconds: float = PATIENCE, otherwise: str = "waited in vain"
    ) -> Any:
        """What is found in time; `otherwise`: what is said where it is not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                value = found()
                if value:
                    return value
            time.sleep(0.02)
        raise FitferryError(verbatim(f"{otherwise}; the daemon's last words:\n{self._last_words()}"))

    def words(self) -> str:
        """What the daemon has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def _completed(self) -> list[dict[str, Any]]:
        return [job for job in self.history() if job["status"] == "completed"]

    def request(self, method: str, path: str, data: bytes | None = None) -> urllib.request.Request:
        """A request to the daemon with the API token."""
        token = (self.state / "api-token").read_text(encoding="ascii").strip()
        return urllib.request.Request(
            f"http://127.0.0.1:{self.status()['web']['port']}{path}",
            data=data,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            method=method,
        )

    def _last_words(self) -> str:
        return "\n".join(self.words().splitlines()[-_LAST_LINES:])


@contextlib.contextmanager
def harness(folder: Path, **switches: Any) -> Iterator[DaemonHarness]:
    """An installation in a folder whose daemon does not run yet; everything is ended afterwards.

    `switches`: how the sandbox is to be.
    """
    with Sandbox(**{"processing_seconds": 0.1, **switches}) as sandbox:
        home = DaemonHarness(folder, sandbox)
        try:
            yield home
        finally:
            home.kill()
