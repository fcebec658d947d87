"""The daemon: built, run and stopped. The one module that wires, and the one that knows the clock."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from fitferry.auth import key_rotation, token_cipher
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth, digest
from fitferry.auth.token_cipher import TokenCipher
from fitferry.config import Settings
from fitferry.core import retry_policy
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
    logs.configure(settings.log.level, settings.log.format)
    for warning in settings.warnings:
        _log.warning("config_warning", reason=warning)
    state_dir.prepare(settings.state.folder)
    with (
        lockfile.taken(settings.state.folder),
        WakeupPipe() as wakeup,
        wakeup.stopped_by_signals(),
        contextlib.ExitStack() as parts,
    ):
        supervisor = start(settings, wakeup, parts, handover)
        while not wakeup.stopping:
            supervisor.tick()
            wakeup.wait(supervisor.seconds_to_tick())
        systemd.tell("STOPPING=1", "STATUS=stopping")
        _log.info("stopping")
    _log.info("stopped")


def start(
    settings: Settings, wakeup: WakeupPipe, parts: contextlib.ExitStack, handover: Handover | None = None
) -> Supervisor:
    """Open the ledger and start every part; `parts` stops them in reverse. Raises CannotRun."""
    # An update of a long history takes its time, and a check after a power cut, too: systemd would end it.
    systemd.tell(f"EXTEND_TIMEOUT_USEC={START_SECONDS * 1_000_000}", "STATUS=opening the database")
    try:
        check_later = parts.enter_context(
            recovery.opened_safely(
                settings.state.folder / state_dir.STATE_DB,
                now=time.time(),
                quarantine=settings.uploads.uncertain_delay,
                changed=wakeup.wake,
            )
        )
        if handover is not None:
            sessions.add_link(digest(handover.login_token), time.time())
        server = (
            handover.server
            if handover
            else Server(settings.web.host, settings.web.port, url=settings.web.url)
        )
        return build(settings, wakeup, parts, server, check_later=check_later)
    except StorageError as error:
        raise CannotRun(error.message, 1) from error
    except (OSError, sqlite3.Error, database.DatabaseError) as error:
        raise CannotRun(system.CANNOT_START(reason=verbatim(str(error))), 1) from error


def build(
    settings: Settings, wakeup: WakeupPipe, parts: contextlib.ExitStack, server: Server, *, check_later: bool
) -> Supervisor:
    """Everything that runs, started in this order and stopped in reverse.

    `check_later`: whether the file of the ledger is still to be checked.
    """
    sealed = _cipher(settings)
    recover(settings, time.time())
    metrics = Metrics()
    strava = parts.enter_context(
        Strava(
            settings.strava,
            on_rate_limit=lambda headers: rate_limits.update(headers, time.time()),
            on_request=metrics.asked,
        )
    )
    tokens = AccessTokens(strava, sealed)
    oauth = OAuth(
        strava,
        tokens,
        athletes=settings.athletes,
        redirect_uri=lambda: _url(settings, server) + CALLBACK,
    )
    for name in tokens.check(settings.athletes, time.time()):
        _log.warning("token_check", outcome="lost", athlete=name, reason="the key does not decrypt them")
    dispatcher = Dispatcher(
        can_send=lambda athlete, start_time: attempts.can_send(athlete, start_time),  # noqa: PLW0108  # it is made below
        dispatch=lambda job_id: upload_queue.dispatch(job_id),  # noqa: PLW0108  # as above
    )
    server_clock = ServerClock(strava.server_now, strava.server_time, lambda: folders.rescan())  # noqa: PLW0108  # it is made below
    parts.callback(server_clock.stop)
    folder_context = FolderContext(
        wake=lambda: upload_queue.wake(),  # noqa: PLW0108  # as above
        changed=wakeup.wake,
        incoming=lambda: attempts.prepare_upload(),  # noqa: PLW0108  # as above
        server_now=server_clock.now,
        dispatcher=dispatcher,
        roots=FolderRoots(),
    )
    folders = build_folders(settings, folder_context)
    attempts = _attempts(settings, strava, tokens, folders, dispatcher)
    upload_queue = _upload_queue(settings, attempts)
    copies = CopyThread(settings.state.folder / state_dir.STATE_DB, check_first=check_later)
    parts.callback(copies.stop)
    follow_ups = FollowUps(
        settings,
        strava,
        tokens,
        clock=time.time,
        hook_done=folders.tidy,
        in_flight=attempts.claims.count,
    )
    notifier = _notifier(settings, lambda: supervisor.is_well())  # noqa: PLW0108  # it is made below
    supervisor = Supervisor(
        settings,
        upload_queue=upload_queue,
        attempts=attempts,
        tokens=tokens,
        oauth=oauth,
        folders=folders,
        metrics=metrics,
        notification_policy=_notification_policy(settings, notifier),
        url=lambda: _url(settings, server),
        port=lambda: server.port,
        copies=copies,
        follow_ups=follow_ups,
        clock=time.time,
    )
    metrics.show(supervisor.snapshot)
    parts.enter_context(notifier.running())
    context = _web_context(
        settings,
        supervisor,
        wakeup,
        server,
        folders=folders,
        upload_queue=upload_queue,
        tokens=tokens,
        oauth=oauth,
        metrics=metrics,
    )
    parts.callback(tokens.close)
    parts.enter_context(follow_ups.running())
    parts.enter_context(upload_queue.running(drain_seconds=DRAIN_SECONDS))
    _serve(parts, server, context)
    parts.enter_context(folders.running())
    supervisor.announce(lambda: make_login_link(context))
    return supervisor


def _url(settings: Settings, server: Server) -> str:
    """How a browser reaches the page."""
    return settings.web.url or f"http://127.0.0.1:{server.port}"


def _web_context(
    settings: Settings,
    supervisor: Supervisor,
    wakeup: WakeupPipe,
    server: Server,
    *,
    folders: WatchedFolders,
    upload_queue: UploadQueue,
    tokens: AccessTokens,
    oauth: OAuth,
    metrics: Metrics,
) -> WebContext:
    source_files = SourceFiles(folders, archives(settings))
    return WebContext(
        settings=settings,
        actions=commands.Actions(
            settings,
            wake=upload_queue.wake,
            clock=time.time,
            has_lost_bytes=source_files.has_lost_bytes,
            read=source_files.read,
        ),
        oauth=oauth,
        api_token=state_dir.api_token(settings.state.folder),
        url=lambda: _url(settings, server),
        port=lambda: server.port,
        snapshot=supervisor.snapshot,
        revision=lambda: wakeup.revision,
        metrics=metrics.text,
        health_error=supervisor.health_error,
        rotate_keys=lambda: key_rotation.rotate(settings.state.key_file, tokens),
        connected=upload_queue.wake,
        clock=time.time,
    )


def _serve(parts: contextlib.ExitStack, server: Server, context: WebContext) -> None:
    try:
        parts.enter_context(server.serving(wsgi(context)))
    except (OSError, ValueError) as error:  # ValueError: waitress knows no address of that name
        host, port = context.settings.web.host, context.settings.web.port
        reason = system.from_os_error(error) if isinstance(error, OSError) else verbatim(str(error))
        raise CannotRun(system.PORT_IN_USE(host=host, port=port, reason=reason), 1) from error


def _attempts(
    settings: Settings, strava: Strava, tokens: AccessTokens, folders: WatchedFolders, dispatcher: Dispatcher
) -> UploadWorker:
    return UploadWorker(
        strava,
        tokens,
        app=settings.strava,
        uploads=settings.uploads,
        archives=archives(settings),
        folders=folders,
        dispatcher=dispatcher,
        rules=settings.rules,
        clock=time.time,
    )


def _upload_queue(settings: Settings, attempts: UploadWorker) -> UploadQueue:
    return UploadQueue(
        settings.state.folder / state_dir.QUEUE_DB,
        workers=settings.uploads.max_concurrent,
        attempt=attempts,
        select_due=lambda: select_due(settings.athletes, settings.uploads, time.time(), attempts.claims),
    )


def _notifier(settings: Settings, well: Callable[[], bool]) -> Notifier:
    notify = settings.notify
    return Notifier(
        Messengers(notify.urls, settings.state.folder / state_dir.APPRISE),
        for_setting(settings.web.language, os.environ),
        heartbeat_url=notify.heartbeat_url,
        heartbeat_interval=notify.heartbeat_interval,
        well=well,
    )


def _notification_policy(settings: Settings, notifier: Notifier) -> NotificationPolicy | None:
    if not settings.notify.urls:
        return None
    return NotificationPolicy(notifier.wake, notifier.send_now, uploads=settings.notify.uploads)


def _cipher(settings: Settings) -> TokenCipher:
    try:
        return token_cipher.load(settings.state.key_file, _stamp(time.time()))
    except KeyFileError as problem:
        raise CannotRun(problem.message, 78) from problem


def recover(settings: Settings, now: float) -> None:
    """Release the claims of the process before, let breakers be probed, and apply a changed `since`."""
    released = stored_attempts.release_interrupted(
        retry_policy.longest_wait(settings.uploads), settings.uploads.uncertain_delay, now
    )
    breakers.probe_after_start(now)
    freed = commands.decide_since_again(settings)
    if released or freed:
        _log.info("recovered", unfinished_attempts=released, no_longer_held=freed)


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
