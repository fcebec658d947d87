"""The command of the settings after each completed upload: at least once, in order, one at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import structlog

from fitferry.core.api_types import iso
from fitferry.core.follow_up import FollowUp, FollowUpKind
from fitferry.core.messages import Message, system, uploads, verbatim
from fitferry.core.printable import printable
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.storage import follow_ups
from fitferry.storage import uploads as stored_uploads
from fitferry.uploads.follow_up_failures import IDLE_SECONDS, count_failure

OUTPUT_BYTES = 4_000
"""What is kept of a command's output for the log: its end."""
END_SECONDS = 5.0
"""Seconds between asking a command to end and ending it."""
_OURS = ("FITFERRY_", "STRAVA_", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")
"""Variables that a command does not inherit: they hold secrets, or speak of the daemon."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run. `reason`: None if it ended with 0."""

    reason: Message | None
    output: str
    seconds: float


class HookRunner:
    """The runs that are owed, one after the other in order of completion; each call does one."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float,
        retry_delays: Sequence[float],
        clock: Callable[[], float],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._done = done
        self._command = command
        self._timeout = timeout
        self._retry_delays = retry_delays
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def __call__(self) -> float:
        """Run the command for the upload that is next; the seconds until the next look."""
        now = self._clock()
        owed = follow_ups.first(FollowUpKind.HOOK)
        if owed is None or self._stopping:
            return IDLE_SECONDS
        if owed.next_attempt_at > now:
            return owed.next_attempt_at - now
        job = stored_uploads.get(owed.job_id)
        if job is None or job.status is not Status.COMPLETED:  # sent once more: owed anew then
            follow_ups.forget(owed.id)
            return 0.0
        follow_ups.begin(owed.id)
        run = self._run(environment(job))
        if not self._stopping:  # a run that was cut off by a stop is begun again at the next start
            self._record(owed, job, run)
            self._done()
        return 0.0

    def stop(self) -> None:
        """End the command that runs; it is run again at the next start."""
        self._stopping = True
        if self._process is not None:
            _end(self._process)

    def _run(self, added: Mapping[str, str]) -> Run:
        """One run of the command, its children ended with it where it takes too long."""
        began = time.monotonic()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        try:
            process = subprocess.Popen(  # noqa: S603  # the command of the settings, without a shell
                self._command,
                env={**inherited, **added},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o022,
            )
        except (OSError, ValueError) as error:
            why = system.from_os_error(error) if isinstance(error, OSError) else verbatim(str(error))
            return Run(uploads.HOOK_NOT_STARTED(reason=why), "", time.monotonic() - began)
        self._process = process
        if self._stopping:  # too late for `stop` to see it
            _end(process)
        output = _Output(process.stdout)
        reason: Message | None
        try:
            code = process.wait(self._timeout)
            reason = None if code == 0 else uploads.HOOK_EXIT(code=code)
        except subprocess.TimeoutExpired:
            _end(process)
            reason = uploads.HOOK_TIMEOUT(seconds=self._timeout)
        self._process = None
        return Run(reason, output.text(), time.monotonic() - began)

    def _record(self, owed: FollowUp, job: Job, run: Run) -> None:
        now = self._clock()
        told = {"job": job.id, "file": job.file, "seconds": round(run.seconds, 1), "output": run.output}
        if run.reason is None:
            follow_ups.finish(owed.id, now)
            _log.info("hook_run", outcome="done", **told)
            return
        outcome = count_failure(owed, run.reason, self._retry_delays, now)
        _log.warning("hook_run", outcome=outcome, reason=str(run.reason), **told)


def environment(job: Job) -> dict[str, str]:
    """What the command is told of an upload."""
    return {
        "FITFERRY_FILE": job.path,
        "FITFERRY_SHA256": job.sha256,
        "FITFERRY_ATHLETE": job.athlete,
        "FITFERRY_SPORT": job.sport or "",
        "FITFERRY_START": iso(job.start_time) or "",
        "FITFERRY_ACTIVITY_ID": str(job.strava_activity_id or ""),
        "FITFERRY_ACTIVITY_URL": job.strava_url or "",
        "FITFERRY_OUTCOME": "duplicate" if job.error_code is ErrorCode.DUPLICATE else "uploaded",
    }


class _Output:
    """The end of what a command prints, read by a thread of its own so that no pipe fills up."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._pipe = pipe
        self._kept = b""
        self._thread = threading.Thread(target=self._read, name="hook-output", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What was kept; a child that lives on may still hold the pipe, and is not waited for."""
        self._thread.join(1.0)
        return printable(self._kept.decode("utf-8", "replace").strip(), keep="\n")

    def _read(self) -> None:
        if self._pipe is None:
            return
        with contextlib.suppress(OSError, ValueError), self._pipe:
            while chunk := os.read(self._pipe.fileno(), 65_536):
                self._kept = (self._kept + chunk)[-OUTPUT_BYTES:]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its children: asked first, then by force, which also ends those that outlived their parent."""
    for number, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
