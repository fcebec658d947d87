"""What follows uploads has a thread that outlives its failures, and tries again less often each time."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import Empty, Queue

import pytest
from structlog.testing import capture_logs

from fakes import COMPLETED, NOW, a_job, recorded
from fitferry.core.follow_up import FollowUpKind, FollowUpState
from fitferry.core.messages import verbatim
from fitferry.storage import follow_ups
from fitferry.storage.database import DatabaseError
from fitferry.uploads.follow_up_thread import IDLE_SECONDS, FollowUpThread, count_failure

PATIENCE = 30.0
"""Seconds at most for what takes none on an idle machine."""


class Work:
    """Work whose every run is noted, and which ends as the test says: with the seconds until the next, or an error."""

    def __init__(self, *ends: float | Exception) -> None:
        self.runs: Queue[str] = Queue()
        self._ends = list(ends)

    def __call__(self) -> float:
        """One run; the last end repeats."""
        self.runs.put(threading.current_thread().name)
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        if isinstance(end, Exception):
            raise end
        return end


def test_what_is_due_is_done_at_once_and_one_after_the_other() -> None:
    """In a thread of that name, until the work says that nothing is due."""
    work = Work(0.0, 0.0, IDLE_SECONDS)
    thread = FollowUpThread("edits", work)
    thread.start()

    assert [work.runs.get(timeout=PATIENCE) for _ in range(3)] == ["edits"] * 3
    thread.stop(PATIENCE)
    assert work.runs.empty()


@pytest.mark.parametrize(
    "end", [IDLE_SECONDS, DatabaseError("disk I/O error"), ValueError("unforeseen")], ids=repr
)
def test_a_completed_upload_wakes_the_thread(end: float | Exception) -> None:
    """Whatever became of its last run: the database may be there again, the next upload be another."""
    work = Work(end)
    thread = FollowUpThread("hooks", work)
    with capture_logs() as logged:
        thread.start()
        work.runs.get(timeout=PATIENCE)
        thread.wake()
        work.runs.get(timeout=PATIENCE)
        thread.stop(PATIENCE)

    failed = [entry for entry in logged if entry["log_level"] in {"warning", "error"}]
    assert bool(failed) is isinstance(end, Exception)


def test_a_thread_that_was_woken_looks_once_and_sleeps_again() -> None:
    """A look costs a query, and a busy one a core."""
    work = Work(IDLE_SECONDS)
    thread = FollowUpThread("edits", work)
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

    thread = FollowUpThread("edits", work)
    thread.start()
    assert begun.wait(PATIENCE)
    thread.stop(0.0)
    assert not ended.is_set()
    go_on.set()
    thread.stop(PATIENCE)
    assert ended.is_set()


@pytest.mark.usefixtures("ledger")
def test_a_failure_is_tried_again_by_the_schedule_and_then_given_up(tmp_path: Path) -> None:
    """Each with its reason, for whoever looks."""
    follow_ups.want([FollowUpKind.EDIT])
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, COMPLETED)
    found: list[tuple[str, FollowUpState, float]] = []
    for reason in ("first", "second", "third"):
        (owed,) = follow_ups.of_job(job.id)
        outcome = count_failure(owed, verbatim(reason), (60.0, 300.0), NOW)
        (owed,) = follow_ups.of_job(job.id)
        assert (owed.failures, owed.message) == (len(found) + 1, verbatim(reason))
        found.append((outcome, owed.state, owed.next_attempt_at))

    assert [outcome for outcome, _, _ in found] == ["retry", "retry", "given_up"]
    assert [at > NOW for _, _, at in found[:2]] == [True, True]
    assert found[2][1] is FollowUpState.GIVEN_UP
