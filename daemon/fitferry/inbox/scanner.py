"""Scanner of one watched folder: from its events and scans to what admits the files.

One thread, the only one that touches the folder. Events and tasks of other threads are taken between any two files
of a scan, so that a scan of 100,000 files delays nobody. (Over 300 lines: one thread's whole turn in one place.)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from fitferry.config.schema import WatchSettings
from fitferry.core import filenames
from fitferry.core.activity import FileEvent, StatFingerprint, WatchMethod, WatchState
from fitferry.core.messages import Message, folders, system
from fitferry.inbox.event_hints import EventHints
from fitferry.inbox.file_intake import MAX_SHOWN, FileIntake
from fitferry.inbox.folder_access import FolderAccess
from fitferry.inbox.folder_tasks import FolderTasks
from fitferry.inbox.folder_watch import FolderWatch
from fitferry.inbox.receiver import Receiver
from fitferry.inbox.surroundings import USUAL, Surroundings
from fitferry.storage import seen_files
from fitferry.system import deadline, safe_files, walk
from fitferry.system.walk import Walk

_ARRIVING = frozenset({FileEvent.APPEARED, FileEvent.WRITTEN})

_log = structlog.get_logger()
T = TypeVar("T")


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
        surroundings: Surroundings = USUAL,
    ) -> None:
        self._watch = watch
        self._folder = str(watch.folder)
        self._access = FolderAccess(
            self._folder, recursive=watch.recursive, without=without, is_others=is_others
        )
        self._receiver = receiver
        self._checked = checked
        self._incoming = incoming
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._hints = EventHints(surroundings.max_hints)
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
            watch, surroundings, hint=self.hint, rescan=self.rescan, skip=skip_watch, claim=claim
        )
        self._intake = FileIntake(
            self._access,
            receiver,
            watch.athlete,
            watch.settle,
            again=self.hint,
            touched=self._touch,
            between=self._answer_others,
            relies_on_ctime=lambda: self._folder_watch.method is WatchMethod.EVENTS,
            surroundings=surroundings,
        )
        self._links_out: list[str] = []
        self._not_moved: Message | None = None
        self._busy_since: float | None = None
        self._changed = changed
        self._published = WatchState(self._folder, watch.athlete, WatchMethod.POLL, available=False)
        self._thread = threading.Thread(target=self._run, name=f"scanner {self._folder}", daemon=True)

    def start(self) -> None:
        """Begin: watch, then scan."""
        self._thread.start()

    def stop(self, *, wait: float = 10.0) -> None:
        """End; a file that is being read is read to its end."""
        self._stopping = True
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=wait if self._folder_watch.attached else min(wait, 1.0))
        self._tasks.refuse(folders.STOPPING())
        self._folder_watch.detach()

    def health_error(self) -> Message | None:
        """What is wrong with the scanner itself; a folder on another machine that does not answer is no fault of it."""
        if not self._thread.is_alive():
            return system.FOLDER_UNWATCHED()
        if self._is_hung() and self._folder_watch.is_local:
            return system.SCANNER_HANGS(folder=filenames.shown(self._folder, whole=True))
        return None

    def leave_out(self, folders_below: frozenset[str]) -> None:
        self._access.without = folders_below

    @property
    def state(self) -> WatchState:
        last = self._published
        if not self._is_hung():
            return last
        return WatchState(last.folder, last.athlete, last.method, available=False, reason=folders.NO_ANSWER())

    def hint(self, path: str, event: FileEvent) -> None:
        """Take an event: a path to look at, and what its event said."""
        if not self._hints.put(path, event):
            self.rescan()
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
        self._publish()
        self._take_hints()
        if self._clock() >= self._scan_at:
            self._scan()
        if self._clock() >= self._retry_at:
            self._retry_at = float("inf")
            self._tidy_wanted = self._tidy_wanted or bool(self._not_moved)
            self._intake.retry()
        self._intake.look_at_due()
        self._report_scan()
        self._tidy()
        if not self._folder_watch.attached:
            return max(0.0, self._check_at - self._clock())  # it went away meanwhile, and that was said
        self._publish()
        due_at = min(self._scan_at, self._check_at, self._retry_at, self._intake.candidates.next_due())
        return max(0.0, due_at - self._clock())

    def _run(self) -> None:
        while not self._stopping:
            try:
                seconds = self.step()
            except Exception:  # noqa: BLE001  # whatever one file or the disk does, the folder is looked at again
                _log.exception("unexpected_error", folder=self._folder)
                seconds = self._surroundings.away
                self._check_at = min(self._check_at, self._clock() + seconds)
                self._scan_at = min(self._scan_at, self._clock() + seconds)
            self._busy_since = None
            self._awake.wait(seconds)

    def _touch(self) -> None:
        """Note that the thread gets on."""
        self._busy_since = self._clock()

    def _answer_others(self) -> None:
        """Do what other threads wait for, in the middle of a long file; not its own hints, which could be of that."""
        self._touch()
        self._tasks.work_off()

    def _is_hung(self) -> bool:
        busy_since = self._busy_since
        return busy_since is not None and self._clock() - busy_since > self._surroundings.hung

    def _take_hints(self) -> None:
        while not self._stopping:
            self._touch()
            self._tasks.work_off()
            hint = self._hints.take()
            if hint is None:
                return
            if self._access.holds(hint[0]):
                self._take_hint(*hint)

    def _take_hint(self, path: str, event: FileEvent) -> None:
        is_wanted = filenames.is_wanted_name(os.path.basename(path))
        if is_wanted:
            self._intake.look(path, event)
        # A folder may have any name, and none of them is ever closed.
        if event is FileEvent.APPEARED or (event is FileEvent.CLOSED and not is_wanted):
            self._look_below(path)

    def _look_below(self, path: str) -> None:
        """Look at what came with a folder, because it may have come before its watch."""
        if not self._watch.recursive:
            return
        try:
            with self._access.open() as folder:
                relative = folder.relative(path)
                if walk.is_kept_folder(folder, relative):
                    found = self._access.walk(folder, relative)
                    for batch in found.batches():
                        for file, file_stat in batch:
                            self._intake.look(file, FileEvent.APPEARED, file_stat)
                    self._intake.unreadable |= found.unreadable
        except (FileNotFoundError, NotADirectoryError):
            pass  # it is gone by now
        except OSError:
            self._intake.unreadable.add(path)

    def _check(self) -> None:
        """Look whether the folder is there and still the same; scan it if it is another one."""
        self._touch()
        self._check_at = (
            self._clock() + self._surroundings.check
        )  # whoever asks for another look meanwhile gets it
        try:
            self._checked()
            if self._folder_watch.attach():
                self.rescan()
                self._receiver.on_available()
        except OSError as error:
            self._check_at = self._clock() + self._surroundings.away
            self._fail(error)

    def _scan(self) -> None:
        """Walk through the folder once. A rescan that is asked for meanwhile counts."""
        began, requested = self._clock(), self._requested
        self._scan_at, self._requested = float("inf"), False
        if requested:
            self._intake.candidates.forget_writers()
        try:
            with self._access.open() as folder:
                found = self._access.walk(folder)
                missed = self._look_through(found)
        except OSError as error:
            self._scan_at = self._clock() + self._surroundings.away
            self._fail(error)
            return
        if self._stopping:
            return
        self._intake.forget_readable(found.unreadable)
        self._links_out = found.links_out[:MAX_SHOWN]
        self._access.without |= found.others
        self._folder_watch.check_reliability([] if requested else missed, found.folders)
        self._scanned = self._clock(), found.files, not found.unreadable
        self._scan_at = min(self._scan_at, self._clock() + self._folder_watch.interval(self._clock() - began))

    def _look_through(self, found: Walk) -> list[str]:
        """Look at what a walk finds; the files that are new although no event has named them."""
        missed: list[str] = []
        for batch in found.batches():
            known = seen_files.seen_at(self._watch.athlete, [path for path, _ in batch])
            for path, file_stat in batch:
                fingerprint = StatFingerprint.of(file_stat)
                if known.get(path) != fingerprint:
                    before, hinted = known.get(path), path in self._hints
                    if self._intake.is_unannounced(path, fingerprint, before, hinted=hinted):
                        missed.append(path)
                    self._intake.look(path, None, file_stat)
                if self._hints or self._tasks:
                    self._take_hints()
                if self._stopping:
                    return missed
            self._touch()
        return missed

    def _report_scan(self) -> None:
        """A scan is over only when what it found has settled, too."""
        if self._scanned is not None and not self._intake.candidates.unread_since(self._scanned[0]):
            _, count, complete = self._scanned
            self._scanned = None
            with self._access.open() as folder:
                self._receiver.on_scan_finished(folder, count, complete=complete)

    def _tidy(self) -> None:
        if self._tidy_wanted:
            self._tidy_wanted = False
            self._not_moved = self._receiver.tidy()
        if self._intake.unreadable or self._not_moved:
            self._retry_at = min(self._retry_at, self._clock() + self._surroundings.retry)
        if self._intake.is_short_of_descriptors:
            self._retry_at = min(self._retry_at, self._clock() + self._surroundings.pause)

    def _fail(self, error: OSError) -> None:
        """Take the folder for one that is away, unless it is this process that has no room for a moment."""
        if safe_files.is_exhausted(error) and self._folder_watch.attached:
            self._intake.log_exhausted(error)
            self._check_at = max(self._check_at, self._clock() + self._surroundings.pause)
            return
        self._folder_watch.detach()
        self._check_at, self._scan_at = self._clock() + self._surroundings.away, float("inf")
        reason = system.from_os_error(error)
        if isinstance(error, PermissionError):
            reason = folders.CLOSED(folder=deadline.closed_folder_above(self._folder))
        self._tasks.refuse(reason)
        self._publish(reason)
        self._receiver.on_away()

    def _publish(self, reason: Message | None = None) -> None:
        """Show how the folder is doing, and log that it came, went, or is watched otherwise. `reason`: why it is away."""
        available, before = reason is None, self._published
        self._published = now = WatchState(
            self._folder,
            self._watch.athlete,
            self._folder_watch.method,
            available,
            reason,
            notes=self._notes(),
            receiving=self._intake.shown_receiving() if available else (),
            unreadable=self._intake.shown_unreadable() if available else (),
            not_moved=self._not_moved if available else None,
        )
        if not before.is_looked_at or (before.available, before.method) != (available, now.method):
            log = _log.info if available else _log.warning
            outcome = "available" if available else "away"
            words = None if reason is None else str(reason)
            log("watch_state", folder=self._folder, outcome=outcome, method=now.method, reason=words)
        if now != before:
            self._changed()

    def _notes(self) -> tuple[Message, ...]:
        notes = [self._folder_watch.note, self._receiver.note]
        if self._links_out:
            name = filenames.shown(self._links_out[0])
            notes.append(folders.LINKS_OUT(file=name))
        return tuple(filter(None, notes))
