"""The commands that change something: they ask the daemon, or do it themselves where none runs."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click

from fitferry.cli import output
from fitferry.cli.client import Daemon
from fitferry.cli.context import Context
from fitferry.config import Settings
from fitferry.core.errors import FitferryError, RequestRejected

CONSENT_SECONDS = 600
JOB = click.IntRange(1, 2**63 - 1)
"""The number of a job, as far as SQLite counts."""
_MANY = 2
_FINAL = frozenset({"completed", "failed", "held", "skipped"})


@click.command()
@click.pass_obj
def login(context: Context) -> None:
    """Print a one-time link into the page."""
    click.echo(Daemon(context).post("/api/v1/login-link")["url"])


@click.command()
@click.argument("athlete", required=False)
@click.option(
    "--paste", is_flag=True, help="The page cannot be reached: paste the address that the browser ended on."
)
@click.pass_obj
def connect(context: Context, athlete: str | None, paste: bool) -> None:  # noqa: FBT001  # click passes it so
    """Lead to Strava's consent, wait for the answer, and say as whom."""
    daemon = Daemon(context)
    query = {"athlete": athlete} if athlete else {}
    asked = daemon.get("/api/v1/strava/auth", **query, **({"paste": "1"} if paste else {}))
    click.echo(asked["authorization_url"])
    if paste:
        found = _pasted(daemon)
    else:
        if "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ:
            import webbrowser  # noqa: PLC0415  # every other command starts sooner without it

            webbrowser.open(asked["authorization_url"])
        output.line(
            "Open this address in a browser; it is good for ten minutes and once. Waiting …", err=True
        )
        found = _awaited(daemon, asked["state"])
    name = found["message"]
    output.line(name if paste or found["outcome"] != "connected" else f"connected as {name}")
    sys.exit(0 if found["outcome"] == "connected" else 1)


@click.command()
@click.argument("athlete", required=False)
@click.pass_obj
def disconnect(context: Context, athlete: str | None) -> None:
    """Revoke at Strava, and forget the tokens."""
    Daemon(context).post("/api/v1/strava/disconnect", {"athlete": athlete} if athlete else {})
    output.line("Disconnected.")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--athlete", help="Whose account receives them.")
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
            click.echo(f"{output.safe(file.name)}: {output.of(str(error))}", err=True)
            failed = True
            continue
        several = job.get("jobs", [job["id"]])
        queued |= dict.fromkeys(several, file)
        if not wait:
            numbers = ", ".join(map(str, several))
            status = job["status"]
            click.echo(f"{output.safe(file.name)}: {output.of(f'{status} as job {numbers}')}")
    if wait:
        failed = _watch(daemon, queued) or failed
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("jobs", nargs=-1, type=JOB)
@click.option("--failed", is_flag=True, help="Every failed job.")
@click.option(
    "--again", is_flag=True, help="Also send what was completed once more, under a fresh external id."
)
@click.pass_obj
def retry(context: Context, jobs: tuple[int, ...], failed: bool, again: bool) -> None:  # noqa: FBT001
    """Put failed jobs back into the queue, their count reset."""
    if bool(jobs) is failed or (failed and again):
        raise FitferryError("name the jobs, or say --failed alone")
    if context.daemon_runs():
        body: dict[str, Any] = {"failed": True} if failed else {"jobs": list(jobs), "again": again}
        found = Daemon(context).post("/api/v1/strava/retry", body)["uploads"]
        output.line(f"{len(found)} back in the queue")
        return
    with context.writing() as settings:
        actions = _actions(settings)
        done = actions.retry_failed() if failed else [actions.retry(job, again=again) for job in jobs]
    output.line(f"{len(done)} back in the queue")


@click.command()
@click.argument("jobs", nargs=-1, required=True, type=JOB)
@click.pass_obj
def dismiss(context: Context, jobs: tuple[int, ...]) -> None:
    """Put failed or held jobs aside."""
    activities = list(_activities(context, jobs))
    if context.daemon_runs():
        daemon = Daemon(context)
        for activity in activities:
            daemon.post(f"/api/v1/strava/dismiss/{activity}")
    else:
        with context.writing() as settings:
            for activity in activities:
                _actions(settings).dismiss(activity)
    output.line(f"{len(jobs)} put aside")


@click.command()
@click.argument("decision", required=False, type=click.Choice(["all", "since", "none"]))
@click.argument("day", required=False)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def backlog(context: Context, decision: str | None, day: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Say which old activities wait, or decide it: all, since DATE, none."""
    if (decision == "since") != (day is not None):
        raise FitferryError("`since` takes a day such as 2026-01-31, the others take none")
    if decision is None:
        found = _backlog_now(context)
    elif context.daemon_runs():
        body = {"decision": decision, **({"date": day} if day else {})}
        found = Daemon(context).post("/api/v1/strava/backlog", body)
    else:
        found = _decide(context, decision, day)
    if as_json:
        output.as_json(found)
    elif found["count"]:
        count, oldest, newest = found["count"], output.local(found["oldest"]), output.local(found["newest"])
        output.line(f"{count:,} old activities, from {oldest} to {newest}, wait for a decision")
        output.line(f"uploading all of them takes about {found['days']} day(s)")
    else:
        output.line("nothing waits for a decision")


@click.group()
def keys() -> None:
    """The key that seals the tokens."""


@keys.command()
@click.pass_obj
def rotate(context: Context) -> None:
    """Make a new first key, and seal every token anew."""
    if context.daemon_runs():
        Daemon(context).post("/api/v1/keys/rotate")
    else:
        from fitferry.auth import key_rotation as change  # noqa: PLC0415  # not every command needs them
        from fitferry.auth import token_cipher  # noqa: PLC0415  # the same
        from fitferry.auth.access_tokens import AccessTokens  # noqa: PLC0415  # the same
        from fitferry.strava import Strava  # noqa: PLC0415  # the same

        with context.writing() as settings, Strava(settings.strava) as strava:
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            kept = AccessTokens(strava, token_cipher.load(settings.state.key_file, now))
            change.rotate(settings.state.key_file, kept)
    output.line("a new key seals every token")


def _awaited(daemon: Daemon, state: str) -> dict[str, Any]:
    """What came of a consent that goes on in a browser."""
    deadline = time.monotonic() + CONSENT_SECONDS
    while time.monotonic() < deadline:
        found = daemon.get("/api/v1/strava/auth/outcome", state=state)
        if found["outcome"] != "waiting":
            return found
        time.sleep(0.5)
    return {"outcome": "late", "message": "nobody answered for ten minutes"}


def _pasted(daemon: Daemon) -> dict[str, Any]:
    """What comes of an address that was pasted; it holds a secret for some minutes."""
    output.line(
        "Open it in any browser. It ends on a page that cannot be shown; paste that page's address:", err=True
    )
    given = dict(parse_qsl(urlsplit(sys.stdin.readline().strip()).query))
    query = {name: given[name] for name in ("state", "code", "scope", "error") if name in given}
    if "state" not in query:
        raise FitferryError("this is not the address that the browser ended on: it has no state= in it")
    return daemon.get("/api/v1/strava/callback", **query)


def _watch(daemon: Daemon, queued: dict[int, Path]) -> bool:
    """Tell each outcome as it comes, with a bar on a terminal; whether one of them is on its way no more."""
    failed, told, total = False, dict.fromkeys(queued, ""), len(queued)
    with _bar(total) as (forward, tell):
        while queued:
            shown = {job["id"]: job for job in _recent(daemon, min(queued))}
            for job in [shown[job_id] for job_id in list(queued) if job_id in shown]:
                standing = output.standing(job)
                if standing != told[job["id"]]:
                    told[job["id"]] = standing
                    tell(_outcome(queued[job["id"]], job, standing), output.STATUSES.get(job["status"]))
                if job["status"] in _FINAL:
                    failed = failed or job["status"] in {"failed", "held"}
                    del queued[job["id"]]
                    forward()
            if queued:
                time.sleep(0.5)
    return failed


def _outcome(file: Path, job: dict[str, Any], standing: str) -> str:
    where = job["strava_url"] or output.of(job["error_message"] or "")
    return f"{output.safe(file.name)}: {standing} {where}".rstrip()


@contextlib.contextmanager
def _bar(total: int) -> Iterator[tuple[Callable[[], None], Callable[[str, str | None], None]]]:
    """A bar for several files on a terminal; what moves it on by one, and what prints a line beside it."""
    if total < _MANY or not sys.stdout.isatty():
        yield lambda: None, lambda words, colour: click.secho(words, fg=colour)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress  # noqa: PLC0415  # only on a terminal
    from rich.text import Text  # noqa: PLC0415  # the same

    with Progress(BarColumn(), MofNCompleteColumn(), console=output.console(), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield (
            lambda: progress.advance(task),
            lambda words, colour: progress.console.print(Text(words, colour or ""), soft_wrap=True),
        )


def _recent(daemon: Daemon, oldest: int) -> Iterable[dict[str, Any]]:
    before: int | None = None
    while True:
        page = daemon.get("/api/v1/strava/uploads", limit=200, **({"before": before} if before else {}))
        yield from page["uploads"]
        before = page["next_before"]
        if before is None or before <= oldest:
            break
    yield from daemon.get("/api/v1/strava/uploads", limit=200, status="skipped")["uploads"]


def _activities(context: Context, wanted: Iterable[int]) -> Iterable[int]:
    from fitferry.storage import uploads  # noqa: PLC0415  # not every command needs it

    with context.reading():
        for job_id in wanted:
            job = uploads.get(job_id)
            if job is None:
                raise RequestRejected("unknown", f"there is no job {job_id}", 404)
            yield job.activity_id


def _actions(settings: Settings) -> Any:
    from fitferry.uploads.commands import Actions  # noqa: PLC0415  # not every command needs it

    return Actions(settings, wake=lambda: None, clock=time.time)


def _backlog_now(context: Context) -> dict[str, Any]:
    from fitferry.monitoring import status_json  # noqa: PLC0415  # not every command needs them
    from fitferry.uploads import commands  # noqa: PLC0415  # not every command needs them

    athletes = context.settings().athletes
    with context.reading():
        return status_json.backlog(commands.backlog(athletes, time.time()))


def _decide(context: Context, decision: str, day: str | None) -> dict[str, Any]:
    from fitferry.monitoring import status_json  # noqa: PLC0415  # not every command needs it

    try:
        since = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise FitferryError(f"{day!r} is no day such as 2026-01-31") from error
    with context.writing() as settings:
        return status_json.backlog(_actions(settings).decide_backlog(decision, since))


COMMANDS = (login, connect, disconnect, upload, retry, dismiss, backlog, keys)
