"""What becomes of a file once its activity is on Strava? Kept, archived or deleted; nothing else is ever touched.

A file is first renamed aside within its folder, and looked at there: whatever happens at its old name from then
on, what is moved or deleted is what was verified. Each step can be taken again after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from fitferry.core import filenames
from fitferry.core.upload import AfterUpload, Job, Status
from fitferry.inbox import file_reader
from fitferry.storage import activities, uploads
from fitferry.system import durable_io

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})
_OPEN = frozenset({Status.PENDING, Status.PROCESSING, Status.HELD, Status.FAILED})
MAX_NAMES = 1_000
LONGEST_NAME = 255
"""Bytes; Linux takes no more."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Archive:
    """A watched folder, and where its uploaded files are moved to."""

    folder: Path
    archive: Path


def planned_action(job: Job, wanted: AfterUpload, *, ours: bool, archives: Iterable[Archive]) -> AfterUpload:
    """What is to be done with a completed job's file. `ours`: Strava took these bytes from us.

    What is on Strava by another road may be another recording of the same ride: its file is kept.
    """
    if not ours or _archive_of(job.path, archives) is None:
        return AfterUpload.KEEP
    return wanted


def apply_after_upload(job: Job, archives: Sequence[Archive], *, keep: bool = False) -> None:
    """Do what was intended, once all activities in the file are done. Raises OSError: try again later.

    `keep`: do it no more, because the settings say so now.
    """
    siblings = uploads.of_file(job.athlete, job.file_sha256)
    if any(one.status in _OPEN for one in siblings):
        return
    where = _archive_of(job.path, archives)
    inside = [*siblings, *_known_elsewhere(job)]
    if any(one.status in _OPEN for one in inside):
        return
    same = all(one.after_upload_action is job.after_upload_action for one in siblings)
    ours = same and all(one.status is Status.COMPLETED and one.error_code is None for one in inside)
    if any(Path(job.path).is_relative_to(one.archive) for one in archives):
        done = AfterUpload.ARCHIVED  # in a life that ended before it could write that down
    else:
        done = _kept(job) if keep or where is None or not ours else _do(job, where)
    for one in siblings:
        uploads.after_upload_done(one.id, done)
    _log.info("put away", job=job.id, file=job.file, outcome=done)


def apply_all_after_uploads(archives: Sequence[Archive], *, keep: bool = False) -> None:
    """Do what was intended before a crash, or while the folder could not be written. Raises OSError."""
    problem: OSError | None = None
    stuck: set[Archive | None] = set()
    for job in uploads.awaiting_after_upload():
        where = _archive_of(job.path, archives)
        now = uploads.get(job.id)
        if where in stuck or now is None or now.after_upload_action is not job.after_upload_action:
            continue  # or it was done with another activity of the same file
        try:
            apply_after_upload(job, archives, keep=keep)
        except OSError as error:
            problem = error
            stuck.add(where)
    if problem is not None:
        raise problem


def _known_elsewhere(job: Job) -> list[Job]:
    """The activities in an archive of several that were known from another file: the archive may be the last to hold one."""
    if not job.member:
        return []
    with contextlib.suppress(OSError):
        path = next(filter(os.path.lexists, [_staging_path(job), Path(job.path)]), None)
        reading = file_reader.read(str(path)) if path is not None else None
        if reading is not None and reading.sha256 == job.file_sha256:
            found = [
                uploads.of_bytes(job.athlete, item.sha256) for item in file_reader.examine(reading).members
            ]
            return [one for one in found if one is not None]
    return []


def _archive_of(path: str, archives: Iterable[Archive]) -> Archive | None:
    """The innermost watched folder that holds a path; none for what is archived already."""
    found = [one for one in archives if Path(path).is_relative_to(one.folder)]
    inner = max(found, key=lambda one: len(one.folder.parts), default=None)
    return inner if inner is not None and not Path(path).is_relative_to(inner.archive) else None


def _is_really_below(folder: Path, watched: Path) -> bool:
    """Whether no link leads from a watched folder, which may be one itself, to this folder below it."""
    return Path(os.path.realpath(folder)) == os.path.realpath(watched) / folder.relative_to(watched)


def _do(job: Job, where: Archive) -> AfterUpload:
    path, aside = Path(job.path), _staging_path(job)
    if not _is_really_below(path.parent, where.folder):
        return AfterUpload.KEEP
    target = where.archive / path.relative_to(where.folder)
    if not os.path.lexists(aside):
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                return AfterUpload.KEEP  # a link: what it leads to is not ours to move
        except FileNotFoundError:
            return _missing(job, target)
        if job.after_upload_action is AfterUpload.ARCHIVE:
            target.parent.mkdir(parents=True, exist_ok=True)  # where that fails, nothing need be renamed
        path.rename(aside)
    try:
        return _finished(job, aside, target)
    except OSError:
        _put_back(aside, path)  # nobody finds it under that name
        raise


def _finished(job: Job, aside: Path, target: Path) -> AfterUpload:
    """Archive or delete what was renamed aside, if it is what was uploaded."""
    if not _has(aside, job.file_sha256):
        return _kept(job)
    if job.after_upload_action is AfterUpload.DELETE:
        aside.unlink()
        activities.forget_path(job.path)
        return AfterUpload.DELETED
    return _archived(job, _place(aside, target, job.file_sha256))


def _staging_path(job: Job) -> Path:
    return Path(job.path).with_name(f".{job.file_sha256[:16]}.fitferry")


def _kept(job: Job) -> AfterUpload:
    _put_back(_staging_path(job), Path(job.path))
    return AfterUpload.KEEP


def _missing(job: Job, target: Path) -> AfterUpload:
    """The file is not where it was: somebody took it, or the step before was ours and its record was lost."""
    if job.after_upload_action is AfterUpload.ARCHIVE and _has(target, job.file_sha256):
        return _archived(job, target)
    return AfterUpload.GONE


def _archived(job: Job, target: Path) -> AfterUpload:
    for one in uploads.of_file(job.athlete, job.file_sha256):
        activities.moved(one.activity_id, str(target))
    activities.forget_path(job.path)
    return AfterUpload.ARCHIVED


def _put_back(aside: Path, path: Path) -> None:
    """Give a file its name back, unless something else has it by now; then it gets another one."""
    if os.path.lexists(aside):
        next((name for name in _names(path) if _renamed(aside, name)), None)


def _place(aside: Path, target: Path, sha256: str) -> Path:
    """Move a file to a free name, over no other file; the name that it got."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        name = _moved(aside, target, sha256)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with _copied(aside, target, sha256) as copy:
            name = _moved(copy, target, sha256)
    durable_io.sync(name.parent)
    aside.unlink(missing_ok=True)
    return name


def _moved(source: Path, target: Path, sha256: str) -> Path:
    for name in _names(target):
        # What has these bytes was moved there before, in a life that ended too soon.
        if _has(name, sha256) or _renamed(source, name):
            return name
    raise OSError(errno.EEXIST, "no free name in the archive folder", str(target))


def _renamed(aside: Path, name: Path) -> bool:
    """Rename, but never over another file: False if the name is taken."""
    try:
        os.link(aside, name, follow_symlinks=False)
        aside.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _renamed_without_links(aside, name)
    return True


def _renamed_without_links(aside: Path, name: Path) -> bool:
    """The same: hold the name with an empty file of our own, then take its place."""
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    try:
        aside.rename(name)
    except OSError:
        name.unlink()
        raise
    return True


@contextlib.contextmanager
def _copied(aside: Path, target: Path, sha256: str) -> Iterator[Path]:
    """The same file on the archive's filesystem, verified and down on its disk; it goes if it is not moved on."""
    copy = target.with_name(aside.name)
    try:
        with aside.open("rb") as source, copy.open("wb") as sink:
            shutil.copyfileobj(source, sink)
            sink.flush()
            os.fsync(sink.fileno())
        shutil.copystat(aside, copy)
        if not _has(copy, sha256):
            raise OSError(errno.EIO, "the copy in the archive folder differs", str(target))
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _names(path: Path) -> Iterator[Path]:
    """A name, and what to take where it is taken: ride.fit, ride-2.fit, ride-3.fit."""
    yield path
    ending = next((suffix for suffix in filenames.SUFFIXES if path.name.lower().endswith(suffix)), "")
    stem, suffix = path.name[: len(path.name) - len(ending)], path.name[len(path.name) - len(ending) :]
    for number in range(2, MAX_NAMES):
        tail = f"-{number}{suffix}"
        short = os.fsencode(stem)[: LONGEST_NAME - len(tail)]
        yield path.with_name(os.fsdecode(short) + tail)


def _has(path: Path, sha256: str) -> bool:
    reading = file_reader.read(str(path)) if path.is_file() and not path.is_symlink() else None
    return reading is not None and reading.sha256 == sha256
