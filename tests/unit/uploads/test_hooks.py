"""A command after each upload: at least once, in order, one at a time, ended in time, never the upload's failure."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from fitferry.core.follow_up import FollowUpKind, FollowUpState
from fitferry.core.messages.uploads import HOOK_TIMEOUT
from fitferry.core.upload import ErrorCode, Status
from fitferry.monitoring.status import Process, snapshot
from fitferry.storage import follow_ups, uploads
from fitferry.uploads.hooks import HookRunner, environment
from patience import wait_for
from worker_bench import Bench

pytestmark = pytest.mark.usefixtures("ledger")
DELAYS = (60.0, 300.0)
IDLE_SECONDS = 3600.0


class Desk:
    """Completed uploads, and the command after them."""

    def __init__(self, folder: Path) -> None:
        follow_ups.want([FollowUpKind.HOOK])
        self.folder = folder
        self.done: list[int] = []
        self.bench = Bench(folder)
        self.clock = self.bench.clock

    def hook(self, code: str, timeout: float = 20.0) -> HookRunner:
        """The command: Python code with the folder as its argument."""
        return self.runner(
            [sys.executable, "-c", f"import os, sys, time, subprocess\n{code}", str(self.folder)], timeout
        )

    def runner(self, command: Sequence[str], timeout: float = 20.0) -> HookRunner:
        """A command; `done` counts how often its end was told."""
        return HookRunner(
            command, timeout=timeout, retry_delays=DELAYS, clock=self.clock, done=lambda: self.done.append(1)
        )

    def states(self) -> list[tuple[FollowUpState, int]]:
        """How far all runs have come, each with its failures."""
        jobs = uploads.with_status(Status.COMPLETED)
        return [(one.state, one.failures) for job in jobs for one in follow_ups.of_job(job.id)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk without an upload yet."""
    yield Desk(tmp_path)
    structlog.reset_defaults()


def test_the_command_runs_once_for_each_upload_in_order(desk: Desk) -> None:
    """It is told of the upload, and of no secret."""
    for name in ("a.fit", "b.fit", "c.fit"):
        desk.bench.complete(name)
    os.environ["STRAVA_CLIENT_SECRET"] = "s"
    try:
        hook = desk.hook(
            "open(sys.argv[1] + '/log', 'a').write(os.environ['FITFERRY_FILE'] + ' ' + os.environ['FITFERRY_OUTCOME']"
            " + ' ' + os.environ['FITFERRY_ACTIVITY_URL'] + ' ' + str('STRAVA_CLIENT_SECRET' in os.environ) + '\\n')"
        )
        assert [hook() for _ in range(5)] == [0.0, 0.0, 0.0, IDLE_SECONDS, IDLE_SECONDS]
    finally:
        del os.environ["STRAVA_CLIENT_SECRET"]

    url = "https://www.strava.com/activities/4242"
    assert (desk.folder / "log").read_text().splitlines() == [
        f"{desk.folder}/{name} uploaded {url} False" for name in ("a.fit", "b.fit", "c.fit")
    ]
    assert desk.states() == [(FollowUpState.DONE, 0)] * 3


def test_everything_of_the_contract_is_told(desk: Desk) -> None:
    """By the names of the contract."""
    variables = environment(desk.bench.complete())

    assert variables.keys() == {
        f"FITFERRY_{name}"
        for name in ("FILE", "SHA256", "ATHLETE", "SPORT", "START", "ACTIVITY_ID", "ACTIVITY_URL", "OUTCOME")
    }
    assert (variables["FITFERRY_ATHLETE"], variables["FITFERRY_ACTIVITY_ID"]) == ("me", "4242")
    assert variables["FITFERRY_START"] == "2026-09-21T13:00:20Z"


def test_what_is_not_known_of_an_upload_is_told_as_nothing(desk: Desk) -> None:
    """Neither 1970 nor an address without an activity."""
    job = replace(
        desk.bench.complete(),
        start_time=None,
        sport=None,
        strava_activity_id=None,
        error_code=ErrorCode.DUPLICATE,
    )
    variables = environment(job)

    names = ("START", "SPORT", "ACTIVITY_ID", "ACTIVITY_URL", "OUTCOME")
    assert [variables[f"FITFERRY_{name}"] for name in names] == ["", "", "", "", "duplicate"]


def test_a_failing_command_is_tried_again_then_given_up_and_told(desk: Desk) -> None:
    """The upload is not touched; the next one waits for its turn, so that the order holds."""
    desk.bench.complete("a.fit")
    desk.bench.complete("b.fit")
    hook = desk.hook("print('no such server'); sys.exit(os.environ['FITFERRY_FILE'].endswith('a.fit') * 3)")
    with capture_logs() as logs:
        hook()
        assert desk.states() == [(FollowUpState.OWED, 1), (FollowUpState.OWED, 0)]
        assert hook() == DELAYS[0]
        for delay in DELAYS:
            desk.clock.forward(delay)
            hook()
        now = snapshot(["me"], Process(1, 0.0, "", 0, "", ()), desk.clock.now)
        hook()
    told = [log for log in logs if log["event"] == "hook_run"]
    found = [(log["outcome"], log["output"]) for log in told]

    assert {0 <= log["seconds"] == round(log["seconds"], 1) < 600 for log in told} == {True}
    assert found == [("retry", "no such server")] * 2 + [
        ("given_up", "no such server"),
        ("done", "no such server"),
    ]
    assert [str(problem.what) for problem in now.problems] == [
        "the command in [hooks] failed for a.fit (it ended with exit code 3) and is not tried again"
    ]
    assert desk.states() == [(FollowUpState.GIVEN_UP, 3), (FollowUpState.DONE, 0)]
    assert uploads.counts()[Status.COMPLETED] == 2
    assert snapshot(["me"], Process(1, 0.0, "", 0, "", ()), desk.clock.now).problems == ()


@pytest.mark.slow
def test_a_command_that_does_not_end_is_ended_with_its_children(desk: Desk) -> None:
    """Also children that do not care for a polite word."""
    desk.bench.complete()
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    hook = desk.hook(
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "open(sys.argv[1] + '/pid', 'w').write(str(child.pid)); time.sleep(60)",
        timeout=1.5,
    )
    hook()
    pid = int((desk.folder / "pid").read_text())

    (owed,) = follow_ups.of_job(uploads.with_status(Status.COMPLETED)[0].id)

    assert desk.states() == [(FollowUpState.OWED, 1)]
    assert owed.message == HOOK_TIMEOUT(seconds=1.5)
    wait_for(lambda: _is_gone(pid))


def _is_gone(pid: int) -> bool:
    """Whether a process has ended: gone, or a zombie that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_output_without_end_is_bounded(desk: Desk) -> None:
    """The log keeps its end."""
    desk.bench.complete()
    hook = desk.hook("sys.stdout.write('x' * 5_000_000 + '\\x1b[31m end')")
    with capture_logs() as logs:
        hook()
    output = next(log["output"] for log in logs if log["event"] == "hook_run")

    assert output == "x" * (4_000 - len("\x1b[31m end")) + "�[31m end"


def test_a_command_that_is_not_there_is_a_failure(desk: Desk) -> None:
    """Not the thread's end."""
    desk.bench.complete()
    hook = HookRunner(["/nowhere/at-all"], timeout=1, retry_delays=DELAYS, clock=desk.clock)
    with capture_logs() as logs:
        hook()
    (owed,) = follow_ups.of_job(uploads.with_status(Status.COMPLETED)[0].id)

    assert [log["seconds"] < 60 for log in logs if log["event"] == "hook_run"] == [True]
    assert str(owed.message) == "it cannot be started: No such file or directory"


def test_a_command_that_cannot_be_one_is_a_failure(desk: Desk) -> None:
    """Python refuses it before the system does."""
    desk.bench.complete()
    desk.runner(["null\0byte"])()
    (owed,) = follow_ups.of_job(uploads.with_status(Status.COMPLETED)[0].id)

    assert str(owed.message) == "it cannot be started: embedded null byte"


def test_what_a_command_writes_can_be_read_by_all_and_it_reads_nothing(desk: Desk) -> None:
    """Whatever the daemon keeps to itself: a script's copies are for others. What it says of errors is kept, too."""
    desk.bench.complete()
    hook = desk.hook(
        "open(sys.argv[1] + '/copy', 'w').close(); os.mkdir(sys.argv[1] + '/made'); print(repr(sys.stdin.read())); print('no', file=sys.stderr)"
    )
    before = os.umask(0o077)
    with capture_logs() as logs:
        hook()
    os.umask(before)
    (told,) = [log for log in logs if log["event"] == "hook_run"]

    assert (desk.folder / "copy").stat().st_mode & 0o777 == 0o644
    assert (desk.folder / "made").stat().st_mode & 0o777 == 0o755
    assert sorted(told["output"].splitlines()) == ["''", "no"]
    assert 0 <= told["seconds"] < 60


def test_an_upload_that_is_sent_once_more_owes_its_command_anew(desk: Desk) -> None:
    """The one that was owed is forgotten: the file is not yet on Strava."""
    job = desk.bench.complete()
    uploads.requeue(job.id, [Status.COMPLETED], external_id="again")

    assert desk.hook("")() == 0.0
    assert follow_ups.of_job(job.id) == []
    assert desk.done == []


def test_the_end_of_each_run_is_told(desk: Desk) -> None:
    """Then the file may be archived or deleted; while it runs, it is begun, for a crash."""
    job = desk.bench.complete()
    desk.hook("sys.exit(1)")()
    assert desk.done == [1]
    desk.clock.forward(DELAYS[0])
    hook = desk.hook("open(sys.argv[1] + '/begun', 'w').close(); time.sleep(60)", timeout=60)
    runner = threading.Thread(target=hook)
    runner.start()
    wait_for((desk.folder / "begun").exists)
    assert [one.state for one in follow_ups.of_job(job.id)] == [FollowUpState.BEGUN]
    hook.stop()
    runner.join(60)

    assert desk.done == [1]


class _StopsAtItsStart(tuple[str, ...]):
    """A command that is asked for its words in the moment in which it begins."""

    __slots__ = ()
    runner: HookRunner

    def __iter__(self) -> Iterator[str]:
        self.runner.stop()
        return super().__iter__()


def test_a_stop_in_the_moment_in_which_a_command_begins_ends_it(desk: Desk) -> None:
    """Nobody waits for it, and it runs again at the next start."""
    job = desk.bench.complete()
    command = _StopsAtItsStart(("sh", "-c", f"sleep 5; touch {desk.folder}/late"))
    _StopsAtItsStart.runner = hook = desk.runner(command)
    hook()

    assert not (desk.folder / "late").exists()
    assert [one.state for one in follow_ups.of_job(job.id)] == [FollowUpState.BEGUN]


def test_a_command_that_a_stop_cuts_off_runs_again(desk: Desk) -> None:
    """At least once; it is no failure."""
    job = desk.bench.complete()
    hook = desk.hook("open(sys.argv[1] + '/begun', 'w').close(); time.sleep(60)", timeout=60)
    runner = threading.Thread(target=hook)
    runner.start()
    wait_for((desk.folder / "begun").exists)
    hook.stop()
    runner.join(60)
    follow_ups.want([FollowUpKind.HOOK])
    desk.hook("")()

    assert [(one.state, one.failures) for one in follow_ups.of_job(job.id)] == [(FollowUpState.DONE, 0)]


def test_a_file_stays_until_the_command_has_seen_it(desk: Desk) -> None:
    """Neither the spool nor `after_upload` takes it away before."""
    job = desk.bench.complete()
    assert uploads.need_file(job.path)
    desk.hook("")()

    assert not uploads.need_file(job.path)
