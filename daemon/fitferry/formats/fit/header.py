"""The header of a FIT segment: how it is known, and how long it says that the file will be."""

from __future__ import annotations

SHORTEST = 12
"""Bytes of the shortest header."""
HEADER_SIZES = frozenset({12, 14})
SIGNATURE = b".FIT"
_SIGNATURE_AT = 8
_PREFIX_BYTES = 4096


def is_fit(data: bytes, at: int = 0) -> bool:
    return data[at + _SIGNATURE_AT : at + SHORTEST] == SIGNATURE


def holds_header(data: bytes) -> bool:
    """Whether other bytes stand before a FIT header, or between its own first ones."""
    at = data.find(SIGNATURE, _SIGNATURE_AT, _PREFIX_BYTES) - _SIGNATURE_AT
    return at >= 0 and not HEADER_SIZES.isdisjoint({data[0], data[at]})


def announced_length(head: bytes) -> int | None:
    """How many bytes a file will have by its first SHORTEST bytes; None where they do not say.

    Of several segments only the first is announced.
    """
    if not is_fit(head):
        return None
    data = int.from_bytes(head[4:8], "little")
    return head[0] + data + 2 if data else None
