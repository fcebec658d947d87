"""A file is moved only as what it was, to a name that is free; else it stays where it is."""

from __future__ import annotations

import hashlib
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
