"""What every command needs of its process before it says anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def prepare(environ: Mapping[str, str]) -> None:
    """Let what a terminal cannot show be written otherwise, and let TZ count without quotes around it."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may know no Korean
    if "TZ" in environ:
        from fitferry.config.environment import use_time_zone  # noqa: PLC0415  # it imports the settings

        use_time_zone(environ)


def _open_closed_streams() -> None:
    """Let what the caller has closed (`>&-`) lead nowhere: else the next file that is opened were standard output."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115  # it stays open to the end
