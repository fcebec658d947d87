"""The dispatcher of fresh files: bounded in number, bytes and time."""

from __future__ import annotations

from fakes import Clock
from fitferry.inbox.dispatcher import MAX_AGE, MAX_BYTES, MAX_FILES, Dispatcher


def test_a_fresh_file_is_taken_once() -> None:
    """Whoever comes second reads it from the disk."""
    fresh = Dispatcher(clock=Clock())
    fresh.put("a", b"ride")

    assert fresh.take("a") == b"ride"
    assert fresh.take("a") is None


def test_few_files_are_kept_and_none_for_long() -> None:
    """The newest ones; memory is level whatever arrives."""
    clock = Clock()
    fresh = Dispatcher(clock=clock)
    for number in range(MAX_FILES + 1):
        fresh.put(str(number), b"x")
    assert fresh.take("0") is None
    assert fresh.take("1") == b"x"
    fresh.put("large", bytes(MAX_BYTES + 1))
    assert fresh.take("large") is None
    fresh.put("most", bytes(MAX_BYTES))
    assert fresh.take("2") is None
    clock.forward(MAX_AGE + 1)

    assert fresh.take("most") is None
