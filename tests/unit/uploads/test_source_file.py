"""The bytes that go to Strava are those that were admitted, wherever they are now; else it is said what is in the way."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from documents import gpx
from fakes import InlineFolders, a_job, the
from fitferry.core.activity import StatFingerprint
from fitferry.core.messages import Message, system, uploads, verbatim
from fitferry.core.upload import Job
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.folder_tasks import FolderAway, FolderBusy
from fitferry.storage import seen_files
from fitferry.storage.seen_files import File
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.source_file import (
    FileChanged,
    FileGone,
    FileUnreadable,
    FileUseless,
    SourceFileError,
    SourceFiles,
)

pytestmark = pytest.mark.usefixtures("ledger")
UNREADABLE = uploads.FILE_UNREADABLE(reason=system.from_os_error(OSError(errno.EIO, "Input/output error")))
T = TypeVar("T")
Ride = Callable[..., bytes]


class FailingFolders:
    """Watched folders whose thread ends every task with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, path: str, work: Callable[[], T], seconds: float) -> T:
        """The error, for a task of some path and time."""
        assert all((path, work, seconds))
        raise self._error

    def tidy(self) -> None:
        """Nothing: no test asks for it."""


@pytest.fixture
def files(tmp_path: Path) -> SourceFiles:
    """The files of one watched folder."""
    archives = [Archive(tmp_path, tmp_path / "uploaded")]
    return SourceFiles(InlineFolders(archives), archives)


def _copy(job: Job, path: Path, body: bytes) -> None:
    """Another file of the same bytes, which a scan has seen."""
    path.write_bytes(body)
    found = StatFingerprint.of(path.stat())
    seen_files.remember(File(job.athlete, str(path), job.file_sha256, len(body), found))


def test_a_file_that_was_moved_is_read_where_it_is_now(
    files: SourceFiles, tmp_path: Path, ride: Ride
) -> None:
    """And looked for there from then on."""
    job = a_job(tmp_path / "a.fit", ride())
    _copy(job, tmp_path / "b.fit", ride())
    (tmp_path / "a.fit").unlink()

    assert files.read(job) == ride()
    assert the(job.id).path == str(tmp_path / "b.fit")


def test_a_copy_stands_in_for_a_file_that_was_changed(files: SourceFiles, tmp_path: Path, ride: Ride) -> None:
    """The bytes are there, so nothing was lost."""
    job = a_job(tmp_path / "a.fit", ride())
    _copy(job, tmp_path / "b.fit", ride())
    (tmp_path / "a.fit").write_bytes(ride(seconds=40))

    assert files.read(job) == ride()


def test_bytes_that_are_nowhere_are_gone(files: SourceFiles, tmp_path: Path, ride: Ride) -> None:
    """A copy that holds something else by now is no help, either."""
    job = a_job(tmp_path / "a.fit", ride())
    _copy(job, tmp_path / "b.fit", ride())
    (tmp_path / "a.fit").unlink()
    (tmp_path / "b.fit").write_bytes(ride(seconds=40))

    with pytest.raises(FileGone):
        files.read(job)


@pytest.mark.parametrize(
    ("now", "error"), [("whole", FileChanged), ("half", FileUnreadable), ("text", FileUnreadable)]
)
def test_other_bytes_are_another_activity_only_once_they_are_whole(
    files: SourceFiles, tmp_path: Path, ride: Ride, now: str, error: type[SourceFileError]
) -> None:
    """Half of a new copy may become the old bytes again, and a text does not say where it ends."""
    job = a_job(tmp_path / "a.fit", ride())
    other = ride(seconds=40)
    bodies = {"whole": other, "half": other[:-40], "text": gpx()[:-20]}
    (tmp_path / "a.fit").write_bytes(bodies[now])

    with pytest.raises(error):
        files.read(job)


def test_a_file_that_holds_no_such_activity_is_useless(files: SourceFiles, tmp_path: Path) -> None:
    """Its bytes are those that were admitted, and what was to be sent is not in them."""
    body = b"no archive"
    job = a_job(tmp_path / "a.zip", body)
    other = hashlib.sha256(b"ride").hexdigest()
    inside = replace(job, sha256=other, member="ride.fit")

    with pytest.raises(FileUseless):
        files.read(inside)


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (FolderBusy("/rides"), FileUnreadable, uploads.FOLDER_BUSY()),
        (OSError(errno.EIO, "Input/output error"), FileUnreadable, UNREADABLE),
        (TimeoutError(), FolderAway, None),
        (FolderAway("/rides", verbatim("not there")), FolderAway, None),
        (FileNotFoundError(), FileGone, None),
    ],
    ids=repr,
)
def test_what_keeps_a_file_from_being_read_is_told_apart(
    tmp_path: Path, failure: Exception, error: type[Exception], words: Message | None
) -> None:
    """A folder that is away keeps all of its files waiting; one that is busy, and a disk's error, this one alone."""
    job = a_job(tmp_path / "a.fit")
    with pytest.raises(error) as raised:
        SourceFiles(FailingFolders(failure), ()).read(job)

    assert words is None or getattr(raised.value, "message", None) == words


def test_a_folder_that_does_not_answer_is_away_with_all_its_files(tmp_path: Path) -> None:
    """And a file that is in none of them by itself."""
    job = a_job(tmp_path / "a.fit")
    for watched, away in (([Archive(tmp_path, tmp_path / "uploaded")], str(tmp_path)), ([], job.path)):
        with pytest.raises(FolderAway) as raised:
            SourceFiles(FailingFolders(TimeoutError()), watched).read(job)
        assert raised.value.folder == away


def test_a_link_that_leads_out_of_the_folder_is_not_read(files: SourceFiles, tmp_path: Path) -> None:
    """Whoever may write there could have any file sent."""
    job = a_job(tmp_path / "a.fit")
    outside = tmp_path.parent / f"{tmp_path.name}.fit"
    (tmp_path / "a.fit").rename(outside)
    (tmp_path / "a.fit").symlink_to(outside)

    with pytest.raises(FileUnreadable):
        files.read(job)


def test_what_was_admitted_a_moment_ago_is_not_read_again(tmp_path: Path, ride: Ride) -> None:
    """Its bytes are still kept, once."""
    dispatcher = Dispatcher()
    job = a_job(tmp_path / "a.fit", ride())
    dispatcher.put(job.file_sha256, ride())
    files = SourceFiles(FailingFolders(TimeoutError()), (), dispatcher)

    assert files.read(job) == ride()
    with pytest.raises(FolderAway):
        files.read(job)


def test_bytes_are_lost_where_their_file_is_gone_changed_or_cannot_be_asked(
    files: SourceFiles, tmp_path: Path
) -> None:
    """Then those that somebody hands over stand in for them."""
    job = a_job(tmp_path / "a.fit")
    away = SourceFiles(FailingFolders(FolderAway("/rides", verbatim("not there"))), ())

    assert not files.has_lost_bytes(job)
    assert away.has_lost_bytes(job)
    (tmp_path / "a.fit").write_bytes(b"other")
    assert files.has_lost_bytes(job)
    (tmp_path / "a.fit").unlink()
    assert files.has_lost_bytes(job)
