"""Looks at single files of a folder: admitted, waited for until they settle, or left alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import structlog

from fitferry.core.activity import AdmissionResult, FileEvent, IncompleteFile, Stability, StatFingerprint
from fitferry.core.stability import StabilityTracker
from fitferry.inbox import file_reader, progress
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.folder_access import FolderAccess
from fitferry.inbox.receiver import Receiver
from fitferry.inbox.surroundings import Look, Surroundings
from fitferry.storage import seen_files
from fitferry.storage.database import DatabaseError
from fitferry.system import safe_files

EVENT_SECONDS = 5.0
"""An event that has not come by then does not come."""
MAX_SHOWN = 20
"""Files on their way, or unreadable, that are told of at most."""
MAX_RETRIED = 200
LOG_SECONDS = 60.0
_NOT_YET = frozenset({AdmissionResult.UNFINISHED, AdmissionResult.UNSETTLED, AdmissionResult.UNREADABLE})

_log = structlog.get_logger()


def read(
    path: str,
    access: FolderAccess,
    between: Callable[[], None] = lambda: None,
    *,
    look: Look = file_reader.look,
) -> FileLook | AdmissionResult:
    """Read a file and find out what it holds, or why it cannot be admitted now. `between`: see `formats.examine`.

    Raises OSError where this process has no descriptors left.
    """
    try:
        found = look(path, access.path, allowed=access.is_ours, between=between)
    except FileNotFoundError:
        return AdmissionResult.GONE
    except OSError as error:
        if safe_files.is_exhausted(error):
            raise
        _log.warning("file_unreadable", path=path, reason=error.strerror)
        return AdmissionResult.UNREADABLE
    return AdmissionResult.CHANGED if found is None else found


class FileIntake:
    """The files of one folder that are not admitted yet. `again`: asks for another look, as an event does.

    `touched`: is called at each file: the thread still gets on. `between`: is called between the members of an archive.
    `relies_on_ctime`: whether the filesystem's clock is ours.
    """

    def __init__(
        self,
        access: FolderAccess,
        receiver: Receiver,
        athlete: str,
        settle: float,
        *,
        again: Callable[[str, FileEvent], None],
        touched: Callable[[], None],
        between: Callable[[], None],
        relies_on_ctime: Callable[[], bool],
        surroundings: Surroundings,
    ) -> None:
        self.candidates = StabilityTracker(
            settle, shown_after=surroundings.shown_after, measure=surroundings.measure
        )
        self.unreadable: set[str] = set()
        """Files and folders that could not be read."""
        self._failed: set[str] = set()
        self._postponed: dict[str, FileEvent | None] = {}
        self._logged_at = -LOG_SECONDS
        self._access = access
        self._receiver = receiver
        self._athlete = athlete
        self._again = again
        self._touched = touched
        self._between = between
        self._relies_on_ctime = relies_on_ctime
        self._clock = surroundings.clock
        self._wall_clock = surroundings.wall_clock
        self._look_at_file = surroundings.look

    @property
    def is_short_of_descriptors(self) -> bool:
        """Whether files wait only because this process had no room for them."""
        return bool(self._postponed)

    def shown_unreadable(self) -> tuple[str, ...]:
        return tuple(sorted(self.unreadable | self._failed)[:MAX_SHOWN])

    def shown_receiving(self) -> tuple[IncompleteFile, ...]:
        return tuple(sorted(self.candidates.receiving(self._clock()))[:MAX_SHOWN])

    def look_at_due(self) -> None:
        """Look at the files that have become stable enough."""
        for path in self.candidates.due(self._clock()):
            self.look(path, None)

    def retry(self) -> None:
        """Look again at what could not be read: somebody may have mended it."""
        postponed, self._postponed = self._postponed, {}
        for path, event in postponed.items():
            self.look(path, event)
        for path in sorted(self.unreadable)[:MAX_RETRIED]:
            self.unreadable.discard(path)
            if path in self.candidates:
                self.candidates.retry(path)
                self.look(path, None)
            else:
                self._again(path, FileEvent.APPEARED)

    def forget_readable(self, unreadable: set[str]) -> None:
        """Take what a whole scan could not read for all that cannot be read."""
        self.unreadable = {path for path in self.unreadable if path in self.candidates} | unreadable

    def look(self, path: str, event: FileEvent | None, found: os.stat_result | None = None) -> None:
        """Look at one file, whatever it does: no other one has to wait for it."""
        try:
            self._look_at(path, event, found)
        except DatabaseError:
            raise  # that is no fault of the file's
        except Exception as error:  # noqa: BLE001  # as the docstring says
            if isinstance(error, OSError) and safe_files.is_exhausted(error):
                self._postponed[path] = event
                self.log_exhausted(error)
                return
            _log.exception("unexpected_error", path=path)
            self.candidates.mark_read(path, Stability.STALLED)
            self._failed.add(path)

    def log_exhausted(self, error: OSError) -> None:
        """Say that this process has no descriptors left, without a word for each file."""
        if self._clock() - self._logged_at >= LOG_SECONDS:
            self._logged_at = self._clock()
            _log.warning("watch_state", folder=self._access.path, outcome="paused", reason=error.strerror)

    def is_unannounced(
        self, path: str, now: StatFingerprint, before: StatFingerprint | None, *, hinted: bool
    ) -> bool:
        """Whether an event should have told of a file by now, and none did."""
        same = before is not None and (before.size, before.mtime_ns) == (now.size, now.mtime_ns)
        return not (same or hinted or path in self.candidates) and self._rested(now) > EVENT_SECONDS

    def _look_at(self, path: str, event: FileEvent | None, found: os.stat_result | None) -> None:
        """Admit a file, wait for it to settle, or leave it alone."""
        self._touched()
        now = self._clock()
        try:
            found = found or self._access.stat(path)
        except (FileNotFoundError, NotADirectoryError, safe_files.LinkInPath):
            self._forget(path)
            self._receiver.on_file_gone(path)
            return
        except PermissionError:
            self.unreadable.add(path)
            return
        fingerprint = StatFingerprint.of(found)
        if not stat.S_ISREG(found.st_mode) or self._is_known(path, fingerprint):
            return
        self.candidates.observe(path, fingerprint, event, now)
        stability = self.candidates.stability(
            path, closed=event is FileEvent.CLOSED, now=now, rested=self._rested(fingerprint)
        )
        if stability is None:
            self._measure(path, fingerprint)
        else:
            self._read(path, fingerprint, stability, announced=self.candidates.is_announced(path))

    def _is_known(self, path: str, fingerprint: StatFingerprint) -> bool:
        return path not in self.candidates and seen_files.seen(self._athlete, path) == fingerprint

    def _read(
        self, path: str, fingerprint: StatFingerprint, stability: Stability, *, announced: bool
    ) -> None:
        look = read(path, self._access, self._between, look=self._look_at_file)
        if isinstance(look, AdmissionResult):
            result = look
        else:
            result = self._receiver.admit(path, look, stability, announced=announced)
        if result is AdmissionResult.CHANGED:
            self.candidates.drop(path)
            self._again(path, FileEvent.APPEARED)
            return
        if result not in _NOT_YET:
            self._forget(path)
            return
        self.candidates.mark_read(path, stability)
        if result is AdmissionResult.UNREADABLE:
            self.unreadable.add(path)
        else:
            self._measure(path, fingerprint)

    def _measure(self, path: str, fingerprint: StatFingerprint) -> None:
        self.candidates.progress(
            path, self._clock(), lambda: progress.measure(path, self._access.path, fingerprint.size)
        )

    def _forget(self, path: str) -> None:
        self.candidates.drop(path)
        self.unreadable.discard(path)
        self._failed.discard(path)

    def _rested(self, fingerprint: StatFingerprint) -> float:
        """Seconds since the kernel last changed a file, where its clock is ours: nobody can set that time."""
        if not self._relies_on_ctime():
            return 0.0
        return max(0.0, self._wall_clock() - max(fingerprint.ctime_ns, fingerprint.mtime_ns) / 1e9)
