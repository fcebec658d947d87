"""What was planned for a folder's files is done, again and again less often where it cannot be, and told once."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from documents import gpx, zipped
from fakes import ADMISSION, NOW, Clock, a_job, admit_file, recorded, the
from fitferry.core.activity import Stability
from fitferry.core.messages import folders
from fitferry.core.upload import AfterUpload, AttemptResult, FileOutcome, Job, Outcome, Status
from fitferry.storage import seen_files, uploads
from fitferry.storage.models import JobRow
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.file_tidier import FileTidier

pytestmark = pytest.mark.usefixtures("ledger")


class Rides:
    """A watched folder, and its tidier."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.archive = folder, folder / "uploaded"
        folder.mkdir()
        self.clock = Clock()
        self.archives = [Archive(folder, self.archive)]
        self.tidy = FileTidier(self.archives, clock=self.clock)

    def done(self, name: str = "a.fit", action: AfterUpload = AfterUpload.ARCHIVE) -> Job:
        """A file whose upload is completed."""
        job = a_job(self.folder / name, name.encode())
        recorded(job.id, AttemptResult(Outcome.COMPLETED, Status.COMPLETED), NOW, after_upload_action=action)
        return the(job.id)


@pytest.fixture
def rides(tmp_path: Path) -> Rides:
    """An empty folder."""
    return Rides(tmp_path / "rides")


@pytest.mark.parametrize(
    ("failures", "pause"), [(1, 30.0), (2, 60.0), (3, 300.0), (4, 1800.0), (5, 1800.0), (6, 1800.0)]
)
def test_what_cannot_be_moved_is_tried_again_less_often_each_time(
    rides: Rides, failures: int, pause: float
) -> None:
    """Until it can; then nothing is left to say."""
    rides.archive.write_bytes(b"no folder")
    job = rides.done()
    for number in range(failures):
        assert rides.tidy() is not None
        rides.clock.forward(1800.0 if number < failures - 1 else 0.0)
    rides.archive.unlink()
    rides.clock.forward(pause - 1)
    assert rides.tidy() is not None
    assert the(job.id).after_upload_action is AfterUpload.ARCHIVE
    rides.clock.forward(1)
    assert rides.tidy() is None
    assert the(job.id).after_upload_action is FileOutcome.ARCHIVED


@pytest.mark.parametrize(
    ("count", "words", "lines"),
    [
        (1, "uploaded: Not a directory", 1),
        (2, "uploaded: Not a directory (and 1 more)", 2),
        (7, "uploaded: Not a directory (and 6 more)", 5),
    ],
)
def test_failures_are_told_in_a_few_words(rides: Rides, count: int, words: str, lines: int) -> None:
    """The first of them and how many more; five lines of the log for a folder, and one for each file."""
    rides.archive.write_bytes(b"no folder")
    for number in range(count):
        rides.done(f"{number}.fit")
    with capture_logs() as logged:
        told = rides.tidy()
        rides.clock.forward(30)
        rides.tidy()

    assert str(told) == words
    assert [entry["outcome"] for entry in logged] == ["failed"] * lines


def test_a_link_in_the_way_is_named_once_for_all(rides: Rides, tmp_path: Path) -> None:
    """It is whole folders that it keeps from being moved."""
    (tmp_path / "elsewhere").mkdir()
    rides.archive.symlink_to(tmp_path / "elsewhere")
    for number in range(2):
        rides.done(f"{number}.fit")

    told = rides.tidy()
    assert told is not None
    assert told.code == folders.LINK_IN_WAY.code
    assert str(rides.archive) in str(told)


def test_one_that_fails_stops_no_other_and_is_forgotten_with_its_job(rides: Rides) -> None:
    """Where a person decides otherwise meanwhile, nothing is left to say."""
    rides.archive.mkdir()
    (rides.archive / "sub").write_bytes(b"no folder")
    (rides.folder / "sub").mkdir()
    stuck, other = rides.done("sub/a.fit"), rides.done("b.fit")
    assert str(rides.tidy()) == "sub: Not a directory"
    assert the(other.id).after_upload_action is FileOutcome.ARCHIVED
    uploads.after_upload_done(stuck.id, AfterUpload.KEEP)
    assert rides.tidy() is None


def test_only_the_files_that_are_ours_are_touched(rides: Rides) -> None:
    """Each folder's thread has its own; the settings of now may ask to keep them all."""
    mine, other = rides.done("a.fit", AfterUpload.DELETE), rides.done("b.fit", AfterUpload.DELETE)
    FileTidier(rides.archives, owns=lambda path: path.endswith("a.fit"))()
    assert the(mine.id).after_upload_action is FileOutcome.DELETED
    assert the(other.id).after_upload_action is AfterUpload.DELETE
    FileTidier(rides.archives, keep=True)()
    assert the(other.id).after_upload_action is AfterUpload.KEEP
    assert [path.name for path in rides.folder.iterdir()] == ["b.fit"]


def test_an_archived_file_is_known_by_its_new_path_and_no_more_by_the_old_one(rides: Rides) -> None:
    """What a scan had noted of the old one says nothing any more. It is logged once."""
    job = rides.done()
    with capture_logs() as logged:
        rides.tidy()

    assert the(job.id).path == str(rides.archive / "a.fit")
    assert seen_files.seen("me", str(rides.folder / "a.fit")) is None
    assert [(entry["event"], entry["outcome"]) for entry in logged] == [
        ("after_upload", FileOutcome.ARCHIVED)
    ]


@pytest.mark.parametrize(
    ("where", "became"),
    [("rides/uploaded/a.fit", FileOutcome.ARCHIVED), ("elsewhere/a.fit", AfterUpload.KEEP)],
)
def test_what_is_in_the_archive_or_outside_of_all_folders_is_left_where_it_is(
    rides: Rides, tmp_path: Path, where: str, became: AfterUpload | FileOutcome
) -> None:
    """It was moved in a life that ended before it could write that down; or the settings have changed."""
    (tmp_path / where).parent.mkdir()
    job = a_job(tmp_path / where)
    recorded(
        job.id,
        AttemptResult(Outcome.COMPLETED, Status.COMPLETED),
        NOW,
        after_upload_action=AfterUpload.DELETE,
    )

    assert rides.tidy() is None
    assert the(job.id).after_upload_action is became
    assert (tmp_path / where).exists()


def test_a_file_that_is_gone_is_no_failure(rides: Rides) -> None:
    """Somebody took it away; other bytes at its path are kept."""
    gone, changed = rides.done("a.fit", AfterUpload.DELETE), rides.done("b.fit", AfterUpload.DELETE)
    (rides.folder / "a.fit").unlink()
    (rides.folder / "b.fit").write_bytes(b"other bytes")

    assert rides.tidy() is None
    assert the(gone.id).after_upload_action is FileOutcome.GONE
    assert the(changed.id).after_upload_action is AfterUpload.KEEP
    assert (rides.folder / "b.fit").read_bytes() == b"other bytes"


@pytest.mark.parametrize("first", [Status.PENDING, Status.COMPLETED])
def test_an_archive_stays_while_something_in_it_is_known_from_a_file_that_is_not_done(
    rides: Rides, first: Status
) -> None:
    """It may be the last copy of those bytes."""
    ride, other = gpx(), gpx(points=9)
    path = rides.folder / "both.zip"
    (rides.folder / "first.gpx").write_bytes(ride)
    admit_file(str(rides.folder / "first.gpx"), "me", ADMISSION, NOW, Stability.STALLED)
    path.write_bytes(zipped({"a.gpx": ride, "b.gpx": other}))
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    known, new = (job for (job,) in ([one] for one in uploads.with_status(Status.PENDING)))
    done = AttemptResult(Outcome.COMPLETED, Status.COMPLETED)
    recorded(new.id, done, NOW, after_upload_action=AfterUpload.DELETE)
    if first is Status.COMPLETED:
        recorded(known.id, done, NOW, after_upload_action=AfterUpload.KEEP)
    rides.tidy()

    assert path.exists() is (first is Status.PENDING)
    assert (rides.folder / "first.gpx").exists()
    assert JobRow.select().count() == 2


def test_a_zip_that_was_exchanged_says_nothing_of_the_one_before(rides: Rides) -> None:
    """What is in it is not asked for: the file is kept, because it holds other bytes."""
    path = rides.folder / "both.zip"
    ride, other = gpx(), gpx(points=9)
    path.write_bytes(zipped({"a.gpx": ride, "b.gpx": other}))
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    done = AttemptResult(Outcome.COMPLETED, Status.COMPLETED)
    for job in uploads.with_status(Status.PENDING):
        recorded(job.id, done, NOW, after_upload_action=AfterUpload.DELETE)
    (rides.folder / "third.gpx").write_bytes(gpx(points=7))
    admit_file(str(rides.folder / "third.gpx"), "me", ADMISSION, NOW, Stability.STALLED)
    path.write_bytes(zipped({"a.gpx": ride, "c.gpx": gpx(points=7)}))
    rides.tidy()

    assert path.exists()
    assert uploads.awaiting_after_upload() == []


def test_an_archive_that_is_in_no_watched_folder_any_more_is_let_be(rides: Rides, tmp_path: Path) -> None:
    """Whatever was to become of the activities in it."""
    path = tmp_path / "export.zip"
    path.write_bytes(zipped({"a.gpx": gpx(), "b.gpx": gpx(points=9)}))
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    job = uploads.with_status(Status.PENDING)[0]
    done = AttemptResult(Outcome.COMPLETED, Status.COMPLETED)
    for one in uploads.with_status(Status.PENDING):
        recorded(one.id, done, NOW, after_upload_action=AfterUpload.ARCHIVE)

    assert rides.tidy() is None
    assert the(job.id).after_upload_action is AfterUpload.KEEP
    assert path.exists()
