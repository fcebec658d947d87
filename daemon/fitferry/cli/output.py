"""What commands print: in the person's language, in colours on a terminal, within its width, harmless everywhere.

No name of a file can break a line, move the cursor or turn a line round.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import click

from fitferry.core.messages import Message
from fitferry.core.printable import escaped_json, printable
from fitferry.i18n.translator import Translator, for_setting

if TYPE_CHECKING:
    from rich.console import Console

_chosen = ["auto"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: cells, what stands whole behind or below them, and the colour."""

    cells: Sequence[str]
    rest: str = ""
    colour: str | None = None


def speak(setting: str) -> None:
    """Speak the language of `[web] language` from now on; `auto` leaves it to the locale."""
    _chosen[0] = setting


def spoken() -> Translator:
    """The language that is spoken."""
    return for_setting(_chosen[0], os.environ)


def of(text: Message | str) -> str:
    """A message or a finished English sentence, as it is shown."""
    return printable(spoken().translate(text))


def line(
    text: Message | str,
    *,
    err: bool = False,
    colour: str | None = None,
    indent: int = 0,
    start: tuple[str, str | None] = ("", None),
) -> None:
    """Print a sentence, wrapped at spaces on a terminal; `start`: what stands before it, in its own colour."""
    before, before_colour = start
    first, *rest = wrapped(before + of(text), _width(err=err), indent)
    if before:
        click.secho(before, fg=before_colour, nl=False, err=err)
    for shown in (first.removeprefix(before), *rest):
        click.secho(shown, err=err, fg=colour)


def as_json(value: object) -> None:
    """Print JSON for programs; what could move a terminal's cursor is escaped."""
    click.echo(escaped_json(json.dumps(value, ensure_ascii=False, indent=1)))


def table(heads: Sequence[Message | str], rows: Sequence[Row], *, wide: bool = False) -> None:
    """Print rows: aligned, with heads and colours on a terminal, tab-separated elsewhere.

    Where a row is wider than the terminal, its rest stands whole on lines of its own; `wide` keeps it in one.
    """
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(printable(cell) for cell in (*row.cells, row.rest)))
        return
    shown = [Row([of(head) for head in heads], colour="bright_black")] if rows else []
    shown += [Row([printable(cell) for cell in row.cells], printable(row.rest), row.colour) for row in rows]
    widths = [max(map(columns, column)) for column in zip(*(row.cells for row in shown), strict=True)]
    width = 10_000 if wide else _width()
    for row in shown:
        for text in _row_lines(row, widths, width):
            click.secho(text, fg=row.colour)


def _row_lines(row: Row, widths: Sequence[int], width: int) -> list[str]:
    """A row in as many lines as it needs: cells that do not fit go below, as does the rest."""
    head, below = "", []
    for cell, space in zip(row.cells, widths, strict=True):
        if columns(head) + space <= width:
            head += cell + " " * (space - columns(cell) + 2)
        elif cell:
            below += wrapped(cell, width, 4)
    if row.rest and columns(head) + columns(row.rest) <= width:
        head += row.rest
    elif row.rest:
        below += wrapped(row.rest, width, 4)
    return [head.rstrip(), *below]


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """A text in lines of a width, broken at spaces only; later lines are indented by two more."""
    lines, current = [], " " * indent
    for word in text.split(" "):
        if current.strip() and columns(current) + 1 + columns(word) > width:
            lines.append(current)
            current = " " * (indent + 2) + word
        else:
            current += f" {word}" if current.strip() else word
    return [*lines, current]


def console() -> Console:
    from rich.console import Console  # noqa: PLC0415  # only where there is a terminal

    return Console(highlight=False)


def heading(text: Message | str) -> None:
    """Print a line that stands out on a terminal."""
    for shown in wrapped(of(text), _width()):
        click.secho(shown, bold=True)


def pairs(facts: Iterable[tuple[Message | str, str]]) -> None:
    """Print facts below a heading, one under the other."""
    listed = [(of(name), value) for name, value in facts]
    space = max((columns(name) for name, _ in listed), default=0) + 2
    for name, value in listed:
        click.echo(click.style(f"    {name}{' ' * (space - columns(name))}", dim=True) + printable(value))


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: Korean letters take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _width(*, err: bool = False) -> int:
    """Columns of the terminal; without one, lines are not wrapped."""
    stream = sys.stderr if err else sys.stdout
    return shutil.get_terminal_size().columns if stream.isatty() else 1_000_000


def duration(seconds: float | None) -> str:
    """A duration for people: 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)  # Python's own words for days are English
    return f"{hours}:{minutes:02}:{rest:02}"


def local(text: str | None) -> str:
    """A time of the API in the machine's own time zone."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M") if text else ""
