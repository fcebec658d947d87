"""What a TCX document says. Element names are those of Garmin's TrainingCenterDatabase/v2.

In v1 (Forerunners of 2006) a `Run` of any sport stands in `Running`, `Biking` or `Other` where v2 has an `Activity`.
"""

from __future__ import annotations

import math

from fitferry.core import sports
from fitferry.core.activity import ActivityFacts, FileKind, ParseResult, Sample
from fitferry.core.messages import Message, files
from fitferry.formats.thumbnail import Samples
from fitferry.formats.times import Span, unreadable_times

_OTHERS = {"Course": files.TCX_COURSE, "Workout": files.TCX_WORKOUT}
_MAX_DEVICE = 64


class Tcx:
    """One document: its activities, and nothing of the courses and authors beside them."""

    data_type = "tcx"
    wanted = frozenset(
        {"Id", "Time", "TotalTimeSeconds", "DistanceMeters", "Name"}
        | {"LatitudeDegrees", "LongitudeDegrees", "Value", "Watts"}
    )

    def __init__(self) -> None:
        self._points = Span()
        self._laps = Span()
        self._lap_count = 0
        self._activities = 0
        self._inside = False
        self._others: set[str] = set()
        self._sport: str | None = None
        self._duration: float | None = None
        self._distance: float | None = None
        self._device: str | None = None
        self._samples: Samples[list[float | None]] = Samples()
        self._here: list[float | None] = [None] * 4

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        match path[-1]:
            case "Trackpoint" if self._inside:
                self._here = [None] * 4
                self._samples.add(self._here)
            case "Activity" | "Run":
                self._inside = True
                self._activities += 1
                if self._activities == 1:
                    self._sport = sports.from_document(attributes.get("Sport", path[-2]))
            case "Lap" if self._inside:
                self._lap_count += 1
                if "StartTime" in attributes:
                    self._laps.add(attributes["StartTime"])
            case "Course" | "Workout":
                self._inside = False
                self._others.add(path[-1])
            case "Author" | "Folders" | "Courses" | "Workouts":
                self._inside = False

    def text(self, path: list[str], text: str) -> None:
        if not self._inside:
            return
        match path[-2:]:
            case ["Trackpoint", "Time"]:
                self._points.add(text)
            case ["Lap", "TotalTimeSeconds"]:
                self._duration = _sum(self._duration, text)
            case ["Lap", "DistanceMeters"]:
                self._distance = _sum(self._distance, text)
            case ["Position", "LatitudeDegrees"]:
                self._here[0] = number(text)
            case ["Position", "LongitudeDegrees"]:
                self._here[1] = number(text)
            case ["HeartRateBpm", "Value"]:
                self._here[2] = number(text)
            case [_, "Watts"]:
                self._here[3] = number(text)
            case ["Creator", "Name"]:
                self._device = self._device or text[:_MAX_DEVICE] or None

    def result(self) -> ParseResult:
        if not self._activities or not (self._lap_count or self._points.count):
            return ParseResult(FileKind.NO_ACTIVITY, self.data_type, reason=self._no_activity())
        # Trackpoints decide: an Id and a Lap may be written in local time.
        span = self._points if self._points.count else self._laps
        first, last = span.bounds()
        between = last - first if self._points.count and first is not None and last is not None else None
        facts = ActivityFacts(
            kind="activity",
            sport=self._sport,
            start_time=first,
            duration_s=self._duration,
            elapsed_s=between or self._duration,
            distance_m=self._distance,
            product=self._device,
            sessions=self._activities,
        )
        if first is None and span.count:
            return unreadable_times(self.data_type, facts, span)
        samples = tuple(Sample(*values) for values in self._samples.kept)
        return ParseResult(FileKind.ACTIVITY, self.data_type, facts, samples=samples)

    def _no_activity(self) -> Message:
        if self._activities:
            return files.NOTHING_RECORDED()
        kinds = tuple(_OTHERS[kind]() for kind in sorted(self._others))
        return files.SEVERAL_KINDS(kinds=kinds) if kinds else files.TCX_EMPTY()


def _sum(total: float | None, text: str) -> float | None:
    value = number(text)
    return total if value is None or value < 0 else (total or 0.0) + value


def number(text: str) -> float | None:
    """A number as XML writes it; None for none, and for what no ride has."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e9 else None  # noqa: PLR2004  # no such ride
