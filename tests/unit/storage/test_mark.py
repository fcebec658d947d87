"""The mark beside a ledger says what was seen last, and of which file."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.storage import mark
from fitferry.storage.mark import LedgerMark


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger that was closed at revision 9."""
    path = tmp_path / "state.db"
    path.write_bytes(b"ledger")
    first = LedgerMark(path)
    first.open(5)
    first.saw(9)
    first.close(clean=True)
    return path


def test_a_ledger_older_than_its_mark_does_not_pull_the_mark_back(path: Path) -> None:
    """Until somebody accepts that, what is missing stays known."""
    again = LedgerMark(path)
    again.open(4)
    again.saw(5)
    again.close(clean=False)

    assert again.is_ahead
    assert LedgerMark(path).revision == 9


def test_only_the_very_file_that_was_closed_counts_as_closed(path: Path) -> None:
    """Neither another one in its place, nor none, nor one that is open again."""
    assert mark.was_closed(path)
    other = path.with_name("other.db")
    other.write_bytes(b"ledger")
    path.rename(path.with_name("aside.db"))
    assert not mark.was_closed(path)
    other.rename(path)
    assert not mark.was_closed(path)


def test_a_ledger_that_is_open_is_not_closed(path: Path) -> None:
    """Nor is one whose connections were not all closed; closing twice changes nothing."""
    again = LedgerMark(path)
    again.open(9)
    assert not mark.was_closed(path)
    again.close(clean=False)
    again.close(clean=True)
    assert not mark.was_closed(path)
