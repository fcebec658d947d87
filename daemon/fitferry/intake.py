"""How does a watched folder find its files? Scans are the truth, events are hints.

One thread a folder. Hints are taken between any two files of a scan, so that a scan of 100,000 files
delays nobody. A file whose writer is known to be done is looked at once; any other has to stay as it is
for `settle` seconds first. What is not whole is left alone until it changes.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from fitferry import folders, mounts
from fitferry.config import WatchSettings
from fitferry.ledger import files
from fitferry.model import Arrival, Signature, WatchState
from fitferry.watcher import Watcher

SCAN_SECONDS = 300.0
POLL_SECONDS = 10.0
AWAY_SECONDS = 5.0
"""Seconds between two looks for a folder that is not there."""
MAX_HINTS = 10_000
"""More hints than this are forgotten, and a scan finds what they named."""
_LEFT_ALONE = frozenset({Arrival.UNFINISHED, Arrival.UNREADABLE})

_log = structlog.get_logger()


@dataclass(slots=True)
class _Candidate:
    """A file that has not been admitted: since when it has looked like this, and whether it was read so."""

    signature: Signature
    since: float
    read: bool = False


class Intake:
    """One watched folder, from its events and scans to `admit(path)`."""

    def __init__(
        self,
        watch: WatchSettings,
        *,
        admit: Callable[[str], Arrival],
        without: frozenset[str],
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watch = watch
        self._folder = str(watch.folder)
        self._admit = admit
        self._without = without
        self._changed = changed
        self._clock = clock
        self._hints: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = False
        self._scan_at = 0.0
        self._candidates: dict[str, _Candidate] = {}
        self._watcher: Watcher | None = None
        self._identity: tuple[int, int] | None = None
        self.state = WatchState(self._folder, watch.athlete, self._method(), available=False)
        self._thread = threading.Thread(target=self._run, name=f"intake {self._folder}", daemon=True)

    def start(self) -> None:
        """Begin: watch, then scan."""
        self._thread.start()

    def stop(self) -> None:
        """End; a file that is being read is read to its end."""
        self._stopping = True
        self._awake.set()
        self._thread.join(timeout=10)
        self._unwatch()

    def alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    def hint(self, path: str, closed: bool) -> None:  # noqa: FBT001  # the shape of a hint
        """Take a hint: a path to look at, and whether its writer is done with it."""
        with self._lock:
            if len(self._hints) >= MAX_HINTS:
                self._scan_at = 0.0
            else:
                self._hints[path] = self._hints.get(path, False) or closed
        self._awake.set()

    def rescan(self) -> None:
        """Scan as soon as possible."""
        self._scan_at = 0.0
        self._awake.set()

    def step(self) -> float:
        """Everything that is due now; the seconds until something else is."""
        self._awake.clear()
        self._take_hints()
        if self._clock() >= self._scan_at:
            self._scan()
        self._look_again()
        return self._sleep()

    def _run(self) -> None:
        while not self._stopping:
            try:
                seconds = self.step()
            except Exception:  # noqa: BLE001  # whatever one file or the disk does, the folder is looked at again
                _log.exception("cannot look at folder", folder=self._folder)
                seconds = AWAY_SECONDS
                self._scan_at = min(self._scan_at, self._clock() + AWAY_SECONDS)
            self._awake.wait(seconds)

    def _take_hints(self) -> None:
        while not self._stopping:
            with self._lock:
                if not self._hints:
                    return
                path = next(iter(self._hints))
                closed = self._hints.pop(path)
            if folders.is_wanted(path, self._folder, recursive=self._watch.recursive, without=self._without):
                self._look(path, closed=closed)

    def _scan(self) -> None:
        """One walk through the folder. A rescan that is asked for meanwhile counts."""
        began = self._clock()
        self._scan_at = began + AWAY_SECONDS
        if not self._attach():
            return
        self._scan_at = float("inf")
        known = files.seen_below(self._watch.athlete, self._folder)
        try:
            for path, found in folders.walk(
                self._folder, recursive=self._watch.recursive, without=self._without
            ):
                if known.get(path) != Signature.of(found):
                    self._look(path, closed=False, found=found)
                self._take_hints()
                if self._stopping:
                    return
        except OSError as error:
            self._away(error.strerror or str(error))
            return
        took = self._clock() - began
        self._scan_at = min(self._scan_at, self._clock() + self._interval(took))

    def _look(self, path: str, *, closed: bool, found: os.stat_result | None = None) -> None:
        """Look at one file: admit it, wait for it to settle, or leave it alone."""
        try:
            found = found or os.stat(path)
        except OSError:
            self._candidates.pop(path, None)
            return
        if not stat.S_ISREG(found.st_mode):
            return
        signature = Signature.of(found)
        candidate = self._candidates.get(path)
        if candidate is None or candidate.signature != signature:
            if files.seen(self._watch.athlete, path) == signature:
                return
            candidate = self._candidates[path] = _Candidate(signature, self._clock())
        settled = self._clock() - candidate.since >= self._watch.settle
        if (closed or settled) and not candidate.read:
            self._read(path, candidate)

    def _read(self, path: str, candidate: _Candidate) -> None:
        arrival = self._admit(path)
        if arrival is Arrival.CHANGED:
            self._candidates.pop(path, None)
            self.hint(path, False)
        elif arrival in _LEFT_ALONE:
            candidate.read = True
        else:
            self._candidates.pop(path, None)

    def _look_again(self) -> None:
        """Look at what has had the time to settle."""
        due = [path for path, one in self._candidates.items() if not one.read and self._settles_in(one) <= 0]
        for path in due:
            self._look(path, closed=False)

    def _sleep(self) -> float:
        waits = [self._settles_in(one) for one in self._candidates.values() if not one.read]
        return max(0.0, min([self._scan_at - self._clock(), *waits]))

    def _settles_in(self, candidate: _Candidate) -> float:
        return candidate.since + self._watch.settle - self._clock()

    def _attach(self) -> bool:
        """Have the folder, and the events of what is there now; False while it is away."""
        try:
            found = os.stat(self._folder)
            os.scandir(self._folder).close()
        except OSError as error:
            self._away(error.strerror or str(error))
            return False
        identity = (found.st_dev, found.st_ino)
        deaf = self._watcher is not None and not self._watcher.alive()
        if identity != self._identity or deaf:
            # Another folder is there now (mounted, recreated): watches stay with the old one for ever.
            self._unwatch()
            self._watch_events()
            self._identity = identity
        self._tell(available=True)
        return True

    def _watch_events(self) -> None:
        if self._method() == "poll":
            return
        watcher = Watcher(self._folder, recursive=self._watch.recursive, hint=self.hint, rescan=self.rescan)
        try:
            watcher.start()
        except OSError as error:
            _log.warning("no events, scanning instead", folder=self._folder, reason=error.strerror)
            return
        self._watcher = watcher

    def _unwatch(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()

    def _away(self, reason: str) -> None:
        self._unwatch()
        self._identity = None
        self._tell(available=False, reason=reason)

    def _tell(self, *, available: bool, reason: str = "") -> None:
        method = "events" if self._watcher is not None else "poll"
        state = WatchState(self._folder, self._watch.athlete, method, available, reason)
        if state != self.state:
            self.state = state
            _log.info(
                "folder", folder=self._folder, available=available, method=method, reason=reason or None
            )
            self._changed()

    def _method(self) -> str:
        if self._watch.method == "auto":
            return "poll" if mounts.hides_writes(mounts.filesystem(self._watch.folder)) else "events"
        return self._watch.method

    def _interval(self, took: float) -> float:
        if self._watch.scan_interval is not None:
            return self._watch.scan_interval
        return SCAN_SECONDS if self._watcher is not None else max(POLL_SECONDS, 10 * took)
