"""What was seen at paths is forgotten once nothing is there, and never while an activity is read from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import a_job
from fitferry.core.activity import StatFingerprint
from fitferry.storage import seen_files
from fitferry.storage.database import writing
from fitferry.storage.seen_files import File

pytestmark = pytest.mark.usefixtures("ledger")
PRINT = StatFingerprint(4, 1, 2)


def _see(path: str, athlete: str = "me") -> None:
    seen_files.remember(File(athlete, path, "ab", 4, PRINT))


def test_paths_below_a_folder_are_forgotten_where_nothing_is_any_more() -> None:
    """Nothing else: not what is still there, not another folder's, not another athlete's."""
    gone = ["/rides/a.fit", "/rides/2026/b.fit"]
    for path in (*gone, "/rides/there.fit", "/rides-too/c.fit", "/other/d.fit"):
        _see(path)
    _see("/rides/e.fit", "you")

    assert seen_files.prune_paths("me", "/rides", lambda path: path.endswith("there.fit")) == 2
    assert [path for path in gone if seen_files.seen("me", path)] == []
    assert all(
        seen_files.seen("me", path) for path in ("/rides/there.fit", "/rides-too/c.fit", "/other/d.fit")
    )
    assert seen_files.seen("you", "/rides/e.fit") == PRINT


def test_more_paths_than_one_question_asks_about_are_forgotten() -> None:
    """Some that stay between them do not end the search."""
    paths = [f"/rides/{number:04}.fit" for number in range(1_100)]
    with writing():
        for path in paths:
            seen_files.remember(File("me", path, "ab", 4, PRINT))

    assert seen_files.prune_paths("me", "/rides", lambda _: True) == 0
    assert seen_files.prune_paths("me", "/rides", lambda path: path.endswith("7.fit")) == 990
    assert len(seen_files.seen_at("me", paths)) == 110


def test_the_path_that_an_activity_is_read_from_is_kept(tmp_path: Path) -> None:
    """Its file may come back; one beside it is forgotten."""
    job = a_job(tmp_path / "a.fit")
    _see(str(tmp_path / "b.fit"))

    assert seen_files.prune_paths("me", str(tmp_path), lambda _: False) == 1
    seen_files.forget_unread_path("me", job.path)
    assert seen_files.seen("me", job.path) is not None


def test_a_path_from_which_nothing_is_read_is_forgotten_when_its_file_goes() -> None:
    """At once, without a look at the whole folder; the same path of another athlete is another's."""
    _see("/rides/a.fit")
    seen_files.forget_unread_path("you", "/rides/a.fit")
    assert seen_files.seen("me", "/rides/a.fit") == PRINT
    seen_files.forget_unread_path("me", "/rides/a.fit")

    assert seen_files.seen("me", "/rides/a.fit") is None
