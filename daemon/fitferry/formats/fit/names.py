"""What are the names of what is in a FIT file? Asks fitparse, with a file reduced to what it needs. Owns fitparse.

fitparse keeps every message (100 MB for a ride of 1.9 MB), raises half a dozen kinds of errors on odd files,
and keeps what developer fields are called in a module global. Reduced files are small, whatever it raises
means "no names", and the global is cleared before each of them, one at a time.
"""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass, field
from typing import Any

import fitparse
import fitparse.records

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Names:
    """What fitparse says; None where it has no name. `distances`: metres of each session."""

    sport: str | None = None
    sub_sport: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    distances: list[float | None] = field(default_factory=list)


def summarize(reduced: bytes) -> Names:
    """The names in a reduced file; none where fitparse cannot read it."""
    with _one_at_a_time, warnings.catch_warnings():
        # On Python 3.12 and later it still calls utcfromtimestamp.
        warnings.simplefilter("ignore", DeprecationWarning)
        fitparse.records.DEV_TYPES.clear()
        try:
            return _names(reduced)
        except Exception:  # noqa: BLE001  # TypeError, KeyError, struct.error …: a file without names is a file still
            return Names()


def _names(reduced: bytes) -> Names:
    found: dict[str, list[Any]] = {"file_id": [], "sport": [], "session": []}
    for message in fitparse.FitFile(reduced, check_crc=False).get_messages():
        if message.name in found:
            found[message.name].append(message)
    sport = (found["session"] or found["sport"] or [None])[0]
    file_id = (found["file_id"] or [None])[0]
    return Names(
        sport=_text(sport, "sport"),
        sub_sport=_text(sport, "sub_sport"),
        manufacturer=_text(file_id, "manufacturer"),
        product=_text(file_id, "garmin_product") or _text(file_id, "product"),
        distances=[_metres(message) for message in found["session"]],
    )


def _text(message: Any, name: str) -> str | None:
    value = message.get_value(name) if message is not None else None
    return value if isinstance(value, str) else None


def _metres(message: Any) -> float | None:
    value = message.get_value("total_distance")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN and nonsense occur in files that apps have made.
    return float(value) if number and 0 <= value < 100_000_000 else None
