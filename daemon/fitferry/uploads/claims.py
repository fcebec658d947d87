"""Claims in memory: which jobs the workers of this process work on, and whose turn it is.

One process holds the lock on the state folder, so nobody else can claim a job. The claim is taken first and the row is
read after it; what is written then names the row's revision.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Collection

from fitferry.core.rate_limit import QUARTER

SHARE = 20
"""An athlete with so many attempts in a quarter hour leaves what the backlog leaves, where there are others."""


class Claims:
    """The claimed jobs, and the athletes' turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}
        self._quarter = 0.0
        self._attempts: Counter[str] = Counter()

    def take(self, job_id: int) -> bool:
        """Claim a job until it is released; False if it is claimed already."""
        with self._lock:
            free = job_id not in self._held
            self._held.add(job_id)
            return free

    def release(self, job_id: int) -> None:
        """End a claim."""
        with self._lock:
            self._held.discard(job_id)

    def held(self) -> frozenset[int]:
        """The claimed jobs."""
        with self._lock:
            return frozenset(self._held)

    def count(self) -> int:
        """How many jobs are claimed."""
        return len(self._held)

    def take_turn(self, athlete: str, now: float) -> None:
        """Note that an athlete has had a turn."""
        with self._lock:
            self._last_turn[athlete] = next(self._turns)
            if now // QUARTER != self._quarter:
                self._quarter = now // QUARTER
                self._attempts.clear()
            self._attempts[athlete] += 1

    def order(self, athletes: Collection[str]) -> list[str]:
        """The athletes in the order of their turns: whose last one is the longest ago comes first."""
        with self._lock:
            return sorted(athletes, key=lambda athlete: self._last_turn.get(athlete, 0))

    def has_had_share(self, athlete: str, now: float) -> bool:
        """Whether an athlete has had so many turns in this quarter hour that others come first."""
        with self._lock:
            others = len(self._last_turn) > 1
            return others and now // QUARTER == self._quarter and self._attempts[athlete] >= SHARE
