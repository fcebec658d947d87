"""Two FIT decoders that this project did not write, as judges."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import fitdecode
import fitparse
import fitparse.records

EPOCH = 631_065_600


@dataclass(frozen=True)
class Judged:
    """What a decoder reads: the first session's start, the end, seconds and metres over all; records' times, metres."""

    start: float
    elapsed: float
    distance: float | None
    times: tuple[float, ...]
    metres: tuple[float, ...]


def by_fitparse(data: bytes) -> Judged | None:
    """What fitparse reads of a file with its checksum; None where it does not read it whole."""
    fitparse.records.DEV_TYPES.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            messages = [(m.name, m.get_values()) for m in fitparse.FitFile(data).get_messages()]
        except Exception:  # noqa: BLE001  # it raises half a dozen kinds
            return None
    return _judged(messages)


def by_fitdecode(data: bytes) -> Judged | None:
    """What fitdecode reads of a file with its checksum; None where it does not read it whole."""
    try:
        with fitdecode.FitReader(data, check_crc=fitdecode.CrcCheck.RAISE) as reader:
            frames = [frame for frame in reader if isinstance(frame, fitdecode.FitDataMessage)]
        messages = [(frame.name, {field.name: field.value for field in frame.fields}) for frame in frames]
    except Exception:  # noqa: BLE001  # the same
        return None
    return _judged(messages)


def _judged(messages: list[tuple[str, dict[str, Any]]]) -> Judged | None:
    sessions = [values for name, values in messages if name == "session"]
    records = [values for name, values in messages if name == "record" and _stamp(values.get("timestamp"))]
    names = {name for name, _ in messages}
    if not sessions or not records or not {"lap", "activity"} <= names:
        return None
    distances = [values["total_distance"] for values in sessions if values.get("total_distance") is not None]
    metres = [values["distance"] for values in records if isinstance(values.get("distance"), int | float)]
    return Judged(
        start=_stamp(sessions[0].get("start_time")),
        elapsed=sum(values.get("total_elapsed_time") or 0 for values in sessions),
        distance=float(sum(distances)) if len(distances) == len(sessions) else None,
        times=tuple(_stamp(values.get("timestamp")) for values in records),
        metres=tuple(metres),
    )


def _stamp(value: Any) -> float:
    return value.timestamp() if hasattr(value, "timestamp") else 0.0


def is_right(judged: Judged | None) -> bool:
    """Whether start, length and distance are those of the records, within one of them."""
    if judged is None:
        return False
    times = sorted(judged.times)
    step = max(2.0, max((b - a for a, b in itertools.pairwise(times[:20])), default=2.0))
    starts = abs(judged.start - times[0]) <= step
    lasts = abs(judged.start + judged.elapsed - times[-1]) <= max(
        step, times[-1] - times[-2] if len(times) > 1 else 0
    )
    if not judged.metres or judged.distance is None:
        return starts and lasts
    far = max(judged.metres)
    one = max((abs(b - a) for a, b in itertools.pairwise(judged.metres)), default=1.0)
    return starts and lasts and abs(judged.distance - far) <= max(one, 1.0)
