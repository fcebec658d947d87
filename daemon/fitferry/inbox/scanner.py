"""What is in a folder that was not taken yet? From its events and scans to what receives the files.

One thread. Hints are taken between any two files of a scan, so that a scan of 100,000 files delays nobody.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from fitferry.config import WatchSettings
from fitferry.core import filenames
from fitferry.core.activity import AdmissionResult, FileEvent, Stability, StatFingerprint, WatchState
from fitferry.core.stability import StabilityTracker
from fitferry.inbox.folder_watch import FolderWatch
from fitferry.inbox.progress import measure
from fitferry.storage import activities
from fitferry.storage.database import DatabaseError
from fitferry.system import walk as folder_walk

AWAY_SECONDS = 5.0
"""Seconds between two looks for a folder that is not there."""
CHECK_SECONDS = 10.0
"""Seconds between two looks whether the folder is still the same one."""
HUNG_SECONDS = 60.0
"""A folder that answers no call for so long is away; its thread cannot say so itself."""
EVENT_SECONDS = 5.0
"""An event that has not come by then does not come."""
MAX_HINTS = 10_000
"""More hints than this are forgotten, and a scan finds what they named."""
MAX_SHOWN = 20
"""Files on their way, or unreadable, that are told of at most."""
_NOT_YET = frozenset({AdmissionResult.UNFINISHED, AdmissionResult.UNSETTLED, AdmissionResult.UNREADABLE})

_log = structlog.get_logger()


class Receives(Protocol):
    """Where files go: the ledger, by way of `pipeline.reception`."""

    def admit(self, path: str, still: Stability, *, told: bool) -> AdmissionResult: ...

    def on_scan_finished(self, count: int) -> None: ...


class Scanner:
    """One folder on one filesystem, from its events and scans to what receives the files."""

    def __init__(
        self,
        watch: WatchSettings,
        reception: Receives,
        *,
        without: frozenset[str],
        changed: Callable[[], None],
        checked: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.without = without
        self._watch = watch
        self._folder = str(watch.folder)
        self._reception = reception
        self._changed = changed
        self._checked = checked
        self._clock = clock
        self._hints: dict[str, FileEvent] = {}
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = False
        self._check_at = 0.0
        self._scan_at = float("inf")
        self._requested = True
        self._scanned: tuple[float, int] | None = None
        self._attachment = FolderWatch(watch, hint=self.hint, rescan=self.rescan)
        self._candidates = StabilityTracker(watch.settle)
        self._unreadable: set[str] = set()
        self._busy_since: float | None = None
        self._state = WatchState(self._folder, watch.athlete, "poll", available=False)
        self._thread = threading.Thread(target=self._run, name=f"scanner {self._folder}", daemon=True)

    def start(self) -> None:
        """Begin: watch, then scan."""
        self._thread.start()

    def stop(self, *, wait: float = 10.0) -> None:
        """End; a file that is being read is read to its end."""
        self._stopping = True
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=wait)
        self._attachment.detach()

    def alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    @property
    def state(self) -> WatchState:
        """How the folder is doing."""
        busy_since, last = self._busy_since, self._state
        if busy_since is None or self._clock() - busy_since <= HUNG_SECONDS:
            return last
        return WatchState(
            last.folder, last.athlete, last.method, available=False, reason="it does not answer"
        )

    def hint(self, path: str, sign: FileEvent) -> None:
        """Take a hint: a path to look at, and what its event said."""
        with self._lock:
            if len(self._hints) >= MAX_HINTS:
                self.rescan()
            elif sign is not FileEvent.APPEARED or path not in self._hints:
                self._hints[path] = sign
        self._awake.set()

    def rescan(self) -> None:
        """Scan as soon as possible: events were lost, or are not enough."""
        self._scan_at, self._requested = 0.0, True
        self._awake.set()

    def reattach(self) -> None:
        """Build the watches anew and scan: something was mounted below."""
        self._attachment.detach()
        self._check_at = 0.0
        self._awake.set()

    def step(self) -> float:
        """Everything that is due now; the seconds until something else is."""
        self._awake.clear()
        self._take_hints()
        if self._clock() >= self._check_at:
            self._check()
        if self._clock() >= self._scan_at:
            self._scan()
        for path in self._candidates.due(self._clock()):
            self._look(path, None)
        self._tell_of_scan()
        self._tell(available=self._attachment.attached, reason=self._state.reason)
        return max(0.0, min(self._scan_at, self._check_at, self._candidates.next_due()) - self._clock())

    def _run(self) -> None:
        while not self._stopping:
            try:
                seconds = self.step()
            except Exception:  # noqa: BLE001  # whatever one file or the disk does, the folder is looked at again
                _log.exception("cannot look at folder", folder=self._folder)
                seconds = AWAY_SECONDS
                self._scan_at = min(self._scan_at, self._clock() + AWAY_SECONDS)
            self._busy_since = None
            self._awake.wait(seconds)

    def _take_hints(self) -> None:
        while not self._stopping:
            with self._lock:
                if not self._hints:
                    return
                path = next(iter(self._hints))
                sign = self._hints.pop(path)
            if filenames.is_inside(path, self._folder, recursive=self._watch.recursive, without=self.without):
                self._take_hint(path, sign)

    def _take_hint(self, path: str, sign: FileEvent) -> None:
        if filenames.is_wanted_name(os.path.basename(path)):
            self._look(path, sign)
        elif sign is not FileEvent.WRITTEN and self._watch.recursive and folder_walk.is_kept_folder(path):
            self._look_below(path)

    def _look_below(self, folder: str) -> None:
        """Look at what came with a folder, because it may have come before its watch."""
        walk = folder_walk.Walk(folder, recursive=True, without=self.without)
        try:
            for path, found in walk:
                self._look(path, FileEvent.APPEARED, found)
        except (FileNotFoundError, NotADirectoryError):
            pass  # it is gone by now
        except OSError:
            walk.unreadable.add(folder)
        self._unreadable |= walk.unreadable

    def _check(self) -> None:
        """Look whether the folder is there and still the same; scan it if it is another one."""
        self._busy_since = self._clock()
        try:
            if self._attachment.attach():
                self.rescan()
        except OSError as error:
            self._away(error)
            return
        self._check_at = self._clock() + CHECK_SECONDS
        self._checked()

    def _scan(self) -> None:
        """One walk through the folder. A rescan that is asked for meanwhile counts."""
        began, requested = self._clock(), self._requested
        self._scan_at, self._requested = float("inf"), False
        if requested:
            self._candidates.forget_writers()
        walk = folder_walk.Walk(self._folder, recursive=self._watch.recursive, without=self.without)
        try:
            missed = self._look_through(walk)
        except OSError as error:
            self._away(error)
            return
        if self._stopping:
            return
        self._unreadable = {path for path in self._unreadable if os.path.isfile(path)} | walk.unreadable
        self._attachment.check_reliability([] if requested else missed, walk.folders)
        self._scanned = self._clock(), walk.files
        self._scan_at = min(self._scan_at, self._clock() + self._attachment.interval(self._clock() - began))

    def _look_through(self, walk: folder_walk.Walk) -> list[str]:
        """Look at what a walk finds; the files that are new although no event has told of them."""
        known, missed = activities.seen_below(self._watch.athlete, self._folder), []
        for path, found in walk:
            before = known.get(path)
            if before != (found.st_size, found.st_mtime_ns, found.st_ctime_ns):
                same = before is not None and before[:2] == (found.st_size, found.st_mtime_ns)
                if not same and self._is_unannounced(path, found):
                    missed.append(path)
                self._look(path, None, found)
            if self._hints:
                self._take_hints()
            if self._stopping:
                break
        return missed

    def _is_unannounced(self, path: str, found: os.stat_result) -> bool:
        """Whether an event should have told of a file by now, and none did."""
        told = path in self._candidates or path in self._hints
        return not told and self._rested(StatFingerprint.of(found)) > EVENT_SECONDS

    def _look(self, path: str, sign: FileEvent | None, found: os.stat_result | None = None) -> None:
        """Look at one file, whatever it does: no other one has to wait for it."""
        try:
            self._look_at(path, sign, found)
        except DatabaseError:
            raise  # that is no fault of the file's
        except Exception:  # noqa: BLE001  # as the docstring says
            _log.exception("cannot look at file", path=path)
            self._candidates.mark_read(path, Stability.STALLED)
            self._unreadable.add(path)

    def _look_at(self, path: str, sign: FileEvent | None, found: os.stat_result | None) -> None:
        """Take a file, wait for it to settle, or leave it alone."""
        self._busy_since = now = self._clock()
        try:
            found = found or os.stat(path)
        except OSError:
            self._forget(path)
            return
        signature = StatFingerprint.of(found)
        if not stat.S_ISREG(found.st_mode) or self._is_known(path, signature):
            return
        self._candidates.observe(path, signature, sign, now)
        still = self._candidates.stability(
            path, closed=sign is FileEvent.CLOSED, now=now, rested=self._rested(signature)
        )
        if still is None:
            self._candidates.progress(path, now, lambda: measure(path, signature.size))
        else:
            self._read(path, signature, still, told=sign is not None)

    def _is_known(self, path: str, signature: StatFingerprint) -> bool:
        return path not in self._candidates and activities.seen(self._watch.athlete, path) == signature

    def _read(self, path: str, signature: StatFingerprint, still: Stability, *, told: bool) -> None:
        arrival = self._reception.admit(path, still, told=told)
        if arrival is AdmissionResult.CHANGED:
            self._candidates.drop(path)
            self.hint(path, FileEvent.APPEARED)
            return
        if arrival not in _NOT_YET:
            self._forget(path)
            return
        self._candidates.mark_read(path, still)
        if arrival is AdmissionResult.UNREADABLE:
            self._unreadable.add(path)
        else:
            self._candidates.progress(path, self._clock(), lambda: measure(path, signature.size))

    def _forget(self, path: str) -> None:
        self._candidates.drop(path)
        self._unreadable.discard(path)

    def _rested(self, signature: StatFingerprint) -> float:
        """Seconds since the kernel last changed a file, where its clock is ours: nobody can set that time."""
        if self._attachment.method == "poll":
            return 0.0
        return max(0.0, time.time() - max(signature.ctime_ns, signature.mtime_ns) / 1e9)

    def _tell_of_scan(self) -> None:
        """A scan is over only when what it found has settled, too."""
        if self._scanned is not None and not self._candidates.unread_since(self._scanned[0]):
            self._reception.on_scan_finished(self._scanned[1])
            self._scanned = None

    def _away(self, error: OSError) -> None:
        self._attachment.detach()
        self._check_at, self._scan_at = self._clock() + AWAY_SECONDS, float("inf")
        self._tell(available=False, reason=error.strerror or str(error))

    def _tell(self, *, available: bool, reason: str) -> None:
        receiving = sorted(self._candidates.receiving(self._clock()))[:MAX_SHOWN]
        state = WatchState(
            self._folder,
            self._watch.athlete,
            self._attachment.method,
            available,
            "" if available else reason,
            note=self._attachment.note,
            receiving=tuple(receiving) if available else (),
            unreadable=tuple(sorted(self._unreadable)[:MAX_SHOWN]) if available else (),
        )
        before, self._state = self._state, state
        if (before.available, before.method) != (state.available, state.method):
            _log.info(
                "folder",
                folder=self._folder,
                available=available,
                method=state.method,
                reason=state.reason or None,
            )
        if state != before:
            self._changed()
