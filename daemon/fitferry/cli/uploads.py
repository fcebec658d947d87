"""The commands that change uploads: they ask the daemon, or do it themselves where none runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitferry.cli import completion, output, progress
from fitferry.cli.client import Daemon, DaemonRefused
from fitferry.cli.context import Context
from fitferry.core.api_types import BacklogJson, JobJson, UploadsJson
from fitferry.core.errors import FitferryError, RequestRejected
from fitferry.core.messages import cli
from fitferry.core.upload import Status

if TYPE_CHECKING:
    from fitferry.config.schema import Settings
    from fitferry.uploads.commands import Actions

JOB = click.IntRange(1, 2**63 - 1)
"""The number of a job, as far as SQLite counts."""
_ONCE_AGAIN = (Status.FAILED, Status.HELD, Status.COMPLETED)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--athlete", shell_complete=completion.athletes, help="Whose account receives them.")
@click.option("--wait", is_flag=True, help="Wait for each outcome; exit 1 if one failed or is held.")
@click.pass_obj
def upload(context: Context, files: tuple[Path, ...], athlete: str | None, wait: bool) -> None:  # noqa: FBT001
    """Upload these files now, wherever they are, also those that are held."""
    daemon, failed = Daemon(context), False
    queued: dict[int, Path] = {}
    for file in files:
        try:
            job = daemon.post_file("/api/v1/strava/upload", file, **({"athlete": athlete} if athlete else {}))
        except FitferryError as error:
            output.line(cli.FILE_RESULT(file=_name(file), result=error.message), err=True)
            failed = True
            continue
        numbers = job.get("jobs", [job["id"]])
        queued |= dict.fromkeys(numbers, file)
        if not wait:
            result = cli.TAKEN(status=progress.status_message(job), jobs=", ".join(map(str, numbers)))
            output.line(cli.FILE_RESULT(file=_name(file), result=result))
    if wait:
        failed = progress.follow(daemon, queued) or failed
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("jobs", nargs=-1, type=JOB, shell_complete=completion.jobs(*_ONCE_AGAIN))
@click.option("--failed", is_flag=True, help="Every failed job.")
@click.option(
    "--again", is_flag=True, help="Also send what was completed once more, under a fresh external id."
)
@click.pass_obj
def retry(context: Context, jobs: tuple[int, ...], failed: bool, again: bool) -> None:  # noqa: FBT001
    """Put failed jobs back into the queue, their count reset."""
    if bool(jobs) is failed or (failed and again):
        raise FitferryError(cli.NAME_JOBS())
    if context.daemon_runs():
        daemon = Daemon(context)

        def ask(**body: object) -> int:
            return len(daemon.post(UploadsJson, "/api/v1/strava/retry", body)["uploads"])

        if failed:
            done, refused = ask(failed=True), 0
        else:
            done, refused = _each(jobs, lambda job: ask(jobs=[job], again=again))
    else:
        with context.writing() as settings:
            actions = _actions(settings)
            if failed:
                done, refused = len(actions.retry_failed()), 0
            else:
                done, refused = _each(jobs, lambda job: actions.retry(job, again=again))
    output.line(cli.QUEUED_AGAIN(count=done))
    sys.exit(1 if refused else 0)


@click.command()
@click.argument(
    "jobs", nargs=-1, required=True, type=JOB, shell_complete=completion.jobs(Status.FAILED, Status.HELD)
)
@click.pass_obj
def dismiss(context: Context, jobs: tuple[int, ...]) -> None:
    """Dismiss failed or held jobs: they are skipped, and no longer need attention."""
    known = dict(_activities(context, jobs))
    for job in jobs:
        if job not in known:
            output.line(cli.NO_JOB(job=str(job)), err=True)
    if context.daemon_runs():
        daemon = Daemon(context)
        done, refused = _each(known, lambda job: daemon.post(JobJson, f"/api/v1/strava/dismiss/{known[job]}"))
    else:
        with context.writing() as settings:
            actions = _actions(settings)
            done, refused = _each(known, lambda job: actions.dismiss(known[job]))
    output.line(cli.DISMISSED(count=done))
    sys.exit(1 if refused or len(known) < len(set(jobs)) else 0)


@click.command()
@click.argument("decision", required=False, type=click.Choice(["all", "since", "none"]))
@click.argument("day", required=False)
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
@click.pass_obj
def backlog(context: Context, decision: str | None, day: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Say which old activities wait, or decide it: all, since DATE, none."""
    if (decision == "since") != (day is not None):
        raise FitferryError(cli.SINCE_TAKES_A_DAY())
    if decision is None:
        found = _backlog_now(context)
    elif context.daemon_runs():
        body = {"decision": decision, **({"date": day} if day else {})}
        found = Daemon(context).post(BacklogJson, "/api/v1/strava/backlog", body)
    else:
        found = _decide(context, decision, day)
    if as_json:
        output.as_json(found)
    elif found["count"]:
        oldest, newest = output.local(found["oldest"]), output.local(found["newest"])
        output.line(cli.BACKLOG(count=found["count"], oldest=oldest, newest=newest))
        output.line(cli.BACKLOG_DAYS(count=found["days"]))
    else:
        output.line(cli.NO_BACKLOG())


def _each(jobs: Iterable[int], work: Callable[[int], object]) -> tuple[int, int]:
    """Do something for each job; how often it worked, and how often it was refused, which is told."""
    done = refused = 0
    for job in dict.fromkeys(jobs):
        try:
            work(job)
            done += 1
        except (RequestRejected, DaemonRefused) as error:
            output.line(cli.JOB_RESULT(job=str(job), result=error.message), err=True)
            refused += 1
    return done, refused


def _name(file: Path) -> str:
    return file.name or str(file)


def _activities(context: Context, wanted: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Each job that exists, with its activity."""
    from fitferry.storage import uploads  # noqa: PLC0415  # not every command needs it

    with context.reading():
        for job_id in wanted:
            job = uploads.get(job_id)
            if job is not None:
                yield job_id, job.activity_id


def _actions(settings: Settings) -> Actions:
    from fitferry.uploads.commands import Actions  # noqa: PLC0415  # not every command needs it

    return Actions(settings, wake=lambda: None, clock=time.time)


def _backlog_now(context: Context) -> BacklogJson:
    from fitferry.monitoring import status_json  # noqa: PLC0415  # not every command needs them
    from fitferry.uploads import commands  # noqa: PLC0415  # the same

    athletes = context.settings().athletes
    with context.reading():
        return status_json.backlog(commands.backlog(athletes, time.time()))


def _decide(context: Context, decision: str, day: str | None) -> BacklogJson:
    from fitferry.monitoring import status_json  # noqa: PLC0415  # not every command needs it

    try:
        since = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise FitferryError(cli.NOT_A_DAY(option="since", text=str(day))) from error
    with context.writing() as settings:
        return status_json.backlog(_actions(settings).decide_backlog(decision, since))


COMMANDS = (upload, retry, dismiss, backlog)
