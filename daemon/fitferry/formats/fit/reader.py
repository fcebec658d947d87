"""Walk through a FIT file without any library: whether it is whole, and what in it matters. Bounded for any input.

A FIT file is one or more segments: a header that names its length, messages, a checksum. Length alone
proves nothing (copiers set it first), the checksum alone proves nothing (over a header and zeros it is
right), so the messages are walked to the end as well. Each fact is from the FIT profile and real files.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from fitferry.core.activity import FileKind, Sample
from fitferry.core.messages import Message, files
from fitferry.formats.fit.crc import checksum
from fitferry.formats.fit.fields import (
    DEVICE_INFO,
    FIELD_DESCRIPTION,
    FILE_ID,
    HR,
    LAP,
    LENGTH,
    RECORD,
    RECORD_INVALID,
    SESSION,
    SPORT,
    TIMESTAMP,
    Definition,
    Value,
    read_value,
    record_struct,
)
from fitferry.formats.thumbnail import Samples

SHORTEST = 12
"""Bytes of the shortest header."""
MAX_SEGMENTS = 100
MAX_MESSAGES = 1_000_000
"""More than any device writes in a file of 25 MB that holds an activity."""
MEAN_BYTES, MIN_MESSAGES = 3, 1_000
"""Messages of real files are longer than that on average; a file of shorter ones is built to take long."""
MAX_KEPT = 500
"""Messages of each kind that are decoded at most."""
MAX_DEFINITIONS = 5_000
"""Different ones. Devices write a few dozen; some apps repeat theirs before each message."""
MAX_DEFINITION_BYTES = 1_000_000
"""Of all different definitions together."""
HEADER_SIZES = frozenset({12, 14})
_KEPT = frozenset({FILE_ID, SPORT, SESSION, DEVICE_INFO, FIELD_DESCRIPTION})
_RECORDED = frozenset({SESSION, LAP, RECORD, LENGTH, HR})
"""A file with none of these has nothing to show on Strava."""
_WATCHED = _KEPT | _RECORDED
_SIGNATURE = b".FIT"
_ZEROS = bytes(16)
_DEGREES = 180 / 2**31
"""Positions are in semicircles, signed."""
_FIRST_WINDOW = 4

Kept = tuple[Definition, int]
"""A message: its definition, and where it begins."""


@dataclass(slots=True)
class Probe:
    """What a walk has found. Fields are raw numbers by field number; `distances`: of the sessions' app fields."""

    kind: FileKind
    reason: Message | None = None
    have: int = 0
    want: int | None = None
    file_id: dict[int, Value] = field(default_factory=dict)
    sport: dict[int, Value] = field(default_factory=dict)
    sessions: list[dict[int, Value]] = field(default_factory=list)
    distances: list[float | None] = field(default_factory=list)
    serials: tuple[str, ...] = ()
    is_empty: bool = True
    times: list[int] = field(default_factory=list)
    last_distance: int | None = None
    samples: tuple[Sample, ...] = ()


class _Broken(Exception):  # it never leaves this module
    """The messages of a segment cannot be read to the end."""


def is_fit(data: bytes, at: int = 0) -> bool:
    """Whether a FIT header begins here."""
    return data[at + 8 : at + SHORTEST] == _SIGNATURE


def probe(data: bytes) -> Probe:
    """Walk through a file."""
    if not is_fit(data):
        return _without_header(data)
    walk = _Walk(data)
    size, at, segments = len(data), 0, 0
    while segments < MAX_SEGMENTS and is_fit(data, at):
        header, length = data[at], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + header + length + 2
        if length == 0 or header < SHORTEST:
            return walk.result(FileKind.UNFINISHED, files.STILL_RECORDED())
        if end > size:
            with contextlib.suppress(_Broken):  # what came until it breaks off may tell something
                walk.through(at + header, size)
            return walk.result(FileKind.UNFINISHED, files.BYTES_OF(have=size, want=end), end)
        problem = _problem(data, at, header, end, walk)
        if problem is not None:
            if data[end - 16 : end] == _ZEROS:
                return walk.result(FileKind.UNFINISHED, files.END_EMPTY(), end)
            return walk.result(FileKind.DAMAGED, problem)
        at, segments = end, segments + 1
    tail = None if segments == MAX_SEGMENTS else _unfinished_tail(data, at)
    return walk.result(FileKind.UNFINISHED if tail else FileKind.ACTIVITY, tail)


def _without_header(data: bytes) -> Probe:
    size = len(data)
    if not size:
        return Probe(FileKind.NO_ACTIVITY, files.EMPTY_FILE(), size)
    if size < SHORTEST or data.count(0, SHORTEST) == size - SHORTEST:
        still = files.ONLY_BYTES(have=size) if any(data[:SHORTEST]) else files.STILL_EMPTY()
        return Probe(FileKind.UNFINISHED, still, size)
    announced = data[0] + int.from_bytes(data[4:8], "little") + 2
    if not any(data[:SHORTEST]) or (data[0] in HEADER_SIZES and announced == size):
        return Probe(FileKind.DAMAGED, files.BEGINNING_LOST(), size)
    return Probe(FileKind.NO_ACTIVITY, files.NOT_AN_ACTIVITY_FILE(), size)


def _problem(data: bytes, at: int, header: int, end: int, walk: _Walk) -> Message | None:
    """What is wrong with a segment of the right length; None if nothing is."""
    try:
        walk.through(at + header, end - 2)
    except _Broken:
        return files.MESSAGES_BROKEN()
    return None if checksum(memoryview(data)[at:end]) == 0 else files.CHECKSUM_WRONG()


def _unfinished_tail(data: bytes, at: int) -> Message | None:
    """Whether what follows the last segment is the beginning of another, or still empty; other bytes are ignored.

    Forerunners of the series 255 (firmware 17.21, 2023) wrote bytes of no meaning after the end.
    """
    written = data[at:].rstrip(b"\0")
    if not written:
        return files.END_EMPTY() if at < len(data) else None
    begins_header = (
        len(written) < SHORTEST
        and written[0] in HEADER_SIZES
        and (len(written) == 1 or written[1] >> 4 in {1, 2})
        and _SIGNATURE.startswith(written[8:])
    )
    return files.NEXT_SEGMENT_CUT(have=len(data)) if begins_header else None


class _Walk:
    """The messages that matter, gathered over all segments."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._messages = self._definition_bytes = 0
        self._definitions: dict[bytes, Definition] = {}
        self._kept: dict[int, list[Kept]] = {number: [] for number in _KEPT}
        self._last_record: Kept | None = None
        self._samples: Samples[Kept] = Samples()
        self._is_empty = True

    def through(self, at: int, end: int) -> None:
        """Walk the messages between two places, which have to end exactly there. Raises _Broken.

        Messages of one kind stand in runs, which are counted at once.
        """
        data, steps = self._data, [0] * 16
        watched: list[Definition | None] = [None] * 16
        limit = min(MAX_MESSAGES, max(MIN_MESSAGES, len(data) // MEAN_BYTES))
        while at < end:
            head, many = data[at], 1
            if head & 0xC0 == 0x40:
                definition, local = self._define(at, end), head & 0x0F
                steps[local] = definition.step
                watched[local] = definition if definition.number in _WATCHED else None
                at += len(definition.raw)
            else:
                local = (head >> 5) & 0x03 if head & 0x80 else head & 0x0F
                step = steps[local]
                if not step:
                    raise _Broken
                following = at + step
                if following < end and data[following] == head:
                    many = _run(data, at, end, step)
                if watched[local] is not None:
                    self._keep(watched[local], at, many)
                at += many * step
            self._messages += many
            if self._messages > limit:
                raise _Broken
        if at != end:
            raise _Broken

    def result(self, kind: FileKind, reason: Message | None = None, want: int | None = None) -> Probe:
        """What was gathered, decoded."""
        found = Probe(kind, reason, len(self._data), want, is_empty=self._is_empty)
        # Only the first file_id counts: heart-rate straps add segments without any.
        found.file_id = next(iter(self._decoded(FILE_ID)), {})
        found.sport = next((values for values in self._decoded(SPORT) if 0 in values), {})
        found.sessions = self._decoded(SESSION)
        found.distances = self._app_distances()
        numbers = [found.file_id.get(3), *(values.get(3) for values in self._decoded(DEVICE_INFO))]
        found.serials = tuple(dict.fromkeys(str(number) for number in numbers if number))
        self._add_records(found)
        return found

    def _define(self, at: int, end: int) -> Definition:
        data = self._data
        after = at + 6 + 3 * data[at + 5] if at + 6 <= end else end + 1
        if data[at] & 0x20:  # with fields of apps
            after = after + 1 + 3 * data[after] if after < end else end + 1
        if after > end:
            raise _Broken
        raw = data[at:after]
        definition = self._definitions.get(raw)
        if definition is None:
            self._definition_bytes += len(raw)
            if len(self._definitions) >= MAX_DEFINITIONS or self._definition_bytes > MAX_DEFINITION_BYTES:
                raise _Broken
            definition = self._definitions[raw] = Definition.parse(raw)
        return definition

    def _keep(self, definition: Definition | None, at: int, many: int) -> None:
        if definition is None:
            return
        number, step = definition.number, definition.step
        if number in _RECORDED:
            self._is_empty = False
        if number == RECORD:
            self._last_record = (definition, at + (many - 1) * step)
            self._samples.add_run(many, lambda index: (definition, at + index * step))
        elif number in _KEPT:
            kept = self._kept[number]
            room = min(many, MAX_KEPT - len(kept))
            kept += [(definition, at + index * step) for index in range(room)]

    def _is_whole(self, message: Kept) -> bool:
        return message[1] + message[0].step <= len(self._data)

    def _decoded(self, number: int) -> list[dict[int, Value]]:
        messages = filter(self._is_whole, self._kept[number])
        return [definition.values(self._data, at) for definition, at in messages]

    def _app_distances(self) -> list[float | None]:
        """What apps say of each session's distance, in metres.

        A field of an app that is called as the native one, or says that it stands for it, wins over it: swims by
        apps of Connect IQ have 0 in the native one.
        """
        described: dict[tuple[Value, Value], int] = {}
        for values in self._decoded(FIELD_DESCRIPTION):
            base = values.get(2)
            if (values.get(3) == "total_distance" or (values.get(14), values.get(15)) == (SESSION, 9)) and (
                isinstance(base, int) and values.get(8, "m") in {"m", "meters", "metres"}
            ):
                described[values.get(0, 0), values.get(1, 0)] = base & 0x1F
        sessions = list(filter(self._is_whole, self._kept[SESSION])) if described else []
        return [self._app_distance(definition, at, described) for definition, at in sessions]

    def _app_distance(
        self, definition: Definition, at: int, described: dict[tuple[Value, Value], int]
    ) -> float | None:
        for place in definition.fields:
            base = described.get((place.developer, place.number)) if place.developer is not None else None
            if base is not None:
                value = read_value(self._data, at + place.offset, place.size, base, definition.order)
                if not isinstance(value, str) and value is not None and 0 <= value < 1e8:
                    return float(value)
        return None

    def _add_records(self, found: Probe) -> None:
        """Times, the last distance, and some samples of place and effort."""
        if self._last_record is None:
            return
        records = [*self._samples.kept, self._last_record]
        layouts = {id(definition): record_struct(definition) for definition, _ in records}
        samples = []
        for definition, at in filter(self._is_whole, records):
            layout, numbers = layouts[id(definition)]
            unpacked = zip(numbers, layout.unpack_from(self._data, at), strict=True)
            values = {number: value for number, value in unpacked if value != RECORD_INVALID[number]}
            latitude, longitude = values.get(0), values.get(1)
            samples.append(
                Sample(
                    None if latitude is None else latitude * _DEGREES,
                    None if longitude is None else longitude * _DEGREES,
                    values.get(3),
                    values.get(7),
                )
            )
            if TIMESTAMP in values:
                found.times.append(values[TIMESTAMP])
            found.last_distance = values.get(5)
        found.samples = tuple(samples[:-1])


def _run(data: bytes, at: int, end: int, step: int) -> int:
    """How many messages with the same head stand here one behind the other, in windows that grow."""
    many, window, head = 2, _FIRST_WINDOW, data[at : at + 1]
    while True:
        begin = at + many * step
        heads = data[begin : min(end, begin + window * step) : step]
        same = len(heads) - len(heads.lstrip(head))
        many += same
        if same < window:
            return many
        window *= 4
