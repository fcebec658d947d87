"""Moving and deleting of uploaded files in a watched folder, by descriptors and through no link.

A file is first given a temporary name in its folder, and verified there: whatever happens at its old name from then on,
what is moved or deleted is what was verified. Each step can be taken again after a crash. Whoever can write into the
folder can exchange names, but reach nothing outside it: names are only ever used in a folder that is open.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from fitferry.core import filenames
from fitferry.core.errors import PlannedOSError
from fitferry.core.messages import folders
from fitferry.formats.archives import MAX_ARCHIVE_BYTES
from fitferry.system import safe_files
from fitferry.system.safe_files import LinkInPath, OpenFolder

MAX_NAMES = 1_000
LONGEST_NAME = 255
"""Bytes; Linux takes no more."""
COPY_MODE = 0o644
"""Mode of a copy on another filesystem; those of the original are somebody else's choice."""
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})


class MoveOutcome(StrEnum):
    """What became of a file."""

    DONE = "done"
    OTHER_BYTES = "other_bytes"
    """The file holds something else by now, or is a link: it was left alone."""
    GONE = "gone"


class MoveResult(NamedTuple):
    """Result of a move. `path`: where the file is now, relative to the watched folder; empty if it is nowhere."""

    outcome: MoveOutcome
    path: str = ""


def delete(folder: OpenFolder, source: str, sha256: str) -> MoveResult:
    """Delete a file if it holds these bytes. Raises LinkInPath, OSError: nothing has changed."""
    with _staged(folder, source, sha256) as file:
        if isinstance(file, MoveOutcome):
            return MoveResult(file)
        os.unlink(file.staging, dir_fd=file.parent)
    return MoveResult(MoveOutcome.DONE)


def archive(folder: OpenFolder, source: str, target: str, sha256: str) -> MoveResult:
    """Move a file that holds these bytes to a free name below the archive. Raises LinkInPath, OSError.

    `target`: its name there, relative to the watched folder; where it is taken, `-2` is added, or `-3`.
    """
    place, name = posixpath.split(target)
    with folder.directory(place, make=True) as there, _staged(folder, source, sha256) as file:
        if file is MoveOutcome.GONE and _holds(there, name, sha256):
            return MoveResult(MoveOutcome.DONE, target)  # moved in a life that ended before it was noted
        if isinstance(file, MoveOutcome):
            return MoveResult(file)
        given = _place(file, there, name)
        os.fsync(there)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file.staging, dir_fd=file.parent)
    return MoveResult(MoveOutcome.DONE, posixpath.join(place, given))


def restore(folder: OpenFolder, source: str, sha256: str) -> None:
    """Give a file its name back that an earlier run had moved to a temporary name. Raises OSError."""
    with _source_folder(folder, source) as parent:
        if not isinstance(parent, MoveOutcome):
            _StagedFile(parent, posixpath.basename(source), sha256).put_back()


@contextlib.contextmanager
def _source_folder(folder: OpenFolder, source: str) -> Iterator[int | MoveOutcome]:
    """A descriptor of the folder that holds a file, or what it means that there is none."""
    with contextlib.ExitStack() as parts:
        try:
            parent: int | MoveOutcome = parts.enter_context(folder.directory(posixpath.dirname(source)))
        except LinkInPath:
            parent = MoveOutcome.OTHER_BYTES  # what is behind a link is not ours to move
        except FileNotFoundError:
            parent = MoveOutcome.GONE
        yield parent


@contextlib.contextmanager
def _staged(folder: OpenFolder, source: str, sha256: str) -> Iterator[_StagedFile | MoveOutcome]:
    """A file under its temporary name, verified, or why it is not to be moved; a step that fails gives its name back."""
    with _source_folder(folder, source) as parent:
        if isinstance(parent, MoveOutcome):
            yield parent
            return
        file = _StagedFile(parent, posixpath.basename(source), sha256)
        missing = file.take()
        try:
            yield missing or (file if file.verify() else MoveOutcome.OTHER_BYTES)
        except OSError:  # nobody would find it under the other name
            file.put_back()
            raise


def staging_name(sha256: str) -> str:
    """The name under which a file waits for its move; hidden, so that no scan takes it."""
    return f".{sha256[:16]}.fitferry"


class _StagedFile:
    """A file under a temporary name in its folder, until it is moved, deleted or put back."""

    def __init__(self, parent: int, name: str, sha256: str) -> None:
        self.parent = parent
        self.name = name
        self.sha256 = sha256
        self.staging = staging_name(sha256)

    def take(self) -> MoveOutcome | None:
        """Give the file a temporary name; why there is none to be taken, None if it was. Raises OSError."""
        if _exists(self.parent, self.staging):
            return None
        try:
            if not stat.S_ISREG(OpenFolder.stat_in(self.parent, self.name).st_mode):
                return MoveOutcome.OTHER_BYTES  # a link: what it leads to is not ours to move
        except FileNotFoundError:
            return MoveOutcome.GONE
        os.rename(self.name, self.staging, src_dir_fd=self.parent, dst_dir_fd=self.parent)
        return None

    def verify(self) -> bool:
        """Whether what has the temporary name holds the expected bytes; else it gets its name back."""
        if _holds(self.parent, self.staging, self.sha256):
            return True
        self.put_back()
        return False

    def put_back(self) -> None:
        """Give the file its name back, unless something else has it by now; then it gets another one."""
        if _exists(self.parent, self.staging):
            for name in _names(self.name):
                if _rename(self.parent, self.staging, self.parent, name):
                    return


def _place(step: _StagedFile, there: int, name: str) -> str:
    """Move a staged file to a free name in another folder, over no other file; the name that it got."""
    try:
        return _move(step.parent, step.staging, there, name, step.sha256)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    with contextlib.suppress(FileNotFoundError):  # of a life that ended too soon
        os.unlink(step.staging, dir_fd=there)
    try:
        with _opened(step.parent, step.staging) as source:
            _copy(source, there, step.staging, step.sha256)
        return _move(there, step.staging, there, name, step.sha256)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(step.staging, dir_fd=there)


def _move(parent: int, staging: str, there: int, name: str, sha256: str) -> str:
    for free in _names(name):
        # What has these bytes was moved there before, in a life that ended too soon.
        if _holds(there, free, sha256):
            return free
        if _rename(parent, staging, there, free):
            if _holds(there, free, sha256):
                return free
            raise PlannedOSError(errno.EIO, folders.EXCHANGED(), name)
    raise PlannedOSError(errno.EEXIST, folders.NO_FREE_NAME(), name)


def _copy(source: int, there: int, name: str, sha256: str) -> None:
    """Write a verified copy into another folder, down to its disk."""
    target = safe_files.create(there, name)
    try:
        copied = safe_files.copy(source, target, MAX_ARCHIVE_BYTES)
        os.fchmod(target, COPY_MODE)
        found = os.fstat(source)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.fsync(target)
        if copied != sha256 or safe_files.sha256(target, MAX_ARCHIVE_BYTES) != sha256:
            raise PlannedOSError(errno.EIO, folders.COPY_DIFFERS(), name)
    finally:
        os.close(target)


def _rename(parent: int, staging: str, there: int, name: str) -> bool:
    """Rename, but never over another file: False if the name is taken."""
    try:
        os.link(staging, name, src_dir_fd=parent, dst_dir_fd=there, follow_symlinks=False)
        os.unlink(staging, dir_fd=parent)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _rename_without_links(parent, staging, there, name)
    return True


def _rename_without_links(parent: int, staging: str, there: int, name: str) -> bool:
    """The same on exFAT or SMB: hold the name with an empty file of our own, then take its place."""
    try:
        os.close(safe_files.create(there, name))
    except FileExistsError:
        return False
    try:
        os.rename(staging, name, src_dir_fd=parent, dst_dir_fd=there)
    except OSError:
        os.unlink(name, dir_fd=there)
        raise
    return True


def _holds(parent: int, name: str, sha256: str) -> bool:
    """Whether a regular file of this name holds these bytes."""
    try:
        with _opened(parent, name) as handle:
            is_file = stat.S_ISREG(os.fstat(handle).st_mode)
            return is_file and safe_files.sha256(handle, MAX_ARCHIVE_BYTES) == sha256
    except (FileNotFoundError, LinkInPath):
        return False


@contextlib.contextmanager
def _opened(parent: int, name: str) -> Iterator[int]:
    """A descriptor of a file in an open folder, through no link. Raises LinkInPath, OSError."""
    try:
        handle = os.open(name, safe_files.READ_FLAGS, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LinkInPath(name) from None
        raise
    try:
        yield handle
    finally:
        os.close(handle)


def _exists(parent: int, name: str) -> bool:
    try:
        OpenFolder.stat_in(parent, name)
    except FileNotFoundError:
        return False
    return True


def _names(name: str) -> Iterator[str]:
    """A name, and what to take where it is taken: ride.fit, ride-2.fit, ride-3.fit."""
    yield name
    ending = next((suffix for suffix in filenames.SUFFIXES if name.lower().endswith(suffix)), "")
    stem, suffix = name[: len(name) - len(ending)], name[len(name) - len(ending) :]
    for number in range(2, MAX_NAMES):
        tail = f"-{number}{suffix}"
        short = os.fsencode(stem)[: LONGEST_NAME - len(tail)]
        yield os.fsdecode(short) + tail
