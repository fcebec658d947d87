"""What the settings ask for after an upload is owed and done, each kind in its thread; nothing else is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from queue import Queue
from threading import Event

import pytest

from fakes import NOW, Clock, strava
from fitferry.core.follow_up import FollowUpKind, FollowUpState
from fitferry.core.messages import uploads
from fitferry.core.upload import Job
from fitferry.storage import follow_ups
from fitferry.uploads.follow_up_failures import IDLE_SECONDS
from fitferry.uploads.follow_ups import FollowUps
from fitferry.uploads.hooks import HookRunner
from settings_files import APP, WATCH, Place
from worker_bench import Bench

pytestmark = pytest.mark.usefixtures("ledger")
PATIENCE = 30.0
"""Seconds at most for what takes a moment on an idle machine."""
GEAR = '[[rule]]\nset = { gear = "b1234567" }\n'
SPORT = '[[rule]]\nset = { sport_type = "Ride" }\n'


class Desk:
    """An athlete's uploads, and what the settings let follow them."""

    def __init__(self, folder: Path, text: str) -> None:
        self.bench = Bench(folder)
        self.shown: Queue[str] = Queue()
        self.bench.wire.to("PUT /activities/N", (200, {"id": 4242}))
        self.follow_ups = FollowUps(
            Place(folder).load(APP + WATCH + text),
            strava(self.bench.wire),
            self.bench.tokens,
            clock=Clock(),
            hook_done=lambda: self.shown.put("shown"),
            in_flight=lambda: 0,
        )

    def kinds(self, job: Job) -> list[FollowUpKind]:
        """What is owed after an upload."""
        return [one.kind for one in follow_ups.of_job(job.id)]


@pytest.mark.parametrize(
    ("text", "owed"),
    [
        ("", []),
        (SPORT, []),
        (GEAR, [FollowUpKind.EDIT]),
        ("[[rule]]\nset = { hide_from_home = false }\n", [FollowUpKind.EDIT]),
        ('[hooks]\ncommand = ["true"]\n', [FollowUpKind.HOOK]),
        (GEAR + '[hooks]\ncommand = ["true"]\n', [FollowUpKind.EDIT, FollowUpKind.HOOK]),
    ],
)
def test_an_upload_owes_what_the_settings_ask_for(
    tmp_path: Path, text: str, owed: list[FollowUpKind]
) -> None:
    """What an upload carries by itself, as its sport, is owed by none."""
    desk = Desk(tmp_path, text)
    desk.bench.wire.to("PUT /activities/N", (503, {}))
    with desk.follow_ups.running():
        job = desk.bench.complete()

    assert sorted(desk.kinds(job)) == sorted(owed)


def test_a_command_is_run_when_it_is_woken_and_its_end_is_told(tmp_path: Path) -> None:
    """From then on the file may be archived or deleted."""
    desk = Desk(tmp_path, f'[hooks]\ncommand = ["touch", "{tmp_path}/shown"]\n')
    with desk.follow_ups.running():
        job = desk.bench.complete()
        desk.follow_ups.wake()
        desk.shown.get(timeout=PATIENCE)

    assert (tmp_path / "shown").exists()
    assert [one.state for one in follow_ups.of_job(job.id)] == [FollowUpState.DONE]


def test_a_command_is_ended_after_the_time_that_the_settings_give_it(tmp_path: Path) -> None:
    """It is run again by the schedule."""
    desk = Desk(tmp_path, '[hooks]\ncommand = ["sleep", "600"]\ntimeout = 0.1\n')
    with desk.follow_ups.running():
        job = desk.bench.complete()
        desk.follow_ups.wake()
        desk.shown.get(timeout=PATIENCE)

    assert [one.message for one in follow_ups.of_job(job.id)] == [uploads.HOOK_TIMEOUT(seconds=0.1)]


@pytest.mark.parametrize("kind", list(FollowUpKind))
def test_what_fails_is_tried_again_after_the_first_of_the_uploads_delays(
    tmp_path: Path, kind: FollowUpKind
) -> None:
    """The schedule of the settings, by the daemon's clock."""
    delays = "[uploads]\nretry_delays = [77, 300]\n"
    desk = Desk(tmp_path, delays + (GEAR if kind is FollowUpKind.EDIT else '[hooks]\ncommand = ["false"]\n'))
    desk.bench.wire.to("PUT /activities/N", (500, {"message": "error"}))
    wire, asked = desk.bench.wire, Event()
    wire.while_asked = lambda: asked.set() if wire.count("PUT /activities/N") else None
    with desk.follow_ups.running():
        job = desk.bench.complete()
        desk.follow_ups.wake()
        if kind is FollowUpKind.EDIT:
            assert asked.wait(PATIENCE)
        else:
            desk.shown.get(timeout=PATIENCE)

    assert [(one.failures, one.next_attempt_at) for one in follow_ups.of_job(job.id)] == [(1, NOW + 77)]


def test_no_command_begins_after_a_stop(tmp_path: Path) -> None:
    """It would outlive the daemon, and be run again at the next start."""
    follow_ups.want([FollowUpKind.HOOK])
    job = Desk(tmp_path, '[hooks]\ncommand = ["true"]\n').bench.complete()
    runner = HookRunner(["touch", str(tmp_path / "shown")], timeout=PATIENCE, retry_delays=(), clock=Clock())
    runner.stop()

    assert runner() == IDLE_SECONDS
    assert not (tmp_path / "shown").exists()
    assert [one.state for one in follow_ups.of_job(job.id)] == [FollowUpState.OWED]


def test_a_stop_ends_the_command_that_runs_and_the_next_start_runs_it_again(tmp_path: Path) -> None:
    """Nobody waits until it has come to its own end."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f'echo $$ > "{fifo}"; exec sleep 600'
    desk = Desk(tmp_path, f"[hooks]\ncommand = {json.dumps(['sh', '-c', script])}\n")
    with desk.follow_ups.running():
        job = desk.bench.complete()
        desk.follow_ups.wake()
        begun = int(fifo.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(begun, 0)
    assert [one.state for one in follow_ups.of_job(job.id)] == [FollowUpState.BEGUN]

    again = Desk(tmp_path, '[hooks]\ncommand = ["true"]\n')
    with again.follow_ups.running():
        again.shown.get(timeout=PATIENCE)
    assert [one.state for one in follow_ups.of_job(job.id)] == [FollowUpState.DONE]
    assert desk.shown.empty()
