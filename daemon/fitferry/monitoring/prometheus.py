"""The metrics as Prometheus reads them. Owns prometheus_client, which is imported with the first look: it takes 5 MB."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from fitferry.core.strava import RateLimit
from fitferry.monitoring.counts import Counts, Durations
from fitferry.monitoring.status import Snapshot


def exposition(counts: Counts, snapshot: Snapshot) -> bytes:
    """Prometheus' text format: what was counted, and how things are."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(counts, snapshot))
    return generate_latest(registry)


class _Collector(Collector):
    """One look."""

    def __init__(self, counts: Counts, snapshot: Snapshot) -> None:
        self._counts = counts
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Nothing: it is asked once."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every family."""
        requests = CounterMetricFamily(
            "fitferry_strava_requests", "Requests to Strava.", labels=["kind", "status"]
        )
        for labels, count in sorted(self._counts.requests.items()):
            requests.add_metric(labels, count)
        yield requests
        sent = "How long the sending of a file took, until Strava's answer."
        yield _histogram("fitferry_upload_seconds", sent, self._counts.upload)
        processed = "How long Strava took over an upload that it had accepted, as far as it was looked at."
        yield _histogram("fitferry_processing_seconds", processed, self._counts.processing)
        yield from _snapshot_families(self._snapshot)


def _snapshot_families(now: Snapshot) -> Iterable[Metric]:
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
    watched = [((state.folder, state.method), state.available) for state in now.watch if state.is_looked_at]
    labels = ["folder", "method"]
    yield _gauge("fitferry_watch_available", "Whether a folder can be read.", labels, watched)


def _histogram(name: str, help_text: str, durations: Durations) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, help_text)
    buckets, total = [], 0
    for bound, count in zip((*durations.bounds, float("inf")), durations.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), float(total)))
    family.add_metric([], buckets, durations.total)
    return family


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
