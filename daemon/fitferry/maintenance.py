"""What does the daemon do now and then? It says how things are, and does whatever is due that is no upload."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from fitferry import __version__
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth
from fitferry.config import Settings
from fitferry.core.messages import as_message
from fitferry.core.problems import Problem, ProblemCode, problem
from fitferry.core.upload import Status
from fitferry.inbox import WatchedFolder, admission, spool
from fitferry.monitoring import status, status_json
from fitferry.monitoring.metrics import Metrics
from fitferry.notifications.policy import NotificationPolicy
from fitferry.storage import accounts, backups, database, uploads
from fitferry.system import state_dir, systemd
from fitferry.uploads import commands
from fitferry.uploads.job_queue import UploadQueue
from fitferry.uploads.worker import UploadWorker

TICK_SECONDS = 60.0
ILL_SECONDS = 5.0
"""How soon it is tried again whether the database can be written."""

_log = structlog.get_logger()


class Supervisor:
    """The parts that run, watched over by the main thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        upload_queue: UploadQueue,
        attempts: UploadWorker,
        tokens: AccessTokens,
        oauth: OAuth,
        intakes: list[WatchedFolder],
        metrics: Metrics,
        notification_policy: NotificationPolicy | None,
        url: Callable[[], str],
        port: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._upload_queue = upload_queue
        self._attempts = attempts
        self._tokens = tokens
        self._oauth = oauth
        self._intakes = intakes
        self._metrics = metrics
        self._notification_policy = notification_policy
        self._url = url
        self._port = port
        self._clock = clock
        self._started_at = clock()
        self._measured_until = uploads.last_finish_number()
        self._written: status_json.Object = {}
        self._there: set[str] = set()
        self._house_kept_at = 0.0
        self._troubles = status.HealthErrors()
        self._database = settings.state.folder / state_dir.STATE_DB
        self._inode = self._database.stat().st_ino

    def announce(self, login_link: Callable[[], str]) -> None:
        """Say that all is ready, and where to sign in if somebody has to."""
        systemd.tell("READY=1")
        _log.info("started", version=__version__, url=self._url(), sqlite=sqlite3.sqlite_version)
        if not all(accounts.get(name).connected for name in self._settings.athletes):
            # A person is needed; so it stands in a quiet log, too.
            _log.warning("sign in to connect", login_link=login_link())

    def tick(self) -> None:
        """What is due now: the status file, systemd, and once a minute some housekeeping."""
        now = self._clock()
        # Each by itself: a database that cannot be written must not keep the page from saying so.
        for work in (
            database.try_again,
            self._tokens.write_unwritten,
            self._attempts.write_unwritten,
            self._resume_returned_folders,
        ):
            self._do(work)
        self._do(lambda: self._publish(now))
        if abs(now - self._house_kept_at) >= TICK_SECONDS:
            self._house_kept_at = now
            self._do(lambda: self._run_housekeeping(now))
        # Fed even while the database is ill: a restart would not mend a full disk, and the page must say why.
        if self._dead_part() is None:
            systemd.tell("WATCHDOG=1")

    def seconds_to_tick(self) -> float:
        """How long the supervisor may sleep if nothing happens."""
        usual = ILL_SECONDS if database.failure() else TICK_SECONDS
        return min(usual, systemd.watchdog_seconds() or usual)

    def snapshot(self) -> status.Snapshot:
        """How things are, for everybody who asks."""
        now = self._clock()
        return status.snapshot(self._settings.athletes, self._process(now), now)

    def health_error(self) -> str | None:
        """What is wrong with the process itself, in words; None while all is well."""
        failure = database.failure()
        if failure is not None:
            return f"the database cannot be written ({failure})"
        try:
            if self._database.stat().st_ino != self._inode:
                return "the database file was replaced by another one"
        except OSError:
            return "the database file is gone"
        return self._dead_part()

    def is_well(self) -> bool:
        """Whether nothing needs a person; not before the first look at how things are."""
        return self._written.get("state") in {"ok", "waiting"} and self.health_error() is None

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (database.DatabaseError, sqlite3.Error, OSError) as error:
            _log.warning("housekeeping failed", reason=str(error))

    def _resume_returned_folders(self) -> None:
        """Let what waited for a folder be tried when it comes back."""
        there = {intake.state.folder for intake in self._intakes if intake.state.available}
        for folder in there - self._there:
            uploads.folder_is_back(Path(folder))
            self._upload_queue.wake()
        self._there = there

    def _publish(self, now: float) -> None:
        snapshot = self.snapshot()
        values = status_json.to_json(snapshot)
        if {**values, "updated_at": ""} != {**self._written, "updated_at": ""}:
            status_json.write(self._settings.state.folder / state_dir.STATUS, values)
            self._written = values
            systemd.tell(f"STATUS={_in_short(snapshot)}")
        self._measure()
        if self._notification_policy is not None:
            self._notification_policy.update(snapshot.problems, now)

    def _measure(self) -> None:
        """Note how long Strava took over what was completed since the last time."""
        jobs, self._measured_until = uploads.finished_after(self._measured_until)
        for job in jobs:
            if (
                job.status is Status.COMPLETED
                and job.accepted_at is not None
                and job.completed_at is not None
            ):
                self._metrics.completed(job.completed_at - job.accepted_at)

    def _run_housekeeping(self, now: float) -> None:
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        if not backups.has_copy_of(self._database, day):
            backups.copy_now(self._database, day)
        self._oauth.revoke_pending()
        spool.empty(self._settings.state.folder)
        self._attempts.apply_after_upload()
        if admission.find_again():
            self._upload_queue.wake()

    def _process(self, now: float) -> status.Process:
        watch = tuple(intake.state for intake in self._intakes)
        return status.Process(
            pid=os.getpid(),
            started_at=self._started_at,
            host=self._settings.web.host,
            port=self._port(),
            url=self._url(),
            watch=watch,
            backlog=commands.backlog(self._settings.athletes, now),
            troubles=tuple(self._troubles.dated([*self._own_troubles(now), *status.of_folders(watch, now)])),
        )

    def _own_troubles(self, now: float) -> list[Problem]:
        ill, after_upload_error = self.health_error(), self._attempts.after_upload_error
        found = [problem(ProblemCode.INTERNAL, now, reason=as_message(ill))] if ill else []
        if after_upload_error:
            found.append(problem(ProblemCode.NOT_MOVED, now, reason=as_message(after_upload_error)))
        return found

    def _dead_part(self) -> str | None:
        """Which thread has ended that should not have: only a new process brings it back."""
        if not self._upload_queue.alive():
            return "an upload worker has ended"
        if not all(intake.alive() for intake in self._intakes):
            return "a folder is no longer looked at"
        return None


def _in_short(snapshot: status.Snapshot) -> str:
    queue = snapshot.queue
    waiting = queue[Status.PENDING] + queue[Status.PROCESSING]
    summary = f"{snapshot.state}: {waiting} waiting, {queue[Status.COMPLETED]} uploaded, {queue[Status.FAILED]} failed"
    return summary + (f"; {snapshot.problems[0].message}" if snapshot.problems else "")
