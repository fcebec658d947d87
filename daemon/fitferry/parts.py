"""The parts of the daemon: the one module that wires them, and that knows whose clock they are given."""

from __future__ import annotations

import os
import time
from functools import cached_property

from fitferry.auth import key_rotation, token_cipher
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth
from fitferry.auth.token_cipher import TokenCipher
from fitferry.config.schema import Settings
from fitferry.core.errors import CannotRun, KeyFileError
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
from fitferry.storage import rate_limits
from fitferry.storage.backups import CopyThread
from fitferry.strava import Strava
from fitferry.system import state_dir
from fitferry.system.wakeup import WakeupPipe
from fitferry.uploads import commands
from fitferry.uploads.folders import FolderContext, archives, build_folders
from fitferry.uploads.follow_ups import FollowUps
from fitferry.uploads.job_queue import UploadQueue
from fitferry.uploads.scheduler import select_due
from fitferry.uploads.source_file import SourceFiles
from fitferry.uploads.worker import UploadWorker
from fitferry.web.context import WebContext
from fitferry.web.middleware import CALLBACK
from fitferry.web.server import Server


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
            metrics=self.metrics,
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


def _cipher(settings: Settings) -> TokenCipher:
    try:
        return token_cipher.load(settings.state.key_file, state_dir.stamp(time.time()))
    except KeyFileError as problem:
        raise CannotRun(problem.message, 78) from problem
