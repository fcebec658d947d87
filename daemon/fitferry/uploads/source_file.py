"""The bytes of an activity, wherever they are now: those that were hashed, and no others, go to Strava."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from fitferry import formats
from fitferry.core.activity import FileKind
from fitferry.core.messages import Message, folders, system, uploads
from fitferry.core.upload import Job
from fitferry.inbox import file_reader
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.file_reader import ActivityBytes
from fitferry.inbox.folder_tasks import FolderAway, FolderBusy
from fitferry.storage import activities, seen_files
from fitferry.uploads.after_upload import Archive, innermost

READ_SECONDS = 10.0
"""A folder that does not give a file in that time is busy or does not answer; no worker waits longer for it."""
_INCOMPLETE = frozenset({FileKind.UNFINISHED, FileKind.DAMAGED})
T = TypeVar("T")


class SourceFileError(Exception):
    """The bytes of an activity cannot be had now."""


class FileChanged(SourceFileError):
    """Other bytes, which are whole, are at the path now."""


class FileGone(SourceFileError):
    """The bytes are nowhere."""


class FileUseless(SourceFileError):
    """The file is there, and holds nothing that can be sent."""


class FileUnreadable(SourceFileError):
    """The file cannot be read now, or is being changed; `message` says why."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(str(message))


class Folders(Protocol):
    """Where files are read: each in its own folder's thread (`inbox.watched_folders.WatchedFolders`)."""

    def run(self, path: str, work: Callable[[], T], seconds: float) -> T: ...

    def tidy(self) -> object: ...


class SourceFiles:
    """The files of all watched folders, for the workers."""

    def __init__(
        self, folders: Folders, archives: Iterable[Archive], dispatcher: Dispatcher | None = None
    ) -> None:
        self._folders = folders
        self._dispatcher = dispatcher or Dispatcher()
        self._archives = tuple(archives)

    def read(self, job: Job) -> bytes:
        """The bytes that go to Strava. Raises FileChanged, FileGone, FileUseless, FileUnreadable, FolderAway."""
        body = self._fresh_body(job)
        if body is not None:
            return body
        changed = False
        for path in dict.fromkeys([job.path, *seen_files.other_paths(job.athlete, job.file_sha256)]):
            found = self._read(path, job)
            if found is None:
                continue
            if found.sha256 in {"", job.file_sha256}:
                if path != job.path:
                    activities.moved(job.activity_id, path)
                if found.body is None:
                    raise FileUseless(path)
                return found.body
            changed = changed or path == job.path
        if not changed:
            raise FileGone(job.path)
        self._raise_changed(job)
        raise FileChanged(job.path)

    def _fresh_body(self, job: Job) -> bytes | None:
        """The bytes as they were admitted a moment ago, if they are still kept."""
        file = self._dispatcher.take(job.file_sha256)
        return None if file is None else formats.body_of(file, job.file_sha256, job.sha256, job.member)

    def has_lost_bytes(self, job: Job) -> bool:
        """Whether a job's own file does not hold its bytes now, or cannot be asked."""
        try:
            found = self._read(job.path, job)
        except (SourceFileError, FolderAway):
            return True
        return found is None or found.sha256 not in {"", job.file_sha256}

    def _read(self, path: str, job: Job) -> ActivityBytes | None:
        """A file as it is now; None if there is none."""
        folder = self._folder_of(path)
        try:
            found = self._in_folder(
                path, lambda: file_reader.read_activity(path, folder, job.sha256, job.member)
            )
        except FileNotFoundError:
            return None
        if found is None:
            raise FileUnreadable(uploads.FILE_BEING_CHANGED())
        return found

    def _raise_changed(self, job: Job) -> None:
        """Raise FileUnreadable while other bytes are not whole: half of a new copy may become the old ones again."""
        folder = self._folder_of(job.path)
        look = self._in_folder(job.path, lambda: file_reader.look(job.path, folder))
        if look is None or look.contents.result.kind in _INCOMPLETE or not look.contents.result.proven:
            raise FileUnreadable(uploads.FILE_BEING_CHANGED())

    def _in_folder(self, path: str, work: Callable[[], T]) -> T:
        try:
            return self._folders.run(path, work, READ_SECONDS)
        except FolderBusy:
            raise FileUnreadable(uploads.FOLDER_BUSY()) from None
        except TimeoutError:
            raise FolderAway(self._folder_of(path) or path, folders.NO_ANSWER()) from None
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = system.from_os_error(error)
            raise FileUnreadable(uploads.FILE_UNREADABLE(reason=reason)) from error

    def _folder_of(self, path: str) -> str:
        where = innermost(path, self._archives)
        return str(where.folder) if where is not None else ""
