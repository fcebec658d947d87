"""Files of other people: names that lead out of the folder, and bounds on what is read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from fitferry.system import safe_files
from fitferry.system.safe_files import LinkInPath


@pytest.mark.parametrize("name", ["../a.fit", "sub/../../a.fit", "sub/../a.fit"])
def test_no_name_leads_upwards(tmp_path: Path, name: str) -> None:
    """Neither to a file, nor to a folder that would be made."""
    (tmp_path / "a.fit").write_bytes(b"theirs")
    (tmp_path / "rides/sub").mkdir(parents=True)
    (tmp_path / "rides/a.fit").write_bytes(b"ours")
    with safe_files.open_folder(str(tmp_path / "rides")) as folder:
        with pytest.raises(LinkInPath), folder.file(name):
            pass
        with pytest.raises(LinkInPath), folder.directory(f"{Path(name).parent}/new", make=True):
            pass

    assert {path.name for path in tmp_path.rglob("*")} == {"rides", "sub", "a.fit"}


@pytest.mark.parametrize(("size", "is_hashed"), [(0, True), (10, True), (11, False), (1 << 40, False)])
def test_no_more_is_hashed_than_was_asked_for(tmp_path: Path, size: int, *, is_hashed: bool) -> None:
    """A file of that size is, one byte more is too many; a file full of holes costs no time."""
    path = tmp_path / "a.fit"
    with path.open("wb") as file:
        file.truncate(size)
    handle = os.open(path, os.O_RDONLY)
    found = safe_files.sha256(handle, 10)
    os.close(handle)

    assert found == (hashlib.sha256(bytes(size)).hexdigest() if is_hashed else None)


def test_a_copy_ends_at_the_bound(tmp_path: Path) -> None:
    """Its hash is that of what was copied, so that whoever compares it sees that it is not all."""
    (tmp_path / "a.fit").write_bytes(b"x" * 20)
    source = os.open(tmp_path / "a.fit", os.O_RDONLY)
    folder = os.open(tmp_path, os.O_RDONLY)
    target = safe_files.create(folder, "b.fit")
    found = safe_files.copy(source, target, 10)
    for handle in (source, folder, target):
        os.close(handle)

    assert found == hashlib.sha256(b"x" * 10).hexdigest()
    assert (tmp_path / "b.fit").read_bytes() == b"x" * 10
