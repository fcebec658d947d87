"""Drawing of an activity, small: its route or a curve as one SVG path, from a few of its samples. Pure."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from fitferry.core.activity import Sample, Thumbnail, ThumbnailKind

SIDE = 100
"""A thumbnail is drawn in a square of this side, with whole numbers."""
MOST_POINTS = 100
TOLERANCE = 0.7
"""What lies no further from the line that is drawn is left out."""
MOST_SAMPLES = 200
"""Of the samples of an activity so many are looked at, evenly spread."""
SMALLEST_M = 60.0
"""A route that stays within so many metres is a device that stood still, indoors for example."""
_FEW = 10
_METRES_PER_DEGREE = 111_195.0

T = TypeVar("T")


class Samples(Generic[T]):
    """Some of very many things, evenly spread: never more than MOST_SAMPLES, and at least half of that."""

    def __init__(self) -> None:
        self.kept: list[T] = []
        self._step = self._next = 1

    def add(self, thing: T) -> None:
        self.add_run(1, lambda _index: thing)

    def add_run(self, count: int, thing: Callable[[int], T]) -> None:
        """Add `thing(0)` to `thing(count - 1)`, of which only those that are kept are made."""
        if count < self._next:
            self._next -= count
            return
        before = len(self.kept) * self._step - (self._next - 1)
        while (before + count - 1) // self._step >= MOST_SAMPLES:
            self.kept = self.kept[::2]
            self._step *= 2
        begin = len(self.kept) * self._step - before
        self.kept += map(thing, range(begin, count, self._step))
        self._next = len(self.kept) * self._step - before - count + 1


def draw(samples: Sequence[Sample]) -> Thumbnail | None:
    """The route where there is one, else the heart rate, else the power; None where there is none of them."""
    places = [(s.longitude, s.latitude) for s in samples]
    path = _route([(x, y) for x, y in places if x is not None and y is not None])
    if path:
        return Thumbnail(ThumbnailKind.ROUTE, path)
    for kind, values in (
        (ThumbnailKind.HEART_RATE, [s.heart_rate for s in samples]),
        (ThumbnailKind.POWER, [s.power for s in samples]),
    ):
        path = _curve(values)
        if path:
            return Thumbnail(kind, path)
    return None


def _route(degrees: list[tuple[float, float]]) -> str:
    """North is up, and a kilometre is as long in either direction."""
    # Null island is what a device says that does not know where it is.
    places = [(x, y) for x, y in degrees if abs(y) <= 90 and (x, y) != (0.0, 0.0)]  # noqa: PLR2004  degrees
    if len(places) < _FEW:
        return ""
    first, squeeze = places[0][0], math.cos(math.radians(places[0][1]))
    across, down = [((x - first + 540) % 360 - 180) * squeeze for x, _ in places], [-y for _, y in places]
    west, east, north, south = min(across), max(across), min(down), max(down)
    extent = max(east - west, south - north)
    if extent * _METRES_PER_DEGREE < SMALLEST_M:
        return ""
    scale, middle = SIDE / extent, complex(west + east, north + south) / 2
    return _path([complex(SIDE, SIDE) / 2 + (at - middle) * scale for at in map(complex, across, down)])


def _curve(values: Sequence[float | None]) -> str:
    """From left to right, its lowest value at the bottom."""
    known = [value for value in values if value is not None]
    if len(known) < _FEW or not any(known):
        return ""
    low, high = min(known), max(known)
    across, up = SIDE / max(len(values) - 1, 1), SIDE / max(high - low, 1e-9)
    return _path(
        [complex(at * across, SIDE - (v - low) * up) for at, v in enumerate(values) if v is not None]
    )


def _path(points: list[complex]) -> str:
    whole = [f"{round(at.real)} {round(at.imag)}" for at in _corners(points)]
    kept = [one for at, one in enumerate(whole) if at == 0 or one != whole[at - 1]]
    return f"M{'L'.join(kept)}" if len(kept) > 1 else ""


def _corners(points: list[complex]) -> list[complex]:
    """A simpler line (Douglas, Peucker): the farthest points first, until all are near or MOST_POINTS are there."""
    kept = {0, len(points) - 1}
    spans = [_farthest(points, 0, len(points) - 1)]
    while len(kept) < MOST_POINTS and -spans[0][0] > TOLERANCE:
        _, at, begin, end = heapq.heappop(spans)
        kept.add(at)
        heapq.heappush(spans, _farthest(points, begin, at))
        heapq.heappush(spans, _farthest(points, at, end))
    return [points[at] for at in sorted(kept)]


def _farthest(points: list[complex], begin: int, end: int) -> tuple[float, int, int, int]:
    """The negative distance from the line between two points of the one that is farthest from it; it, and these two."""
    first, way, between = points[begin], points[end] - points[begin], points[begin + 1 : end]
    if abs(way) < 1e-9:  # noqa: PLR2004  a round trip: the distance from where it began
        distances = [abs(point - first) for point in between]
    else:
        turn = way.conjugate() / abs(way)
        distances = [abs(((point - first) * turn).imag) for point in between]
    far = max(distances, default=0.0)
    return -far, begin + 1 + distances.index(far) if far else begin, begin, end
