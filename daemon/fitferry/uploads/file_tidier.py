"""Archiving and deleting of the uploaded files of one folder, in the folder's own thread."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from fitferry.core.filenames import shown
from fitferry.core.messages import Message, folders, system
from fitferry.core.upload import AfterUpload, FileOutcome, Job
from fitferry.inbox import file_reader
from fitferry.storage import activities, follow_ups, seen_files, uploads
from fitferry.system import safe_files
from fitferry.system.safe_files import LinkInPath
from fitferry.uploads import after_upload, safe_move
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.safe_move import MoveOutcome

RETRY_SECONDS = (30.0, 60.0, 300.0, 1800.0)
"""Seconds before a file that could not be moved is tried again, after the 1st, 2nd, … time; the last repeats."""
MAX_LOGGED = 5
"""Files of one folder that are logged when they cannot be moved; a whole folder may be read-only."""
_log = structlog.get_logger()


class _Failure(NamedTuple):
    """A file that could not be moved or deleted."""

    reason: Message
    times: int
    retry_at: float


class FileTidier:
    """Does what was planned for the files that `owns` says are in this folder, and no others.

    `keep`: nothing more is archived or deleted, because the settings say so now.
    """

    def __init__(
        self,
        archives: Sequence[Archive],
        *,
        keep: bool = False,
        owns: Callable[[str], bool] = lambda _path: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._archives = tuple(archives)
        self._keep = keep
        self._owns = owns
        self._clock = clock
        self._failures: dict[int, _Failure] = {}

    def __call__(self) -> Message | None:
        """Do all that is due; why some of it could not be done, empty if all could. One file stops no other."""
        now, waiting = self._clock(), [job for job in uploads.awaiting_after_upload() if self._owns(job.path)]
        self._failures = {job.id: self._failures[job.id] for job in waiting if job.id in self._failures}
        for job in waiting:
            if job.id not in self._failures or self._failures[job.id].retry_at <= now:
                self._try(job, now)
        if not self._failures:
            return None
        first = next(iter(self._failures.values())).reason
        more = len(self._failures) - 1
        alone = not more or first.code == folders.LINK_IN_WAY.code
        return first if alone else folders.AND_MORE(reason=first, more=more)

    def _try(self, job: Job, now: float) -> None:
        current = uploads.get(job.id)
        if current is None or current.after_upload_action is not job.after_upload_action:
            return  # it was done with another activity of the same file
        try:
            self._apply(job)
        except OSError as error:
            times = self._failures[job.id].times + 1 if job.id in self._failures else 1
            pause = RETRY_SECONDS[min(times, len(RETRY_SECONDS)) - 1]
            file = shown(str(error.filename or job.path))
            reason = folders.FILE_PROBLEM(file=file, reason=system.from_os_error(error))
            if isinstance(error, LinkInPath):
                reason = folders.LINK_IN_WAY(path=shown(str(error.filename), whole=True))
            if len(self._failures) < MAX_LOGGED and times == 1:
                _log.warning("after_upload", job=job.id, path=job.path, outcome="failed", reason=str(reason))
            self._failures[job.id] = _Failure(reason, times, now + pause)
        else:
            self._failures.pop(job.id, None)

    def _apply(self, job: Job) -> None:
        siblings = uploads.of_file(job.athlete, job.file_sha256)
        where = after_upload.archive_of(job.path, self._archives)
        action = after_upload.action_now(job, siblings, self._known_elsewhere(job, where))
        if action is None or follow_ups.need_file(job.path):
            return
        if after_upload.is_archived(job.path, self._archives):
            # In a life that ended before it could write that down.
            done: AfterUpload | FileOutcome = FileOutcome.ARCHIVED
        elif where is None:
            done = AfterUpload.KEEP
        else:
            done = self._move(job, where, AfterUpload.KEEP if self._keep else action)
        for sibling in siblings:
            uploads.after_upload_done(sibling.id, done)
        _log.info("after_upload", job=job.id, file=job.file, outcome=done)

    def _move(self, job: Job, where: Archive, action: AfterUpload | FileOutcome) -> AfterUpload | FileOutcome:
        with safe_files.open_folder(str(where.folder)) as folder:
            source = folder.relative(job.path)
            if action is AfterUpload.DELETE:
                result = safe_move.delete(folder, source, job.file_sha256)
            elif action is AfterUpload.ARCHIVE:
                place = where.archive.relative_to(where.folder).as_posix()
                result = safe_move.archive(folder, source, posixpath.join(place, source), job.file_sha256)
            else:
                safe_move.restore(folder, source, job.file_sha256)
                return AfterUpload.KEEP
        match result.outcome:
            case MoveOutcome.GONE:
                return FileOutcome.GONE
            case MoveOutcome.OTHER_BYTES:
                return AfterUpload.KEEP
        return self._note(job, posixpath.join(str(where.folder), result.path) if result.path else "")

    def _note(self, job: Job, path: str) -> FileOutcome:
        """Write down where the file is now."""
        for sibling in uploads.of_file(job.athlete, job.file_sha256) if path else ():
            activities.moved(sibling.activity_id, path)
        seen_files.forget_path(job.path)
        return FileOutcome.ARCHIVED if path else FileOutcome.DELETED

    def _known_elsewhere(self, job: Job, where: Archive | None) -> list[Job]:
        """The jobs of activities in an archive of several that were known from another file before."""
        if not job.member or where is None:
            return []
        staged = posixpath.join(posixpath.dirname(job.path), safe_move.staging_name(job.file_sha256))
        for path in (staged, job.path):
            try:
                look = file_reader.look(path, str(where.folder))
            except OSError:
                continue
            if look is not None and look.file.sha256 == job.file_sha256:
                jobs = [uploads.of_bytes(job.athlete, member.sha256) for member in look.contents.members]
                return [known for known in jobs if known is not None]
        return []
