"""The commands that only look: `status`, `uploads`, `check`, `health`."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from fitferry import layout
from fitferry.cli import show
from fitferry.cli.context import Context
from fitferry.cli.daemon import Daemon
from fitferry.errors import FerryError

_NEEDS_A_PERSON = 3


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The content of status.json.")
@click.option("--follow", is_flag=True, help="Print again whenever something changes.")
@click.pass_obj
def status(context: Context, as_json: bool, follow: bool) -> None:  # noqa: FBT001  # click passes them so
    """Say how things are; exit 0 well or waiting, 3 a person is needed, 1 no daemon."""
    runs, path = context.daemon_runs(), context.folder() / layout.STATUS
    if not runs:
        click.echo("no daemon runs: start it with `fitferry run`, or with systemctl start fitferry", err=True)
        sys.exit(1)
    found = context.status()
    _print_status(found, as_json=as_json)
    while follow and context.daemon_runs():
        before = path.stat().st_mtime_ns
        while path.stat().st_mtime_ns == before and context.daemon_runs():
            time.sleep(1)
        found = context.status()
        _print_status(found, as_json=as_json)
    sys.exit(_NEEDS_A_PERSON if found["state"] == "attention" else 0)


@click.command()
@click.option("--status", "wanted", help="Only those of one status.")
@click.option("--athlete", help="Only those of one athlete.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def uploads(context: Context, wanted: str | None, athlete: str | None, limit: int, as_json: bool) -> None:  # noqa: FBT001
    """List the uploads, newest first; `skipped` ones only when asked for."""
    from fitferry import status as shown  # noqa: PLC0415  # it opens the way to the ledger
    from fitferry.ledger import history  # noqa: PLC0415  # the same
    from fitferry.model import Status  # noqa: PLC0415  # the same

    if wanted is not None and wanted not in list(Status):
        raise FerryError(f"--status: {wanted!r} is not one of {', '.join(Status)}")
    with context.reading():
        found = history.listed(status=Status(wanted) if wanted else None, athlete=athlete, limit=limit)
        rows = shown.jobs_shown(found, time.time())
    if as_json:
        show.as_json({"uploads": rows})
    else:
        show.table(show.UPLOAD_HEADS, [show.upload(row) for row in rows])


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def check(context: Context, as_json: bool) -> None:  # noqa: FBT001
    """Say of each thing that can be wrong whether it is, and how to mend it."""
    from fitferry.cli.checks import checks  # noqa: PLC0415  # it imports much

    found = list(checks(context))
    if as_json:
        show.as_json([one.as_dict() for one in found])
    else:
        for one in found:
            click.echo(f"{one.result:4} {one.what}" + (f": {one.words}" if one.words else ""))
    sys.exit(1 if any(one.result == "bad" for one in found) else 0)


@click.command()
@click.pass_obj
def health(context: Context) -> None:
    """Exit 0 if the running daemon and its database answer, else 1; for containers."""
    answer = Daemon(context).get("/healthz")
    if answer.get("status") != "ok":
        raise FerryError(f"the daemon is ill: {answer.get('reason', 'it does not say why')}")


def _print_status(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show.as_json(found)
        return
    queue = found["queue"]
    click.echo(f"{found['state']}: the page is at {found['web']['url']}")
    for problem in found["problems"]:
        click.echo(f"  ! {show.safe(problem['message'])}")
    for person in found["athletes"]:
        who = f"connected as {person['display_name']}" if person["connected"] else "not connected"
        click.echo(f"  {person['name']} is {show.safe(who)}")
    for watch in found["watch"]:
        click.echo(
            f"  {show.safe(watch['folder'])} " + ("is watched" if watch["available"] else "is not there")
        )
        if watch.get("note"):
            click.echo(f"    {show.safe(watch['note'])}")
        for file in watch.get("receiving", []):
            share = f", {100 * file['size'] // file['of']} %" if file["of"] else ""
            click.echo(f"    receiving {show.safe(file['file'])}{share}")
    click.echo(
        "  " + ", ".join(f"{count} {name}" for name, count in queue.items() if count or name == "completed")
    )
    if found["last_upload"]:
        last = found["last_upload"]
        click.echo(f"  last: {show.safe(last['file'])} {last['strava_url'] or ''}")


COMMANDS = (status, uploads, check, health)
