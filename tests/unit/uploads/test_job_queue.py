"""The queue: it may wake workers twice, early or never, and every due job runs once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fitferry.uploads.job_queue import BlockingSqliteStorage, UploadQueue
from patience import wait_for


class Work:
    """What is due, and what was attempted."""

    def __init__(self, *due: int) -> None:
        self.due = list(due)
        self.next_in = 3600.0
        self.attempted: list[int] = []
        self.done = threading.Event()
        self.looks = 0

    def select_due(self) -> tuple[list[int], float]:
        """Everything that is due, once."""
        self.looks += 1
        due, self.due = self.due, []
        return due, self.next_in

    def attempt(self, job_id: int) -> None:
        """Note an attempt."""
        self.attempted.append(job_id)
        self.done.set()


@contextmanager
def running(path: Path, work: Work, *, drain_seconds: float = 5.0) -> Iterator[UploadQueue]:
    """The queue with one worker."""
    queue = UploadQueue(path / "queue.db", workers=1, attempt=work.attempt, select_due=work.select_due)
    with queue.running(drain_seconds=drain_seconds):
        yield queue


def test_what_is_due_at_the_start_is_attempted(tmp_path: Path) -> None:
    """Nobody has to ring for it."""
    work = Work(7)
    with running(tmp_path, work):
        assert work.done.wait(60)

    assert work.attempted == [7]


def test_a_poke_brings_what_became_due(tmp_path: Path) -> None:
    """Workers and scheduler sleep until then; they do not poll."""
    work = Work()
    with running(tmp_path, work) as queue:
        work.due = [8]
        queue.wake()
        assert work.done.wait(60)

    assert work.attempted == [8]
    assert work.looks <= 4  # at the start, after the poke, after the attempt, at the stop


def test_what_is_due_later_is_attempted_then(tmp_path: Path) -> None:
    """The scheduler sleeps until the earliest of them, by the ledger's word."""
    work = Work()
    work.next_in = 0.02
    with running(tmp_path, work):
        work.due = [9]
        assert work.done.wait(60)


def test_the_queue_of_a_dead_process_is_thrown_away(tmp_path: Path) -> None:
    """It is rebuilt from the ledger; a damaged file is no problem either."""
    (tmp_path / "queue.db").write_bytes(b"damaged")
    work = Work(7)
    with running(tmp_path, work):
        assert work.done.wait(60)


def test_a_queue_that_is_damaged_while_it_runs_is_made_anew(tmp_path: Path) -> None:
    """What was dispatched is dispatched again: nothing waits for a restart."""
    work, damaged = Work(), threading.Event()

    def select_due() -> tuple[list[int], float]:
        due = [7] if damaged.is_set() and not work.attempted else []  # until somebody takes it
        return due, 3600.0

    queue = UploadQueue(tmp_path / "queue.db", workers=1, attempt=work.attempt, select_due=select_due)
    with queue.running(drain_seconds=5):
        for path in tmp_path.glob("queue.db*"):
            path.write_bytes(b"damaged" * 3000)
        damaged.set()
        queue.wake()
        assert work.done.wait(60)
        assert queue.alive()


def test_a_worker_survives_an_attempt_that_raises(tmp_path: Path) -> None:
    """And goes on with the next job."""
    work = Work(1, 2)
    tried: list[int] = []

    def attempt(job_id: int) -> None:
        tried.append(job_id)
        if job_id == 1:
            raise OSError("disk full")
        work.done.set()

    queue = UploadQueue(tmp_path / "queue.db", workers=1, attempt=attempt, select_due=work.select_due)
    with queue.running(drain_seconds=5):
        assert work.done.wait(60)
        assert queue.alive()

    assert tried == [1, 2]


def test_the_scheduler_survives_a_ledger_that_cannot_be_read(tmp_path: Path) -> None:
    """A locked database is looked at again when the queue is woken."""
    work = Work()
    broken = threading.Event()

    def select_due() -> tuple[list[int], float]:
        if not broken.is_set():
            broken.set()
            raise OSError("locked")
        return [3] if not work.attempted else [], 3600.0

    queue = UploadQueue(tmp_path / "queue.db", workers=1, attempt=work.attempt, select_due=select_due)
    with queue.running(drain_seconds=5):
        assert broken.wait(60)
        queue.wake()
        assert work.done.wait(60)


def test_a_stop_waits_for_the_attempt_that_runs(tmp_path: Path) -> None:
    """An upload in flight is finished, and nothing new is begun."""
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def attempt(_job_id: int) -> None:
        began.set()
        go_on.wait(60)
        ended.set()

    queue = UploadQueue(tmp_path / "queue.db", workers=1, attempt=attempt, select_due=lambda: ([1], 3600.0))
    with queue.running(drain_seconds=10):
        assert began.wait(60)
        threading.Timer(0.05, go_on.set).start()

    assert ended.is_set()


def test_a_stop_ends_all_threads_that_have_nothing_to_do(tmp_path: Path) -> None:
    """They sleep until they are woken, and the stop wakes them."""
    before = set(threading.enumerate())
    queue = UploadQueue(tmp_path / "queue.db", workers=3, attempt=print, select_due=lambda: ([], 3600.0))
    with queue.running(drain_seconds=20):
        assert queue.alive()
        begun = set(threading.enumerate()) - before

    assert not queue.alive()
    assert (len(begun), begun & set(threading.enumerate())) == (4, set())


def test_a_job_that_is_dispatched_by_itself_is_attempted(tmp_path: Path) -> None:
    """Also where the queue was damaged: then the look at what is due makes it anew."""
    work, damaged = Work(), threading.Event()

    def select_due() -> tuple[list[int], float]:
        return [6] if damaged.is_set() and 6 not in work.attempted else [], 3600.0

    queue = UploadQueue(tmp_path / "queue.db", workers=1, attempt=work.attempt, select_due=select_due)
    with queue.running(drain_seconds=5):
        queue.dispatch(5)
        assert work.done.wait(60)
        work.done.clear()
        for path in tmp_path.glob("queue.db*"):
            path.write_bytes(b"damaged" * 3000)
        damaged.set()
        queue.dispatch(6)
        assert work.done.wait(60)

    assert work.attempted[:2] == [5, 6]


def test_each_attempt_is_followed_by_a_look_at_what_is_due(tmp_path: Path) -> None:
    """Its place is free, whatever came of it."""
    left, last = [3, 2, 1], threading.Event()

    def attempt(job_id: int) -> None:
        if job_id == 3:
            last.set()
        raise OSError("disk full")

    queue = UploadQueue(
        tmp_path / "queue.db",
        workers=1,
        attempt=attempt,
        select_due=lambda: ([left.pop()] if left else [], 3600.0),
    )
    with queue.running(drain_seconds=60):
        assert last.wait(60)


def test_nothing_that_a_stop_finds_waiting_is_begun(tmp_path: Path) -> None:
    """It is dispatched again at the next start."""
    tried: list[int] = []
    began, go_on = threading.Event(), threading.Event()

    def attempt(job_id: int) -> None:
        tried.append(job_id)
        began.set()
        go_on.wait(60)

    queue = UploadQueue(
        tmp_path / "queue.db",
        workers=1,
        attempt=attempt,
        select_due=lambda: ([] if tried else [1, 2], 3600.0),
    )
    with queue.running(drain_seconds=60):
        assert began.wait(60)
        threading.Timer(0.05, go_on.set).start()

    assert tried == [1]


def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    """What is not finished in time is the next start's business."""
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def attempt(_job_id: int) -> None:
        began.set()
        go_on.wait(60)
        ended.set()

    queue = UploadQueue(tmp_path / "queue.db", workers=1, attempt=attempt, select_due=lambda: ([1], 3600.0))
    with queue.running(drain_seconds=0.05):
        assert began.wait(60)
    assert not ended.is_set()
    go_on.set()

    wait_for(lambda: not queue.alive())


class _Heard(BlockingSqliteStorage):
    """A storage that tells when somebody has looked in vain, and is about to sleep."""

    def __init__(self, path: Path) -> None:
        self.looked: queue.SimpleQueue[None] = queue.SimpleQueue()
        super().__init__("heard", filename=str(path))

    def sql(self, query: str, *given: Any, **options: Any) -> Any:
        """What huey asks."""
        found = super().sql(query, *given, **options)
        if query.startswith("select 1 from task"):
            self.looked.put(None)
        return found


def test_the_worker_that_fell_asleep_last_is_woken_first(tmp_path: Path) -> None:
    """One ride after the other is sent by one thread, which has all it needs in memory."""
    storage, got = _Heard(tmp_path / "queue.db"), queue.SimpleQueue[tuple[str, bytes | None]]()
    workers = [threading.Thread(target=lambda name=name: got.put((name, storage.dequeue()))) for name in "ab"]
    for worker in workers:
        worker.start()
        storage.looked.get(timeout=60)
    storage.enqueue(b"job")

    assert got.get(timeout=60) == ("b", b"job")
    storage.wake_all()
    assert got.get(timeout=60) == ("a", None)
    for worker in workers:
        worker.join()
    storage.close()
