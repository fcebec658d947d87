"""The daemon: built, run and stopped. The one module that wires, and the one that knows the clock.

Over 300 lines: all parts are wired in one place.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from functools import cached_property

import structlog

from fitferry.auth import key_rotation, token_cipher
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth, digest
from fitferry.auth.token_cipher import TokenCipher
from fitferry.config.schema import Settings
from fitferry.core import retry_results
from fitferry.core.errors import CannotRun, KeyFileError, StorageError
from fitferry.core.messages import system, verbatim
from fitferry.i18n.translator import for_setting
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.server_clock import ServerClock
from fitferry.inbox.watched_folder import FolderRoots
from fitferry.inbox.watched_folders import WatchedFolders
from fitferry.maintenance import Supervisor
from fitferry.monitoring.metrics import Metrics
from fitferry.notifications.messengers import Messengers
from fitferry.notifications.policy import NotificationPolicy
from fitferry.notifications.sender import Notifier
from fitferry.storage import attempts as stored_attempts
from fitferry.storage import breakers, database, rate_limits, recovery, sessions
from fitferry.storage.backups import CopyThread
from fitferry.strava import Strava
from fitferry.system import lockfile, logs, state_dir, systemd
from fitferry.system.free_memory import give_back
from fitferry.system.wakeup import WakeupPipe
from fitferry.uploads import commands
from fitferry.uploads.folders import FolderContext, archives, build_folders
from fitferry.uploads.follow_ups import FollowUps
from fitferry.uploads.job_queue import UploadQueue
from fitferry.uploads.scheduler import select_due
from fitferry.uploads.source_file import SourceFiles
from fitferry.uploads.worker import UploadWorker
from fitferry.web.app import wsgi
from fitferry.web.context import WebContext
from fitferry.web.credentials import make_login_link
from fitferry.web.middleware import CALLBACK
from fitferry.web.server import Handover, Server

DRAIN_SECONDS = 20.0
"""Seconds for uploads in flight to finish at a stop; what is left then is the next start's. A refresh gets longer."""
START_SECONDS = 900
"""Seconds that systemd is asked for until the ledger is open."""

_log = structlog.get_logger()


def run(settings: Settings, *, handover: Handover | None = None) -> None:
    """Be the daemon until SIGTERM or SIGINT. Raises CannotRun. `handover`: of the browser that made the settings."""
    os.umask(0o077)
    give_back()
    logs.configure(settings.log.level, settings.log.format)
    for warning in settings.warnings:
        _log.warning("config_warning", reason=warning)
    state_dir.prepare(settings.state.folder)
    with (
        lockfile.taken(settings.state.folder),
        WakeupPipe() as wakeup,
        wakeup.stopped_by_signals(),
        contextlib.ExitStack() as running,
    ):
        supervisor = start(settings, wakeup, running, handover)
        while not wakeup.stopping:
            supervisor.tick()
            wakeup.wait(supervisor.seconds_to_tick())
        systemd.tell("STOPPING=1", "STATUS=stopping")
        _log.info("stopping")
    _log.info("stopped")


def start(
    settings: Settings, wakeup: WakeupPipe, running: contextlib.ExitStack, handover: Handover | None = None
) -> Supervisor:
    """Open the ledger and start every part; `running` stops them in reverse. Raises CannotRun."""
    # An update of a long history takes its time, and a check after a power cut, too: systemd would end it.
    systemd.tell(f"EXTEND_TIMEOUT_USEC={START_SECONDS * 1_000_000}", "STATUS=opening the database")
    try:
        check_later = running.enter_context(
            recovery.opened_safely(
                settings.state.folder / state_dir.STATE_DB,
                now=time.time(),
                quarantine=settings.uploads.uncertain_delay,
                changed=wakeup.wake,
            )
        )
        if handover is not None:
            sessions.add_link(digest(handover.login_token), time.time())
        web = settings.web
        server = handover.server if handover else Server(web.host, web.port, url=web.url)
        return run_parts(Parts(settings, wakeup, server, check_later=check_later), running)
    except StorageError as error:
        raise CannotRun(error.message, 1) from error
    except (OSError, sqlite3.Error, database.DatabaseError) as error:
        raise CannotRun(system.CANNOT_START(reason=verbatim(str(error))), 1) from error


class Parts:
    """Everything that runs, each part made when another first needs it."""

    def __init__(self, settings: Settings, wakeup: WakeupPipe, server: Server, *, check_later: bool) -> None:
        self.settings = settings
        self.wakeup = wakeup
        self.server = server
        self.cipher = _cipher(settings)
        self.metrics = Metrics()
        self.archives = archives(settings)
        self.copies = CopyThread(settings.state.folder / state_dir.STATE_DB, check_first=check_later)

    def url(self) -> str:
        """How a browser reaches the page."""
        return self.settings.web.url or f"http://127.0.0.1:{self.server.port}"

    @cached_property
    def strava(self) -> Strava:
        return Strava(
            self.settings.strava,
            on_rate_limit=lambda headers: rate_limits.update(headers, time.time()),
            on_request=self.metrics.asked,
        )

    @cached_property
    def tokens(self) -> AccessTokens:
        return AccessTokens(self.strava, self.cipher)

    @cached_property
    def oauth(self) -> OAuth:
        return OAuth(
            self.strava,
            self.tokens,
            athletes=self.settings.athletes,
            redirect_uri=lambda: self.url() + CALLBACK,
        )

    @cached_property
    def server_clock(self) -> ServerClock:
        """Strava's clock; once it is known the folders look again at what is old."""
        return ServerClock(
            self.strava.server_now,
            self.strava.server_time,
            on_heard=lambda: self.folders.rescan(),  # noqa: PLW0108  # it is made later
        )

    @cached_property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            can_send=lambda athlete, start_time: self.worker.can_send(athlete, start_time),  # noqa: PLW0108  # it is made later
            dispatch=lambda job_id: self.upload_queue.dispatch(job_id),  # noqa: PLW0108  # as above
        )

    @cached_property
    def folders(self) -> WatchedFolders:
        context = FolderContext(
            wake=lambda: self.upload_queue.wake(),  # noqa: PLW0108  # it is made later
            changed=self.wakeup.wake,
            incoming=lambda: self.worker.prepare_upload(),  # noqa: PLW0108  # it is made later
            server_now=self.server_clock.now,
            dispatcher=self.dispatcher,
            roots=FolderRoots(),
        )
        return build_folders(self.settings, context)

    @cached_property
    def worker(self) -> UploadWorker:
        return UploadWorker(
            self.strava,
            self.tokens,
            uploads=self.settings.uploads,
            archives=self.archives,
            folders=self.folders,
            dispatcher=self.dispatcher,
            rules=self.settings.rules,
            took=self.metrics.completed,
            clock=time.time,
        )

    @cached_property
    def upload_queue(self) -> UploadQueue:
        settings = self.settings
        return UploadQueue(
            settings.state.folder / state_dir.QUEUE_DB,
            workers=settings.uploads.max_concurrent,
            attempt=self.worker,
            select_due=lambda: select_due(
                settings.athletes, settings.uploads, time.time(), self.worker.claims
            ),
        )

    @cached_property
    def follow_ups(self) -> FollowUps:
        return FollowUps(
            self.settings,
            self.strava,
            self.tokens,
            clock=time.time,
            hook_done=self.folders.tidy,
            in_flight=self.worker.claims.count,
        )

    @cached_property
    def notifier(self) -> Notifier:
        notify = self.settings.notify
        return Notifier(
            Messengers(notify.urls, self.settings.state.folder / state_dir.APPRISE),
            for_setting(self.settings.web.language, os.environ),
            heartbeat_url=notify.heartbeat_url,
            heartbeat_interval=notify.heartbeat_interval,
            well=lambda: self.supervisor.is_well(),  # noqa: PLW0108  # it is made later
        )

    @cached_property
    def notification_policy(self) -> NotificationPolicy | None:
        notify = self.settings.notify
        if not notify.urls:
            return None
        return NotificationPolicy(self.notifier.wake, self.notifier.send_now, uploads=notify.uploads)

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(
            self.settings,
            upload_queue=self.upload_queue,
            attempts=self.worker,
            tokens=self.tokens,
            oauth=self.oauth,
            folders=self.folders,
            notification_policy=self.notification_policy,
            url=self.url,
            port=lambda: self.server.port,
            copies=self.copies,
            follow_ups=self.follow_ups,
            clock=time.time,
        )

    @cached_property
    def actions(self) -> commands.Actions:
        source_files = SourceFiles(self.folders, self.archives)
        return commands.Actions(
            self.settings,
            wake=self.upload_queue.wake,
            clock=time.time,
            has_lost_bytes=source_files.has_lost_bytes,
            read=source_files.read,
        )

    @cached_property
    def web_context(self) -> WebContext:
        return WebContext(
            settings=self.settings,
            actions=self.actions,
            oauth=self.oauth,
            api_token=state_dir.api_token(self.settings.state.folder),
            url=self.url,
            port=lambda: self.server.port,
            snapshot=self.supervisor.snapshot,
            revision=lambda: self.wakeup.revision,
            metrics=self.metrics.text,
            health_error=self.supervisor.health_error,
            rotate_keys=lambda: key_rotation.rotate(self.settings.state.key_file, self.tokens),
            connected=self.upload_queue.wake,
            clock=time.time,
        )


def run_parts(parts: Parts, running: contextlib.ExitStack) -> Supervisor:
    """Start everything in this order; `running` stops it in reverse."""
    recover(parts.settings, time.time())
    running.enter_context(parts.strava)
    for name in parts.tokens.check(parts.settings.athletes, time.time()):
        _log.warning("token_check", outcome="lost", athlete=name, reason="the key does not decrypt them")
    running.callback(parts.server_clock.stop)
    running.callback(parts.copies.stop)
    parts.metrics.show(parts.supervisor.snapshot)
    running.enter_context(parts.notifier.running())
    running.callback(parts.tokens.close)
    running.enter_context(parts.follow_ups.running())
    running.enter_context(parts.upload_queue.running(drain_seconds=DRAIN_SECONDS))
    _serve(running, parts.server, parts.web_context)
    running.enter_context(parts.folders.running())
    parts.supervisor.announce(lambda: make_login_link(parts.web_context))
    return parts.supervisor


def _serve(running: contextlib.ExitStack, server: Server, context: WebContext) -> None:
    try:
        running.enter_context(server.serving(wsgi(context)))
    except (OSError, ValueError) as error:  # ValueError: waitress knows no address of that name
        host, port = context.settings.web.host, context.settings.web.port
        reason = system.from_os_error(error) if isinstance(error, OSError) else verbatim(str(error))
        raise CannotRun(system.PORT_IN_USE(host=host, port=port, reason=reason), 1) from error


def _cipher(settings: Settings) -> TokenCipher:
    try:
        return token_cipher.load(settings.state.key_file, state_dir.stamp(time.time()))
    except KeyFileError as problem:
        raise CannotRun(problem.message, 78) from problem


def recover(settings: Settings, now: float) -> None:
    """Release the claims of the process before, let breakers be probed, and apply a changed `since`."""
    released = stored_attempts.release_interrupted(
        retry_results.longest_wait(settings.uploads), settings.uploads.uncertain_delay, now
    )
    breakers.probe_after_start(now)
    freed = commands.decide_since_again(settings)
    if released or freed:
        _log.info("recovered", unfinished_attempts=released, no_longer_held=freed)
