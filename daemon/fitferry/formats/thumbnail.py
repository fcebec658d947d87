"""Drawing of an activity, small: its route or a curve as one SVG path, from a few of its samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from fitferry.core.activity import Sample, Thumbnail, ThumbnailKind

SIDE = 100
"""A thumbnail is drawn in a square of this side, with whole numbers."""
MOST_POINTS = 100
MOST_SAMPLES = 400
"""Of the samples of an activity so many are looked at, evenly spread."""
SMALLEST_M = 60.0
"""A route that stays within so many metres is a device that stood still, indoors for example."""
_FEW = 10
_METRES_PER_DEGREE = 111_195.0

T = TypeVar("T")
Point = tuple[float, float]


class Samples(Generic[T]):
    """Some of very many things, evenly spread: never more than MOST_SAMPLES, and at least half of that."""

    def __init__(self) -> None:
        self.kept: list[T] = []
        self._step = self._next = 1

    def add(self, thing: T) -> None:
        """One thing more."""
        self._next -= 1
        if not self._next:
            self.kept.append(thing)
            if len(self.kept) > MOST_SAMPLES:
                self.kept = self.kept[::2]
                self._step *= 2
            self._next = self._step

    def skip(self, count: int) -> bool:
        """Pass over so many things, if none of them is to be kept; whether one is."""
        if count < self._next:
            self._next -= count
            return False
        return True

    def add_run(self, count: int, thing: Callable[[int], T]) -> None:
        """The same as `add` of `thing(0)` to `thing(count - 1)`, of which only those that are kept are made."""
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


def _route(degrees: list[Point]) -> str:
    """North is up, and a kilometre is as long in either direction."""
    # Null island is what a device says that does not know where it is.
    places = [(x, y) for x, y in degrees if abs(y) <= 90 and (x, y) != (0.0, 0.0)]  # noqa: PLR2004  degrees
    if len(places) < _FEW:
        return ""
    squeeze = math.cos(math.radians(places[0][1]))
    turned = [(((x - places[0][0] + 540) % 360 - 180) * squeeze, -y) for x, y in places]
    west, east = min(x for x, _ in turned), max(x for x, _ in turned)
    north, south = min(y for _, y in turned), max(y for _, y in turned)
    extent = max(east - west, south - north)
    if extent * _METRES_PER_DEGREE < SMALLEST_M:
        return ""
    scale, half = SIDE / extent, SIDE / 2
    middle = (west + east) / 2, (north + south) / 2
    return _path([(half + (x - middle[0]) * scale, half + (y - middle[1]) * scale) for x, y in turned])


def _curve(values: Sequence[float | None]) -> str:
    """From left to right, its lowest value at the bottom."""
    known = [value for value in values if value is not None]
    if len(known) < _FEW or not any(known):
        return ""
    low, high = min(known), max(known)
    across, up = SIDE / max(len(values) - 1, 1), SIDE / max(high - low, 1e-9)
    return _path([(at * across, SIDE - (v - low) * up) for at, v in enumerate(values) if v is not None])


def _path(points: list[Point]) -> str:
    tolerance = 0.7
    weights = _weights(points, tolerance)
    while sum(weight > tolerance for weight in weights) > MOST_POINTS:
        tolerance *= 1.6
    points = [point for point, weight in zip(points, weights, strict=True) if weight > tolerance]
    whole = [f"{round(x)} {round(y)}" for x, y in points]
    kept = [one for at, one in enumerate(whole) if at == 0 or one != whole[at - 1]]
    return f"M{'L'.join(kept)}" if len(kept) > 1 else ""


def _weights(points: list[Point], least: float) -> list[float]:
    """Of each point the tolerance up to which a simplified line keeps it (Douglas, Peucker); 0 for those below `least`.

    A point is looked at only where all those were kept that part the line around it, so it weighs no more than they.
    """
    weights = [0.0] * len(points)
    weights[0] = weights[-1] = math.inf
    spans = [(0, len(points) - 1, math.inf)]
    while spans:
        begin, end, weight = spans.pop()
        far, at = max(_distances(points, begin, end), default=(0.0, 0))
        if far > least:
            weights[at] = weight = min(weight, far)
            spans += [(begin, at, weight), (at, end, weight)]
    return weights


def _distances(points: list[Point], begin: int, end: int) -> Iterable[tuple[float, int]]:
    """How far the points between two of them are from the line that joins these."""
    (x0, y0), (x1, y1) = points[begin], points[end]
    dx, dy = x1 - x0, y1 - y0
    length = math.hypot(dx, dy)
    if length < 1e-9:  # noqa: PLR2004  a round trip: the distance from where it began
        return [(math.hypot(points[at][0] - x0, points[at][1] - y0), at) for at in range(begin + 1, end)]
    return [
        (abs(dx * (y0 - points[at][1]) - (x0 - points[at][0]) * dy) / length, at)
        for at in range(begin + 1, end)
    ]
