"""How does a command show things? In the person's language, in tables and colours on a terminal, plain elsewhere.

No name of a file can break a line or move the cursor.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

import click

from fitferry.core.messages import Message
from fitferry.core.upload import WAITS
from fitferry.i18n.translator import LANGUAGES, Translator, chosen, say

if TYPE_CHECKING:
    from rich.console import Console

STATES = {say("ok"): "green", say("waiting"): "yellow", say("attention"): "red"}
STATUSES = {
    say("completed"): "green",
    say("failed"): "red",
    say("held"): "red",
    say("pending"): "yellow",
    say("processing"): "yellow",
}
RESULTS = {"ok": "green", say("warn"): "yellow", say("bad"): "red"}
_chosen: list[str] = []


def speak(setting: str) -> None:
    """Speak the language of `[web] language` from now on; `auto` leaves it to the locale."""
    _chosen[:] = [setting] if setting in LANGUAGES else []


def spoken() -> Translator:
    """The language that is spoken."""
    return chosen(_chosen[0] if _chosen else "", os.environ)


def of(text: Message | str) -> str:
    """A message or a finished English sentence, as it is shown."""
    return safe(spoken().of(text))


def line(text: Message | str, *, err: bool = False, colour: str | None = None) -> None:
    """Print a sentence."""
    click.secho(of(text), err=err, fg=colour)


def as_json(value: Any) -> None:
    """Print JSON for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], colours: Sequence[str | None] = ()) -> None:
    """Print rows: with heads and colours on a terminal, tab-separated elsewhere. `colours`: one for each row."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(safe(cell) for cell in row))
        return
    from rich.table import Table  # noqa: PLC0415  # only where there is a terminal
    from rich.text import Text  # noqa: PLC0415  # the same

    shown = Table(*(of(head) for head in heads), box=None, pad_edge=False, header_style="dim")
    for at, row in enumerate(rows):
        shown.add_row(*(Text(safe(cell)) for cell in row), style=colours[at] if at < len(colours) else None)
    console().print(shown)


def console() -> Console:
    """The terminal."""
    from rich.console import Console  # noqa: PLC0415  # only where there is a terminal

    return Console(highlight=False)


def heading(text: str) -> None:
    """Print a line that stands out on a terminal."""
    click.secho(of(text), bold=True)


def pairs(facts: Sequence[tuple[str, str]]) -> None:
    """Print facts below a heading, one under the other."""
    names = [of(name) for name, _ in facts]
    width = max(map(_columns, names), default=0) + 2
    for shown, (_, value) in zip(names, facts, strict=True):
        click.echo(click.style(f"    {shown}{' ' * (width - _columns(shown))}", dim=True) + safe(value))


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: Korean letters take two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def duration(seconds: float | None) -> str:
    """A duration for people: 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def upload(job: dict[str, Any]) -> list[str]:
    """One upload as a row."""
    where = job["strava_url"] or of(job["error_message"] or "")
    return [
        str(job["id"]),
        local(job["start_time"]),
        of(job["sport"] or ""),
        job["file"],
        standing(job),
        where,
    ]


def standing(job: dict[str, Any]) -> str:
    """Where an upload stands, in words."""
    state = of(job["status"])
    if job["waiting_for"]:
        state += f", {of(WAITS[job['waiting_for']])}"
        if job["next_attempt_at"]:
            state += f" ({local(job['next_attempt_at'])})"
    return state


UPLOAD_HEADS = (say("Job"), say("Start"), say("Sport"), say("File"), say("Status"), "")


def local(text: str | None) -> str:
    """A time of the API in the machine's own time zone."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M") if text else ""


def safe(text: str) -> str:
    """A text without what could move a terminal's cursor or turn its line round."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
