"""How much of an unfinished file is there? From its first bytes, which say how long it will be, and its last ones."""

from __future__ import annotations

import os

from fitferry.formats import fit

_CHUNK = 1 << 16
_ZEROS = bytes(_CHUNK)


def measure(path: str, size: int) -> tuple[int, int | None]:
    """Bytes that are there and bytes that there will be, None where the file does not say."""
    try:
        with open(path, "rb") as file:  # names of any bytes, without a Path for each
            want = fit.announced_length(file.read(fit.HEAD))
            if want is None or want < size:
                return size, None
            # Copiers that set the length first leave zeros where nothing came yet.
            have = size if want > size else _filled(file.fileno(), size)
            return (have, want) if have < want else (size, None)  # all is there, and still it is not whole
    except OSError:
        return size, None


def _filled(handle: int, size: int) -> int:
    """How far a file reaches before nothing but zeros follows."""
    while size:
        start = max(0, size - _CHUNK)
        chunk = os.pread(handle, size - start, start)
        if chunk != _ZEROS[: len(chunk)]:
            return start + len(chunk.rstrip(b"\0"))
        size = start
    return 0
