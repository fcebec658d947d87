"""What a walk through a FIT file has found, as raw numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from fitferry.core.activity import FileKind, Sample
from fitferry.core.messages import Message
from fitferry.formats.fit.fields import Definition, Value, read_value, record_reader

MAX_METRES = 1e8
_DEGREES = 180 / 2**31
"""Positions are in semicircles, signed."""

Record = tuple[Definition, bytes]
"""A message: its definition, and its bytes."""


@dataclass(slots=True)
class Probe:
    """What a walk has found. Fields are raw numbers by field number; `distances`: of the sessions' app fields."""

    kind: FileKind
    reason: Message | None
    file_id: dict[int, Value] = field(default_factory=dict)
    sport: dict[int, Value] = field(default_factory=dict)
    sessions: list[dict[int, Value]] = field(default_factory=list)
    first_lap: dict[int, Value] = field(default_factory=dict)
    distances: list[float | None] = field(default_factory=list)
    serials: tuple[str, ...] = ()
    is_empty: bool = True
    times: list[int] = field(default_factory=list)
    last_distance: int | None = None
    samples: tuple[Sample, ...] = ()


def add_records(found: Probe, records: list[Record]) -> None:
    """Add times, the last distance, and samples of place and effort. `records`: some, and the last one."""
    readers = {definition: record_reader(definition) for definition in {record[0] for record in records}}
    samples = []
    for definition, raw in records:
        moment, latitude, longitude, heart_rate, found.last_distance, power = readers[definition](raw)
        if moment is not None:
            found.times.append(moment)
        samples.append(
            Sample(
                None if latitude is None else latitude * _DEGREES,
                None if longitude is None else longitude * _DEGREES,
                heart_rate,
                power,
            )
        )
    found.samples = tuple(samples[:-1])


def app_distance(
    definition: Definition, raw: bytes, described: dict[tuple[Value, Value], int]
) -> float | None:
    """Metres that an app says of a session. `described`: base types by the app's index and the field's number."""
    for place in definition.fields:
        base = described.get((place.developer, place.number)) if place.developer is not None else None
        if base is not None:
            value = read_value(raw, place.offset, place.size, base, definition.order)
            if not isinstance(value, str) and value is not None and 0 <= value < MAX_METRES:
                return float(value)
    return None
