"""How is the daemon built, run and stopped? The one module that wires, and the one that knows the clock."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from fitferry import __version__, actions, keys, layout, lock, logs, policy, spool, status, systemd, vault
from fitferry.config import Settings
from fitferry.errors import CannotRun, KeyProblem, LedgerProblem
from fitferry.intake import Tree
from fitferry.jobs import Jobs
from fitferry.ledger import athletes, copies, jobs, shared, tables
from fitferry.metrics import Metrics
from fitferry.model import Problem, Status
from fitferry.notify import Notifier
from fitferry.nudge import Nudge
from fitferry.pipeline import admit
from fitferry.pipeline.attempt import Attempts
from fitferry.pipeline.put_away import Archive
from fitferry.pipeline.reception import Reception
from fitferry.pipeline.wake import wake
from fitferry.status import Troubles
from fitferry.strava import Strava
from fitferry.telling import Telling
from fitferry.tokens import Tokens
from fitferry.vault import Vault
from fitferry.web.app import wsgi
from fitferry.web.doors import make_login_link
from fitferry.web.server import Server
from fitferry.web.site import Site
from fitferry.words import chosen

DRAIN_SECONDS = 20.0
"""How long uploads in flight may take to finish at a stop; what is left then is the next start's. A refresh gets longer."""
TICK_SECONDS = 60.0
ILL_SECONDS = 5.0
"""How soon it is tried again whether the database can be written."""
STATUS_SECONDS = 1.0

_log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Be the daemon until SIGTERM or SIGINT. Raises CannotRun."""
    os.umask(0o077)
    logs.configure(settings.log.level, settings.log.format)
    for warning in settings.warnings:
        _log.warning("setting", reason=warning)
    layout.prepare(settings.state.folder)
    with lock.taken(settings.state.folder), Nudge() as nudge, nudge.stopped_by_signals():
        with _ledger(settings, nudge), _built(settings, nudge) as daemon:
            daemon.announce()
            while not nudge.stopping:
                daemon.tick()
                nudge.wait(daemon.seconds_to_tick())
            systemd.tell("STOPPING=1", "STATUS=stopping")
            daemon.tell_rest()
            _log.info("stopping")
        _log.info("stopped")


class Daemon:
    """The parts that run, and what the supervisor does with them now and then."""

    def __init__(  # the parts
        self,
        settings: Settings,
        *,
        queue: Jobs,
        attempts: Attempts,
        tokens: Tokens,
        intakes: list[Tree],
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._attempts = attempts
        self._tokens = tokens
        self._intakes = intakes
        self._metrics = metrics
        self._clock = clock
        self._started_at = self._measured_until = clock()
        self._written: dict[str, Any] = {}
        self._there: set[str] = set()
        self._house_kept_at = 0.0
        self._troubles = Troubles()
        self._database = settings.state.folder / layout.STATE_DB
        self._inode = self._database.stat().st_ino
        self.telling: Telling | None = None
        self.site: Site | None = None
        self.server: Server | None = None

    def url(self) -> str:
        """How a browser reaches the page."""
        return self._settings.web.url or f"http://localhost:{self.port()}"

    def snapshot(self) -> dict[str, Any]:
        """How things are, for everybody who asks."""
        now = self._clock()
        return status.snapshot(self._settings.athletes, self._process(now), now)

    def _process(self, now: float) -> status.Process:
        watch = tuple(intake.state for intake in self._intakes)
        return status.Process(
            pid=os.getpid(),
            started_at=self._started_at,
            host=self._settings.web.host,
            port=self.port(),
            url=self.url(),
            watch=watch,
            backlog=actions.backlog(self._settings.athletes, now),
            troubles=tuple(self._troubles.dated([*self._own_troubles(now), *status.of_folders(watch, now)])),
        )

    def illness(self) -> str | None:
        """What is wrong with the process itself, in words; None while all is well."""
        failure = tables.failure()
        if failure is not None:
            return f"the database cannot be written ({failure})"
        try:
            if self._database.stat().st_ino != self._inode:
                return "the database file was replaced by another one"
        except OSError:
            return "the database file is gone"
        return self._dead_part()

    def announce(self) -> None:
        """Say that all is ready, and where to sign in if somebody has to."""
        systemd.tell("READY=1")
        _log.info("started", version=__version__, url=self.url(), sqlite=sqlite3.sqlite_version)
        if self.site is not None and not all(
            athletes.get(name).connected for name in self._settings.athletes
        ):
            # A person is needed; so it stands in a quiet log, too.
            _log.warning("sign in to connect", login_link=make_login_link(self.site))

    def tick(self) -> None:
        """What is due now: the status file, systemd, and once a minute some housekeeping."""
        now = self._clock()
        # Each by itself: a database that cannot be written must not keep the page from saying so.
        for work in (
            tables.try_again,
            self._tokens.write_what_is_left,
            self._attempts.write_what_is_left,
            self._welcome_folders,
        ):
            self._do(work)
        self._do(lambda: self._publish(now))
        if abs(now - self._house_kept_at) >= TICK_SECONDS:
            self._house_kept_at = now
            self._do(lambda: self._keep_house(now))
        # Fed even while the database is ill: a restart would not mend a full disk, and the page must say why.
        if self._dead_part() is None:
            systemd.tell("WATCHDOG=1")

    def tell_rest(self) -> None:
        """Send the messages that wait for others to be told with."""
        if self.telling is not None:
            self.telling.finish(self._clock())

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (tables.DatabaseError, sqlite3.Error, OSError) as error:
            _log.warning("housekeeping failed", reason=str(error))

    def _welcome_folders(self) -> None:
        """Let what waited for a folder be tried when it comes back."""
        there = {intake.state.folder for intake in self._intakes if intake.state.available}
        for folder in there - self._there:
            jobs.folder_is_back(Path(folder))
            self._queue.poke()
        self._there = there

    def seconds_to_tick(self) -> float:
        """How long the supervisor may sleep if nothing happens."""
        usual = ILL_SECONDS if tables.failure() else TICK_SECONDS
        return min(usual, systemd.watchdog_seconds() or usual)

    def _dead_part(self) -> str | None:
        """Which thread has ended that should not have: only a new process brings it back."""
        if not self._queue.alive():
            return "an upload worker has ended"
        if not all(intake.alive() for intake in self._intakes):
            return "a folder is no longer looked at"
        return None

    def is_well(self) -> bool:
        """Whether nothing needs a person; not before the first look at how things are."""
        return self._written.get("state") in {"ok", "waiting"} and self.illness() is None

    def _publish(self, now: float) -> None:
        values = self.snapshot()
        if {**values, "updated_at": ""} != {**self._written, "updated_at": ""}:
            self._written = values
            status.write(self._settings.state.folder / layout.STATUS, values)
            systemd.tell(f"STATUS={_in_short(values)}")
        self._measure()
        if self.telling is not None:
            self.telling.observe(status.problems_now(self._settings.athletes, self._process(now)), now)

    def _measure(self) -> None:
        """Note how long Strava took over what was completed since the last time."""
        for job in jobs.finished_since(self._measured_until):
            self._measured_until = job.completed_at or self._measured_until
            if job.status is Status.COMPLETED and job.accepted_at is not None:
                self._metrics.completed(self._measured_until - job.accepted_at)

    def _keep_house(self, now: float) -> None:
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        if not copies.has_copy_of(self._database, day):
            copies.copy_now(self._database, day)
        self._tokens.say_farewells()
        spool.empty(self._settings.state.folder)
        self._attempts.put_away()
        if admit.find_again():
            self._queue.poke()

    def _own_troubles(self, now: float) -> list[Problem]:
        ill, unmoved = self.illness(), self._attempts.unmoved
        found = [Problem("internal", ill, now)] if ill else []
        if unmoved:
            words = (
                f"an uploaded file cannot be moved or deleted ({unmoved}): "
                "give Fitferry the right to write there, or set after_upload to keep"
            )
            found.append(Problem("not_put_away", words, now))
        return found

    def port(self) -> int:
        """The port that the page listens on."""
        return self.server.port if self.server is not None else self._settings.web.port


@contextlib.contextmanager
def _ledger(settings: Settings, nudge: Nudge) -> Iterator[None]:
    """The open ledger; a damaged one is set aside and its newest good copy put back."""
    path, now = settings.state.folder / layout.STATE_DB, time.time()
    stamp = _stamp(now)
    try:
        mended = not copies.is_whole(path) or _was_lost(path)
        if mended:
            copy = copies.mend(path, stamp)
            _log.error(
                "database damaged or gone",
                set_aside=f"{path}.damaged-{stamp}",
                put_back=str(copy) if copy else None,
            )
        with tables.opened(path, changed=nudge.set):
            if mended:
                copies.doubt_everything(now, settings.uploads.uncertain_delay)
            yield
    except LedgerProblem as problem:
        raise CannotRun(str(problem), 1) from problem
    except sqlite3.Error as error:
        raise CannotRun(f"the database {path} cannot be opened ({error})", 1) from error


def _was_lost(path: Path) -> bool:
    """Whether there was a database that is not there any more: copies and the API's token are made after it."""
    empty = not path.exists() or path.stat().st_size == 0
    return empty and (copies.any_of(path) or path.with_name(layout.API_TOKEN).exists())


@contextlib.contextmanager
def _built(settings: Settings, nudge: Nudge) -> Iterator[Daemon]:
    """Everything that runs, started in this order and stopped in reverse."""
    clock = time.time
    sealed = _vault(settings)
    _take_over(settings, clock())
    with contextlib.ExitStack() as parts:
        metrics = Metrics()
        strava = parts.enter_context(
            Strava(settings.strava, heard=lambda heard: shared.hear(heard, clock()), asked=metrics.asked)
        )
        tokens = Tokens(strava, sealed, redirect_uri=lambda: f"{daemon.url()}/api/v1/strava/callback")
        for name in tokens.check(settings.athletes, clock()):
            _log.warning("connection lost", athlete=name, reason="the key does not open the stored tokens")
        attempts = Attempts(
            strava,
            tokens,
            app=settings.strava,
            uploads=settings.uploads,
            archives=[
                Archive(watch.folder, watch.folder / settings.uploads.archive_folder)
                for watch in settings.watch
            ],
            rules=settings.rules,
            clock=clock,
        )
        queue = Jobs(
            settings.state.folder / layout.QUEUE_DB,
            workers=settings.uploads.max_concurrent,
            attempt=attempts,
            wake=lambda: wake(settings.athletes, settings.uploads, clock()),
        )
        intakes = [_tree(settings, index, queue.poke, nudge.set) for index in range(len(settings.watch))]
        daemon = Daemon(
            settings,
            queue=queue,
            attempts=attempts,
            tokens=tokens,
            intakes=intakes,
            metrics=metrics,
            clock=clock,
        )
        metrics.show(daemon.snapshot)
        notify = settings.notify
        notifier = Notifier(
            notify.urls,
            heartbeat_url=notify.heartbeat_url,
            heartbeat_interval=notify.heartbeat_interval,
            well=daemon.is_well,
        )
        parts.enter_context(notifier.running())
        if notify.urls:
            spoken = chosen(settings.web.language, os.environ)
            daemon.telling = Telling(notifier.put, spoken, uploads=notify.uploads)
        daemon.site = Site(
            settings=settings,
            actions=actions.Actions(settings, poke=queue.poke, clock=clock),
            tokens=tokens,
            api_token=layout.api_token(settings.state.folder),
            url=daemon.url,
            port=daemon.port,
            snapshot=daemon.snapshot,
            revision=lambda: nudge.calls,
            metrics=metrics.text,
            illness=daemon.illness,
            rotate_keys=lambda: keys.rotate(settings.state.key_file, tokens),
            connected=queue.poke,
            clock=clock,
        )
        parts.callback(tokens.close)
        parts.enter_context(queue.running(drain_seconds=DRAIN_SECONDS))
        daemon.server = parts.enter_context(_served(settings, daemon.site))
        for intake in intakes:
            intake.start()
            parts.callback(intake.stop)
        yield daemon


@contextlib.contextmanager
def _served(settings: Settings, site: Site) -> Iterator[Server]:
    server = Server(wsgi(site), settings.web.host, settings.web.port)
    try:
        server.__enter__()
    except (OSError, ValueError) as error:  # ValueError: waitress knows no address of that name
        raise CannotRun(
            f"the page cannot listen on {settings.web.host} port {settings.web.port} "
            f"({getattr(error, 'strerror', None) or error}): "
            "stop what uses that port, or name another host or port in [web]",
            1,
        ) from error
    try:
        yield server
    finally:
        server.__exit__(None, None, None)


def _tree(settings: Settings, index: int, poke: Callable[[], None], changed: Callable[[], None]) -> Tree:
    watch = settings.watch[index]
    inside = {str(other.folder) for other in settings.watch if other.folder.is_relative_to(watch.folder)}
    archive = str(watch.folder / settings.uploads.archive_folder)

    def receive(folder: str) -> Reception:
        return Reception(
            folder, watch.athlete, settings.strava, rules=settings.rules, poke=poke, clock=time.time
        )

    without = frozenset({*inside, archive} - {str(watch.folder)})
    return Tree(watch, receive, without=without, changed=changed)


def _vault(settings: Settings) -> Vault:
    try:
        return vault.load(settings.state.key_file, _stamp(time.time()))
    except KeyProblem as problem:
        raise CannotRun(str(problem), 78) from problem


def _take_over(settings: Settings, now: float) -> None:
    """Take over from the process before: its claims, its gates, and what the settings held then."""
    released = jobs.release_all(policy.longest_wait(settings.uploads), settings.uploads.uncertain_delay, now)
    shared.hurry_gates(now)
    freed = actions.decide_since_again(settings)
    if released or freed:
        _log.info("taken over", unfinished_attempts=released, no_longer_held=freed)


def _in_short(values: dict[str, Any]) -> str:
    queue = values["queue"]
    waiting = queue["pending"] + queue["processing"]
    words = f"{values['state']}: {waiting} waiting, {queue['completed']} uploaded, {queue['failed']} failed"
    return words + (f"; {values['problems'][0]['message']}" if values["problems"] else "")


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
