"""Walk through a FIT file without any library: whether it is whole, and what in it matters. Bounded for any input.

A FIT file is one or more segments: a header that names its length, messages, a checksum. Length alone
proves nothing (copiers set it first), the checksum alone proves nothing (over a header and zeros it is
right), so the messages are walked to the end as well. Each fact is from the FIT profile and real files.
"""

from __future__ import annotations

from collections.abc import Iterable

from fitferry.core.activity import FileKind
from fitferry.core.messages import Message, files
from fitferry.formats.fit import names
from fitferry.formats.fit.byte_stream import ByteStream
from fitferry.formats.fit.crc import checksum
from fitferry.formats.fit.fields import (
    DEVICE_INFO,
    FIELD_DESCRIPTION,
    FILE_ID,
    HR,
    LAP,
    LENGTH,
    RECORD,
    SESSION,
    SET,
    SPORT,
    Definition,
    Value,
    definition_end,
)
from fitferry.formats.fit.header import HEADER_SIZES, SHORTEST, SIGNATURE, is_fit
from fitferry.formats.fit.probe import Probe, Record, add_records, app_distance
from fitferry.formats.thumbnail import Samples

MAX_SEGMENTS = 100
MAX_MESSAGES = 1_000_000
"""More than any device writes in a file of 25 MB that holds an activity."""
MEAN_BYTES, MIN_MESSAGES = 3, 1_000
"""Messages of real files are longer than that on average; a file of shorter ones is built to take long."""
MAX_KEPT = 500
"""Messages of each kind that are decoded at most; of laps only the first."""
MAX_RECORD = 1_000
"""Bytes of a message that is kept as it is, a record above all; those of devices have less than 300."""
MAX_DEFINITIONS = 5_000
"""Different ones. Devices write a few dozen; some apps repeat theirs before each message."""
MAX_DEFINITION_BYTES = 1_000_000
"""Of all different definitions together."""
_KEPT = frozenset({FILE_ID, SPORT, SESSION, LAP, DEVICE_INFO, FIELD_DESCRIPTION})
_RECORDED = frozenset({SESSION, LAP, RECORD, LENGTH, HR, SET})
"""A file with none of these has nothing to show on Strava."""
_WATCHED = _KEPT | _RECORDED
_ZEROS = bytes(16)
_FIRST_BYTES = frozenset({0, *HEADER_SIZES, *b"PK\x1f\xef\xfe\xff \t\r\n"})
"""What an activity file or an archive may begin with: a FIT header, PK, gzip, a mark or white space before XML."""
_FIRST_WINDOW = 4


class _Broken(Exception):  # it never leaves this module
    """The messages of a segment cannot be read to the end."""


def probe(chunks: Iterable[bytes]) -> Probe:
    """Walk through a file, whose bytes come in chunks: those that were walked are not kept."""
    source = ByteStream(chunks)
    source.need(SHORTEST)
    if not is_fit(source.buffer):
        return _without_header(source)
    walk, segments = _Walk(), 0
    while segments < MAX_SEGMENTS and source.need(SHORTEST) and is_fit(source.buffer, source.at):
        header, length = source.buffer[source.at], source.number(4)
        end = source.position + header + length + 2
        if length == 0 or header < SHORTEST:
            return walk.result(FileKind.UNFINISHED, files.STILL_RECORDED())
        problem = walk.segment(source, header, length)
        if source.position < end:
            return walk.result(FileKind.UNFINISHED, files.BYTES_OF(have=source.position, want=end))
        if problem is not None:
            if source.last == _ZEROS:
                return walk.result(FileKind.UNFINISHED, files.END_EMPTY())
            return walk.result(FileKind.DAMAGED, problem)
        segments += 1
    tail = None if segments == MAX_SEGMENTS else _unfinished_tail(source)
    return walk.result(FileKind.UNFINISHED if tail else FileKind.ACTIVITY, tail)


def _without_header(source: ByteStream) -> Probe:
    head = source.buffer[:SHORTEST]
    source.skip(len(head))
    is_rest_empty = source.drain()
    size = source.position
    if not size:
        return Probe(FileKind.NO_ACTIVITY, files.EMPTY_FILE())
    if is_rest_empty and head[0] in _FIRST_BYTES:
        begun = files.ONLY_BYTES(have=size) if size <= SHORTEST else files.END_EMPTY()
        return Probe(FileKind.UNFINISHED, begun if any(head) else files.STILL_EMPTY())
    announced = head[0] + int.from_bytes(head[4:8], "little") + 2
    if not any(head) or (head[0] in HEADER_SIZES and (announced == size or not any(head[8:]))):
        return Probe(FileKind.DAMAGED, files.BEGINNING_LOST())
    return Probe(FileKind.NO_ACTIVITY, files.NOT_AN_ACTIVITY_FILE())


def _unfinished_tail(source: ByteStream) -> Message | None:
    """Whether what follows the last segment is the beginning of another, or still empty; other bytes are ignored.

    Forerunners of the series 255 (firmware 17.21, 2023) wrote bytes of no meaning after the end.
    """
    begin = source.position
    tail = source.buffer[source.at : source.at + SHORTEST]
    source.skip(len(tail))
    is_rest_empty = source.drain()
    written = tail.rstrip(b"\0")
    if not is_rest_empty:
        return None
    if not written:
        return files.END_EMPTY() if source.position > begin else None
    begins_header = (
        written[0] in HEADER_SIZES
        and (len(written) == 1 or written[1] >> 4 in {1, 2})
        and SIGNATURE.startswith(written[8:])
    )
    return files.NEXT_SEGMENT_CUT(have=source.position) if begins_header else None


class _Walk:
    """The messages that matter, gathered over all segments."""

    def __init__(self) -> None:
        self._messages = self._bytes = self._definition_bytes = 0
        self._definitions: dict[bytes, Definition] = {}
        self._kept: dict[int, list[tuple[dict[int, Value], Definition, bytes]]]
        self._kept = {number: [] for number in _KEPT}
        self._last: tuple[Definition, int] | None = None
        self._last_record: Record | None = None
        self._samples: Samples[Record] = Samples()
        self._is_empty = True
        self._steps = [0] * 16
        self._watched: list[Definition | None] = [None] * 16

    def segment(self, source: ByteStream, header: int, length: int) -> Message | None:
        """Walk a segment, as far as its bytes are there; what is wrong with it, None if nothing is."""
        self._steps, self._watched = [0] * 16, [None] * 16
        self._bytes += length
        end, begin, crc = source.position + header + length, header, 0
        problem: Message | None = None
        source.need(header)
        while source.position < end:
            stop = min(len(source.buffer), source.at + end - source.position)
            try:
                at = min(stop, self._through(source.buffer, source.at + begin, stop))
            except _Broken:
                problem = files.MESSAGES_BROKEN()
                break
            finally:
                self._keep_last(source.buffer)
            crc, begin = checksum(memoryview(source.buffer)[source.at : at], crc), 0
            source.skip(at - source.at)
            if at < stop == source.at + end - source.position:
                problem = files.MESSAGES_BROKEN()  # the last one reaches over the end
                break
            if source.position < end and not source.more():
                source.drain()
                return None
        if problem is None and source.need(2):
            crc = checksum(memoryview(source.buffer)[source.at : source.at + 2], crc)
            problem = files.CHECKSUM_WRONG() if crc else None
        source.skip(end + 2 - source.position)
        return problem

    def _keep_last(self, data: bytes) -> None:
        """Keep the last record of these bytes."""
        if self._last is not None:
            definition, at = self._last
            self._last_record, self._last = (definition, data[at : at + definition.step]), None

    def _through(self, data: bytes, at: int, stop: int) -> int:
        """Walk the whole messages between two places; where the first one begins that is not whole. Raises _Broken.

        Messages of one kind stand in runs, which are counted at once.
        """
        steps, watched, count = self._steps, self._watched, self._messages
        limit = min(MAX_MESSAGES, max(MIN_MESSAGES, self._bytes // MEAN_BYTES))
        while at < stop:
            head = data[at]
            if head & 0xC0 == 0x40:
                after = definition_end(data, at, stop)
                if after > stop:
                    break
                definition, local = self._define(data[at:after]), head & 0x0F
                steps[local] = definition.step
                watched[local] = definition if definition.number in _WATCHED else None
                at, count = after, count + 1
            else:
                local = (head >> 5) & 0x03 if head & 0x80 else head & 0x0F
                step = steps[local]
                if not step:
                    raise _Broken
                following = at + step
                if following > stop:
                    break
                third, many = following + step, 1
                if third < stop and data[following] == head == data[third]:
                    many = min(_run(data, at, step), (stop - at) // step)
                if watched[local] is not None:
                    self._keep(watched[local], data, at, many)
                at, count = at + many * step, count + many
            if count > limit:
                raise _Broken
        self._messages = count
        return at

    def result(self, kind: FileKind, reason: Message | None) -> Probe:
        """What was gathered, decoded."""
        found = Probe(kind, reason, is_empty=self._is_empty)
        # The first file_id counts, or that of an activity behind one of another kind: straps add segments to a ride.
        kinds = self._decoded(FILE_ID)
        rides = [values for values in kinds if values.get(0) == names.ACTIVITY]
        found.file_id = next(iter(rides or kinds), {})
        found.sport = next((values for values in self._decoded(SPORT) if 0 in values), {})
        found.sessions, found.first_lap = self._decoded(SESSION), next(iter(self._decoded(LAP)), {})
        found.distances = self._app_distances()
        numbers = [found.file_id.get(3), *(values.get(3) for values in self._decoded(DEVICE_INFO))]
        found.serials = tuple(dict.fromkeys(str(number) for number in numbers if number))
        if self._last_record is not None:
            add_records(found, [*self._samples.kept, self._last_record])
        return found

    def _define(self, raw: bytes) -> Definition:
        definition = self._definitions.get(raw)
        if definition is None:
            self._definition_bytes += len(raw)
            if len(self._definitions) >= MAX_DEFINITIONS or self._definition_bytes > MAX_DEFINITION_BYTES:
                raise _Broken
            definition = self._definitions[raw] = Definition.parse(raw)
        return definition

    def _keep(self, definition: Definition | None, data: bytes, at: int, many: int) -> None:
        if definition is None:
            return
        number, step = definition.number, definition.step
        if number in _RECORDED:
            self._is_empty = False
        if number == RECORD:
            if step > MAX_RECORD:
                return
            self._last = (definition, at + (many - 1) * step)
            self._samples.add_run(
                many, lambda index: (definition, data[at + index * step : at + (index + 1) * step])
            )
        elif number in _KEPT:
            kept, most = self._kept[number], 1 if number == LAP else MAX_KEPT
            for begin in range(at, at + min(many, most - len(kept)) * step, step):
                raw = data[begin : begin + step]
                kept.append((definition.values(raw), definition, raw if step <= MAX_RECORD else b""))

    def _decoded(self, number: int) -> list[dict[int, Value]]:
        return [values for values, _, _ in self._kept[number]]

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
        sessions = self._kept[SESSION]
        return [app_distance(definition, raw, described) for _, definition, raw in sessions if raw]


def _run(data: bytes, at: int, step: int) -> int:
    """How many messages with the same head stand here one behind the other, three at least, in windows that grow."""
    many, window, head = 3, _FIRST_WINDOW, bytes((data[at],))
    while True:
        begin = at + many * step
        heads = data[begin : begin + window * step : step]
        same = len(heads) - len(heads.lstrip(head))
        many += same
        if same < window:
            return many
        window *= 4
