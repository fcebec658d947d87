"""Metrics: requests and uploads are counted as they go, and read with the snapshot when somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fitferry.monitoring.counts import Counts
from fitferry.monitoring.status import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What is counted and timed while a daemon runs."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._lock = threading.Lock()
        self._snapshot: Callable[[], Snapshot] | None = None

    def asked(self, kind: str, status: str, seconds: float) -> None:
        """One request to Strava has ended. `status`: HTTP's, or in what way there was none."""
        with self._lock:
            self._counts.requests[kind, status] += 1
            if kind == "upload":
                self._counts.upload.add(seconds)

    def completed(self, seconds: float) -> None:
        """One upload is done, so many seconds after Strava had accepted it."""
        with self._lock:
            self._counts.processing.add(max(0.0, seconds))

    def show(self, snapshot: Callable[[], Snapshot]) -> None:
        """Show what the snapshot says, too."""
        self._snapshot = snapshot

    def text(self) -> bytes:
        """The metrics page."""
        from fitferry.monitoring import prometheus  # noqa: PLC0415  # 5 MB for what most installations never read

        if self._snapshot is None:
            raise RuntimeError("there is no snapshot yet")
        now = self._snapshot()
        with self._lock:
            return prometheus.exposition(self._counts, now)
