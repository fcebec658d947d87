"""What the main thread does now and then, and when it says that the process is ill."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes import NOW, Clock
from fitferry.config.load import load
from fitferry.core.messages import verbatim
from fitferry.core.problems import ProblemCode
from fitferry.maintenance import MISSED_TICKS, TICK_SECONDS, Supervisor


class Parts:
    """The parts of a daemon, each of which can be made to fail."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.ticks = Clock(), Clock(0.0)
        self.done: list[str] = []
        self.failing: set[str] = set()
        (folder / "rides").mkdir()
        config = folder / "config.toml"
        config.write_text(
            f'[strava]\nclient_id = 1\nclient_secret = "{"a" * 40}"\n'
            f'[[watch]]\nfolder = "{folder}/rides"\n[state]\nfolder = "{folder}"\n'
        )
        self.copies = SimpleNamespace(run_if_due=lambda _: self.do("copy"), error=None, is_damaged=False)
        self.supervisor = self._supervisor(load(config, environ={}))

    def do(self, what: str) -> bool:
        """Note that a part was asked; raise where it is to fail."""
        self.done.append(what)
        if what in self.failing:
            raise OSError(28, f"no room for {what}")
        return False

    def _supervisor(self, settings: Any) -> Supervisor:
        parts: dict[str, Any] = {
            "upload_queue": SimpleNamespace(alive=lambda: True, wake=lambda: self.do("wake")),
            "attempts": SimpleNamespace(write_unwritten=lambda: self.do("outcomes")),
            "tokens": SimpleNamespace(write_unwritten=lambda: self.do("tokens")),
            "oauth": SimpleNamespace(revoke_pending=lambda: self.do("revoke")),
            "folders": SimpleNamespace(states=tuple, health_error=lambda: None),
            "notification_policy": None,
            "copies": self.copies,
            "follow_ups": SimpleNamespace(wake=lambda: self.do("follow_ups")),
        }
        return Supervisor(
            settings, url=str, port=lambda: 8480, clock=self.clock, monotonic=self.ticks, **parts
        )


@pytest.fixture
def parts(ledger: Path, tmp_path: Path) -> Parts:
    """A supervisor and what it watches over."""
    assert ledger.parent == tmp_path
    return Parts(tmp_path)


@pytest.mark.parametrize("failing", ["copy", "revoke", "tokens", "outcomes"])
def test_one_failure_stops_none_of_the_rest(parts: Parts, failing: str) -> None:
    """A daily copy that found no room kept revocations, the spool and the archive waiting."""
    parts.failing = {failing}
    parts.supervisor.tick()

    assert {"copy", "revoke", "tokens", "outcomes"} <= set(parts.done)


def test_a_status_that_could_not_be_written_is_written_the_next_time(parts: Parts, tmp_path: Path) -> None:
    """And what stands there meanwhile is not what is no longer so."""
    parts.supervisor.tick()
    path, blocker = tmp_path / "status.json", tmp_path / ".status.json.part"
    assert path.exists()
    blocker.mkdir()
    parts.copies.error = verbatim("no room")
    parts.supervisor.tick()
    assert not path.exists()
    blocker.rmdir()
    parts.supervisor.tick()

    assert [found["code"] for found in json.loads(path.read_text())["problems"]] == [
        ProblemCode.NOT_CONNECTED,
        ProblemCode.NO_COPY,
    ]


def test_a_status_that_somebody_deleted_is_written_again(parts: Parts, tmp_path: Path) -> None:
    """Although nothing has changed: the commands find the daemon by it."""
    path = tmp_path / "status.json"
    parts.supervisor.tick()
    written = path.stat().st_mtime_ns
    parts.supervisor.tick()
    assert path.stat().st_mtime_ns == written
    path.unlink()
    parts.supervisor.tick()

    assert path.exists()


def test_a_main_thread_that_hangs_is_an_illness(parts: Parts) -> None:
    """Three ticks that did not come; a clock that was set has no say in it."""
    parts.supervisor.tick()
    parts.clock.now = NOW + 10 * TICK_SECONDS
    parts.ticks.now = MISSED_TICKS * TICK_SECONDS
    assert parts.supervisor.health_error() is None
    parts.ticks.now += 1

    assert str(parts.supervisor.health_error()) == "the main thread hangs"


def test_damage_found_in_the_background_is_an_illness(parts: Parts) -> None:
    """A restart mends it."""
    parts.copies.is_damaged = True

    assert "damaged" in str(parts.supervisor.health_error())
