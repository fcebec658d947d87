"""What a command writes on a terminal, or into a pipe, as it comes."""

from __future__ import annotations

import os
import select
import time

from patience import PATIENCE


def read_until(handle: int, words: str | None) -> str:
    """What comes until these words have come; None: until the end."""
    seen, deadline = "", time.monotonic() + PATIENCE
    while (words is None or words not in seen) and time.monotonic() < deadline:
        if select.select([handle], [], [], 0.2)[0]:
            try:
                seen += os.read(handle, 65_536).decode("utf-8", "replace")
            except OSError:  # how Linux tells the end of a terminal
                break
    assert words is None or words in seen, seen
    return seen
