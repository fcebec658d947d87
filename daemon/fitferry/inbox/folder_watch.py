"""Is a folder there, is it still the same one, and can the events of its filesystem be relied on?

Nothing tells of a mount, a folder that was made anew, a limit of the kernel's or a share whose other users'
writes raise no events: watches stay with what was there before, for ever. So each of it is looked for.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import structlog

from fitferry.config import WatchSettings
from fitferry.inbox.file_events import Hint, Watcher
from fitferry.system import mounts

SCAN_SECONDS = 300.0
POLL_SECONDS = 10.0
_LIMITS = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}

_log = structlog.get_logger()


class FolderWatch:
    """One folder, attached to or away. `note`: why its events are not believed in, for people."""

    def __init__(self, watch: WatchSettings, *, hint: Hint, rescan: Callable[[], None]) -> None:
        self.note = ""
        self._watch = watch
        self._folder = str(watch.folder)
        self._hint = hint
        self._rescan = rescan
        self._watcher: Watcher | None = None
        self._identity: tuple[int, int] | None = None
        self._short = 0

    @property
    def method(self) -> str:
        """How files are found now: events or poll."""
        return "events" if self._watcher is not None else "poll"

    @property
    def attached(self) -> bool:
        """Whether the folder was there at the last look."""
        return self._identity is not None

    def attach(self) -> bool:
        """Look at what is there now; True if it is another folder than before. Raises OSError: it is away."""
        found = os.stat(self._folder)
        os.scandir(self._folder).close()
        identity = (found.st_dev, found.st_ino)
        deaf = self._watcher is not None and not self._watcher.alive()
        if identity == self._identity and not deaf:
            return False
        self.detach()
        self._watch_events()
        self._identity = identity
        return True

    def detach(self) -> None:
        """Let go of the folder; the next look takes it for another one."""
        watcher, self._watcher = self._watcher, None
        self._identity, self._short, self.note = None, 0, ""
        if watcher is not None:
            watcher.stop()

    def check_reliability(self, missed: list[str], folders: int) -> None:
        """Believe in events no longer where they fail. `missed`: files that a scan found and no event named."""
        if self._watcher is None or self.note:
            return
        self._short = self._short + 1 if self._watch.recursive and self._watcher.watches() < folders else 0
        if self._short == 1:
            self._rescan()  # a folder that was removed meanwhile looks like this, once
        elif self._short:
            self._fall_back_to_polling(
                f"not every folder can be watched: raise {_LIMITS[errno.ENOSPC]} with sysctl"
            )
        elif missed:
            self._fall_back_to_polling(f"no event came for {os.path.basename(missed[0])!r}")

    def interval(self, took: float) -> float:
        """Seconds until the next scan, after one that took so long."""
        if self._watch.scan_interval is not None:
            return self._watch.scan_interval
        often = max(POLL_SECONDS, 10 * took)
        return often if self._watcher is None or self.note else SCAN_SECONDS

    def _watch_events(self) -> None:
        if self._wanted_method() == "poll":
            return
        watcher = Watcher(self._folder, recursive=self._watch.recursive, hint=self._hint, rescan=self._rescan)
        try:
            watcher.start()
        except OSError as error:
            limit = _LIMITS.get(error.errno or 0)
            reason = f"raise {limit} with sysctl" if limit else error.strerror or str(error)
            self._fall_back_to_polling(f"the kernel sends no events: {reason}")
            return
        self._watcher = watcher

    def _fall_back_to_polling(self, words: str) -> None:
        self.note = f"{words}; the folder is scanned often instead"
        _log.warning("events fail", folder=self._folder, reason=words)

    def _wanted_method(self) -> str:
        if self._watch.method != "auto":
            return self._watch.method
        deaf = mounts.lacks_inotify() or mounts.needs_polling(mounts.filesystem(self._watch.folder))
        return "poll" if deaf else "events"
