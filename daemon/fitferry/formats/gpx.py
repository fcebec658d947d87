"""What a GPX document says. Element names are those of GPX 1.1."""

from __future__ import annotations

import math

from fitferry.core import sports
from fitferry.core.activity import ActivityFacts, FileKind, ParseResult, Sample
from fitferry.core.messages import Message, files
from fitferry.formats.tcx import number
from fitferry.formats.thumbnail import Samples
from fitferry.formats.times import Span, unreadable_times

EARTH_M = 6_371_000.0
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 360


class Gpx:
    """One document: its tracks, and what else is in it."""

    data_type = "gpx"
    wanted = frozenset({"time", "type", "hr", "power"})

    def __init__(self) -> None:
        self._times = Span()
        self._tracks = self._points = 0
        self._others: set[str] = set()
        self._sport: str | None = None
        self._at: tuple[float, float] | None = None
        self._distance = 0.0
        self._samples: Samples[list[float | None]] = Samples()
        self._here: list[float | None] = [None] * 4

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        match path[-1]:
            case "trkpt":
                self._points += 1
                self._here = [None] * 4
                self._samples.add(self._here)
                self._move(attributes)
            case "trk":
                self._tracks += 1
            case "trkseg":
                self._at = None
            case "rte" | "wpt":
                self._others.add(path[-1])

    def text(self, path: list[str], text: str) -> None:
        match path[-2:]:
            case ["trkpt", "time"]:
                self._times.add(text)
            case [_, "hr"]:
                self._here[2] = number(text)
            case [_, "power"]:
                self._here[3] = number(text)
            case ["trk", "type"] if self._tracks == 1:
                self._sport = self._sport or sports.from_document(text)

    def result(self) -> ParseResult:
        """What the whole document is. A track without any time was planned, and Strava takes no such thing."""
        if not self._times.count:
            return ParseResult(FileKind.NO_ACTIVITY, self.data_type, reason=self._no_activity())
        first, last = self._times.bounds()
        seconds = last - first if first is not None and last is not None else None
        facts = ActivityFacts(
            kind="activity",
            sport=self._sport,
            start_time=first,
            duration_s=seconds,
            elapsed_s=seconds,
            distance_m=round(self._distance, 1),
            sessions=self._tracks,
        )
        if first is None:
            return unreadable_times(self.data_type, facts, self._times)
        samples = tuple(Sample(*values) for values in self._samples.kept)
        return ParseResult(FileKind.ACTIVITY, self.data_type, facts, samples=samples)

    def _no_activity(self) -> Message:
        if self._points:
            return files.GPX_PLANNED()
        kinds = [("rte", files.GPX_ROUTE), ("wpt", files.GPX_WAYPOINTS)]
        there = tuple(template() for name, template in kinds if name in self._others)
        return files.SEVERAL_KINDS(kinds=there) if there else files.GPX_EMPTY()

    def _move(self, attributes: dict[str, str]) -> None:
        latitude, longitude = number(attributes.get("lat", "")), number(attributes.get("lon", ""))
        if latitude is None or longitude is None:
            return
        if abs(latitude) > _MAX_LATITUDE or abs(longitude) > _MAX_LONGITUDE:
            return
        self._here[:2] = latitude, longitude
        here = math.radians(latitude), math.radians(longitude)
        if self._at is not None:
            self._distance += _metres(self._at, here)
        self._at = here


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance along the ground; angles are in radians."""
    half = (other[0] - one[0]) / 2, (other[1] - one[1]) / 2
    chord = math.sin(half[0]) ** 2 + math.cos(one[0]) * math.cos(other[0]) * math.sin(half[1]) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))
