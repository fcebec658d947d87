"""Who is compared, and how is each started, ended, and asked what it knows?"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from bench.peers import venvs

from daemon_harness import DaemonHarness
from fitferry.demo.harness import Process
from fitferry.sandbox import Sandbox

HERE = Path(__file__).parent
SCOPES = ("read", "activity:write", "activity:read_all")
STARTING = 20.0
SETTLING = 1.0
"""Seconds from the word that it watches until anything is done to it."""
SETTINGS = """
[strava]
client_id = 12345
client_secret = "sandbox-secret"
website = "{url}"
api = "{url}/api/v3"
[[watch]]
folder = "{rides}"
[web]
port = 0
[uploads]
retry_delays = [5, 5, 5, 5]
uncertain_delay = 5
[state]
folder = "{state}"
[log]
format = "json"
"""


class Contender:
    """A program that watches a folder; what all of them have in common."""

    name: ClassVar[str]
    to_strava: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ()
    minor: ClassVar[int] = 11
    programs: ClassVar[tuple[str, ...]] = ()
    ready: ClassVar[str]
    """What it says when it watches."""

    def __init__(self, folder: Path, sandbox: Sandbox, programs: Path) -> None:
        self.folder, self.sandbox, self.bin = folder, sandbox, programs
        self.inbox, self.log, self.done = folder / "rides", folder / "log", folder / "done"
        self.process: Process | None = None

    @classmethod
    def installed(cls, cache: Path) -> Path:
        """Where its programs are; raises NotRun."""
        missing = [program for program in cls.programs if shutil.which(program) is None]
        if missing:
            raise venvs.NotRun(f"needs {', '.join(missing)}")
        return venvs.made(cache, cls.__name__.lower(), cls.packages, cls.minor) if cls.packages else cache

    def sign_in(self) -> None:
        """Get the athlete's permission."""
        self.inbox.mkdir()
        code = self.sandbox.world.grant(SCOPES)
        token = self.sandbox.world.exchange(code or "")
        self.token = token.access if token else ""

    def start(self) -> None:
        """Start it and wait until it watches."""
        with self.log.open("wb") as log:
            environ = {**os.environ, **self.environ()}
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, cwd=self.folder
            )
        if not wait(lambda: self.ready in self.log.read_text(errors="replace"), STARTING):
            raise AssertionError(f"does not start: {self.log.read_text(errors='replace')[-200:]}")
        time.sleep(SETTLING)

    def command(self) -> list[str]:
        """How it is called."""
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        """What it needs to find in its environment."""
        return {
            "STRAVA_TOKEN": self.token,
            "STRAVA_SERVER": f"127.0.0.1:{self.sandbox.port}",
            "STRAVA_API": f"{self.sandbox.url}/api/v3",
        }

    def known(self) -> int:
        """How many files it holds to be done."""
        return len(self.done.read_text().splitlines()) if self.done.exists() else 0

    def next_try(self) -> str | None:
        """When it will try again, if it says so."""
        return None

    def has_ended(self) -> bool:
        """Whether it does not run (any more)."""
        return self.process is None or self.process.poll() is not None

    def family(self) -> list[int]:
        """Its process and all that come from it."""
        found = [] if self.process is None or self.has_ended() else [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):  # it has ended since
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    found += map(int, children.read_text().split())
        return found

    def end(self, number: int = signal.SIGKILL) -> None:
        """End all of its processes with a signal."""
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if not wait(self.has_ended, 10) and self.process is not None:
            self.process.kill()
            self.process.wait()


class Fitferry(Contender):
    """Ourselves, as installed where this runs. Its waits of 60 s and more are 5 s, all else is as it comes."""

    name = "Fitferry"

    def sign_in(self) -> None:
        self._home = DaemonHarness(self.folder, self.sandbox)
        values = {"url": self.sandbox.url, "rides": self.inbox, "state": self._home.state}
        self._home.config.write_text(SETTINGS.format(**values), encoding="utf-8")
        self.start()
        self._home.connect()
        self.end(signal.SIGTERM)

    def start(self) -> None:
        try:
            self._home.start()
        finally:
            self.process = self._home.process
        time.sleep(SETTLING)

    def known(self) -> int:
        return sum(job["status"] == "completed" for job in self._home.history())

    def next_try(self) -> str | None:
        found = [job["next_attempt_at"] for job in self._home.history() if job["next_attempt_at"]]
        return str(found[0]) if found else None


class Stravalib(Contender):
    """The script of an evening."""

    name = "stravalib + watchdog script"
    packages = ("stravalib==2.6.0", "watchdog==7.1.0")
    ready = "watching"

    def command(self) -> list[str]:
        return [str(self.bin / "python"), str(HERE / "stravalib_watch.py"), str(self.inbox), str(self.done)]


class Curl(Contender):
    """The loop of a few lines."""

    name = "inotifywait + curl loop"
    programs = ("bash", "inotifywait", "curl", "jq")
    ready = "Watches established"

    def command(self) -> list[str]:
        return ["bash", str(HERE / "curl_loop.sh"), str(self.inbox), str(self.done)]


class FitFileFaker(Contender):
    """Its monitor, which sends to Garmin: the sandbox is its proxy, and refuses its first request."""

    name = "Fit-File-Faker"
    to_strava = False
    packages = ("fit-file-faker==2.2.1", "watchdog==6.0.0")  # since watchdog 7 it sees no file
    minor = 12
    ready = "Monitoring"

    def sign_in(self) -> None:
        super().sign_in()
        profile: dict[str, Any] = {
            "name": "peer",
            "app_type": "custom",
            "garmin_username": "nobody@example.invalid",
            "garmin_password": "none",
            "fitfiles_path": str(self.inbox),
            "serial_number": 1_234_567_890,
        }
        settings = self.folder / "FitFileFaker" / ".config.json"
        settings.parent.mkdir()
        settings.write_text(json.dumps({"profiles": [profile], "default_profile": "peer"}))

    def command(self) -> list[str]:
        return [str(self.bin / "fit-file-faker"), "--monitor", str(self.inbox)]

    def environ(self) -> dict[str, str]:
        homes = dict.fromkeys(
            ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME", "TMPDIR"), str(self.folder)
        )
        proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY"), self.sandbox.url)
        return {**homes, **proxies, "NO_PROXY": "", "no_proxy": ""}

    def known(self) -> int:
        done = self.inbox / ".uploaded_files.json"
        return len(json.loads(done.read_text() or "[]")) if done.exists() else 0


CONTENDERS: tuple[type[Contender], ...] = (Fitferry, Stravalib, Curl, FitFileFaker)


def wait(found: Callable[[], object], seconds: float, every: float = 0.01) -> bool:
    """Whether it is found before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(every)
    return bool(found())
