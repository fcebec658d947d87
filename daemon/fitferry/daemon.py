"""The daemon: its parts started in one order, run, and stopped in reverse."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time

import structlog

from fitferry.auth.oauth import digest
from fitferry.config.schema import Settings
from fitferry.core import retry_results
from fitferry.core.errors import CannotRun, StorageError
from fitferry.core.messages import system, verbatim
from fitferry.maintenance import Supervisor
from fitferry.parts import Parts
from fitferry.storage import attempts as stored_attempts
from fitferry.storage import breakers, database, recovery, sessions
from fitferry.system import lockfile, logs, state_dir, systemd
from fitferry.system.free_memory import give_back
from fitferry.system.wakeup import WakeupPipe
from fitferry.uploads import commands
from fitferry.web.app import wsgi
from fitferry.web.context import WebContext
from fitferry.web.credentials import make_login_link
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


def recover(settings: Settings, now: float) -> None:
    """Release the claims of the process before, let breakers be probed, and apply a changed `since`."""
    released = stored_attempts.release_interrupted(
        retry_results.longest_wait(settings.uploads), settings.uploads.uncertain_delay, now
    )
    breakers.probe_after_start(now)
    freed = commands.decide_since_again(settings)
    if released or freed:
        _log.info("recovered", unfinished_attempts=released, no_longer_held=freed)
