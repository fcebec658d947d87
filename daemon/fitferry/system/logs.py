"""Log lines: their formats, and what is never written in them."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO, TypeAlias

from fitferry.core.printable import escaped, escaped_json
from fitferry.system.event_log import FIELDS
from fitferry.system.log_handler import QueuedHandler, RepeatFilter

Event: TypeAlias = dict[str, Any]
"""The fields of an event, `event` and `level`; `exception` where it has a traceback."""
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_COLOURS = {"warning": 33, "error": 31, "critical": 31}
"""Of levels on a terminal, as ANSI counts them."""
_SECRET_KEYS = frozenset(
    {"access_token", "refresh_token", "client_secret", "authorization", "token", "code", "state", "cookie"}
)
_SECRET_TEXT = re.compile(
    r"(?i)\b(access_token|refresh_token|client_secret|code|state|token)(=|%3D)[^&\s\"']+|(Bearer|Basic)\s+[\w.~+/=-]+"
)
_LINKS = frozenset({"login_link", "setup_link"})
"""The fields that may hold a secret: how else would somebody sign in."""
RECENT = 200
"""Events that the page shows."""
_recent: deque[tuple[float, Event]] = deque(maxlen=RECENT)
"""Events with their times: the line is made when somebody reads it."""
_TELLTALES = ("apprise",)
"""Libraries whose lines hold the secrets in their addresses; that a message failed is said by ourselves."""


def configure(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send every event, and what libraries log, through one handler. `form`: auto, console or json."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = QueuedHandler(out)
    handler.addFilter(RepeatFilter())
    handler.setFormatter(_LineFormatter(_line_of(form, out)))
    root = logging.getLogger()
    for before in root.handlers:
        before.flush()
        before.close()
    root.handlers[:] = [handler, RecentHandler()]
    # What libraries say in passing is theirs, and may hold anything: addresses, statements, headers.
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger("fitferry").setLevel(number)
    for name in _TELLTALES:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class RecentHandler(logging.Handler):
    """Keeps the last events in memory for the page."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an event, with its traceback as text, which would keep what it leads to."""
        _recent.append((record.created, _event_of(record)))


def recent() -> list[str]:
    """The last events as harmless lines, the newest first."""
    return [_for_page(event, created) for created, event in reversed(_recent)]


class _LineFormatter(logging.Formatter):
    """Makes lines of records, each with an event and its time."""

    def __init__(self, line_of: Callable[[Event, float], str]) -> None:
        super().__init__()
        self._line_of = line_of

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return self._line_of(_event_of(record), record.created)


def _event_of(record: logging.LogRecord) -> Event:
    """An event of our own, or what a library says as one."""
    event = {**getattr(record, FIELDS, {}), "event": record.getMessage(), "level": record.levelname.lower()}
    if record.exc_info and record.exc_info[0]:
        event["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return event


def _line_of(form: str, out: TextIO) -> Callable[[Event, float], str]:
    """What turns an event and its time into a line."""
    if form == "auto" and _is_journal(out):
        return _for_journal
    if form == "console" or (form == "auto" and out.isatty()):
        return partial(_for_console, coloured=out.isatty())
    return _as_json


def _is_journal(out: TextIO) -> bool:
    """Whether what is written goes to systemd's journal: it names the stream by device and inode."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        stat = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{stat.st_dev}:{stat.st_ino}"


def _as_json(event: Event, created: float) -> str:
    """One line of JSON that is harmless on a terminal, too: JSON itself escapes only what is below U+0020."""
    time_stamp = datetime.fromtimestamp(created, UTC).isoformat().replace("+00:00", "Z")
    return escaped_json(json.dumps({**_redacted(event), "timestamp": time_stamp}, ensure_ascii=False))


def _for_journal(event: Event, _created: float) -> str:
    """The journal keeps the time itself; the prefix is how it learns the priority."""
    shown = _redacted(event)
    fields = {"event": shown.pop("event"), **shown}
    return f"<{_PRIORITY[fields.pop('level')]}>{_logfmt(fields)}"


def _for_console(event: Event, created: float, *, coloured: bool) -> str:
    """A traceback follows in lines of its own."""
    shown = _redacted(event)
    trace = escaped(shown.pop("exception", ""), keep="\n\t")
    colour = _COLOURS.get(event["level"]) if coloured else None
    line = _in_words(shown, created)
    line = f"\x1b[{colour}m{line}\x1b[0m" if colour else line
    return f"{line}\n{trace}" if trace else line


def _for_page(event: Event, created: float) -> str:
    """Without links: whoever reads the page is signed in, and a link on it could be photographed."""
    shown = {name: value for name, value in event.items() if name not in _LINKS}
    return _in_words(_redacted(shown), created)


def _in_words(event: Event, created: float) -> str:
    """When, how grave and what; then the fields."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created))
    head = f"{moment} {event.pop('level')} {escaped(event.pop('event'))}"
    return f"{head} {_logfmt(event)}".rstrip()


def _logfmt(fields: Event) -> str:
    """Fields as `name=value`; what moves a terminal's cursor, turns its text around or ends a line is shown as escapes."""
    return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _quoted(value: object) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else escaped(str(value))
    if any(character in text for character in ' ="'):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _redacted(event: Event) -> Event:
    """The event without what is secret, by its key and by its looks; undecodable bytes of names become readable."""
    return {name: value if name in _LINKS else _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: object) -> object:
    if name in _SECRET_KEYS:
        return "…"
    if isinstance(value, list | tuple):
        return [_shown("", part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return hide(str(value)).encode("utf-8", "replace").decode()


def hide(text: str) -> str:
    """The text without what looks like a secret in an address or a header."""
    return _SECRET_TEXT.sub(lambda found: f"{found[1] or found[3]}…", text)
