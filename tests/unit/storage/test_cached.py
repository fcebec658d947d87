"""A value of the ledger that is kept in memory is never older than the last change."""

from __future__ import annotations

from fitferry.storage.cached import Cached


def test_a_value_is_read_once_until_it_is_forgotten() -> None:
    """Then it is read again."""
    reads: list[int] = []

    def read() -> int:
        reads.append(1)
        return len(reads)

    value = Cached(read)
    assert [value.get(), value.get()] == [1, 1]
    value.forget()
    assert [value.get(), value.get()] == [2, 2]


def test_a_value_that_changes_while_it_is_read_is_not_kept() -> None:
    """What was read may be from before the change."""
    reads: list[int] = []

    def read() -> int:
        reads.append(1)
        if len(reads) == 1:
            value.forget()
        return len(reads)

    value = Cached(read)
    assert [value.get(), value.get(), value.get()] == [1, 2, 2]


def test_what_was_put_meanwhile_is_not_replaced() -> None:
    """It is newer than what was written."""
    value: Cached[str] = Cached(lambda: "read")
    before = value.get()
    value.put("newer")
    value.replace(before, "written")
    assert value.get() == "newer"
    value.replace(value.get(), "newer, written")
    assert value.get() == "newer, written"
