"""Scanner of one watched folder: from its events and scans to what admits the files.

One thread, the only one that touches the folder. Events and tasks of other threads are taken between any two files
of a scan, so that a scan of 100,000 files delays nobody.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import structlog

from fitferry.config import WatchSettings
from fitferry.core import filenames
from fitferry.core.activity import (
    AdmissionResult,
    FileEvent,
    Stability,
    StatFingerprint,
    WatchMethod,
    WatchState,
)
from fitferry.core.messages import Message, folders, system
from fitferry.core.stability import StabilityTracker
from fitferry.inbox import progress
from fitferry.inbox.folder_tasks import FolderTasks
from fitferry.inbox.folder_watch import FolderWatch, SameFolder
from fitferry.storage import activities
from fitferry.storage.database import DatabaseError
from fitferry.system import deadline, safe_files, walk
from fitferry.system.safe_files import OpenFolder
from fitferry.system.walk import Walk

AWAY_SECONDS = 5.0
"""Seconds between two looks for a folder that is not there."""
CHECK_SECONDS = 60.0
"""Seconds between two looks whether the folder is still the same one; mounts and moves are told of by events."""
RETRY_SECONDS = 30.0
"""Seconds between two looks at what could not be read, moved or deleted: somebody may have mended it."""
HUNG_SECONDS = 60.0
"""A folder that answers no call for so long is away; its thread cannot say so itself."""
PAUSE_SECONDS = 1.0
"""Seconds until the next try while this process has no descriptors left."""
LOG_SECONDS = 60.0
EVENT_SECONDS = 5.0
"""An event that has not come by then does not come."""
MAX_HINTS = 10_000
"""More events than this are forgotten, and a scan finds what they named."""
MAX_SHOWN = 20
"""Files on their way, or unreadable, that are told of at most."""
_ARRIVING = frozenset({FileEvent.APPEARED, FileEvent.WRITTEN})
_NOT_YET = frozenset({AdmissionResult.UNFINISHED, AdmissionResult.UNSETTLED, AdmissionResult.UNREADABLE})

_log = structlog.get_logger()
T = TypeVar("T")


class Receiver(Protocol):
    """Where files go: the ledger, by way of `inbox.first_scan`. All of it is called by the folder's own thread."""

    @property
    def note(self) -> Message | None:
        """What a person may want to know of the folder; None if nothing."""
        ...

    def admit(
        self, path: str, stability: Stability, *, announced: bool, is_ours: Callable[[str], bool]
    ) -> AdmissionResult: ...

    def on_scan_finished(self, folder: OpenFolder, count: int, *, complete: bool) -> None: ...

    def on_file_gone(self, path: str) -> None: ...

    def on_available(self) -> None: ...

    def tidy(self) -> Message | None:
        """Archive and delete what is to be; why some of it could not be, empty if all could."""
        ...


class Scanner:
    """One folder on one filesystem."""

    def __init__(
        self,
        watch: WatchSettings,
        receiver: Receiver,
        *,
        without: frozenset[str],
        changed: Callable[[], None],
        checked: Callable[[], None] = lambda: None,
        claim: Callable[[os.stat_result], str] = lambda _found: "",
        is_others: Callable[[os.stat_result], bool] = lambda _found: False,
        skip_watch: Callable[[], frozenset[str]] = frozenset,
        incoming: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.without = without
        self._watch = watch
        self._folder = str(watch.folder)
        self._receiver = receiver
        self._changed = changed
        self._checked = checked
        self._incoming = incoming
        self._is_others = is_others
        self._clock = clock
        self._hints: dict[str, FileEvent] = {}
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = False
        self._check_at = 0.0
        self._scan_at = float("inf")
        self._retry_at = float("inf")
        self._tidy_wanted = True
        self._requested = True
        self._scanned: tuple[float, int, bool] | None = None
        self._tasks = FolderTasks(self._folder, self._awake.set)
        self._folder_watch = FolderWatch(
            watch, hint=self.hint, rescan=self.rescan, skip=skip_watch, claim=claim
        )
        self._candidates = StabilityTracker(watch.settle)
        self._unreadable: set[str] = set()
        self._failed: set[str] = set()
        self._postponed: dict[str, FileEvent | None] = {}
        self._paused_log_at = -LOG_SECONDS
        self._links_out: list[str] = []
        self._not_moved: Message | None = None
        self._busy_since: float | None = None
        self._state = WatchState(self._folder, watch.athlete, WatchMethod.POLL, available=False)
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
        self._tasks.refuse(folders.STOPPING())
        self._folder_watch.detach()

    def health_error(self) -> Message | None:
        """What is wrong with the scanner itself; a folder on another machine that does not answer is no fault of it."""
        if not self._thread.is_alive():
            return system.FOLDER_UNWATCHED()
        if self._is_hung() and self._folder_watch.is_local:
            return system.SCANNER_HANGS(folder=filenames.shown(self._folder, whole=True))
        return None

    @property
    def state(self) -> WatchState:
        """How the folder is doing."""
        last = self._state
        if not self._is_hung():
            return last
        return WatchState(last.folder, last.athlete, last.method, available=False, reason=folders.NO_ANSWER())

    def hint(self, path: str, event: FileEvent) -> None:
        """Take an event: a path to look at, and what its event said."""
        with self._lock:
            if len(self._hints) >= MAX_HINTS:
                self.rescan()
            elif event is not FileEvent.APPEARED or path not in self._hints:
                self._hints[path] = event
        self._awake.set()
        if event in _ARRIVING and filenames.may_become_wanted(os.path.basename(path)):
            self._incoming()

    def rescan(self) -> None:
        """Scan as soon as possible: events were lost, or are not enough."""
        self._scan_at, self._check_at, self._requested = 0.0, 0.0, True
        self._awake.set()

    def check(self) -> None:
        """Look as soon as possible whether the folder is still the same one: something was mounted."""
        self._check_at = 0.0
        self._awake.set()

    def tidy(self) -> None:
        """Archive and delete as soon as possible what is to be."""
        self._tidy_wanted = True
        self._awake.set()

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Do something in the folder's own thread, see `FolderTasks.run`."""
        if self._is_hung():
            self._tasks.refuse(folders.NO_ANSWER())
        return self._tasks.run(work, seconds)

    def reattach(self) -> None:
        """Build the watches anew and scan: something was mounted below."""
        self._folder_watch.detach()
        self.check()

    def step(self) -> float:
        """Everything that is due now; the seconds until something else is."""
        self._awake.clear()
        if self._clock() >= self._check_at:
            self._check()
        if not self._folder_watch.attached:
            return max(0.0, self._check_at - self._clock())
        self._tasks.accept()
        self._take_hints()
        if self._clock() >= self._scan_at:
            self._scan()
        if self._clock() >= self._retry_at:
            self._retry()
        for path in self._candidates.due(self._clock()):
            self._look(path, None)
        self._report_scan()
        self._tidy()
        self._publish(available=self._folder_watch.attached, reason=self._state.reason)
        due_at = min(self._scan_at, self._check_at, self._retry_at, self._candidates.next_due())
        return max(0.0, due_at - self._clock())

    def _run(self) -> None:
        while not self._stopping:
            try:
                seconds = self.step()
            except Exception:  # noqa: BLE001  # whatever one file or the disk does, the folder is looked at again
                _log.exception("unexpected_error", folder=self._folder)
                seconds = AWAY_SECONDS
                self._scan_at = min(self._scan_at, self._clock() + AWAY_SECONDS)
            self._busy_since = None
            self._awake.wait(seconds)

    def _is_hung(self) -> bool:
        busy_since = self._busy_since
        return busy_since is not None and self._clock() - busy_since > HUNG_SECONDS

    def _take_hints(self) -> None:
        while not self._stopping:
            self._busy_since = self._clock()
            self._tasks.work_off()
            with self._lock:
                if not self._hints:
                    return
                path = next(iter(self._hints))
                event = self._hints.pop(path)
            if filenames.is_inside(path, self._folder, recursive=self._watch.recursive, without=self.without):
                self._take_hint(path, event)

    def _take_hint(self, path: str, event: FileEvent) -> None:
        if filenames.is_wanted_name(os.path.basename(path)):
            self._look(path, event)
        elif event is FileEvent.APPEARED or event is FileEvent.CLOSED:
            self._look_below(path)

    def _look_below(self, path: str) -> None:
        """Look at what came with a folder, because it may have come before its watch."""
        if not self._watch.recursive:
            return
        try:
            with self._open() as folder:
                relative = folder.relative(path)
                if walk.is_kept_folder(folder, relative):
                    found = self._walk(folder, relative)
                    for batch in found.batches():
                        for file, file_stat in batch:
                            self._look(file, FileEvent.APPEARED, file_stat)
                    self._unreadable |= found.unreadable
        except (FileNotFoundError, NotADirectoryError):
            pass  # it is gone by now
        except OSError:
            self._unreadable.add(path)

    def _check(self) -> None:
        """Look whether the folder is there and still the same; scan it if it is another one."""
        self._busy_since = self._clock()
        try:
            self._checked()
            if self._folder_watch.attach():
                self.rescan()
                self._receiver.on_available()
        except OSError as error:
            self._check_at = self._clock() + AWAY_SECONDS
            self._fail(error)
            return
        self._check_at = self._clock() + CHECK_SECONDS

    def _scan(self) -> None:
        """Walk through the folder once. A rescan that is asked for meanwhile counts."""
        began, requested = self._clock(), self._requested
        self._scan_at, self._requested = float("inf"), False
        if requested:
            self._candidates.forget_writers()
        try:
            with self._open() as folder:
                found = self._walk(folder)
                missed = self._look_through(found)
        except OSError as error:
            self._scan_at = self._clock() + AWAY_SECONDS
            self._fail(error)
            return
        if self._stopping:
            return
        self._unreadable = {path for path in self._unreadable if path in self._candidates} | found.unreadable
        self._links_out, self.without = found.links_out[:MAX_SHOWN], self.without | found.others
        self._folder_watch.check_reliability([] if requested else missed, found.folders)
        self._scanned = self._clock(), found.files, not found.unreadable
        self._scan_at = min(self._scan_at, self._clock() + self._folder_watch.interval(self._clock() - began))

    def _look_through(self, found: Walk) -> list[str]:
        """Look at what a walk finds; the files that are new although no event has named them."""
        missed: list[str] = []
        for batch in found.batches():
            known = activities.seen_at(self._watch.athlete, [path for path, _ in batch])
            for path, file_stat in batch:
                fingerprint = StatFingerprint.of(file_stat)
                if known.get(path) != fingerprint:
                    if self._is_unannounced(path, fingerprint, known.get(path)):
                        missed.append(path)
                    self._look(path, None, file_stat)
                if self._hints or self._tasks:
                    self._take_hints()
                if self._stopping:
                    return missed
            self._busy_since = self._clock()
        return missed

    def _is_unannounced(self, path: str, now: StatFingerprint, before: StatFingerprint | None) -> bool:
        """Whether an event should have told of a file by now, and none did."""
        same = before is not None and (before.size, before.mtime_ns) == (now.size, now.mtime_ns)
        told = path in self._candidates or path in self._hints
        return not same and not told and self._rested(now) > EVENT_SECONDS

    def _retry(self) -> None:
        """Look again at what could not be read or moved: somebody may have mended it."""
        self._retry_at = float("inf")
        self._tidy_wanted = self._tidy_wanted or bool(self._not_moved)
        postponed, self._postponed = self._postponed, {}
        for path, event in postponed.items():
            self._look(path, event)
        for path in sorted(self._unreadable)[: 10 * MAX_SHOWN]:
            if path in self._candidates:
                self._candidates.retry(path)
                self._look(path, None)
            else:
                self._unreadable.discard(path)
                self._look_below(path)

    def _look(self, path: str, event: FileEvent | None, found: os.stat_result | None = None) -> None:
        """Look at one file, whatever it does: no other one has to wait for it."""
        try:
            self._look_at(path, event, found)
        except DatabaseError:
            raise  # that is no fault of the file's
        except Exception as error:  # noqa: BLE001  # as the docstring says
            if isinstance(error, OSError) and safe_files.is_exhausted(error):
                self._postponed[path] = event
                self._pause(error)
                return
            _log.exception("unexpected_error", path=path)
            self._candidates.mark_read(path, Stability.STALLED)
            self._failed.add(path)

    def _look_at(self, path: str, event: FileEvent | None, found: os.stat_result | None) -> None:
        """Admit a file, wait for it to settle, or leave it alone."""
        self._busy_since = now = self._clock()
        try:
            found = found or self._stat(path)
        except (FileNotFoundError, NotADirectoryError, safe_files.LinkInPath):
            self._forget(path)
            self._receiver.on_file_gone(path)
            return
        except PermissionError:
            self._unreadable.add(path)
            return
        fingerprint = StatFingerprint.of(found)
        if not stat.S_ISREG(found.st_mode) or self._is_known(path, fingerprint):
            return
        self._candidates.observe(path, fingerprint, event, now)
        stability = self._candidates.stability(
            path, closed=event is FileEvent.CLOSED, now=now, rested=self._rested(fingerprint)
        )
        if stability is None:
            self._measure(path, fingerprint)
        else:
            self._read(path, fingerprint, stability, announced=event is not None)

    def _is_known(self, path: str, fingerprint: StatFingerprint) -> bool:
        return path not in self._candidates and activities.seen(self._watch.athlete, path) == fingerprint

    def _read(
        self, path: str, fingerprint: StatFingerprint, stability: Stability, *, announced: bool
    ) -> None:
        result = self._receiver.admit(path, stability, announced=announced, is_ours=self._is_ours)
        if result is AdmissionResult.CHANGED:
            self._candidates.drop(path)
            self.hint(path, FileEvent.APPEARED)
            return
        if result not in _NOT_YET:
            self._forget(path)
            return
        self._candidates.mark_read(path, stability)
        if result is AdmissionResult.UNREADABLE:
            self._unreadable.add(path)
        else:
            self._measure(path, fingerprint)

    def _measure(self, path: str, fingerprint: StatFingerprint) -> None:
        self._candidates.progress(
            path, self._clock(), lambda: progress.measure(path, self._folder, fingerprint.size)
        )

    def _forget(self, path: str) -> None:
        self._candidates.drop(path)
        self._unreadable.discard(path)
        self._failed.discard(path)

    def _rested(self, fingerprint: StatFingerprint) -> float:
        """Seconds since the kernel last changed a file, where its clock is ours: nobody can set that time."""
        if self._folder_watch.method is WatchMethod.POLL:
            return 0.0
        return max(0.0, time.time() - max(fingerprint.ctime_ns, fingerprint.mtime_ns) / 1e9)

    def _report_scan(self) -> None:
        """A scan is over only when what it found has settled, too."""
        if self._scanned is not None and not self._candidates.unread_since(self._scanned[0]):
            _, count, complete = self._scanned
            self._scanned = None
            with self._open() as folder:
                self._receiver.on_scan_finished(folder, count, complete=complete)

    def _tidy(self) -> None:
        if self._tidy_wanted:
            self._tidy_wanted = False
            self._not_moved = self._receiver.tidy()
        if self._unreadable or self._not_moved:
            self._retry_at = min(self._retry_at, self._clock() + RETRY_SECONDS)

    def _fail(self, error: OSError) -> None:
        """Take the folder for one that is away, unless it is this process that has no room for a moment."""
        if safe_files.is_exhausted(error) and self._folder_watch.attached:
            self._pause(error)
            return
        self._folder_watch.detach()
        self._check_at, self._scan_at = self._clock() + AWAY_SECONDS, float("inf")
        reason = error.reason if isinstance(error, SameFolder) else system.from_os_error(error)
        if isinstance(error, PermissionError):
            closed = deadline.closed_folder_above(self._folder)
            reason = folders.CLOSED(folder=closed) if closed != self._folder else reason
        self._tasks.refuse(reason)
        self._publish(available=False, reason=reason)

    def _pause(self, error: OSError) -> None:
        """Go on in a moment, without a word for each file."""
        soon = self._clock() + PAUSE_SECONDS
        self._retry_at, self._scan_at = min(self._retry_at, soon), max(self._scan_at, soon)
        if self._clock() - self._paused_log_at >= LOG_SECONDS:
            self._paused_log_at = self._clock()
            _log.warning("watch_state", folder=self._folder, outcome="paused", reason=error.strerror)

    def _publish(self, *, available: bool, reason: Message | None) -> None:
        receiving = sorted(self._candidates.receiving(self._clock()))[:MAX_SHOWN]
        state = WatchState(
            self._folder,
            self._watch.athlete,
            self._folder_watch.method,
            available,
            None if available else reason,
            notes=self._notes(),
            receiving=tuple(receiving) if available else (),
            unreadable=tuple(sorted(self._unreadable | self._failed)[:MAX_SHOWN]) if available else (),
            not_moved=self._not_moved if available else None,
        )
        before, self._state = self._state, state
        if (before.available, before.method) != (state.available, state.method):
            _log.info(
                "watch_state",
                folder=self._folder,
                outcome="available" if available else "away",
                method=state.method,
                reason=str(state.reason) if state.reason else None,
            )
        if state != before:
            self._changed()

    def _notes(self) -> tuple[Message, ...]:
        notes = [self._folder_watch.note, self._receiver.note]
        if self._links_out:
            name = filenames.shown(self._links_out[0])
            notes.append(folders.LINKS_OUT(file=name))
        return tuple(filter(None, notes))

    def _open(self) -> AbstractContextManager[OpenFolder]:
        return safe_files.open_folder(self._folder, allowed=self._is_ours)

    def _is_ours(self, relative: str) -> bool:
        """Whether a link may lead to a file: not into what belongs to another watched folder."""
        path = f"{self._folder}/{relative}"
        return not any(path == other or path.startswith(f"{other}/") for other in self.without)

    def _stat(self, path: str) -> os.stat_result:
        with self._open() as folder:
            return folder.stat(folder.relative(path))

    def _walk(self, folder: OpenFolder, start: str = "") -> Walk:
        return Walk(
            folder,
            start,
            recursive=self._watch.recursive,
            without=self.without,
            is_others=self._is_others,
        )
