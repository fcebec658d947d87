"""A file is moved only as what it was, to a name that is free; else it stays where it is."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitferry.core.errors import PlannedOSError
from fitferry.system import safe_files
from fitferry.system.safe_files import OpenFolder
from fitferry.uploads import safe_move
from fitferry.uploads.safe_move import MAX_NAMES, MoveOutcome, MoveResult

RIDE = b"ride"
SHA256 = hashlib.sha256(RIDE).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[OpenFolder]:
    """A watched folder."""
    with safe_files.open_folder(str(tmp_path)) as opened:
        yield opened


def test_other_bytes_are_not_archived(folder: OpenFolder, tmp_path: Path) -> None:
    """They keep their name."""
    (tmp_path / "a.fit").write_bytes(b"another ride")

    assert safe_move.archive(folder, "a.fit", "done/a.fit", SHA256) == MoveResult(MoveOutcome.OTHER_BYTES)
    assert (tmp_path / "a.fit").read_bytes() == b"another ride"
    assert list((tmp_path / "done").iterdir()) == []


def test_a_file_whose_folder_is_gone_is_gone(folder: OpenFolder) -> None:
    """There is nothing to move, to delete or to put back."""
    assert safe_move.archive(folder, "2026/a.fit", "done/2026/a.fit", SHA256).outcome is MoveOutcome.GONE
    assert safe_move.delete(folder, "2026/a.fit", SHA256).outcome is MoveOutcome.GONE
    safe_move.restore(folder, "2026/a.fit", SHA256)


def test_a_file_for_which_no_name_is_free_stays(folder: OpenFolder, tmp_path: Path) -> None:
    """A thousand of that name are in the archive, and none of them is overwritten."""
    (tmp_path / "done").mkdir()
    taken = ["a.fit", *(f"a-{number}.fit" for number in range(2, MAX_NAMES))]
    for name in taken:
        (tmp_path / "done" / name).write_bytes(b"another")
    (tmp_path / "a.fit").write_bytes(RIDE)

    with pytest.raises(PlannedOSError):
        safe_move.archive(folder, "a.fit", "done/a.fit", SHA256)
    assert (tmp_path / "a.fit").read_bytes() == RIDE
    assert {path.read_bytes() for path in (tmp_path / "done").iterdir()} == {b"another"}


def test_a_file_that_cannot_be_put_back_under_any_name_keeps_its_temporary_one(
    folder: OpenFolder, tmp_path: Path
) -> None:
    """Rather than lose it, or another."""
    for name in ["a.fit", *(f"a-{number}.fit" for number in range(2, MAX_NAMES))]:
        (tmp_path / name).write_bytes(b"another")
    staged = tmp_path / safe_move.staging_name(SHA256)
    staged.write_bytes(RIDE)
    safe_move.restore(folder, "a.fit", SHA256)

    assert staged.read_bytes() == RIDE
    assert (tmp_path / "a.fit").read_bytes() == b"another"


@pytest.mark.parametrize(
    ("taken", "given"), [([], "a.fit"), (["a.fit"], "a-2.fit"), (["a.fit", "a-2.fit", "a-4.fit"], "a-3.fit")]
)
def test_a_file_gets_the_first_free_name(
    folder: OpenFolder, tmp_path: Path, taken: list[str], given: str
) -> None:
    """Below the archive, in folders that are made; who asked is told which."""
    (tmp_path / "done/2026").mkdir(parents=True)
    for name in taken:
        (tmp_path / "done/2026" / name).write_bytes(b"another")
    (tmp_path / "a.fit").write_bytes(RIDE)
    moved = safe_move.archive(folder, "a.fit", "done/2026/a.fit", SHA256)

    assert moved == MoveResult(MoveOutcome.DONE, f"done/2026/{given}")
    assert (tmp_path / "done/2026" / given).read_bytes() == RIDE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done"]


def test_bytes_that_are_in_the_archive_already_are_not_put_there_twice(
    folder: OpenFolder, tmp_path: Path
) -> None:
    """An earlier life had moved them, and ended before it could note that; also where the first one is still there."""
    (tmp_path / "done").mkdir()
    (tmp_path / "done/a.fit").write_bytes(RIDE)
    done = MoveResult(MoveOutcome.DONE, "done/a.fit")

    assert safe_move.archive(folder, "a.fit", "done/a.fit", SHA256) == done
    (tmp_path / "a.fit").write_bytes(RIDE)
    assert safe_move.archive(folder, "a.fit", "done/a.fit", SHA256) == done
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["done", "done/a.fit"]
    (tmp_path / "done/a.fit").write_bytes(b"another")
    assert safe_move.archive(folder, "a.fit", "done/a.fit", SHA256) == MoveResult(MoveOutcome.GONE)


@pytest.mark.parametrize("target", ["there.fit", "nowhere"])
def test_a_link_is_no_file_of_ours(folder: OpenFolder, tmp_path: Path, target: str) -> None:
    """Wherever it leads: it keeps its name, and what is behind it stays, even where that is in the archive, too."""
    (tmp_path / "there.fit").write_bytes(RIDE)
    (tmp_path / "a.fit").symlink_to(tmp_path / target)
    (tmp_path / "done").mkdir()
    (tmp_path / "done/a.fit").write_bytes(RIDE)
    other = MoveResult(MoveOutcome.OTHER_BYTES)

    assert safe_move.archive(folder, "a.fit", "done/a.fit", SHA256) == other
    assert safe_move.delete(folder, "a.fit", SHA256) == other
    assert (tmp_path / "a.fit").is_symlink()
    assert (tmp_path / "there.fit").read_bytes() == RIDE


def test_a_link_in_the_archive_is_no_copy_of_ours(folder: OpenFolder, tmp_path: Path) -> None:
    """The file is archived beside it, although the link leads to the same bytes."""
    (tmp_path / "same.fit").write_bytes(RIDE)
    (tmp_path / "done").mkdir()
    (tmp_path / "done/a.fit").symlink_to(tmp_path / "same.fit")
    (tmp_path / "a.fit").write_bytes(RIDE)
    result = safe_move.archive(folder, "a.fit", "done/a.fit", SHA256)

    assert result.outcome is MoveOutcome.DONE
    assert (tmp_path / "done/a.fit").is_symlink()
    assert (tmp_path / result.path).read_bytes() == RIDE


def test_a_file_behind_a_folder_that_is_a_link_is_none_of_ours(folder: OpenFolder, tmp_path: Path) -> None:
    """It leads out of the watched folder, or back into it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.fit").write_bytes(RIDE)
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert safe_move.delete(folder, "link/a.fit", SHA256).outcome is MoveOutcome.OTHER_BYTES
    safe_move.restore(folder, "link/a.fit", SHA256)
    assert (tmp_path / "real/a.fit").read_bytes() == RIDE


def test_what_waits_under_its_temporary_name_is_taken_first(folder: OpenFolder, tmp_path: Path) -> None:
    """An earlier life had given it; what has the old name by now is another file."""
    staged = tmp_path / safe_move.staging_name(SHA256)
    staged.write_bytes(RIDE)
    (tmp_path / "a.fit").write_bytes(b"another")

    assert safe_move.delete(folder, "a.fit", SHA256) == MoveResult(MoveOutcome.DONE)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.fit": b"another"}
    assert staged.name == "." + SHA256[:16] + ".fitferry"


def test_what_holds_something_else_gets_its_name_back_or_the_next_one(
    folder: OpenFolder, tmp_path: Path
) -> None:
    """Over no other file."""
    staged = tmp_path / safe_move.staging_name(SHA256)
    staged.write_bytes(b"other bytes")
    (tmp_path / "a.fit").write_bytes(b"another")

    assert safe_move.delete(folder, "a.fit", SHA256) == MoveResult(MoveOutcome.OTHER_BYTES)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.fit": b"another",
        "a-2.fit": b"other bytes",
    }


def test_a_deletion_that_fails_gives_the_name_back(
    folder: OpenFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would find the file under the other one."""
    (tmp_path / "a.fit").write_bytes(RIDE)
    unlink = os.unlink

    def refuse(name: str, *, dir_fd: int) -> None:
        if len(list(tmp_path.iterdir())) == 1:
            raise OSError(errno.EIO, "Input/output error")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(OSError, match="Input/output"):
        safe_move.delete(folder, "a.fit", SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["a.fit"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL])
def test_where_there_are_no_hard_links_a_name_is_held_before_it_is_taken(
    folder: OpenFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """And given up again where that fails."""
    (tmp_path / "a.fit").write_bytes(RIDE)

    def refuse(*_names: object, **_options: object) -> None:
        raise OSError(number, "no links")

    monkeypatch.setattr(os, "link", refuse)
    moved = safe_move.archive(folder, "a.fit", "done/a.fit", SHA256)

    assert moved == MoveResult(MoveOutcome.DONE, "done/a.fit")
    assert (tmp_path / "done/a.fit").read_bytes() == RIDE


def test_a_held_name_is_given_up_where_the_file_cannot_take_it(
    folder: OpenFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No empty file is left in the archive, and the ride has its own name."""
    (tmp_path / "a.fit").write_bytes(RIDE)
    rename = os.rename

    def no_link(*_names: object, **_options: object) -> None:
        raise OSError(errno.EPERM, "no links")

    def no_rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if src_dir_fd != dst_dir_fd:
            raise OSError(errno.EIO, "Input/output error")
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(os, "rename", no_rename)
    with pytest.raises(OSError, match="Input/output"):
        safe_move.archive(folder, "a.fit", "done/a.fit", SHA256)

    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {"a.fit", "done"}


@pytest.fixture
def across(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive is on another filesystem."""
    link = os.link

    def refuse(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool) -> None:
        if os.fstat(src_dir_fd).st_ino != os.fstat(dst_dir_fd).st_ino:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("across")
def test_a_copy_on_another_filesystem_can_be_read_by_all_and_has_the_time_of_the_first_one(
    folder: OpenFolder, tmp_path: Path
) -> None:
    """Whatever an earlier life has left of it there is made anew; a name that is taken stays taken."""
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / safe_move.staging_name(SHA256)).write_bytes(b"half")
    (tmp_path / "done/a.fit").write_bytes(b"another")
    (tmp_path / "a.fit").write_bytes(RIDE)
    (tmp_path / "a.fit").chmod(0o600)
    os.utime(tmp_path / "a.fit", ns=(1_000_000_001, 2_000_000_003))

    assert safe_move.archive(folder, "a.fit", "done/a.fit", SHA256).path == "done/a-2.fit"
    found = (tmp_path / "done/a-2.fit").stat()
    assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o644, 2_000_000_003)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {
        "done",
        "done/a.fit",
        "done/a-2.fit",
    }


def test_a_name_of_255_bytes_is_shortened_by_as_much_as_its_number_needs(
    folder: OpenFolder, tmp_path: Path
) -> None:
    """Linux takes no longer one; the ending stays."""
    name = "b" * 251 + ".fit"
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / name).write_bytes(b"another")
    (tmp_path / name).write_bytes(RIDE)

    assert safe_move.archive(folder, name, f"done/{name}", SHA256).path == "done/" + "b" * 249 + "-2.fit"


def open_below(folder: Path) -> list[str]:
    """What is open below a folder, and the folder itself."""
    found = []
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(handle.readlink()))
    return sorted(path for path in found if path.startswith(str(folder)))


@pytest.mark.usefixtures("across")
def test_no_descriptor_is_left_open(folder: OpenFolder, tmp_path: Path) -> None:
    """A daemon moves files for months."""
    (tmp_path / "done").mkdir()
    (tmp_path / "done/a.fit").write_bytes(b"another")
    before = open_below(tmp_path)
    for name in ("a.fit", "b.fit"):
        (tmp_path / name).write_bytes(RIDE)
    safe_move.archive(folder, "a.fit", "done/a.fit", SHA256)
    safe_move.delete(folder, "b.fit", SHA256)
    (tmp_path / "c.fit").write_bytes(b"other bytes")
    safe_move.delete(folder, "c.fit", SHA256)

    assert open_below(tmp_path) == before
