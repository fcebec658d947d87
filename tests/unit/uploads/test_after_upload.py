"""What becomes of a file after its upload: nothing is overwritten, lost or touched that is not the uploaded bytes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from documents import zipped
from fakes import ADMISSION, NOW, a_job, admit_file, recorded, the
from fitferry.core import filenames
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    FileKind,
    NewActivity,
    ParseResult,
    Stability,
)
from fitferry.core.follow_up import FollowUpKind
from fitferry.core.messages import Message
from fitferry.core.upload import AfterUpload, AttemptResult, ErrorCode, FileOutcome, Job, Outcome, Status
from fitferry.storage import activities, follow_ups, seen_files, uploads
from fitferry.storage.seen_files import File
from fitferry.uploads import safe_move
from fitferry.uploads.after_upload import Archive, planned_action
from fitferry.uploads.file_tidier import FileTidier
from ledger_statements import each_statement

pytestmark = pytest.mark.usefixtures("ledger")


@pytest.fixture
def where(tmp_path: Path) -> Archive:
    """A watched folder."""
    folder = tmp_path / "rides"
    folder.mkdir()
    return Archive(folder, folder / "uploaded")


def tidy(archives: list[Archive], *, keep: bool = False) -> Message | None:
    """Everything that is due, as after a start; why some of it could not be done."""
    return FileTidier(archives, keep=keep)()


def done(job: Job, wanted: AfterUpload, outcome: Outcome = Outcome.COMPLETED) -> None:
    """Let a job be completed, with what is to become of its file."""
    step = AttemptResult(outcome, Status.COMPLETED, strava_activity_id=7)
    recorded(job.id, step, NOW, after_upload_action=wanted)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("wanted", "left", "became"),
    [
        (AfterUpload.ARCHIVE, {"uploaded/2026/a.fit": b"ride"}, FileOutcome.ARCHIVED),
        (AfterUpload.DELETE, {}, FileOutcome.DELETED),
        (AfterUpload.KEEP, {"2026/a.fit": b"ride"}, AfterUpload.KEEP),
    ],
)
def test_the_file_is_kept_archived_or_deleted(
    where: Archive, wanted: AfterUpload, left: dict[str, bytes], became: AfterUpload
) -> None:
    """As the settings say; the archive has the same folders below it."""
    (where.folder / "2026").mkdir()
    job = a_job(where.folder / "2026/a.fit")
    done(job, wanted)
    tidy([where])

    assert tree(where.folder) == left
    assert the(job.id).after_upload_action is became


def test_an_archived_file_is_known_where_it_is(where: Archive) -> None:
    """So that it can be sent again; its old path is forgotten."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    tidy([where])

    assert the(job.id).path == str(where.archive / "a.fit")
    assert seen_files.seen("me", str(where.folder / "a.fit")) is None


@pytest.mark.parametrize(
    ("ours", "path", "expected"),
    [
        (True, "rides/a.fit", AfterUpload.DELETE),
        (False, "rides/a.fit", AfterUpload.KEEP),
        (True, "spool/a.fit", AfterUpload.KEEP),
        (True, "rides/uploaded/a.fit", AfterUpload.KEEP),
    ],
)
def test_only_what_strava_took_from_us_is_touched(
    where: Archive, tmp_path: Path, ours: bool, path: str, expected: AfterUpload
) -> None:
    """Never a duplicate of some other recording, nor anything outside the folders."""
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    job = a_job(tmp_path / path)

    assert planned_action(job, AfterUpload.DELETE, ours=ours, archives=[where]) is expected


def test_other_bytes_at_the_path_are_left_alone(where: Archive) -> None:
    """The file was replaced after its upload."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.DELETE)
    (where.folder / "a.fit").write_bytes(b"another ride")
    tidy([where])

    assert tree(where.folder) == {"a.fit": b"another ride"}
    assert the(job.id).after_upload_action is AfterUpload.KEEP


def test_a_file_that_appears_at_the_last_moment_is_left_alone(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is deleted is what was looked at, whatever has its name by now."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.DELETE)
    unlink = os.unlink

    def drop_and_unlink(name: str, *, dir_fd: int) -> None:
        (where.folder / "a.fit").write_bytes(b"next ride")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", drop_and_unlink)
    tidy([where])

    assert tree(where.folder) == {"a.fit": b"next ride"}


def test_nothing_in_the_archive_is_overwritten(where: Archive) -> None:
    """The next free name is taken."""
    where.archive.mkdir()
    (where.archive / "a.fit").write_bytes(b"older ride")
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    tidy([where])

    assert tree(where.archive) == {"a.fit": b"older ride", "a-2.fit": b"ride"}


def test_a_filesystem_without_hard_links_overwrites_nothing_either(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """exFAT, FUSE, SMB."""

    def refuse(*_names: object, **_options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    where.archive.mkdir()
    (where.archive / "a.fit").write_bytes(b"older ride")
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    tidy([where])

    assert tree(where.folder) == {"uploaded/a.fit": b"older ride", "uploaded/a-2.fit": b"ride"}


@pytest.mark.parametrize("wanted", [AfterUpload.ARCHIVE, AfterUpload.DELETE])
def test_a_crash_at_any_step_loses_and_doubles_nothing(
    where: Archive, monkeypatch: pytest.MonkeyPatch, wanted: AfterUpload
) -> None:
    """Of the file or of the ledger; it is taken up again at the next start."""
    left: list[int] = []

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def called(*given: object, **options: object) -> object:
            if not left:
                raise KeyboardInterrupt  # as if the process were gone
            left.pop()
            return call(*given, **options)

        return called

    for step in itertools.count():
        name, body = f"{step}.fit", b"%d" % step
        job = a_job(where.folder / name, body)
        done(job, wanted)
        left[:] = [0] * step
        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
            for call in ("link", "unlink", "rename", "mkdir", "fsync"):
                patch.setattr(os, call, dying(getattr(os, call)))
            with each_statement(dying(lambda *_given: None)):
                tidy([where])
        tidy([where])

        kept = {f"uploaded/{name}": body} if wanted is AfterUpload.ARCHIVE else {}
        assert {path: there for path, there in tree(where.folder).items() if there == body} == kept, step
        assert the(job.id).after_upload_action in {
            FileOutcome.ARCHIVED,
            FileOutcome.DELETED,
            FileOutcome.GONE,
        }
        if left:
            break
    assert step >= 10


@pytest.fixture
def across(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive is on another filesystem."""
    link = os.link

    def refuse(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool) -> None:
        assert not follow_symlinks
        if os.fstat(src_dir_fd).st_ino != os.fstat(dst_dir_fd).st_ino:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=False)

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda handle, data: os.pwrite(handle, bytes(len(data)), 0), "differs"),
        (lambda _handle, _data: os.close(os.dup(10_000)), "Bad file descriptor"),
    ],
    ids=["bytes are lost", "the disk is full"],
)
def test_a_copy_that_fails_leaves_the_file_where_it_was(
    where: Archive,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[int, bytes], object],
    reason: str,
) -> None:
    """Under its own name, and nothing of the copy."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    monkeypatch.setattr(os, "write", write)
    assert reason in str(tidy([where]))

    assert tree(where.folder) == {"a.fit": b"ride"}


@pytest.mark.usefixtures("across")
def test_the_first_one_goes_when_the_name_of_its_copy_is_on_the_disk(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut in between leaves two, not none."""
    left: list[dict[str, bytes]] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        fsync(handle)
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            left.append(tree(where.folder))

    monkeypatch.setattr(os, "fsync", note)
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    tidy([where])

    assert [sorted(files.values()) for files in left] == [[b"ride", b"ride"]]
    assert tree(where.folder) == {"uploaded/a.fit": b"ride"}


@pytest.mark.usefixtures("across")
def test_an_archive_on_another_filesystem_gets_a_verified_copy(where: Archive) -> None:
    """Only then the first one goes."""
    job = a_job(where.folder / "a.fit")
    os.utime(where.folder / "a.fit", (1, 1))
    done(job, AfterUpload.ARCHIVE)
    tidy([where])

    assert tree(where.folder) == {"uploaded/a.fit": b"ride"}
    assert (where.archive / "a.fit").stat().st_mtime == 1


def test_a_folder_that_cannot_be_written_is_an_error_and_tried_again(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload counts all the same; another folder is not held up."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.DELETE)
    with monkeypatch.context() as patch:

        def refuse(*_names: str, **_handles: int) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        patch.setattr(os, "rename", refuse)
        assert "Read-only" in str(tidy([where]))
    assert (the(job.id).status, the(job.id).after_upload_action) == (Status.COMPLETED, AfterUpload.DELETE)
    tidy([where])

    assert tree(where.folder) == {}


def test_a_file_that_cannot_be_archived_keeps_its_name_and_the_settings_can_end_it(where: Archive) -> None:
    """A file has the archive's name; whoever sets `keep` then has every file as it was."""
    where.archive.write_bytes(b"no folder")
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    assert "Not a directory" in str(tidy([where]))
    assert tree(where.folder) == {"a.fit": b"ride", "uploaded": b"no folder"}
    tidy([where], keep=True)

    assert the(job.id).after_upload_action is AfterUpload.KEEP


def test_a_file_that_a_life_before_had_renamed_aside_gets_its_name_back(where: Archive) -> None:
    """Nobody would find it under the other one."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.DELETE)
    (where.folder / "a.fit").rename(Path(job.path).with_name(safe_move.staging_name(job.file_sha256)))
    tidy([where], keep=True)

    assert tree(where.folder) == {"a.fit": b"ride"}
    assert the(job.id).after_upload_action is AfterUpload.KEEP


@pytest.mark.parametrize("ending", [".fit", ".GPX.gz", "\u00e9.fit"])
def test_a_name_that_cannot_become_longer_is_shortened(where: Archive, ending: str) -> None:
    """Linux takes 255 bytes; the ending stays."""
    name = "a." + "b" * (253 - len(ending.encode())) + ending
    where.archive.mkdir()
    (where.archive / name).write_bytes(b"older ride")
    job = a_job(where.folder / name)
    done(job, AfterUpload.ARCHIVE)
    tidy([where])

    (other,) = set(tree(where.archive)) - {name}
    assert tree(where.archive)[other] == b"ride"
    assert filenames.is_wanted_name(other)


def test_a_file_that_cannot_be_moved_holds_up_no_other(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its own folder; it is tried again later, and not at every turn."""
    tried: list[str] = []
    rename, now = os.rename, [1000.0]

    def refuse(name: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        tried.append(name)
        if name == "a.fit":
            raise OSError(errno.EPERM, "Operation not permitted")
        rename(name, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", refuse)
    for number, name in enumerate(("a.fit", "b.fit", "c.fit")):
        done(a_job(where.folder / name, b"%d" % number), AfterUpload.DELETE)
    file_tidier = FileTidier([where], clock=lambda: now[0])

    assert str(file_tidier()) == "a.fit: Operation not permitted"
    assert tree(where.folder) == {"a.fit": b"0"}
    assert "not permitted" in str(file_tidier())
    assert tried == ["a.fit", "b.fit", "c.fit"]
    monkeypatch.setattr(os, "rename", rename)
    now[0] += 30
    assert file_tidier() is None
    assert tree(where.folder) == {}


def test_a_link_is_left_alone(where: Archive, tmp_path: Path) -> None:
    """What it leads to is not ours to move."""
    (tmp_path / "elsewhere.fit").write_bytes(b"ride")
    path = where.folder / "a.fit"
    job = a_job(path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere.fit")
    done(job, AfterUpload.DELETE)
    tidy([where])

    assert path.is_symlink()
    assert (tmp_path / "elsewhere.fit").exists()


@pytest.mark.parametrize("wanted", [AfterUpload.ARCHIVE, AfterUpload.DELETE])
def test_nothing_behind_a_link_to_a_folder_is_touched(
    where: Archive, tmp_path: Path, wanted: AfterUpload
) -> None:
    """It lies outside the watched folder."""
    (tmp_path / "outside").mkdir()
    (where.folder / "link").symlink_to(tmp_path / "outside")
    job = a_job(where.folder / "link/a.fit")
    done(job, wanted)
    tidy([where])

    assert tree(tmp_path / "outside") == {"a.fit": b"ride"}
    assert the(job.id).after_upload_action is AfterUpload.KEEP


def test_the_watched_folder_itself_may_be_a_link(where: Archive, tmp_path: Path) -> None:
    """Whoever set it up meant where it leads."""
    link = tmp_path / "link"
    link.symlink_to(where.folder)
    job = a_job(link / "a.fit")
    done(job, AfterUpload.DELETE)
    tidy([Archive(link, link / "uploaded")])

    assert tree(where.folder) == {}


def test_a_file_that_somebody_took_away_is_no_error(where: Archive) -> None:
    """It is gone."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    (where.folder / "a.fit").unlink()
    tidy([where])

    assert the(job.id).after_upload_action is FileOutcome.GONE


def two_in_a_zip(where: Archive) -> tuple[Job, Job]:
    """An archive with two activities."""
    path = where.folder / "both.zip"
    path.write_bytes(b"zip")
    file = File("me", str(path), hashlib.sha256(b"zip").hexdigest(), 3, None)
    found = ParseResult(FileKind.ACTIVITY, "fit", ActivityFacts(kind="activity"))
    new_activities = [
        NewActivity(name, found, AdmissionDecision(Status.PENDING), f"{name}.fit") for name in ("one", "two")
    ]
    one, two = (the(job_id) for job_id, _ in activities.admit(file, new_activities, NOW))
    return one, two


def test_a_zip_of_several_waits_until_all_are_done(where: Archive) -> None:
    """Then it is moved once."""
    one, two = two_in_a_zip(where)
    done(one, AfterUpload.ARCHIVE)
    tidy([where])
    assert tree(where.folder) == {"both.zip": b"zip"}
    done(two, AfterUpload.ARCHIVE)
    tidy([where])

    assert tree(where.folder) == {"uploaded/both.zip": b"zip"}
    assert {the(one.id).path, the(two.id).path} == {str(where.archive / "both.zip")}


def test_a_zip_of_several_stays_until_the_command_has_run_for_each(where: Archive) -> None:
    """It is shown the file of every activity."""
    follow_ups.want([FollowUpKind.HOOK])
    for job in two_in_a_zip(where):
        done(job, AfterUpload.DELETE)
    left = []
    for _ in range(2):
        owed = follow_ups.first(FollowUpKind.HOOK)
        assert owed is not None
        follow_ups.finish(owed.id, NOW)
        tidy([where])
        left.append(tree(where.folder))

    assert left == [{"both.zip": b"zip"}, {}]


def test_a_zip_that_holds_a_duplicate_is_kept(where: Archive) -> None:
    """One of its rides may be another recording than the one on Strava."""
    one, two = two_in_a_zip(where)
    done(one, AfterUpload.DELETE)
    done(two, AfterUpload.KEEP, Outcome.DUPLICATE)
    tidy([where])

    assert tree(where.folder) == {"both.zip": b"zip"}
    assert the(one.id).after_upload_action is AfterUpload.KEEP


def test_the_innermost_watched_folder_has_the_archive(where: Archive) -> None:
    """Its own, not that of the folder around it."""
    inner = Archive(where.folder / "kim", where.folder / "kim/uploaded")
    inner.folder.mkdir()
    job = a_job(inner.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    tidy([where, inner])

    assert tree(where.folder) == {"kim/uploaded/a.fit": b"ride"}


def admitted(path: Path, body: bytes) -> Job:
    """A file of the folder; the newest job."""
    path.write_bytes(body)
    admit_file(str(path), "me", ADMISSION, NOW, Stability.CLOSED)
    return max(uploads.with_status(Status.PENDING), key=lambda job: job.id)


@pytest.mark.parametrize("wanted", [AfterUpload.DELETE, AfterUpload.ARCHIVE])
@pytest.mark.parametrize("error_code", [ErrorCode.DUPLICATE, None])
def test_a_zip_with_a_duplicate_of_something_else_is_kept_wherever_it_was_seen_first(
    where: Archive, ride: Callable[..., bytes], wanted: AfterUpload, error_code: ErrorCode | None
) -> None:
    """It may be the last to hold that recording; where all that is in it went up, it is put away."""
    known = admitted(where.folder / "known.fit", ride(serial=1))
    step = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=7, error_code=error_code)
    recorded(known.id, step, NOW, after_upload_action=AfterUpload.KEEP)
    (where.folder / "known.fit").unlink()
    path = where.folder / "both.zip"
    new = admitted(path, zipped({"known.fit": ride(serial=1), "new.fit": ride(serial=2)}))
    done(new, wanted)
    tidy([where])

    assert path.exists() is (error_code == "duplicate")
    assert (the(new.id).after_upload_action is AfterUpload.KEEP) is (error_code == "duplicate")


def test_a_zip_is_archived_once_for_all_that_is_in_it(where: Archive, ride: Callable[..., bytes]) -> None:
    """What was written down of its first activity is not written over by its second."""
    admitted(where.folder / "two.zip", zipped({"a.fit": ride(serial=1), "b.fit": ride(serial=2)}))
    for job in uploads.with_status(Status.PENDING):
        done(job, AfterUpload.ARCHIVE)
    tidy([where])

    assert {job.after_upload_action for job in uploads.with_status(Status.COMPLETED)} == {
        FileOutcome.ARCHIVED
    }
