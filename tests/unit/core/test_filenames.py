"""Which names are wanted, and what a walk finds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fitferry.core import filenames
from fitferry.system import safe_files, walk


def found(folder: Path, *, recursive: bool = True, without: frozenset[str] = frozenset()) -> list[str]:
    """The paths that a walk finds, sorted."""
    with safe_files.open_folder(str(folder)) as opened:
        batches = walk.Walk(opened, recursive=recursive, without=without).batches()
        return sorted(path for batch in batches for path, _ in batch)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.fit", True),
        ("A.FIT", True),
        ("-a.fit", True),
        ("inProgressActivity.fit", True),
        ("a.sync-conflict-20260101.fit", True),
        ("a.tcx", True),
        ("a.GPX", True),
        ("a.Fit.Gz", True),
        ("a.tcx.gz", True),
        ("export.zip", True),
        ("a.gz", False),
        ("a.txt", False),
        ("fit", False),
        (".a.fit", False),
        ("._a.fit", False),
        (".a.fit.AbC123", False),
        (".syncthing.a.fit.tmp", False),
        ("~$a.fit", False),
        ("~syncthing~a.fit.tmp", False),
        ("a.fit.part", False),
        ("a.fit.filepart", False),
        ("a.fit.crdownload", False),
        ("sub/a.fit", True),
        (".stversions/a.fit", False),
        (".~tmp~/a.fit", False),
        ("@eaDir/a.fit", False),
        ("#recycle/a.fit", False),
        ("sub/$RECYCLE.BIN/a.fit", False),
        ("SYSTEM VOLUME INFORMATION/a.fit", False),
        ("uploaded/a.fit", False),
        ("uploaded2/a.fit", True),
    ],
)
def test_names_and_folders_that_a_nas_keeps_for_itself_are_passed_over(
    tmp_path: Path, name: str, wanted: bool
) -> None:
    """By event and by scan alike, without a word."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    without = frozenset({str(tmp_path / "uploaded")})

    inside = filenames.is_inside(str(path), str(tmp_path), recursive=True, without=without)
    assert wanted == (inside and filenames.is_wanted_name(path.name))
    assert wanted == (str(path) in found(tmp_path, without=without))


def test_folders_below_are_looked_into_only_if_wanted(tmp_path: Path) -> None:
    """`recursive = false` keeps to the folder itself."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.fit").write_bytes(b"x")

    assert found(tmp_path, recursive=False) == []
    assert not filenames.is_inside(str(tmp_path / "sub/a.fit"), str(tmp_path), recursive=False)
    assert filenames.is_inside(str(tmp_path / "a.fit"), str(tmp_path), recursive=False)


@pytest.mark.parametrize(
    ("name", "may_become"),
    [
        (".a.fit.AbC123", True),
        ("~syncthing~a.TCX.tmp", True),
        ("a.gpx.part", True),
        ("export.zip.crdownload", True),
        ("a.txt", False),
        ("fit", False),
    ],
)
def test_a_half_copy_may_become_an_activity(name: str, *, may_become: bool) -> None:
    """By a rename, which makes no event of writing."""
    assert filenames.may_become_wanted(name) is may_become


@pytest.mark.parametrize(
    ("path", "name", "whole"),
    [
        ("/rides/sub/a.fit", "a.fit", "/rides/sub/a.fit"),
        ("a.fit", "a.fit", "a.fit"),
        ("/rides/\udcff.fit", "\N{REPLACEMENT CHARACTER}.fit", "/rides/\N{REPLACEMENT CHARACTER}.fit"),
    ],
)
def test_people_are_shown_a_name_unless_they_need_the_path(path: str, name: str, whole: str) -> None:
    """Bytes that are no text cannot break what is shown."""
    assert (filenames.shown(path), filenames.shown(path, whole=True)) == (name, whole)


def test_a_path_outside_is_not_wanted(tmp_path: Path) -> None:
    """A hint for somewhere else is nobody's."""
    assert not filenames.is_inside("/elsewhere/a.fit", str(tmp_path), recursive=True)


def test_only_regular_files_are_found_also_behind_a_link(tmp_path: Path) -> None:
    """No folders, no FIFOs, no links to nowhere, no loops."""
    (tmp_path / "folder.fit").mkdir()
    os.mkfifo(tmp_path / "fifo.fit")
    (tmp_path / "nowhere.fit").symlink_to(tmp_path / "missing")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "real.fit").write_bytes(b"x")
    (tmp_path / "link.fit").symlink_to(tmp_path / "real.fit")

    assert [str(tmp_path / "link.fit"), str(tmp_path / "real.fit")] == found(tmp_path)


def test_a_link_to_a_folder_is_none_of_ours(tmp_path: Path) -> None:
    """Neither for a walk nor for an event: it may lead anywhere."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")

    with safe_files.open_folder(str(tmp_path)) as opened:
        assert walk.is_kept_folder(opened, "folder")
        assert not walk.is_kept_folder(opened, "link")


def test_folders_that_lie_too_deep_are_noted_and_not_entered(tmp_path: Path) -> None:
    """Whoever nests thousands of folders keeps nobody busy, and the walk says at every folder that it gets on."""
    handle = os.open(tmp_path, os.O_RDONLY)
    for depth in range(2 * walk.MAX_DEPTH):
        os.close(os.open(f"{depth}.fit", os.O_CREAT, dir_fd=handle))
        os.mkdir("a", dir_fd=handle)
        below = os.open("a", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    with safe_files.open_folder(str(tmp_path)) as folder:
        walked = walk.Walk(folder, recursive=True)
        files = [path for batch in walked.batches() for path, _ in batch]

    assert len(files) == walked.folders == walk.MAX_DEPTH + 1
    assert walked.unreadable == {str(tmp_path / "/".join("a" * (walk.MAX_DEPTH + 1)))}


def test_a_missing_folder_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    """Away must never look like "everything was deleted"."""
    with pytest.raises(FileNotFoundError):
        found(tmp_path / "missing")
