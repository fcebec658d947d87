"""Stability of the files that were not admitted yet, and when to look at each. `now` is monotonic seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fitferry.core.activity import FileEvent, IncompleteFile, Stability, StatFingerprint

STALLED_SECONDS = 600.0
"""A file that is not whole and has not changed for so long is written by nobody any more."""


@dataclass(slots=True)
class _Candidate:
    """A file that was not admitted: since when it has looked like this, and how far it was read."""

    fingerprint: StatFingerprint
    first_seen: float
    since: float
    writing: bool = False
    """Events say that somebody writes it and has not closed it yet."""
    announced: bool = False
    """An event has named it."""
    read_at: Stability | None = None
    """It was read in this state, and was not whole."""
    have: int = 0
    want: int | None = None
    measured_at: float = -math.inf


class StabilityTracker:
    """The files of one folder that are on their way. All in seconds.

    `shown_after`: how long one must have been on its way before anybody is told of it. `measure`: between two looks
    how much of it is there.
    """

    def __init__(self, settle: float, *, shown_after: float, measure: float) -> None:
        self._settle = settle
        self._shown_after = shown_after
        self._measure = measure
        self._candidates: dict[str, _Candidate] = {}

    def __len__(self) -> int:
        return len(self._candidates)

    def __contains__(self, path: str) -> bool:
        return path in self._candidates

    def observe(self, path: str, fingerprint: StatFingerprint, event: FileEvent | None, now: float) -> None:
        """Note how a file looks now, and what its event said."""
        candidate = self._candidates.get(path)
        if candidate is None:
            candidate = self._candidates[path] = _Candidate(fingerprint, now, now)
        elif candidate.fingerprint != fingerprint:
            candidate.fingerprint, candidate.since, candidate.read_at = fingerprint, now, None
        candidate.announced |= event is not None
        if event is FileEvent.WRITTEN:
            candidate.writing = True
        elif event is FileEvent.CLOSED:
            candidate.writing = False

    def is_announced(self, path: str) -> bool:
        """Whether an event has named a file, now or before: somebody has just put it there."""
        return self._candidates[path].announced

    def stability(self, path: str, *, closed: bool, now: float, rested: float) -> Stability | None:
        """Stability level at which to read the file now, or None to keep waiting.

        `rested`: seconds for which it is known from elsewhere to have been the same.
        """
        candidate = self._candidates[path]
        seen = now - candidate.since
        rest = seen if candidate.writing else max(seen, rested)
        if rest >= STALLED_SECONDS:
            level = Stability.STALLED
        elif rest >= self._settle and not candidate.writing:
            level = Stability.SETTLED
        elif closed:
            level = Stability.CLOSED
        else:
            return None
        return level if candidate.read_at is None or level > candidate.read_at else None

    def mark_read(self, path: str, stability: Stability) -> None:
        """Note that a file was read and was not whole: it is left alone until it changes, or is more stable."""
        if path in self._candidates:
            self._candidates[path].read_at = stability

    def retry(self, path: str) -> None:
        """Let a file be read again although it has not changed: it could not be read."""
        if path in self._candidates:
            self._candidates[path].read_at = None

    def progress(self, path: str, now: float, measure: Callable[[], tuple[int, int | None]]) -> None:
        """Note how much of a file is there, if that is due: `measure` reads."""
        candidate = self._candidates.get(path)
        if candidate is not None and now - candidate.measured_at >= self._measure:
            candidate.measured_at = now
            candidate.have, candidate.want = measure()

    def drop(self, path: str) -> None:
        """Forget a file: it is admitted, or gone."""
        self._candidates.pop(path, None)

    def due(self, now: float) -> list[str]:
        """The files that have become stable enough for a look."""
        return [path for path, candidate in self._candidates.items() if self._due_at(candidate) <= now]

    def next_due(self) -> float:
        """When the next file will be; infinity if none."""
        return min(map(self._due_at, self._candidates.values()), default=math.inf)

    def forget_writers(self) -> None:
        """Events were lost: nobody knows any more who has closed what."""
        for candidate in self._candidates.values():
            candidate.writing = False

    def unread_since(self, moment: float) -> bool:
        """Whether a file that has been the same since a moment was not read yet."""
        return any(
            candidate.since <= moment and candidate.read_at is None and not candidate.writing
            for candidate in self._candidates.values()
        )

    def receiving(self, now: float) -> Iterator[IncompleteFile]:
        """The files that are on their way, for people."""
        for path, candidate in self._candidates.items():
            if now - candidate.first_seen >= self._shown_after and now - candidate.since < STALLED_SECONDS:
                yield IncompleteFile(path, candidate.have, candidate.want)

    def _due_at(self, candidate: _Candidate) -> float:
        if candidate.read_at is Stability.STALLED:
            return math.inf
        if candidate.writing or candidate.read_at is Stability.SETTLED:
            return candidate.since + STALLED_SECONDS
        return candidate.since + self._settle
