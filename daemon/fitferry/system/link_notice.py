"""A one-time link in the log: one event, or on a terminal a block that is easy to read and to copy from."""

from __future__ import annotations

import sys
import textwrap
from typing import TextIO

import structlog

from fitferry.core.messages import Message

_LINE = 60
"""Characters of a line in the block at least; the link itself is never broken."""

_log = structlog.get_logger()


def show(event: str, reason: Message, name: str, link: str, *, stream: TextIO | None = None) -> None:
    """Say what a link is for, and the link: as the field `name` of an event, or in a block. A person is needed."""
    out = stream or sys.stderr
    if out.isatty():
        out.write(_block(str(reason), link))
        out.flush()
    else:
        _log.warning(event, reason=reason, **{name: link})


def _block(text: str, link: str) -> str:
    width = max(len(link), _LINE)
    lines = [f"│ {line:{width}} │" for line in [*textwrap.wrap(text, width), "", link]]
    return "\n".join(["", f"┌{'─' * (width + 2)}┐", *lines, f"└{'─' * (width + 2)}┘", "", ""])
