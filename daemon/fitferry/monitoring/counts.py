"""What is counted while a daemon runs, as plain values."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

_UPLOAD_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_PROCESSING_SECONDS = (1, 2, 4, 8, 16, 30, 60, 120, 300, 1800)


@dataclass(slots=True)
class Durations:
    """How often something took how long. `bounds`: the upper ends of the buckets in seconds, the last one is open."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Counts:
    """What was counted since the start. `requests`: to Strava, by kind and status."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    upload: Durations = field(default_factory=lambda: Durations(_UPLOAD_SECONDS))
    processing: Durations = field(default_factory=lambda: Durations(_PROCESSING_SECONDS))
