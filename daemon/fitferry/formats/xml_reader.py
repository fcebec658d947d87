"""Is this a whole TCX or GPX, is it an activity, and what is in it? XML, read as it comes, without entities.

Neither format says how long it is: a document is whole when it ends properly, and even then its writer may
go on, so `proven` is never set. Element names are those of Garmin's TrainingCenterDatabase/v2 and of GPX 1.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.parsers import expat

from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.formats.thumbnail import Sample, Samples, draw

MAX_DEPTH = 64
MAX_NAMES = 500
"""Different names of elements and attributes; expat keeps every one."""
MAX_ELEMENTS = 1_500_000
"""More than fit into 25 MB of any real recording."""
MAX_TEXT = 64
"""Characters of a text that is looked at: times, numbers, a sport."""
EARTH_M = 6_371_000.0
FIRST_DAY, LAST_DAY = datetime(1980, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""A time outside is of a clock that was never set; the calendar's own ends cannot be shown in every time zone."""
_CHUNK = 1 << 20
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SPORTS = {
    "biking": "cycling",
    "bike": "cycling",
    "ride": "cycling",
    "1": "cycling",
    "run": "running",
    "9": "running",
    "walk": "walking",
    "hike": "hiking",
    "swim": "swimming",
    "trail_running": "running",
    "virtualride": "cycling",
}
"""What documents call a sport, where it is not the FIT profile's name; the numbers are Strava's own exports'."""
_FIT_SPORTS = frozenset(
    [
        "cycling",
        "running",
        "walking",
        "hiking",
        "swimming",
        "rowing",
        "paddling",
        "kayaking",
        "alpine_skiing",
        "snowboarding",
        "surfing",
        "cross_country_skiing",
        "inline_skating",
        "mountaineering",
        "sailing",
        "training",
        "transition",
        "golf",
    ]
)


class _Refused(Exception):  # it never leaves this module
    """A document that no device writes: entities, or something built to cost memory."""


def is_document(data: bytes) -> bool:
    """Whether these bytes begin as XML does."""
    head = data[:256]
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip().startswith(b"<")


def inspect(data: bytes) -> ParseResult:
    """What a document is. Never raises; of 25 MB it takes seconds, because each element is looked at."""
    if data.endswith(b"\0\0"):
        whole = len(data.rstrip(b"\0"))
        return _not_whole(FileKind.UNFINISHED, "its end is still empty", whole, len(data))
    reader = _Reader()
    try:
        reader.read(_bare(data))
    except _Refused as problem:
        return ParseResult(FileKind.NO_ACTIVITY, reason=str(problem), have=len(data))
    except (expat.ExpatError, LookupError, ValueError) as error:
        if reader.is_other or _is_page(data):
            return reader.found(len(data))  # nobody waits for the rest of a page that asks to log in
        if reader.at_end:
            return _not_whole(FileKind.UNFINISHED, "the document does not end", len(data))
        return _not_whole(FileKind.DAMAGED, f"the document cannot be read: {error}", len(data))
    return reader.found(len(data))


def _is_page(data: bytes) -> bool:
    """Whether this is HTML that no XML parser would read."""
    return _bare(data[:256]).lower().startswith((b"<!doctype html", b"<html"))


def _bare(data: bytes) -> bytes:
    """A document without what some writers put around it, and no parser takes; only where characters are bytes."""
    if data[:2] in _MARKS or b"\0" in data[:4]:
        return data
    return data.removeprefix(_MARKS[0]).lstrip().rstrip(b"\0\x1a\r\n")


def _not_whole(kind: FileKind, reason: str, have: int, want: int | None = None) -> ParseResult:
    return ParseResult(kind, reason=reason, have=have, want=want, proven=False)


class _Reader:
    """One document on its way through the parser."""

    def __init__(self) -> None:
        self.at_end = False
        self._path: list[str] = []
        self._names: set[str] = set()
        self._elements = 0
        self._text: list[str] | None = None
        self._document: _Tcx | _Gpx | None = None
        self._root = ""

    def read(self, data: bytes) -> None:
        """Read to the end. Raises ExpatError, _Refused."""
        parser = expat.ParserCreate(namespace_separator=" ", intern={})
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        for at in range(0, len(data), _CHUNK):
            parser.Parse(data[at : at + _CHUNK], False)
        self.at_end = True
        parser.Parse(b"", True)

    @property
    def is_other(self) -> bool:
        """Whether the first element is known, and is no activity's."""
        return bool(self._root) and self._document is None

    def found(self, size: int) -> ParseResult:
        """What was read."""
        if self._document is None:
            words = f"an XML file of another kind (<{self._root[:40] or 'html'}>)"
            return ParseResult(FileKind.NO_ACTIVITY, reason=words, have=size, proven=False)
        return self._document.found(size)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self._elements += 1
        self._names.add(name)
        if attributes:
            self._names.update(attributes)
        if self._elements > MAX_ELEMENTS or len(self._names) > MAX_NAMES or len(self._path) >= MAX_DEPTH:
            raise _Refused("an XML file that no device writes: too many elements, or too deep")
        if not self._path:
            self._root = local
            self._document = (
                _Tcx() if local == "TrainingCenterDatabase" else _Gpx() if local == "gpx" else None
            )
        self._path.append(local)
        self._text = None
        if self._document is not None:
            self._document.start(self._path, attributes)
            if local in self._document.wanted:
                self._text = []

    def _end(self, _name: str) -> None:
        if self._text is not None and self._document is not None:
            self._document.text(self._path, "".join(self._text).strip())
        self._text = None
        self._path.pop()

    def _characters(self, data: str) -> None:
        if self._text is not None and sum(map(len, self._text)) < MAX_TEXT:
            self._text.append(data[:MAX_TEXT])

    def _entity(self, *_declared: object) -> None:
        raise _Refused("an XML file that declares entities, which no device does")


class _Tcx:
    """What a TrainingCenterDatabase says."""

    wanted = frozenset(
        {"Id", "Time", "TotalTimeSeconds", "DistanceMeters", "Name"}
        | {"LatitudeDegrees", "LongitudeDegrees", "Value", "Watts"}
    )

    def __init__(self) -> None:
        self._span = _Span()
        self._activities = 0
        self._others: set[str] = set()
        self._sport: str | None = None
        self._duration: float | None = None
        self._distance: float | None = None
        self._device: str | None = None
        self._samples: Samples[Sample] = Samples()
        self._here = Sample()

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        """An element begins."""
        match path[-1]:
            case "Activity":
                self._activities += 1
                self._sport = self._sport or _sport(attributes.get("Sport", ""))
            case "Lap":
                self._span.add(attributes.get("StartTime", ""))
            case "Trackpoint":
                self._here = Sample()
                self._samples.add(self._here)
            case "Course" | "Workout":
                self._others.add(path[-1].lower())

    def text(self, path: list[str], text: str) -> None:
        """An element that was asked for ends."""
        match path[-2:]:
            case [_, "Time"]:
                self._span.add(text)
            case ["Activity", "Id"]:
                self._span.add(text)
            case ["Lap", "TotalTimeSeconds"]:
                self._duration = _sum(self._duration, text)
            case ["Lap", "DistanceMeters"]:
                self._distance = _sum(self._distance, text)
            case ["Position", "LatitudeDegrees"]:
                self._here.latitude = _number(text)
            case ["Position", "LongitudeDegrees"]:
                self._here.longitude = _number(text)
            case ["HeartRateBpm", "Value"]:
                self._here.heart_rate = _number(text)
            case [_, "Watts"]:
                self._here.power = _number(text)
            case ["Creator", "Name"]:
                self._device = self._device or text[:MAX_TEXT] or None

    def found(self, size: int) -> ParseResult:
        """The whole document's meaning."""
        if not self._activities:
            words = (
                " and ".join(f"a {kind}" for kind in sorted(self._others)) or "a TCX file without an activity"
            )
            return ParseResult(FileKind.NO_ACTIVITY, "tcx", reason=words, have=size, proven=False)
        facts = ActivityFacts(
            kind="activity",
            sport=self._sport,
            start_time=self._span.first,
            duration_s=self._duration,
            elapsed_s=self._span.seconds or self._duration,
            distance_m=self._distance,
            product=self._device,
            sessions=self._activities,
        )
        thumbnail = draw(self._samples.kept)
        return ParseResult(FileKind.ACTIVITY, "tcx", facts, have=size, proven=False, thumbnail=thumbnail)


class _Gpx:
    """What a GPX says."""

    wanted = frozenset({"time", "type", "hr", "power"})

    def __init__(self) -> None:
        self._span = _Span()
        self._tracks = self._points = 0
        self._others: set[str] = set()
        self._sport: str | None = None
        self._at: tuple[float, float] | None = None
        self._distance = 0.0
        self._samples: Samples[Sample] = Samples()
        self._here = Sample()

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        """An element begins."""
        match path[-1]:
            case "trkpt":
                self._points += 1
                self._here = Sample()
                self._samples.add(self._here)
                self._move(attributes)
            case "trk":
                self._tracks += 1
            case "trkseg":
                self._at = None
            case "rte" | "wpt":
                self._others.add({"rte": "a route", "wpt": "waypoints"}[path[-1]])

    def text(self, path: list[str], text: str) -> None:
        """An element that was asked for ends."""
        match path[-2:]:
            case ["trkpt", "time"]:
                self._span.add(text)
            case [_, "hr"]:
                self._here.heart_rate = _number(text)
            case [_, "power"]:
                self._here.power = _number(text)
            case ["trk", "type"]:
                self._sport = self._sport or _sport(text)

    def found(self, size: int) -> ParseResult:
        """The whole document's meaning. Without times it was planned, not recorded, and Strava takes no such thing."""
        if self._span.first is None:
            planned = (
                "a track without times, so a planned one" if self._points else "a GPX file without a track"
            )
            words = planned if self._points or not self._others else " and ".join(sorted(self._others))
            return ParseResult(FileKind.NO_ACTIVITY, "gpx", reason=words, have=size, proven=False)
        seconds = self._span.seconds
        facts = ActivityFacts(
            kind="activity",
            sport=self._sport,
            start_time=self._span.first,
            duration_s=seconds,
            elapsed_s=seconds,
            distance_m=round(self._distance, 1),
            sessions=self._tracks,
        )
        thumbnail = draw(self._samples.kept)
        return ParseResult(FileKind.ACTIVITY, "gpx", facts, have=size, proven=False, thumbnail=thumbnail)

    def _move(self, attributes: dict[str, str]) -> None:
        latitude, longitude = _number(attributes.get("lat", "")), _number(attributes.get("lon", ""))
        if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 360:  # noqa: PLR2004  degrees
            return
        self._here.latitude, self._here.longitude = latitude, longitude
        here = math.radians(latitude), math.radians(longitude)
        if self._at is not None:
            self._distance += _metres(self._at, here)
        self._at = here


@dataclass(slots=True)
class _Span:
    """The first and the last of many times."""

    first: float | None = None
    last: float | None = None

    def add(self, text: str) -> None:
        """One time more, as XML writes it; what is none is passed over."""
        moment = _moment(text)
        if moment is not None:
            self.first = moment if self.first is None else min(self.first, moment)
            self.last = moment if self.last is None else max(self.last, moment)

    @property
    def seconds(self) -> float | None:
        """From the first to the last."""
        return None if self.first is None or self.last is None else self.last - self.first


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.timestamp() if FIRST_DAY <= moment < LAST_DAY else None


def _sum(total: float | None, text: str) -> float | None:
    number = _number(text)
    return total if number is None or number < 0 else (total or 0.0) + number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e9 else None  # noqa: PLR2004  # no such ride


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance along the ground; angles are in radians."""
    half = (other[0] - one[0]) / 2, (other[1] - one[1]) / 2
    chord = math.sin(half[0]) ** 2 + math.cos(one[0]) * math.cos(other[0]) * math.sin(half[1]) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))


def _sport(text: str) -> str | None:
    """The FIT profile's name of what a document calls a sport; None if it is none of those."""
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    name = _SPORTS.get(name, name)
    return name if name in _FIT_SPORTS else None
