"""Log lines: their formats, and what is never written in them. Owns structlog's configuration."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections import deque
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from fitferry.core.messages import Message
from fitferry.core.printable import escaped, escaped_json
from fitferry.system.log_handler import QueuedHandler, RepeatFilter

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2, "exception": 3}
_SECRET_KEYS = frozenset(
    {"access_token", "refresh_token", "client_secret", "authorization", "token", "code", "state", "cookie"}
)
_SECRET_TEXT = re.compile(
    r"(?i)\b(access_token|refresh_token|client_secret|code|state|token)(=|%3D)[^&\s\"']+|(Bearer|Basic)\s+[\w.~+/=-]+"
)
_AS_THEY_ARE = frozenset({"login_link", "setup_link", "exc_info"})
"""Links may carry a secret: how else would somebody sign in. A traceback is looked through when it is text."""
_TEXTS = (str, BaseException, Message)
_SEVERAL_LINES = frozenset({"exception", "stack"})
RECENT = 200
"""Events that the page shows."""
_LOCAL = "%Y-%m-%d %H:%M:%S"
_recent: deque[str | tuple[float, dict[str, Any]]] = deque(maxlen=RECENT)
"""Lines, and events with their times: of those the line is made when somebody reads it."""
_TELLTALES = ("apprise",)
"""Libraries whose lines hold the secrets in their addresses; that a message failed is said by ourselves."""

Event = MutableMapping[str, Any]


def configure(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send every event, and what libraries log, through one handler. `form`: auto, console or json."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = QueuedHandler(out)
    handler.addFilter(RepeatFilter())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(form, out))
    )
    recent_handler = RecentHandler()
    recent_handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_for_people())
    )
    root = logging.getLogger()
    for before in root.handlers:
        before.flush()
        before.close()
    root.handlers[:] = [handler, recent_handler]
    # What libraries say in passing is theirs, and may hold anything: addresses, statements, headers.
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger("fitferry").setLevel(number)
    for name in _TELLTALES:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class RecentHandler(logging.Handler):
    """Keeps the last events in memory for the page; one-time links stay out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an event, or the line of what is none of ours or has a traceback, which would keep what it leads to."""
        event = record.msg
        ours = hasattr(record, "_name")  # as structlog's own formatter tells
        if ours and isinstance(event, dict) and not event.get("exc_info"):
            _recent.append((record.created, event))
        else:
            _recent.append(self.format(record))


def recent() -> list[str]:
    """The last events, the newest first."""
    return [kept if isinstance(kept, str) else _shown(*kept) for kept in reversed(_recent)]


def _shown(created: float, kept: dict[str, Any]) -> str:
    event: Event = {**kept, "timestamp": time.strftime(_LOCAL, time.localtime(created))}
    return _as_line(None, "", _escape(None, "", _without_links(None, "", event)))


def _for_people() -> list[Any]:
    """The processors of the lines that the page shows."""
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _with_traceback,
        _without_links,
        _escape,
        structlog.processors.TimeStamper(fmt=_LOCAL, utc=False),
        _as_line,
    ]


def _as_line(logger: object, method: str, event: Event) -> str:
    """When, how grave and what, in words; then the fields."""
    head = [str(event.pop(name)) for name in ("timestamp", "level", "event") if name in event]
    return " ".join(
        [*head, structlog.processors.LogfmtRenderer(bool_as_flag=False)(logger, method, event)]
    ).rstrip()


def _without_links(_logger: object, _method: str, event: Event) -> Event:
    """Whoever reads the page is signed in, and a link on it could be photographed."""
    event.pop("login_link", None)
    event.pop("setup_link", None)
    return event


def _last(form: str, out: TextIO) -> list[Any]:
    """The processors that turn an event into a line."""
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    before = [remove, _with_traceback]
    if form == "auto" and _is_journal(out):
        # The journal keeps the time itself; the prefix is how it learns the priority.
        return [*before, _escape, _for_journal]
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=form != "console" and not out.isatty())
    if form == "console" or (form == "auto" and out.isatty()):
        return [*before, _escape, stamp, structlog.dev.ConsoleRenderer(colors=out.isatty())]
    return [*before, stamp, _as_json]


def _as_json(_logger: object, _method: str, event: Event) -> str:
    """One line of JSON that is harmless on a terminal, too: JSON itself escapes only what is below U+0020."""
    return escaped_json(json.dumps(event, ensure_ascii=False, default=str))


def _escape(_logger: object, _method: str, event: Event) -> Event:
    """Show characters that move a terminal's cursor, turn its text around or end a line as escapes."""
    for key, value in event.items():
        if value is None or isinstance(value, bool | int | float):
            continue
        event[key] = escaped(str(value), keep="\n\t" if key in _SEVERAL_LINES else "")
    return event


def _is_journal(out: TextIO) -> bool:
    """Whether what is written goes to systemd's journal: it names the stream by device and inode."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        stat = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{stat.st_dev}:{stat.st_ino}"


def _for_journal(_logger: object, _method: str, event: Event) -> str:
    level = str(event.pop("level", "info"))
    line = structlog.processors.LogfmtRenderer(key_order=["event"], bool_as_flag=False)(None, "", event)
    return f"<{_PRIORITY.get(level, 6)}>" + str(line).replace("\n", "\\n")


def _redact(_logger: object, _method: str, event: Event) -> Event:
    """Take out what is secret, by its key and by its looks; undecodable bytes of names become readable."""
    for key, value in event.items():
        if key not in _AS_THEY_ARE:
            event[key] = "…" if key in _SECRET_KEYS else _redacted(value)
    return event


def _with_traceback(logger: Any, method: str, event: Event) -> Event:
    """The traceback of an exception as text, without what is secret; the rest has been looked through already."""
    event = structlog.processors.format_exc_info(logger, method, event)
    return _redact(logger, method, event) if "exception" in event else event


def _redacted(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_redacted(part) for part in value]
    return hide(str(value)).encode("utf-8", "replace").decode() if isinstance(value, _TEXTS) else value


def hide(text: str) -> str:
    """The text without what looks like a secret in an address or a header."""
    return _SECRET_TEXT.sub(lambda found: f"{found[1] or found[3]}…", text)
