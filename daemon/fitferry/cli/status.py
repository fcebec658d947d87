"""The commands that only look: `status`, `uploads`, `check`, `health`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from fitferry.cli import output
from fitferry.cli.client import Daemon
from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError
from fitferry.core.upload import Status
from fitferry.system import state_dir

_NEEDS_A_PERSON = 3
_LOOK_SECONDS = 0.5
_STATUSES = [status.value for status in Status]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The content of status.json.")
@click.option("--follow", is_flag=True, help="Show again whenever something changes, until Ctrl-C.")
@click.pass_obj
def status(context: Context, as_json: bool, follow: bool) -> None:  # noqa: FBT001  # click passes them so
    """Say how things are; exit 0 well or waiting, 3 a person is needed, 1 no daemon."""
    if not context.daemon_runs():
        output.line(
            "no daemon runs: start it with `fitferry run`, or with systemctl start fitferry", err=True
        )
        sys.exit(1)
    found = context.status()
    if follow and not as_json and sys.stdout.isatty():
        found = _follow_on_terminal(context, found)
    else:
        _print_status(found, as_json=as_json)
        while follow and _changes(context):
            found = context.status()
            _print_status(found, as_json=as_json)
    sys.exit(_NEEDS_A_PERSON if found["state"] == "attention" else 0)


@click.command()
@click.option("--status", "wanted", type=click.Choice(_STATUSES), help="Only those of one status.")
@click.option("--athlete", help="Only those of one athlete.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="So many at most."
)
@click.option("--json", "as_json", is_flag=True, help="As the API shows them.")
@click.pass_obj
def uploads(context: Context, wanted: str | None, athlete: str | None, limit: int, as_json: bool) -> None:  # noqa: FBT001
    """List the uploads, newest first; `skipped` ones only when asked for."""
    from fitferry.monitoring import status_json as shown  # noqa: PLC0415  # it opens the way to the ledger
    from fitferry.storage import queries  # noqa: PLC0415  # the same

    with context.reading():
        found = queries.listed(status=Status(wanted) if wanted else None, athlete=athlete, limit=limit)
        rows = shown.jobs_shown(found, time.time())
    if as_json:
        output.as_json({"uploads": rows})
    else:
        colours = [output.STATUSES.get(job.status) for job in found]
        output.table(output.UPLOAD_HEADS, [output.upload(row) for row in rows], colours)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A list with one object a line.")
@click.pass_obj
def check(context: Context, as_json: bool) -> None:  # noqa: FBT001
    """Say of each thing that can be wrong whether it is, and how to mend it."""
    from fitferry.cli.doctor import checks  # noqa: PLC0415  # it imports much

    wrong, found = False, []
    for one in checks(context):
        wrong = wrong or one.result == "bad"
        found.append(one.as_dict())
        if not as_json:
            words = f": {output.of(one.words)}" if one.words else ""
            result = click.style(f"{output.of(one.result):4}", fg=output.RESULTS[one.result])
            click.echo(f"{result} {output.of(one.what)}{words}")
    if as_json:
        output.as_json(found)
    sys.exit(1 if wrong else 0)


@click.command()
@click.pass_obj
def health(context: Context) -> None:
    """Exit 0 if the running daemon and its database answer, else 1; for containers."""
    answer = Daemon(context).get("/healthz")
    if answer.get("status") != "ok":
        raise FitferryError(f"the daemon is ill: {answer.get('reason', '')}")


def _changes(context: Context) -> bool:
    """Wait until the status is another one; False where the daemon has ended meanwhile."""
    path = context.folder() / state_dir.STATUS
    before = _written_at(path)
    while context.daemon_runs():
        if _written_at(path) != before:
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _follow_on_terminal(context: Context, found: dict[str, Any]) -> dict[str, Any]:
    """Show the status in place until Ctrl-C or the daemon's end; the last one."""
    from rich.live import Live  # noqa: PLC0415  # only where there is a terminal
    from rich.text import Text  # noqa: PLC0415  # the same

    def drawn() -> Text:
        return Text.from_ansi("\n".join(click.style(words, fg=colour) for words, colour in _lines(found)))

    with Live(drawn(), console=output.console(), auto_refresh=False) as live:
        try:
            while _changes(context):
                found = context.status()
                live.update(drawn(), refresh=True)
        except KeyboardInterrupt:
            pass
    return found


def _print_status(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(found)
        return
    for words, colour in _lines(found):
        click.secho(words, fg=colour)


def _lines(found: dict[str, Any]) -> list[tuple[str, str | None]]:
    """The status for people: each line and its colour."""
    of, state = output.of, found["state"]
    lines: list[tuple[str, str | None]] = [
        (f"{of(state)}: {of('the page is at {url}'.format(url=found['web']['url']))}", output.STATES[state])
    ]
    if state == "waiting":
        lines.append((f"  {of(_wait(found))}", "yellow"))
    lines += [(f"  ! {of(problem['message'])}", "red") for problem in found["problems"]]
    if found["queue"]["failed"]:
        words = f"failed uploads: {found['queue']['failed']:,}; `fitferry uploads --status failed` says why"
        lines.append((f"  ! {of(words)}", "red"))
    for person in found["athletes"]:
        lines.append((f"  {of(_connection(person))}", None))
    for watch in found["watch"]:
        how = "is watched" if watch["available"] else "is not there"
        lines.append((f"  {output.safe(watch['folder'])} {of(how)}", None if watch["available"] else "red"))
        if watch.get("note"):
            lines.append((f"    {of(watch['note'])}", None))
        for file in watch.get("receiving", []):
            share = f" {100 * file['size'] // file['of']} %" if file["of"] else ""
            lines.append((f"    {output.safe(file['file'])} {of('is being received')}{share}", "yellow"))
    counts = [f"{count} {of(name)}" for name, count in found["queue"].items() if count or name == "completed"]
    lines.append((f"  {', '.join(counts)}", None))
    if "import" in found:
        done, total = found["import"]["done"], found["import"]["done"] + found["import"]["waiting"]
        words = f"{done:,} of {total:,} old activities, done by {output.local(found['import']['done_by'])}"
        lines.append((f"  {of(words)}", None))
    last = found["last_upload"]
    if last:
        lines.append(
            (f"  {of('last upload')}: {output.safe(last['file'])} {last['strava_url'] or ''}".rstrip(), None)
        )
    return lines


def _wait(found: dict[str, Any]) -> str:
    until = found["rate_limit"]["held_until"]
    if until:
        return f"Strava's limit is used up until {output.local(until)}; all goes on by itself then"
    return "Strava cannot be reached now; nothing is lost, and all goes on by itself when it can"


def _connection(person: dict[str, Any]) -> str:
    if person["connected"]:
        return f"{person['name']} is connected as {person['display_name']}"
    return f"{person['name']} is not connected"


COMMANDS = (status, uploads, check, health)
