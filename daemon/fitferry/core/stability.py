"""Which files are not taken yet, and when is each worth a look? Pure: `now` is an argument, monotonic seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fitferry.core.activity import FileEvent, IncompleteFile, Stability, StatFingerprint

STALLED_SECONDS = 600.0
"""A file that is not whole and has not changed for so long is nobody's work any more."""
MEASURE_SECONDS = 1.0
SHOWN_AFTER = 1.0
"""Seconds that a file must have been on its way before anybody is told of it."""


@dataclass(slots=True)
class _Candidate:
    """A file that was not admitted: since when it has looked like this, and how far it was looked into."""

    signature: StatFingerprint
    first_seen: float
    since: float
    writing: bool = False
    """Events say that somebody writes it and has not closed it yet."""
    looked: Stability | None = None
    """It was read in this state, and was not whole."""
    have: int = 0
    want: int | None = None
    measured_at: float = -math.inf


class StabilityTracker:
    """The files of one folder that are on their way."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._files: dict[str, _Candidate] = {}

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def observe(self, path: str, signature: StatFingerprint, sign: FileEvent | None, now: float) -> None:
        """Take down how a file looks now, and what its event said."""
        candidate = self._files.get(path)
        if candidate is None:
            candidate = self._files[path] = _Candidate(signature, now, now)
        elif candidate.signature != signature:
            candidate.signature, candidate.since, candidate.looked = signature, now, None
        if sign is FileEvent.WRITTEN:
            candidate.writing = True
        elif sign is FileEvent.CLOSED:
            candidate.writing = False

    def stability(self, path: str, *, closed: bool, now: float, rested: float = 0.0) -> Stability | None:
        """As what a file is worth reading now; None if it is not.

        `rested`: seconds for which it is known from elsewhere to have been the same.
        """
        one = self._files[path]
        rest = max(now - one.since, 0.0 if one.writing else rested)
        if rest >= STALLED_SECONDS:
            found = Stability.STALLED
        elif rest >= self._settle and not one.writing:
            found = Stability.SETTLED
        elif closed:
            found = Stability.CLOSED
        else:
            return None
        return found if one.looked is None or found > one.looked else None

    def mark_read(self, path: str, still: Stability) -> None:
        """A file was read and was not whole: it is left alone until it changes, or is more still."""
        if path in self._files:
            self._files[path].looked = still

    def progress(self, path: str, now: float, measure: Callable[[], tuple[int, int | None]]) -> None:
        """Take down how much of a file is there, once a second at most: `measure` reads."""
        one = self._files.get(path)
        if one is not None and now - one.measured_at >= MEASURE_SECONDS:
            one.measured_at = now
            one.have, one.want = measure()

    def drop(self, path: str) -> None:
        """A file is taken, or gone."""
        self._files.pop(path, None)

    def due(self, now: float) -> list[str]:
        """The files that have become still enough for a look."""
        return [path for path, one in self._files.items() if self._due_at(one) <= now]

    def next_due(self) -> float:
        """When the next file will be; infinity if none."""
        return min(map(self._due_at, self._files.values()), default=math.inf)

    def forget_writers(self) -> None:
        """Events were lost: nobody knows any more who has closed what."""
        for one in self._files.values():
            one.writing = False

    def unread_since(self, moment: float) -> bool:
        """Whether a file that has been the same since a moment was not looked at yet."""
        return any(
            one.since <= moment and one.looked is None and not one.writing for one in self._files.values()
        )

    def receiving(self, now: float) -> Iterator[IncompleteFile]:
        """The files that are on their way, for people."""
        for path, one in self._files.items():
            if now - one.first_seen >= SHOWN_AFTER and now - one.since < STALLED_SECONDS:
                yield IncompleteFile(path, one.have, one.want)

    def _due_at(self, one: _Candidate) -> float:
        if one.looked is Stability.STALLED:
            return math.inf
        if one.writing or one.looked is Stability.SETTLED:
            return one.since + STALLED_SECONDS
        return one.since + self._settle
