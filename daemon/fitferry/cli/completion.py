"""What a shell completes: numbers of jobs and names of athletes, from the history and the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError
from fitferry.core.upload import Status

_MOST = 100
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def athletes(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        names = _context(ctx).settings().athletes
    except FitferryError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def jobs(*statuses: Status) -> Complete:
    """Complete the numbers of the newest jobs of these statuses, with their files."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = _newest(_context(ctx), statuses)
        except FitferryError:
            return []
        return [CompletionItem(number, help=file) for number, file in found if number.startswith(incomplete)]

    return complete


def _newest(context: Context, statuses: Sequence[Status]) -> list[tuple[str, str]]:
    from fitferry.storage import queries  # noqa: PLC0415  # only where a shell asks for it

    with context.reading():
        listed = [job for status in statuses for job in queries.listed(status=status, limit=_MOST)]
    return [(str(job.id), job.file) for job in sorted(listed, key=lambda job: -job.id)]


def _context(ctx: click.Context) -> Context:
    return Context(ctx.find_root().params.get("config"))
