"""Watch of a folder: whether it is there, still the same one, and whether its filesystem's events can be relied on.

Watches stay with what was there before something was mounted over a folder or it was made anew; a limit of the
kernel's or a share whose other users' writes raise no events tells nobody. So each of it is looked for.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from fitferry.config.schema import WatchSettings
from fitferry.core import filenames
from fitferry.core.activity import WatchMethod
from fitferry.core.errors import PlannedOSError
from fitferry.core.messages import Message, folders, system
from fitferry.inbox.file_events import Hint, Skip, Watcher
from fitferry.inbox.surroundings import Surroundings
from fitferry.system import mounts

SCAN_SECONDS = 300.0
POLL_SECONDS = 10.0
_LIMITS = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}

_log = structlog.get_logger()


class FolderWatch:
    """One folder, attached to or away. `note`: why its events are not relied on, for people.

    `claim`: takes the folder's stat and returns the name under which it is watched already, "" if it is not.
    """

    def __init__(
        self,
        watch: WatchSettings,
        surroundings: Surroundings,
        *,
        hint: Hint,
        rescan: Callable[[], None],
        skip: Skip = frozenset,
        claim: Callable[[os.stat_result], str] = lambda _found: "",
    ) -> None:
        self.note: Message | None = None
        self.is_local = False
        """Whether the folder is on a disk of this machine, as far as was seen when it was attached to."""
        self._watch = watch
        self._surroundings = surroundings
        self._folder = str(watch.folder)
        self._rescan = rescan
        self._claim = claim
        self._make_watcher = partial(
            surroundings.watcher, self._folder, recursive=watch.recursive, hint=hint, rescan=rescan, skip=skip
        )
        self._watcher: Watcher | None = None
        self._identity: tuple[int, int] | None = None
        self._scans_short_of_watches = 0

    @property
    def method(self) -> WatchMethod:
        """How files are found now: events or poll."""
        return WatchMethod.EVENTS if self._watcher is not None else WatchMethod.POLL

    @property
    def attached(self) -> bool:
        """Whether the folder was there at the last look."""
        return self._identity is not None

    def attach(self) -> bool:
        """Look at what is there now; True if it is another folder than before. Raises OSError: it is away."""
        found = os.stat(self._folder)
        os.scandir(self._folder).close()
        identity = (found.st_dev, found.st_ino)
        silent = self._watcher is not None and not self._watcher.alive()
        if identity == self._identity and not silent:
            return False
        self.detach()
        watched_as = self._claim(found)
        if watched_as:
            raise PlannedOSError(errno.EEXIST, folders.SAME_FOLDER(other=watched_as))
        self._watch_events()
        self._identity = identity
        return True

    def detach(self) -> None:
        """Let go of the folder; the next look takes it for another one."""
        watcher, self._watcher = self._watcher, None
        self._identity, self._scans_short_of_watches, self.note = None, 0, None
        if watcher is not None:
            watcher.stop()

    def check_reliability(self, missed: list[str], folder_count: int) -> None:
        """Rely on events no longer where they fail. `missed`: files that a scan found and no event named."""
        if self._watcher is None or self.note:
            return
        short = self._watch.recursive and self._watcher.watches() < folder_count
        self._scans_short_of_watches = self._scans_short_of_watches + 1 if short else 0
        if self._scans_short_of_watches == 1:
            self._rescan()  # a folder that was removed meanwhile looks like this, once
        elif self._scans_short_of_watches:
            reason = folders.RAISE_LIMIT(limit=_LIMITS[errno.ENOSPC])
            self._fall_back_to_polling(folders.NOT_ALL_WATCHED(reason=reason))
        elif missed:
            self._fall_back_to_polling(folders.NO_EVENT_FOR(file=filenames.shown(missed[0])))

    def interval(self, took: float) -> float:
        """Seconds until the next scan, after one that took so long."""
        if self._watch.scan_interval is not None:
            return self._watch.scan_interval
        often = max(POLL_SECONDS, 10 * took)
        return often if self._watcher is None or self.note else SCAN_SECONDS

    def _watch_events(self) -> None:
        kind = self._surroundings.filesystem(Path(self._folder))
        self.is_local = not mounts.needs_polling(kind)
        if self._wanted_method() is WatchMethod.POLL:
            return
        watcher = self._make_watcher()
        try:
            watcher.start()
        except OSError as error:
            limit = _LIMITS.get(error.errno or 0)
            reason = folders.RAISE_LIMIT(limit=limit) if limit else system.from_os_error(error)
            self._fall_back_to_polling(folders.NO_EVENTS(reason=reason))
            return
        self._watcher = watcher

    def _fall_back_to_polling(self, reason: Message) -> None:
        self.note = folders.SCANNED_INSTEAD(reason=reason)
        _log.warning("watch_state", folder=self._folder, outcome="events_fail", reason=str(reason))

    def _wanted_method(self) -> WatchMethod:
        if self._watch.method is not WatchMethod.AUTO:
            return self._watch.method
        has_events = self.is_local and not self._surroundings.lacks_inotify()
        return WatchMethod.EVENTS if has_events else WatchMethod.POLL
