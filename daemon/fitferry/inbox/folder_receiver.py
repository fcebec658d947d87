"""What a folder's scanner hands its findings to: admission, held files that changed, and the tidying afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from fitferry.core import attempt_results as results
from fitferry.core.activity import AdmissionResult, Stability
from fitferry.core.admission_rules import FILE_FAULTS
from fitferry.core.messages import Message
from fitferry.core.upload import ErrorCode, Status
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.first_scan import FirstScan
from fitferry.storage import activities, holds, seen_files, uploads
from fitferry.system.safe_files import OpenFolder

PRUNE_SECONDS = 3600.0
"""Seconds between two looks for skipped files that are gone."""
_log = structlog.get_logger()


class FolderReceiver:
    """One folder's way into the ledger. `tidy`: archives and deletes, see `uploads.file_tidier`."""

    def __init__(self, first_scan: FirstScan, *, tidy: Callable[[], Message | None] = lambda: None) -> None:
        self._folder = first_scan.folder
        self._athlete = first_scan.athlete
        self._first_scan = first_scan
        self._wake = first_scan.wake
        self._clock = first_scan.clock
        self._pruned_at = -PRUNE_SECONDS
        self._away_noted_at = -results.FOLDER_SECONDS
        self.tidy = tidy

    @property
    def note(self) -> Message | None:
        return self._first_scan.note

    def admit(self, path: str, look: FileLook, stability: Stability, *, announced: bool) -> AdmissionResult:
        """Admit a file; see `FirstScan`."""
        return self._first_scan.admit(path, look, stability, announced=announced)

    def on_scan_finished(self, folder: OpenFolder, count: int, *, complete: bool) -> None:
        """A scan is over. `complete`: every folder below could be read."""
        self._first_scan.on_scan_finished(count)
        if recheck_held(self._athlete, folder):
            self._wake()
        now = self._clock()
        if complete and abs(now - self._pruned_at) >= PRUNE_SECONDS:
            self._pruned_at = now
            self._prune(folder)

    def on_file_gone(self, path: str) -> None:
        """Drop what was held because of a file's own faults: it is gone, so nobody has to mend it."""
        activities.forget_file_faults(self._athlete, path)
        seen_files.forget_unread_path(self._athlete, path)

    def on_away(self) -> None:
        """Let the jobs whose files are in the folder wait until it is back: they are not due."""
        now = self._clock()
        if abs(now - self._away_noted_at) >= results.FOLDER_SECONDS / 2:
            self._away_noted_at = now
            uploads.wait_for_folder(Path(self._folder), now + results.FOLDER_SECONDS)

    def on_available(self) -> None:
        """Let what waited for the folder be tried now."""
        self._away_noted_at = -results.FOLDER_SECONDS
        uploads.folder_is_back(self._folder)
        self._wake()

    def _prune(self, folder: OpenFolder) -> None:
        """Forget the files that were no activity and are gone, and the paths where nothing is any more."""

        def exists(path: str) -> bool:
            return folder.exists(folder.relative(path))

        pruned = activities.prune_gone(self._athlete, self._folder, exists)
        pruned += seen_files.prune_paths(self._athlete, self._folder, exists)
        if pruned:
            _log.info("files_pruned", folder=self._folder, athlete=self._athlete, files=pruned)


def recheck_held(athlete: str, folder: OpenFolder) -> int:
    """Queue what was held because its file was gone and is there again, and drop what is held and gone.

    Returns how many were queued; called by the folder's own thread.
    """
    queued = 0
    for job in holds.jobs_held_below(athlete, folder.path, ErrorCode.FILE_GONE):
        if folder.exists(folder.relative(job.path)):
            queued += uploads.requeue(job.id, [Status.HELD])
    for job in holds.jobs_held_below(athlete, folder.path, *FILE_FAULTS):
        if not folder.exists(folder.relative(job.path)):
            activities.forget_file_faults(job.athlete, job.path)
    return queued
