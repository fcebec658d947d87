"""Activities and the paths that they were seen at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes import a_job
from fitferry.core.activity import StatFingerprint
from fitferry.storage import seen_files


def test_the_same_bytes_are_one_activity(ledger: Path, tmp_path: Path) -> None:
    """Under another name, in another folder, or copied again: one job for one athlete."""
    first = a_job(tmp_path / "a.fit")
    again = a_job(tmp_path / "b.fit")
    other = a_job(tmp_path / "c.fit", athlete="you")

    assert first.id == again.id
    assert other.id != first.id
    assert {str(tmp_path / "a.fit"), str(tmp_path / "b.fit")} == set(
        seen_files.other_paths("me", first.sha256)
    )
    assert ledger.exists()


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    "name", [b"\xff\xfe.fit", b"new\nline.fit", b"'\"quotes.fit", b"-dash.fit", b"x" * 251 + b".fit"]
)
def test_any_name_that_linux_allows_is_remembered(tmp_path: Path, name: bytes) -> None:
    """Paths are kept as bytes and come back the same."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    job = a_job(path)

    assert str(path) == job.path
    assert StatFingerprint.of(path.stat()) == seen_files.seen("me", str(path))
    assert {str(path)} == set(seen_files.seen_at("me", [str(path), str(tmp_path)]))
    assert job.file.encode()
