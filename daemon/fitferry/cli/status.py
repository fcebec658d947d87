"""The commands that look at what the daemon does: `status`, `uploads`."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import click

from fitferry.cli import completion, output, progress
from fitferry.cli.client import Daemon, DaemonRefused, message_of
from fitferry.cli.context import Context
from fitferry.core.api_types import AthleteJson, JobJson, StatusJson, WatchJson
from fitferry.core.errors import FitferryError
from fitferry.core.messages import Message, cli, web
from fitferry.core.sports import shown_name
from fitferry.core.upload import Status
from fitferry.system import state_dir

Line = tuple[Message, str | None, int]
"""A line for people: the text, its colour, how far it is indented."""
_NEEDS_A_PERSON = 3
_FOLLOW_SECONDS = 0.5
_STATES = {
    "ok": (cli.STATE_OK(), "green"),
    "waiting": (cli.STATE_WAITING(), "yellow"),
    "attention": (cli.STATE_ATTENTION(), "red"),
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The content of status.json.")
@click.option("--follow", is_flag=True, help="Show again whenever something changes, until Ctrl-C.")
@click.pass_obj
def status(context: Context, as_json: bool, follow: bool) -> None:  # noqa: FBT001  # click passes them so
    """Say how things are; exit 0 well or waiting, 3 a person is needed, 1 no daemon."""
    if not context.daemon_runs():
        output.line(cli.NO_DAEMON(), err=True)
        sys.exit(1)
    found = now(context)
    if follow and not as_json and sys.stdout.isatty():
        found = _follow_on_terminal(context, found)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            _print_status(found, as_json=as_json)
            while follow and _changes(context):
                found = now(context)
                _print_status(found, as_json=as_json)
    sys.exit(_NEEDS_A_PERSON if found["state"] == "attention" else 0)


@click.command()
@click.option(
    "--status",
    "wanted",
    type=click.Choice([status.value for status in Status]),
    help="Only those of one status.",
)
@click.option("--athlete", shell_complete=completion.athletes, help="Only those of one athlete.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="The most to list."
)
@click.option("--json", "as_json", is_flag=True, help="As the API shows them.")
@click.option("--wide", is_flag=True, help="One line each, however wide the terminal is.")
@click.pass_obj
def uploads(
    context: Context,
    wanted: str | None,
    athlete: str | None,
    limit: int,
    as_json: bool,  # noqa: FBT001  # click passes them so
    wide: bool,  # noqa: FBT001  # the same
) -> None:
    """List the uploads, newest first; `skipped` ones only when asked for."""
    from fitferry.monitoring import status_json  # noqa: PLC0415  # it opens the way to the ledger
    from fitferry.storage import queries  # noqa: PLC0415  # the same

    with context.reading():
        found = queries.listed(status=Status(wanted) if wanted else None, athlete=athlete, limit=limit)
        jobs = status_json.jobs_shown(found, time.time())
    if athlete and not jobs and athlete not in context.settings().athletes:
        raise FitferryError(web.UNKNOWN_ATHLETE(name=athlete))
    if as_json:
        output.as_json({"uploads": jobs})
        return
    heads = (cli.HEAD_JOB(), cli.HEAD_START(), cli.HEAD_SPORT(), cli.HEAD_FILE(), cli.HEAD_STATUS())
    output.table(heads, [_row(job) for job in jobs], wide=wide)


def now(context: Context) -> StatusJson:
    """How things are: asked of the daemon, since its file may be older than the last change.

    Another user of the machine, who may not ask, is shown the file. Raises FitferryError.
    """
    written = context.status_file()
    try:
        found = Daemon(context).look(StatusJson, "/api/v1/status")
    except FitferryError as error:
        if isinstance(error, DaemonRefused) or error.message.code == cli.NOT_YOURS.code:
            return written
        raise
    return written if {**found, "updated_at": written["updated_at"]} == written else found


def _row(job: JobJson) -> output.Row:
    cells = [
        str(job["id"]),
        output.local(job["start_time"]),
        output.of(shown_name(job["sport"])),
        job["file"],
        progress.standing(job),
    ]
    return output.Row(cells, progress.outcome(job), progress.colour(job))


def _changes(context: Context) -> bool:
    """Wait until the status is another one; False where the daemon has ended meanwhile."""
    path = context.folder() / state_dir.STATUS
    before = _written_at(path)
    while context.daemon_runs():
        if _written_at(path) != before:
            return True
        time.sleep(_FOLLOW_SECONDS)
    return False


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _follow_on_terminal(context: Context, found: StatusJson) -> StatusJson:
    """Show the status in place until Ctrl-C or the daemon's end; the last one."""
    from rich.live import Live  # noqa: PLC0415  # only where there is a terminal
    from rich.text import Text  # noqa: PLC0415  # the same

    def drawn() -> Text:
        lines = [
            click.style(" " * indent + output.of(text), fg=colour)
            for text, colour, indent in status_lines(found)
        ]
        return Text.from_ansi("\n".join(lines))

    with Live(drawn(), console=output.console(), auto_refresh=False) as live:
        try:
            while _changes(context):
                found = now(context)
                live.update(drawn(), refresh=True)
        except KeyboardInterrupt:
            pass
    return found


def _print_status(found: StatusJson, *, as_json: bool) -> None:
    if as_json:
        output.as_json(found)
        return
    for text, colour, indent in status_lines(found):
        output.line(text, colour=colour, indent=indent)


def status_lines(found: StatusJson) -> list[Line]:
    """The status for people."""
    state, colour = _STATES[found["state"]]
    lines: list[Line] = [(cli.STATE_AND_PAGE(state=state, url=found["web"]["url"]), colour, 0)]
    if found["state"] == "waiting":
        lines.append((_wait(found), "yellow", 2))
    lines += [
        (cli.ATTENTION(text=message_of(problem.get("text"), problem["message"])), "red", 2)
        for problem in found["problems"]
    ]
    if found["queue"]["failed"]:
        lines.append((cli.ATTENTION(text=cli.FAILED_UPLOADS(count=found["queue"]["failed"])), "red", 2))
    lines += [(_connection(athlete), None, 2) for athlete in found["athletes"]]
    for watch in found["watch"]:
        lines += _watch_lines(watch)
    counts = tuple(
        cli.COUNT_OF(number=count, status=progress.STATUSES[Status(name)][0])
        for name, count in found["queue"].items()
        if count or name == "completed"
    )
    lines.append((cli.COUNTS(counts=counts), None, 2))
    if "import" in found:
        done, waiting = found["import"]["done"], found["import"]["waiting"]
        by = output.local(found["import"]["done_by"])
        lines.append((cli.IMPORT(done=done, total=done + waiting, by=by), None, 2))
    last = found["last_upload"]
    if last:
        lines.append((cli.LAST_UPLOAD(file=last["file"], url=last["strava_url"] or ""), None, 2))
    return lines


def _watch_lines(watch: WatchJson) -> list[Line]:
    """What is said of a watched folder and of the files that are being received there."""
    if watch["available"]:
        lines: list[Line] = [(cli.FOLDER_WATCHED(folder=watch["folder"]), None, 2)]
    elif not watch.get("looked_at", True):
        lines = [(cli.FOLDER_NEW(folder=watch["folder"]), "yellow", 2)]
    else:
        lines = [(cli.FOLDER_AWAY(folder=watch["folder"]), "red", 2)]
    if watch.get("note"):
        lines.append((message_of(watch.get("note_text"), watch.get("note")), None, 4))
    for file in watch.get("receiving", []):
        if file["of"]:
            percent = 100 * file["size"] // file["of"]
            lines.append((cli.RECEIVING_PART(file=file["file"], percent=percent), "yellow", 4))
        else:
            lines.append((cli.RECEIVING(file=file["file"]), "yellow", 4))
    return lines


def _wait(found: StatusJson) -> Message:
    until = found["rate_limit"]["held_until"]
    return cli.LIMIT_USED_UP(until=output.local(until)) if until else cli.STRAVA_AWAY()


def _connection(athlete: AthleteJson) -> Message:
    if athlete["connected"]:
        return cli.ATHLETE_CONNECTED(athlete=athlete["name"], name=athlete["display_name"])
    return cli.ATHLETE_NOT_CONNECTED(athlete=athlete["name"])


COMMANDS = (status, uploads)
