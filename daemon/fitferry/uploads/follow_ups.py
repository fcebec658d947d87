"""What follows uploads, as the settings ask for it: edits by rule, and the command; each in a thread of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from fitferry.auth.access_tokens import AccessTokens
from fitferry.config.schema import Settings
from fitferry.core.follow_up import FollowUpKind
from fitferry.storage import follow_ups
from fitferry.strava import Strava
from fitferry.strava.client import REQUEST_DEADLINE
from fitferry.system.work_thread import WorkThread
from fitferry.uploads.activity_edits import ActivityEdits
from fitferry.uploads.follow_up_failures import pause_after
from fitferry.uploads.hooks import HookRunner


class FollowUps:
    """The threads that are needed; none where neither a rule nor `[hooks]` asks for anything.

    `in_flight`: how many uploads are being worked on. `hook_done`: called when a file has been shown to the command, and may be archived or deleted.
    """

    def __init__(
        self,
        settings: Settings,
        strava: Strava,
        tokens: AccessTokens,
        *,
        clock: Callable[[], float],
        hook_done: Callable[[], None],
        in_flight: Callable[[], int],
    ) -> None:
        retry_delays = settings.uploads.retry_delays
        self._hooks: HookRunner | None = None
        self._threads: dict[FollowUpKind, WorkThread] = {}
        if any(rule.set.gear is not None or rule.set.hide_from_home is not None for rule in settings.rules):
            edits = ActivityEdits(
                strava,
                tokens,
                rules=settings.rules,
                retry_delays=retry_delays,
                clock=clock,
                in_flight=in_flight,
            )
            self._threads[FollowUpKind.EDIT] = WorkThread("edits", edits, pause_after)
        if settings.hooks.command:
            self._hooks = HookRunner(
                settings.hooks.command,
                timeout=settings.hooks.timeout,
                retry_delays=retry_delays,
                clock=clock,
                done=hook_done,
            )
            self._threads[FollowUpKind.HOOK] = WorkThread("hooks", self._hooks, pause_after)

    def wake(self) -> None:
        for thread in self._threads.values():
            thread.wake()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the threads. At the end a request goes on to its deadline; a command is ended, and runs again later."""
        follow_ups.want(self._threads.keys())
        for thread in self._threads.values():
            thread.start()
        try:
            yield
        finally:
            if self._hooks is not None:
                self._hooks.stop()
            for thread in self._threads.values():
                thread.stop(REQUEST_DEADLINE)
