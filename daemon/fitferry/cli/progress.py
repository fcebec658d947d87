"""Where uploads stand, in words, and the wait for them to end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from fitferry.cli import output
from fitferry.cli.client import Daemon, message_of
from fitferry.core.api_types import JobJson, UploadsJson
from fitferry.core.messages import Message, cli
from fitferry.core.printable import printable
from fitferry.core.upload import OPEN, WAITS, Status, WaitingFor

STATUSES: dict[Status, tuple[Message, str | None]] = {
    Status.COMPLETED: (cli.COMPLETED(), "green"),
    Status.FAILED: (cli.FAILED(), "red"),
    Status.HELD: (cli.HELD(), "red"),
    Status.PENDING: (cli.PENDING(), "yellow"),
    Status.PROCESSING: (cli.PROCESSING(), "yellow"),
    Status.SKIPPED: (cli.SKIPPED(), None),
}
"""The word for each status, and its colour."""
_UPLOADS = "/api/v1/strava/uploads"
_LOOK_SECONDS = 0.5
_SEVERAL = 2


def status_message(job: JobJson) -> Message:
    return STATUSES[Status(job["status"])][0]


def colour(job: JobJson) -> str | None:
    return STATUSES[Status(job["status"])][1]


def standing(job: JobJson) -> str:
    """Where an upload stands, with what it waits for."""
    text = output.of(status_message(job))
    if job["waiting_for"]:
        text += f", {output.of(WAITS[WaitingFor(job['waiting_for'])])}"
        if job["next_attempt_at"]:
            text += f" ({output.local(job['next_attempt_at'])})"
    return text


def outcome(job: JobJson) -> str:
    """Where it is on Strava, or why not."""
    return job["strava_url"] or output.of(message_of(job.get("error_text"), job["error_message"]))


def follow(daemon: Daemon, queued: dict[int, Path]) -> bool:
    """Tell each outcome as it comes, with a bar on a terminal; whether one of them failed or is held."""
    failed, told = False, dict.fromkeys(queued, "")
    with _bar(len(queued)) as (forward, tell):
        while queued:
            shown = {job["id"]: job for job in _recent(daemon, min(queued))}
            for job in [shown[job_id] for job_id in list(queued) if job_id in shown]:
                now = standing(job)
                if now != told[job["id"]]:
                    told[job["id"]] = now
                    text = f"{printable(queued[job['id']].name)}: {now} {outcome(job)}".rstrip()
                    tell(text, colour(job))
                if job["status"] not in OPEN:
                    failed = failed or job["status"] in {Status.FAILED, Status.HELD}
                    del queued[job["id"]]
                    forward()
            if queued:
                time.sleep(_LOOK_SECONDS)
    return failed


@contextlib.contextmanager
def _bar(total: int) -> Iterator[tuple[Callable[[], None], Callable[[str, str | None], None]]]:
    """A bar for several files on a terminal; what moves it on by one, and what prints a line beside it."""
    if total < _SEVERAL or not sys.stdout.isatty():
        yield lambda: None, lambda text, colour: click.secho(text, fg=colour)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress  # noqa: PLC0415  # only on a terminal
    from rich.text import Text  # noqa: PLC0415  # the same

    with Progress(BarColumn(), MofNCompleteColumn(), console=output.console(), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield (
            lambda: bar.advance(task),
            lambda text, colour: bar.console.print(Text(text, colour or ""), soft_wrap=True),
        )


def _recent(daemon: Daemon, oldest: int) -> Iterable[JobJson]:
    """The uploads from the newest to one of a number, and those that were skipped."""
    before: int | None = None
    while True:
        page = daemon.get(UploadsJson, _UPLOADS, limit=200, **({"before": before} if before else {}))
        yield from page["uploads"]
        before = page.get("next_before")
        if before is None or before <= oldest:
            break
    yield from daemon.get(UploadsJson, _UPLOADS, limit=200, status="skipped")["uploads"]
