"""How does a command show things? Tables on a terminal, plain lines elsewhere; no file name can break a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fitferry.model import WAITS


def as_json(value: Any) -> None:
    """Print JSON for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows: with lines and colours on a terminal, tab-separated elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(safe(cell) for cell in row))
        return
    from rich.console import Console  # noqa: PLC0415  # only where there is a terminal
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    shown = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(Text(safe(cell)) for cell in row))
    Console().print(shown)


def heading(text: str) -> None:
    """Print a line that stands out on a terminal."""
    click.secho(safe(text), bold=True)


def pair(name: str, value: str) -> None:
    """Print one fact below a heading."""
    click.echo(click.style(f"    {name:9}", dim=True) + safe(value))


def name(path: Path) -> str:
    """A path for people and for JSON; bytes that are no text are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def duration(seconds: float | None) -> str:
    """A duration for people: 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def upload(job: dict[str, Any]) -> list[str]:
    """One upload as a row."""
    state = job["status"]
    if job["waiting_for"]:
        state += f", {WAITS[job['waiting_for']]}"
        if job["next_attempt_at"]:
            state += f" (next at {local(job['next_attempt_at'])})"
    where = job["strava_url"] or job["error_message"] or ""
    return [str(job["id"]), local(job["start_time"]), job["sport"] or "", job["file"], state, where]


UPLOAD_HEADS = ("Job", "Start", "Sport", "File", "Status", "")


def local(text: str | None) -> str:
    """A time of the API in the machine's own time zone."""
    if not text:
        return ""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def safe(text: str) -> str:
    """A text without what could move a terminal's cursor or turn its line round."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
