"""Whoever can write into a watched folder reads, overwrites and sends nothing that is not theirs, and stops nobody."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import ADMISSION, NOW, InlineFolders, a_job, admit_file, recorded, the
from fitferry.core.activity import AdmissionResult
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import AfterUpload, AttemptResult, Job, Outcome, Status
from fitferry.inbox import file_reader
from fitferry.storage import uploads
from fitferry.system import safe_files
from fitferry.system.safe_files import LinkInPath
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.file_tidier import FileTidier
from fitferry.uploads.source_file import FileGone, SourceFiles
from watching import mounted, needs_root, scanner_of

Ride = Callable[..., bytes]
TB = 1 << 40


@pytest.fixture
def where(tmp_path: Path, ledger: Path) -> Archive:
    """A watched folder."""
    assert ledger.is_relative_to(tmp_path)
    folder = tmp_path / "rides"
    folder.mkdir()
    return Archive(folder, folder / "uploaded")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A folder of the daemon's user that nobody else can read."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "key").write_bytes(b"the key")
    return folder


def done(job: Job, wanted: AfterUpload) -> None:
    """Let a job be completed, with what is to become of its file."""
    step = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=7)
    recorded(job.id, step, NOW, after_upload_action=wanted)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, through no link."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize("link", ["uploaded", "uploaded/2026", "uploaded/2026/11"])
def test_nothing_is_archived_through_a_link(where: Archive, secret: Path, link: str) -> None:
    """Whichever folder on the way it stands for; the file stays, and the problem names the link."""
    (where.folder / "2026/11").mkdir(parents=True)
    job = a_job(where.folder / "2026/11/a.fit")
    done(job, AfterUpload.ARCHIVE)
    (where.folder / link).parent.mkdir(parents=True, exist_ok=True)
    (where.folder / link).symlink_to(secret)
    failure = FileTidier([where])()

    assert str(failure) == f"{where.folder / link} is a link"
    assert tree(where.folder) == {"2026/11/a.fit": b"ride"}
    assert tree(secret) == {"key": b"the key"}
    assert the(job.id).after_upload_action is AfterUpload.ARCHIVE


@needs_root
@pytest.mark.parametrize("name", ["a.fit", ".{}.fitferry"], ids=["the archive's name", "the copy's name"])
def test_a_link_that_waits_at_the_copys_name_is_not_written_through(
    where: Archive, secret: Path, name: str
) -> None:
    """On another filesystem a copy is made, in a file of our own."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    where.archive.mkdir()
    with mounted(where.archive):
        (where.archive / name.format(job.file_sha256[:16])).symlink_to(secret / "key")
        (where.archive / "b.fit").symlink_to(secret / "new")
        assert FileTidier([where])() is None

        assert b"ride" in tree(where.archive).values()
        assert not (where.folder / "a.fit").exists()
        assert tree(secret) == {"key": b"the key"}
        (copied,) = [path for path in where.archive.iterdir() if path.is_file() and not path.is_symlink()]
        assert copied.stat().st_mode & 0o777 == 0o644


@needs_root
def test_a_link_that_is_laid_when_the_way_was_cleared_is_not_written_through(
    where: Archive, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look at the copy's name and its making; the file stays, and is moved the next time."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    where.archive.mkdir()
    unlink, laid = os.unlink, [False]

    def lay(name: str, *, dir_fd: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            unlink(name, dir_fd=dir_fd)
        if not laid[0] and os.path.samestat(os.fstat(dir_fd), where.archive.stat()):
            laid[0] = True
            os.symlink(secret / "new", name, dir_fd=dir_fd)

    with mounted(where.archive):
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", lay)
            assert FileTidier([where])() is not None
        assert tree(secret) == {"key": b"the key"}
        assert tree(where.folder) == {"a.fit": b"ride"}
        assert FileTidier([where])() is None
        assert tree(where.folder) == {"uploaded/a.fit": b"ride"}
    assert laid[0]


@pytest.mark.parametrize("wanted", [AfterUpload.ARCHIVE, AfterUpload.DELETE])
def test_a_source_that_is_exchanged_for_a_link_after_its_check_gives_nothing_away(
    where: Archive, secret: Path, monkeypatch: pytest.MonkeyPatch, wanted: AfterUpload
) -> None:
    """What was renamed aside is opened through no link, and verified there."""
    job = a_job(where.folder / "a.fit")
    done(job, wanted)
    rename = os.rename

    def exchange(name: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if name == "a.fit":
            (where.folder / "a.fit").unlink()
            (where.folder / "a.fit").symlink_to(secret / "key")
        rename(name, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", exchange)
    FileTidier([where])()

    assert tree(where.folder) == {}
    assert (where.folder / "a.fit").is_symlink()
    assert tree(secret) == {"key": b"the key"}


@pytest.mark.parametrize("wanted", [AfterUpload.ARCHIVE, AfterUpload.DELETE])
def test_a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(
    where: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: AfterUpload
) -> None:
    """Names are used only in the folder that is open."""
    (where.folder / "sub").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/a.fit").write_bytes(b"ride")
    job = a_job(where.folder / "sub/a.fit")
    done(job, wanted)
    rename = os.rename

    def exchange(name: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if name == "a.fit":
            rename(where.folder / "sub", where.folder / "aside")
            (where.folder / "sub").symlink_to(tmp_path / "theirs")
        rename(name, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", exchange)
    FileTidier([where])()

    assert tree(tmp_path / "theirs") == {"a.fit": b"ride"}
    assert tree(where.folder) == ({"uploaded/sub/a.fit": b"ride"} if wanted is AfterUpload.ARCHIVE else {})


@pytest.mark.parametrize("kind", ["absolute", "relative", "by a folder", "through another link", "proc"])
def test_a_link_that_leads_out_of_the_folder_is_not_read(
    where: Archive, tmp_path: Path, ride: Ride, kind: str
) -> None:
    """Somebody else's ride goes to nobody else's account, whoever may read it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/a.fit").write_bytes(ride())
    path = where.folder / "a.fit"
    match kind:
        case "absolute":
            path.symlink_to(tmp_path / "theirs/a.fit")
        case "relative":
            path.symlink_to("../theirs/a.fit")
        case "by a folder":
            (where.folder / "folder").symlink_to(tmp_path / "theirs")
            path.symlink_to("folder/a.fit")
        case "through another link":
            (where.folder / "one").symlink_to(tmp_path / "theirs/a.fit")
            path.symlink_to("one")
        case _:
            path.symlink_to("/proc/self/pagemap")
    result = admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))

    assert result is AdmissionResult.UNREADABLE
    assert sum(uploads.counts().values()) == 0


def test_a_link_into_another_watched_folder_is_not_followed_either(where: Archive, ride: Ride) -> None:
    """It lies inside this one, and belongs to another athlete."""
    theirs = where.folder / "kim"
    theirs.mkdir()
    (theirs / "a.fit").write_bytes(ride())
    (where.folder / "b.fit").symlink_to("kim/a.fit")
    scanner, _ = scanner_of(where.folder, without=frozenset({str(theirs)}))
    for _ in range(3):
        scanner.step()

    assert sum(uploads.counts().values()) == 0
    assert "links that lead out of the folder are not followed (b.fit)" in str(scanner.state.notes[0])


def test_a_job_whose_file_became_a_link_is_not_sent(where: Archive, secret: Path) -> None:
    """The bytes behind it are never read."""
    job = a_job(where.folder / "a.fit")
    (where.folder / "a.fit").unlink()
    (where.folder / "a.fit").symlink_to(secret / "key")

    with pytest.raises((FileGone, Exception), match="link"):
        SourceFiles(InlineFolders([where]), [where]).read(job)


def test_a_fifo_in_the_place_of_a_file_holds_nobody_up(where: Archive) -> None:
    """It is opened without waiting for somebody at its other end."""
    path = where.folder / "a.fit"
    os.mkfifo(path)
    found: list[AdmissionResult] = []
    thread = threading.Thread(
        target=lambda: found.append(admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))),
        daemon=True,
    )
    thread.start()
    thread.join(60)

    assert found == [AdmissionResult.GONE]


def test_a_file_that_grows_while_it_is_read_ends_at_the_bound(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its size was said to be."""
    path = where.folder / "a.fit"
    path.write_bytes(b"x")
    pread, read = os.pread, [0]

    def grow(handle: int, size: int, start: int) -> bytes:
        with path.open("ab") as file:
            file.truncate(path.stat().st_size + 8 * (1 << 20))
        chunk = pread(handle, size, start)
        read[0] += len(chunk)
        return chunk

    monkeypatch.setattr(os, "pread", grow)
    assert file_reader.read(str(path), str(where.folder)) is None
    assert read[0] <= MAX_FILE_BYTES + 1


@pytest.mark.parametrize("head", [b"", b"PK\x03\x04"], ids=["nothing", "a zip"])
def test_a_file_of_eight_terabytes_is_neither_read_nor_hashed_to_its_end(
    where: Archive, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """It is full of holes, and costs its writer nothing."""
    path = where.folder / ("a.zip" if head else "a.fit")
    with path.open("wb") as file:
        file.write(head)
        try:
            file.truncate(8 * TB)
        except OSError:
            file.truncate(TB // 64)  # this filesystem takes no more
    before = resource.getrusage(resource.RUSAGE_SELF)
    pread, read = os.pread, [0]

    def count(handle: int, size: int, start: int) -> bytes:
        chunk = pread(handle, size, start)
        read[0] += len(chunk)
        return chunk

    monkeypatch.setattr(os, "pread", count)
    result = admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))

    assert result in {AdmissionResult.HELD, AdmissionResult.SKIPPED, AdmissionResult.UNFINISHED}
    assert 0 < read[0] <= MAX_FILE_BYTES + 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before.ru_maxrss < 200_000


def test_links_that_lead_in_a_circle_are_given_up(tmp_path: Path) -> None:
    """The kernel does so, too."""
    (tmp_path / "a.fit").symlink_to("b.fit")
    (tmp_path / "b.fit").symlink_to("a.fit")
    with (
        safe_files.open_folder(str(tmp_path)) as folder,
        pytest.raises(LinkInPath),
        folder.file("a.fit"),
    ):
        pass
