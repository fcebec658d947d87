"""What every command needs of its process before it says anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def prepare(environ: Mapping[str, str]) -> None:
    """Let what a terminal cannot show be written otherwise, and let TZ count without quotes around it."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may know no Korean
    if "TZ" in environ:
        from fitferry.config.environment import use_time_zone  # noqa: PLC0415  # it imports the settings

        use_time_zone(environ)
