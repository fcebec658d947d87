"""A thread that does what is due outlives the failures of its work."""

from __future__ import annotations

import threading
from queue import Empty, Queue

import pytest

from fitferry.system.work_thread import WorkThread

PATIENCE = 30.0
"""Seconds at most for what takes none on an idle machine."""
IDLE_SECONDS = 3600.0


class Work:
    """Work whose every run is noted, and which ends as the test says: with the seconds until the next, or an error."""

    def __init__(self, *ends: float | Exception | None) -> None:
        self.runs: Queue[str] = Queue()
        self._ends = list(ends)

    def __call__(self) -> float | None:
        """One run; the last end repeats."""
        self.runs.put(threading.current_thread().name)
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        if isinstance(end, Exception):
            raise end
        return end


def unexpected(error: Exception) -> float:
    """What is told of no failure."""
    raise error


def test_what_is_due_is_done_at_once_and_one_after_the_other() -> None:
    """In a thread of that name, until the work says that nothing is due."""
    work = Work(0.0, 0.0, IDLE_SECONDS)
    thread = WorkThread("edits", work, unexpected)
    thread.start()

    assert [work.runs.get(timeout=PATIENCE) for _ in range(3)] == ["edits"] * 3
    thread.stop(PATIENCE)
    assert work.runs.empty()


@pytest.mark.parametrize("end", [IDLE_SECONDS, None, ValueError("unforeseen")], ids=repr)
def test_whoever_has_something_to_do_wakes_the_thread(end: float | Exception | None) -> None:
    """Whatever became of its last run: the next may go well."""
    work, told = Work(end), list[Exception]()

    def failed(error: Exception) -> float:
        told.append(error)
        return IDLE_SECONDS

    thread = WorkThread("hooks", work, failed)
    thread.start()
    work.runs.get(timeout=PATIENCE)
    thread.wake()
    work.runs.get(timeout=PATIENCE)
    thread.stop(PATIENCE)

    assert told == ([end, end] if isinstance(end, Exception) else [])


def test_a_thread_that_was_woken_looks_once_and_sleeps_again() -> None:
    """A look costs a query, and a busy one a core."""
    work = Work(IDLE_SECONDS)
    thread = WorkThread("edits", work, unexpected)
    thread.start()
    work.runs.get(timeout=PATIENCE)
    thread.wake()
    work.runs.get(timeout=PATIENCE)

    with pytest.raises(Empty):
        work.runs.get(timeout=0.1)
    thread.stop(PATIENCE)


def test_a_stop_waits_for_the_present_piece_of_work_and_no_longer_than_it_may() -> None:
    """A request that hangs does not hold the whole program."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> float:
        begun.set()
        go_on.wait(PATIENCE)
        ended.set()
        return 0.0

    thread = WorkThread("edits", work, unexpected)
    thread.start()
    assert begun.wait(PATIENCE)
    thread.stop(0.0)
    assert not ended.is_set()
    go_on.set()
    thread.stop(PATIENCE)
    assert ended.is_set()
