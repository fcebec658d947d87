"""Bytes that are there of an unfinished file: from its first bytes, which say how long it will be, and its last ones."""

from __future__ import annotations

import os

from fitferry.formats import fit
from fitferry.inbox import file_reader

_CHUNK = 1 << 16
_ZEROS = bytes(_CHUNK)
_MAX_ZEROS = 1 << 26
"""Bytes of zeros that are looked through from the end; a sparse file may have terabytes."""


def measure(path: str, folder: str, size: int) -> tuple[int, int | None]:
    """Bytes that are there and bytes that there will be, None where the file does not say."""
    try:
        with file_reader.opened(path, folder) as handle:
            want = fit.announced_length(os.pread(handle, fit.HEAD, 0))
            if want is None or want < size:
                return size, None
            # Copiers that set the length first leave zeros where nothing came yet.
            have = size if want > size else _filled(handle, size)
            return (have, want) if have < want else (size, None)  # all is there, and still it is not whole
    except OSError:
        return size, None


def _filled(handle: int, size: int) -> int:
    """How far a file reaches before nothing but zeros follows."""
    end = size
    while size and end - size < _MAX_ZEROS:
        start = max(0, size - _CHUNK)
        chunk = os.pread(handle, size - start, start)
        if chunk != _ZEROS[: len(chunk)]:
            return start + len(chunk.rstrip(b"\0"))
        size = start
    return size
