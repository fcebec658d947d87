"""The queue by which a job reaches a worker: ids of jobs that are due now, and nothing else. Owns huey.

Huey deletes a task before it runs it, and its own schedule loses tasks when the process dies, both by
design. So the queue is deleted at every start, retries are kept in the ledger, and an id that is lost or doubled
does no harm: the claim decides.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog
from huey import SqliteHuey
from huey.consumer import Consumer, Scheduler
from huey.storage import EmptyData, SqliteStorage

MAX_SLEEP = 60.0
"""Seconds at most between two looks at what is due: the clock may jump while nobody wakes it."""

SelectDue = Callable[[], tuple[list[int], float]]
"""What is due now, and in how many seconds something will be."""

_log = structlog.get_logger()


class BlockingSqliteStorage(SqliteStorage):  # type: ignore[misc]  # huey has no types
    """Workers sleep until they are woken, instead of polling: producer and consumers are one process."""

    blocking = True

    def __init__(self, *args: Any, **options: Any) -> None:
        self._lock = threading.Lock()
        self._sleepers: list[threading.Event] = []
        self._closing = False
        super().__init__(*args, **options)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        with self._lock:
            if self._sleepers:  # the one that fell asleep last: what it needs is in memory
                self._sleepers.pop().set()

    def dequeue(self) -> bytes | None:
        woken = threading.Event()
        while True:
            with self._lock:
                data: bytes | None = None if self._closing else super().dequeue()
                if data is not None or self._closing:
                    return data
                self._sleepers.append(woken)
            woken.wait()
            woken.clear()

    def peek_data(self, key: str) -> Any:  # noqa: ARG002  # huey passes it
        """Nothing: no task is ever revoked, but huey asks and deletes with each, in a transaction of its own."""
        return EmptyData

    pop_data = peek_data

    def renew(self, path: Path) -> None:
        """Begin with an empty file: what was in the damaged one is dispatched again."""
        with self._lock:
            self.close()
            _remove(path)
            self.initialize_schema()

    def wake_all(self) -> None:
        """Let every worker return, so that it sees that it is to stop."""
        with self._lock:
            self._closing = True
            for woken in self._sleepers:
                woken.set()


class DatabaseScheduler(Scheduler):  # type: ignore[misc]  # huey has no types
    """Sleeps until the earliest job in the ledger is due, or until somebody pokes it."""

    def loop(self, now: object = None) -> None:  # noqa: ARG002  huey passes it
        upload_queue: UploadQueue = self.huey.upload_queue
        upload_queue.dispatch_due()


class _EmbeddedConsumer(Consumer):  # type: ignore[misc]  # huey has no types
    """A consumer without signal handlers: `wakeup` has those."""

    scheduler_class = DatabaseScheduler

    def _set_signal_handlers(self) -> None:
        pass


class UploadQueue:
    """The queue and its workers: `attempt(job_id)` runs on one of them for every id."""

    def __init__(
        self, path: Path, *, workers: int, attempt: Callable[[int], None], select_due: SelectDue
    ) -> None:
        self._path = path
        self._workers = workers
        self._attempt = attempt
        self._select_due = select_due
        self._poked = threading.Event()
        self._huey: Any = None
        self._consumer: Any = None

    @contextlib.contextmanager
    def running(self, *, drain_seconds: float) -> Iterator[None]:
        """Workers from here to the end; at the end those at work have `drain_seconds` to finish."""
        self._open()
        self._consumer.start()
        try:
            yield
        finally:
            self._stop(drain_seconds)

    def wake(self) -> None:
        """Look now at what is due."""
        self._poked.set()

    def dispatch(self, job_id: int) -> None:
        """Give one job to a worker; where the queue is damaged, the look at what is due makes it anew."""
        try:
            self._task(job_id)
        except sqlite3.Error:
            self.wake()

    def dispatch_due(self) -> None:
        """One look at what is due: dispatch it, then sleep until something will be."""
        self._poked.clear()
        try:
            due, seconds = self._select_due()
            for job_id in due:
                self._task(job_id)
        except sqlite3.Error as error:  # the queue's own: the ledger's errors are peewee's
            _log.warning("queue_damaged", outcome="made_anew", reason=str(error))
            self._huey.storage.renew(self._path)
            seconds = 0.1
        except Exception:  # noqa: BLE001  # the thread has to outlive it
            # A database that is locked or full: the page says so, and it may pass.
            _log.exception("unexpected_error")
            seconds = 5.0
        self._poked.wait(min(seconds, MAX_SLEEP))

    def alive(self) -> bool:
        """Whether every worker and the scheduler live."""
        threads = [thread for _, thread in self._consumer.worker_threads] + [self._consumer.scheduler]
        return all(thread.is_alive() for thread in threads)

    def _open(self) -> None:
        _remove(self._path)
        self._huey = SqliteHuey(
            "fitferry",
            filename=str(self._path),
            storage_class=BlockingSqliteStorage,
            fsync=False,
            results=False,
        )
        self._huey.upload_queue = self
        self._task = self._huey.task(name="attempt")(self._run)
        self._consumer = _EmbeddedConsumer(self._huey, workers=self._workers, periodic=False)

    def _run(self, job_id: int) -> None:
        try:
            self._attempt(job_id)
        finally:
            self.wake()

    def _stop(self, drain_seconds: float) -> None:
        self._consumer.stop()
        self._huey.storage.wake_all()
        self._poked.set()
        deadline = time.monotonic() + drain_seconds
        for thread in [self._consumer.scheduler, *(thread for _, thread in self._consumer.worker_threads)]:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._huey.storage.close()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
