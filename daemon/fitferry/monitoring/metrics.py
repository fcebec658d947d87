"""Metrics: requests and uploads as they go, and the snapshot when it is asked. Owns prometheus_client."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from fitferry.core.strava import RateLimit
from fitferry.monitoring.status import Snapshot

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_UPLOAD_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_PROCESSING_SECONDS = (1, 2, 4, 8, 16, 30, 60, 120, 300, 1800)


class Metrics:
    """What is counted and timed while a daemon runs."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it out; a second series for each, which nobody asks for
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "fitferry_strava_requests", "Requests to Strava.", ["kind", "status"], registry=self._registry
        )
        self._upload = Histogram(
            "fitferry_upload_seconds",
            "How long the sending of a file took, until Strava's answer.",
            buckets=_UPLOAD_SECONDS,
            registry=self._registry,
        )
        self._processing = Histogram(
            "fitferry_processing_seconds",
            "How long Strava took over an upload that it had accepted, as far as it was looked at.",
            buckets=_PROCESSING_SECONDS,
            registry=self._registry,
        )

    def asked(self, kind: str, status: str, seconds: float) -> None:
        """One request to Strava has ended. `status`: HTTP's, or in what way there was none."""
        self._requests.labels(kind, status).inc()
        if kind == "upload":
            self._upload.observe(seconds)

    def completed(self, seconds: float) -> None:
        """One upload is done, so many seconds after Strava had accepted it."""
        self._processing.observe(max(0.0, seconds))

    def show(self, snapshot: Callable[[], Snapshot]) -> None:
        """Show what the snapshot says, too."""
        self._registry.register(_SnapshotCollector(snapshot))

    def text(self) -> bytes:
        """The metrics page."""
        return generate_latest(self._registry)


class _SnapshotCollector(Collector):
    """The snapshot as metrics."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking now would be too early, the daemon is not built yet."""
        return []

    def collect(self) -> Iterable[Metric]:
        """What holds now."""
        now = self._snapshot()
        yield InfoMetricFamily("fitferry_build", "The version that runs.", {"version": now.version})
        jobs = [((status.value,), count) for status, count in now.queue.items()]
        yield _gauge("fitferry_jobs", "Uploads by status.", ["status"], jobs)
        connected = [((person.name,), person.connected) for person in now.athletes]
        yield _gauge("fitferry_athlete_connected", "Whether an athlete is connected.", ["athlete"], connected)
        yield _requests_left(now.rate_limit)
        problems = [((), len(now.problems))]
        yield _gauge("fitferry_problems", "Things that need a person.", [], problems)
        completed_at = now.last_upload.job.completed_at if now.last_upload else None
        if completed_at is not None:
            name = "fitferry_last_upload_timestamp_seconds"
            yield _gauge(name, "When an upload was last done.", [], [((), int(completed_at))])
        watched = [((state.folder, state.method), state.available) for state in now.watch]
        labels = ["folder", "method"]
        yield _gauge("fitferry_watch_available", "Whether a folder can be read.", labels, watched)


def _requests_left(limits: RateLimit) -> GaugeMetricFamily:
    buckets = {
        "overall": (limits.overall_limit, limits.overall_usage),
        "read": (limits.read_limit, limits.read_usage),
    }
    left = [
        ((bucket, window), max(0, limit - used))
        for bucket, (most, usage) in buckets.items()
        for window, limit, used in zip(("quarter_hour", "day"), most, usage, strict=True)
    ]
    return _gauge(
        "fitferry_strava_requests_left", "Requests that Strava still allows.", ["bucket", "window"], left
    )


def _gauge(
    name: str, help_text: str, labels: list[str], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family
