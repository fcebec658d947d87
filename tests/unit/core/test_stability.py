"""When a file that was not taken yet is worth a look."""

from __future__ import annotations

import math

import pytest

from fitferry.core.activity import FileEvent, IncompleteFile, Stability, StatFingerprint
from fitferry.core.stability import StabilityTracker

ONE, OTHER = StatFingerprint(100, 1, 1), StatFingerprint(200, 2, 2)
SETTLE = 2.0
STALLED_SECONDS = 600.0


@pytest.fixture
def candidates() -> StabilityTracker:
    """None yet."""
    return StabilityTracker(SETTLE, shown_after=1.0, measure=1.0)


def stability(
    candidates: StabilityTracker, now: float, *, closed: bool = False, rested: float = 0.0
) -> Stability | None:
    """As what the file is worth reading."""
    return candidates.stability("a.fit", closed=closed, now=now, rested=rested)


def test_a_file_is_settled_when_it_has_stayed_the_same(candidates: StabilityTracker) -> None:
    """Not before, and a change begins anew."""
    candidates.observe("a.fit", ONE, None, 0)
    assert (stability(candidates, 1.9), candidates.next_due()) == (None, 2)
    candidates.observe("a.fit", OTHER, None, 1.9)
    assert stability(candidates, 2.1) is None

    assert stability(candidates, 3.9) is Stability.SETTLED


def test_a_file_is_announced_once_an_event_has_named_it(candidates: StabilityTracker) -> None:
    """A look alone does not announce it, and does not take back what an event has said."""
    candidates.observe("a.fit", ONE, None, 0)
    assert not candidates.is_announced("a.fit")
    candidates.observe("a.fit", ONE, FileEvent.CLOSED, 1)
    candidates.observe("a.fit", ONE, None, 2)

    assert candidates.is_announced("a.fit")


def test_a_file_that_rested_before_it_was_seen_needs_no_second_rest(candidates: StabilityTracker) -> None:
    """The kernel's own clock says so."""
    candidates.observe("a.fit", ONE, None, 0)

    assert stability(candidates, 0, rested=60) is Stability.SETTLED


def test_a_closed_file_is_worth_a_look_at_once(candidates: StabilityTracker) -> None:
    """Whether it is whole, its content has to say."""
    candidates.observe("a.fit", ONE, FileEvent.CLOSED, 0)

    assert stability(candidates, 0, closed=True) is Stability.CLOSED


def test_a_file_that_somebody_writes_is_left_alone_until_it_is_closed(candidates: StabilityTracker) -> None:
    """A copy may stall just where a segment ends and the file looks whole."""
    candidates.observe("a.fit", ONE, FileEvent.WRITTEN, 0)
    assert stability(candidates, 60, rested=900) is None
    candidates.observe("a.fit", ONE, FileEvent.CLOSED, 61)

    assert stability(candidates, 61, closed=True) is Stability.SETTLED


def test_a_writer_that_never_closes_is_waited_for_ten_minutes(candidates: StabilityTracker) -> None:
    """Then nobody is at it any more."""
    candidates.observe("a.fit", ONE, FileEvent.WRITTEN, 0)
    assert candidates.due(STALLED_SECONDS - 1) == []

    assert candidates.due(STALLED_SECONDS) == ["a.fit"]
    assert stability(candidates, STALLED_SECONDS) is Stability.STALLED


def test_after_lost_events_nobody_is_believed_to_write(candidates: StabilityTracker) -> None:
    """The close may have been among them."""
    candidates.observe("a.fit", ONE, FileEvent.WRITTEN, 0)
    candidates.forget_writers()

    assert stability(candidates, 2) is Stability.SETTLED


def test_a_file_that_was_not_whole_is_read_again_only_when_it_is_more_still(
    candidates: StabilityTracker,
) -> None:
    """Closed, settled, stalled: three reads at most while nothing changes."""
    candidates.observe("a.fit", ONE, FileEvent.CLOSED, 0)
    candidates.mark_read("a.fit", Stability.CLOSED)
    assert stability(candidates, 1, closed=True) is None
    assert stability(candidates, 2) is Stability.SETTLED
    candidates.mark_read("a.fit", Stability.SETTLED)
    assert candidates.next_due() == STALLED_SECONDS
    assert stability(candidates, STALLED_SECONDS) is Stability.STALLED
    candidates.mark_read("a.fit", Stability.STALLED)

    assert candidates.next_due() == math.inf


def test_only_files_that_take_a_while_are_shown_as_being_received(candidates: StabilityTracker) -> None:
    """With what is there and what there will be; not for ever."""
    candidates.observe("a.fit", ONE, FileEvent.WRITTEN, 100)
    assert list(candidates.receiving(100.9)) == []
    assert list(candidates.receiving(101)) == [IncompleteFile("a.fit", 0, None)]
    candidates.progress("a.fit", 101, lambda: (48, 100))
    assert list(candidates.receiving(699.9)) == [IncompleteFile("a.fit", 48, 100)]

    assert list(candidates.receiving(700)) == []


def test_progress_is_measured_once_a_second_at_most(candidates: StabilityTracker) -> None:
    """A copy makes thousands of events."""
    measured: list[int] = []

    def measure() -> tuple[int, None]:
        measured.append(1)
        return len(measured), None

    candidates.observe("a.fit", ONE, FileEvent.WRITTEN, 0)
    for now in (0, 0.3, 0.9, 1.0):
        candidates.progress("a.fit", now, measure)

    assert len(measured) == 2


def test_a_scan_is_over_when_what_it_found_was_looked_at(candidates: StabilityTracker) -> None:
    """What somebody still writes does not hold it up."""
    candidates.observe("a.fit", ONE, None, 1)
    assert not candidates.unread_since(0.9)
    assert candidates.unread_since(1)
    candidates.mark_read("a.fit", Stability.SETTLED)
    candidates.observe("b.fit", ONE, FileEvent.WRITTEN, 0)

    assert not candidates.unread_since(1)


def test_the_next_look_is_at_the_file_that_is_due_first(candidates: StabilityTracker) -> None:
    """Never, where there is none."""
    assert candidates.next_due() == math.inf
    candidates.observe("a.fit", ONE, None, 5)
    candidates.observe("b.fit", ONE, None, 0)

    assert candidates.next_due() == 2


def test_a_file_that_was_admitted_or_is_gone_is_forgotten(candidates: StabilityTracker) -> None:
    """What is said of it afterwards is of no file."""
    candidates.observe("a.fit", ONE, None, 0)
    assert "a.fit" in candidates
    candidates.drop("a.fit")
    candidates.drop("a.fit")
    candidates.mark_read("a.fit", Stability.SETTLED)
    candidates.retry("a.fit")

    assert (len(candidates), "a.fit" in candidates) == (0, False)


def test_a_file_that_could_not_be_read_is_read_again_as_it_is(candidates: StabilityTracker) -> None:
    """It has not changed, and is not more stable."""
    candidates.observe("a.fit", ONE, None, 0)
    candidates.mark_read("a.fit", Stability.SETTLED)
    assert stability(candidates, 2) is None
    candidates.retry("a.fit")

    assert stability(candidates, 2) is Stability.SETTLED
