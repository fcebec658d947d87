"""What the main thread does now and then: publish how things are, and whatever is due that is no upload."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable

import structlog

from fitferry import __version__
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth
from fitferry.config.schema import Settings
from fitferry.core.api_types import StatusJson
from fitferry.core.messages import Message, setup, system, verbatim
from fitferry.core.problems import Problem, ProblemCode, problem
from fitferry.core.upload import Status
from fitferry.inbox import spool
from fitferry.inbox.watched_folders import WatchedFolders
from fitferry.monitoring import status, status_json
from fitferry.monitoring.state_log import StateLog
from fitferry.notifications.policy import NotificationPolicy
from fitferry.storage import accounts, database, rate_limits
from fitferry.storage.backups import CopyThread
from fitferry.system import link_notice, state_dir, systemd
from fitferry.uploads import commands
from fitferry.uploads.follow_ups import FollowUps
from fitferry.uploads.job_queue import UploadQueue
from fitferry.uploads.worker import UploadWorker

TICK_SECONDS = 60.0
ILL_SECONDS = 5.0
"""Seconds until it is tried again whether the database can be written."""
MISSED_TICKS = 3
"""Ticks that the main thread may miss before that is an illness."""

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
        folders: WatchedFolders,
        notification_policy: NotificationPolicy | None,
        copies: CopyThread,
        follow_ups: FollowUps,
        url: Callable[[], str],
        port: Callable[[], int],
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._settings = settings
        self._upload_queue = upload_queue
        self._attempts = attempts
        self._tokens = tokens
        self._oauth = oauth
        self._folders = folders
        self._notification_policy = notification_policy
        self._copies = copies
        self._follow_ups = follow_ups
        self._url = url
        self._port = port
        self._clock = clock
        self._started_at = clock()
        self._published: status.Snapshot | None = None
        """The state as it was found last."""
        self._state_log = StateLog()
        self._written: StatusJson | None = None
        """The state as it was last written to the file."""
        self._housekeeping_at = 0.0
        self._ticked_at = monotonic()
        self._troubles = status.HealthErrors()
        self._database = settings.state.folder / state_dir.STATE_DB
        self._inode = self._database.stat().st_ino

    def announce(self, login_link: Callable[[], str]) -> None:
        """Say that all is ready, and where to sign in if somebody has to."""
        systemd.tell("READY=1")
        _log.info("started", version=__version__, url=self._url(), sqlite=sqlite3.sqlite_version)
        if not all(accounts.get(name).connected for name in self._settings.athletes):
            # A person is needed; so it stands in a quiet log, too.
            link_notice.show("sign_in_needed", setup.SIGN_IN_NEEDED(), "login_link", login_link())

    def tick(self) -> None:
        """What is due now: the status file, systemd, and once a minute some housekeeping."""
        now, self._ticked_at = self._clock(), self._monotonic()
        # Each by itself: a database that cannot be written must not keep the page from saying so.
        for work in (
            self._try_database_again,
            self._tokens.write_unwritten,
            self._write_results,
            rate_limits.write,
        ):
            self._do(work)
        self._do(lambda: self._publish(now))
        self._follow_ups.wake()
        if abs(now - self._housekeeping_at) >= TICK_SECONDS:
            self._housekeeping_at = now
            self._run_housekeeping(now)
        # Fed even while the database is ill: a restart would not mend a full disk, and the page must say why.
        if self._dead_part() is None:
            systemd.tell("WATCHDOG=1")

    def _try_database_again(self) -> None:
        """Where the database could not be written, find out whether it can be: then what waits goes on at once."""
        if database.failure():
            database.try_again()
            self._upload_queue.wake()

    def _write_results(self) -> None:
        """Write the results of attempts that could not be written before."""
        if self._attempts.write_unwritten():
            self._upload_queue.wake()

    def seconds_to_tick(self) -> float:
        """How long the supervisor may sleep if nothing happens."""
        usual = ILL_SECONDS if database.failure() else TICK_SECONDS
        return min(usual, systemd.watchdog_seconds() or usual)

    def snapshot(self) -> status.Snapshot:
        """How things are, for everybody who asks."""
        now = self._clock()
        return status.snapshot(self._settings.athletes, self._process(now), now)

    def health_error(self) -> Message | None:
        """What is wrong with the process itself, in words; None while all is well."""
        failure = database.failure()
        if failure is not None:
            return system.DATABASE_NOT_WRITTEN(reason=verbatim(failure))
        try:
            if self._database.stat().st_ino != self._inode:
                return system.DATABASE_REPLACED()
        except OSError:
            return system.DATABASE_GONE()
        return self._dead_part()

    def is_well(self) -> bool:
        """Whether nothing needs a person; not before the first look at how things are."""
        found = self._published
        return found is not None and found.state is not status.State.ATTENTION and self.health_error() is None

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (database.DatabaseError, sqlite3.Error, OSError) as error:
            _log.warning("housekeeping", outcome="failed", reason=str(error))

    def _publish(self, now: float) -> None:
        snapshot = self._published = self.snapshot()
        values = status_json.to_json(snapshot)
        is_there = (self._settings.state.folder / state_dir.STATUS).exists()
        if not is_there or {**values, "updated_at": (self._written or values)["updated_at"]} != self._written:
            self._do(lambda: self._write_status(snapshot, values))
        self._state_log.update(snapshot)
        if self._notification_policy is not None:
            self._notification_policy.update(snapshot.problems, now)

    def _write_status(self, snapshot: status.Snapshot, values: StatusJson) -> None:
        """Replace the status file. On a full disk the old one goes first: it would tell what is no longer so."""
        path = self._settings.state.folder / state_dir.STATUS
        try:
            status_json.write(path, values)
        except OSError:
            path.unlink(missing_ok=True)
            status_json.write(path, values)
        self._written = values
        systemd.tell(f"STATUS={_in_short(snapshot)}")

    def _run_housekeeping(self, now: float) -> None:
        """What is due once a minute; one that fails stops none of the others."""
        for work in (
            lambda: self._copies.run_if_due(now),
            self._oauth.revoke_pending,
            lambda: spool.empty(self._settings.state.folder),
        ):
            self._do(work)

    def _process(self, now: float) -> status.Process:
        watch = self._folders.states()
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
        ill = self.health_error()
        found = [problem(ProblemCode.INTERNAL, now, reason=ill)] if ill else []
        if self._copies.error is not None:
            found.append(problem(ProblemCode.NO_COPY, now, reason=self._copies.error))
        for athlete, other in accounts.sharing_an_account(self._settings.athletes):
            found.append(problem(ProblemCode.SHARED_ACCOUNT, now, athlete=athlete, other=other))
        return found

    def _dead_part(self) -> Message | None:
        """Which part has ended or hangs that should not: only a new process brings it back."""
        if self._monotonic() - self._ticked_at > MISSED_TICKS * TICK_SECONDS:
            return system.MAIN_THREAD_HANGS()
        if self._copies.is_damaged:
            return system.DATABASE_DAMAGED()
        if not self._upload_queue.alive():
            return system.WORKER_ENDED()
        return self._folders.health_error()


def _in_short(snapshot: status.Snapshot) -> str:
    queue = snapshot.queue
    waiting = queue[Status.PENDING] + queue[Status.PROCESSING]
    summary = f"{snapshot.state}: {waiting} waiting, {queue[Status.COMPLETED]} uploaded, {queue[Status.FAILED]} failed"
    return summary + (f"; {snapshot.problems[0].message}" if snapshot.problems else "")
