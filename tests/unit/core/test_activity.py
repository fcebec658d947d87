"""What is said of a file until something is known of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fitferry.core.activity import (
    ActivityFacts,
    FileKind,
    ParseResult,
    Stability,
    StatFingerprint,
    WatchMethod,
    WatchState,
)
from fitferry.core.messages import Message, verbatim


def test_nothing_is_said_of_a_file_that_was_not_found_in_it() -> None:
    """No session, and no proof that it is whole."""
    nothing = ParseResult(FileKind.NO_ACTIVITY)

    assert (nothing.facts, nothing.facts.sessions) == (ActivityFacts(), 0)
    assert (nothing.proven, nothing.samples) == (False, ())


@pytest.mark.parametrize(
    ("available", "reason", "looked_at"),
    [(False, None, False), (True, None, True), (False, verbatim("not mounted"), True)],
)
def test_a_folder_is_looked_at_once_it_is_there_or_has_a_reason_not_to_be(
    available: bool, reason: Message | None, *, looked_at: bool
) -> None:
    """Before that nobody knows."""
    assert WatchState("/rides", "me", WatchMethod.EVENTS, available, reason).is_looked_at is looked_at


def test_a_file_is_the_more_stable_the_longer_it_has_stayed_the_same() -> None:
    """Just closed, settled, stalled."""
    assert sorted(Stability) == [Stability.CLOSED, Stability.SETTLED, Stability.STALLED]


def test_a_fingerprint_is_what_stat_says_of_the_content() -> None:
    """Size, and both times to the nanosecond."""
    stat = SimpleNamespace(st_size=4, st_mtime_ns=5, st_ctime_ns=6)

    assert StatFingerprint.of(stat) == StatFingerprint(size=4, mtime_ns=5, ctime_ns=6)
