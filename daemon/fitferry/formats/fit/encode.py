"""FIT messages that are made, and when the timer of an activity ran."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

ENUM, UINT16, UINT32 = (0x00, "B"), (0x84, "H"), (0x86, "I")
"""Base types: their numbers, and how they are packed."""
_INVALID = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF}
Fields = list[tuple[int, tuple[int, str], int | None]]
"""Numbers of fields, their base types, and values; None for none."""


def encode(number: int, fields: Fields) -> bytes:
    """A definition and one message of it."""
    head = struct.pack("<BBBHB", 0x40, 0, 0, number, len(fields))
    places = b"".join(bytes([field, struct.calcsize(form), base]) for field, (base, form), _ in fields)
    values = b"".join(
        struct.pack(f"<{form}", _INVALID[form] if value is None else max(0, min(value, _INVALID[form])))
        for _, (_, form), value in fields
    )
    return head + places + b"\0" + values


@dataclass(slots=True)
class TimerEvents:
    changes: list[tuple[int, bool]] = field(default_factory=list)

    def paused(self, start: int, end: int) -> float:
        """Seconds between two moments in which it stood still."""
        total, stopped = 0, None
        for moment, runs in sorted(self.changes):
            if not runs and stopped is None:
                stopped = moment
            elif runs and stopped is not None:
                total += max(0, min(moment, end) - max(stopped, start))
                stopped = None
        return float(total)

    @property
    def runs(self) -> bool:
        """Whether it was not stopped at the end."""
        return not self.changes or max(self.changes)[1]
