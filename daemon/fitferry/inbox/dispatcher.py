"""Direct dispatch of fresh rides: bytes that need no second read, and sendings that began with the admission."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fitferry.core.activity import Sample

MAX_FILES = 4
MAX_BYTES = 8 << 20
"""Bytes of all of them together; a ride has 200 kB."""
MAX_AGE = 30.0
"""Seconds; whatever waits longer is read again."""


@dataclass(slots=True)
class Sending:
    """The job that is written as being sent, 0 while there is none; `begun` is told of it before the commit."""

    begun: Callable[[int], None]
    job_id: int = 0

    def begin(self, job_id: int) -> None:
        """Note which job it is, before others can see its row."""
        self.job_id = job_id
        self.begun(job_id)


class Dispatcher:
    """A few files by the SHA-256 of their bytes, the newest only; and the jobs that were admitted as being sent.

    `can_send`: whether nothing is in the way of an athlete's activity that started at a time. `dispatch`: gives a job
    to a worker.
    """

    def __init__(
        self,
        *,
        can_send: Callable[[str, float | None], bool] = lambda _athlete, _start_time: False,
        dispatch: Callable[[int], None] = lambda _job_id: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.can_send = can_send
        self._dispatch = dispatch
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, tuple[bytes, float]] = {}
        self._begun: dict[int, Sequence[Sample]] = {}

    def put(self, sha256: str, body: bytes) -> None:
        """Keep a file; older ones go where there are too many."""
        with self._lock:
            self._files.pop(sha256, None)
            if len(body) <= MAX_BYTES:
                self._files[sha256] = body, self._clock()
            self._drop_old()

    def take(self, sha256: str) -> bytes | None:
        """The bytes of a file, once; None if they are not here any more."""
        with self._lock:
            self._drop_old()
            body, _ = self._files.pop(sha256, (None, 0.0))
        return body

    @contextlib.contextmanager
    def sending(self, samples: Sequence[Sample]) -> Iterator[Sending]:
        """Within, a job may be written as being sent; after it a worker is given that job, if it could be written.

        `samples`: the activity's.
        """
        sending = Sending(lambda job_id: self._begun.update({job_id: samples}))
        try:
            yield sending
        except BaseException:
            self._begun.pop(sending.job_id, None)
            raise
        if sending.job_id:
            self._dispatch(sending.job_id)

    def take_begun(self, job_id: int) -> Sequence[Sample] | None:
        """The samples of a job that was admitted as being sent, once; None if it was not."""
        return self._begun.pop(job_id, None)

    def count_begun(self) -> int:
        """How many such jobs no worker has taken yet."""
        return len(self._begun)

    def _drop_old(self) -> None:
        since = self._clock() - MAX_AGE
        while self._files:
            oldest = next(iter(self._files))
            too_many = (
                len(self._files) > MAX_FILES or sum(len(b) for b, _ in self._files.values()) > MAX_BYTES
            )
            if not too_many and self._files[oldest][1] >= since:
                return
            del self._files[oldest]
