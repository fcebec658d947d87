"""The commands of signing in: `login` to the page, `connect` and `disconnect` with Strava."""

from __future__ import annotations

import contextlib
import html
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import click

from fitferry.cli import completion, output
from fitferry.cli.client import Daemon, message_of
from fitferry.cli.context import Context
from fitferry.core.api_types import ConsentJson, ConsentUrlJson, LinkJson
from fitferry.core.errors import FitferryError
from fitferry.core.messages import cli

CONSENT_SECONDS = 600
"""How long a link to Strava's consent is good."""
_LOOK_SECONDS = 0.5


@click.command()
@click.pass_obj
def login(context: Context) -> None:
    """Print a one-time link into the page."""
    click.echo(Daemon(context).post(LinkJson, "/api/v1/login-link")["url"])


@click.command()
@click.argument("athlete", required=False, shell_complete=completion.athletes)
@click.option(
    "--paste", is_flag=True, help="The page cannot be reached: paste the address that the browser ended on."
)
@click.pass_obj
def connect(context: Context, athlete: str | None, paste: bool) -> None:  # noqa: FBT001  # click passes it so
    """Lead to Strava's consent, wait for the answer, and say as whom."""
    daemon = Daemon(context)
    found = _by_paste(daemon, athlete) if paste else _by_link(daemon, athlete)
    connected = found["outcome"] == "connected"
    if connected and not paste:
        output.line(cli.CONNECTED(name=str(found["message"])))
    else:
        output.line(message_of(found.get("text"), found["message"]))
    sys.exit(0 if connected else 1)


@click.command()
@click.argument("athlete", required=False, shell_complete=completion.athletes)
@click.pass_obj
def disconnect(context: Context, athlete: str | None) -> None:
    """Revoke at Strava, and forget the tokens."""
    Daemon(context).post(object, "/api/v1/strava/disconnect", {"athlete": athlete} if athlete else {})
    output.line(cli.DISCONNECTED())


def _by_link(daemon: Daemon, athlete: str | None) -> ConsentJson:
    """Print, and on a desktop open, a one-time link; what came of the consent behind it."""
    link = daemon.post(LinkJson, "/api/v1/strava/connect-link", {"athlete": athlete} if athlete else {})
    click.echo(link["url"])
    with _opened_on_desktop(link["url"]):
        output.line(cli.OPEN_LINK(), err=True)
        return _outcome(daemon, link["state"])


@contextlib.contextmanager
def _opened_on_desktop(url: str) -> Iterator[None]:
    """Open a one-time link on a desktop, by a file of ours that leads there.

    A process's arguments are seen by every user of the machine, who could use the link first. The file is in the home
    folder, and not hidden there: a browser in a snap reads nothing else.
    """
    if "DISPLAY" not in os.environ and "WAYLAND_DISPLAY" not in os.environ:
        yield
        return
    import webbrowser  # noqa: PLC0415  # every other command starts sooner without it

    with contextlib.ExitStack() as undo:
        # Where no home can be written the link is printed, too.
        with contextlib.suppress(OSError, RuntimeError):
            page = undo.enter_context(
                tempfile.NamedTemporaryFile("w", prefix="fitferry-", suffix=".html", dir=Path.home())
            )
            page.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(url)}">\n')
            page.flush()
            webbrowser.open(Path(page.name).as_uri())
        yield


def _outcome(daemon: Daemon, state: str) -> ConsentJson:
    """What came of a consent, waited for."""
    deadline = time.monotonic() + CONSENT_SECONDS
    while time.monotonic() < deadline:
        found = daemon.get(ConsentJson, "/api/v1/strava/auth/outcome", state=state)
        if found["outcome"] != "waiting":
            return found
        time.sleep(_LOOK_SECONDS)
    late = cli.NOBODY_ANSWERED()
    return {"outcome": "late", "message": str(late), "text": late.to_values()}


def _by_paste(daemon: Daemon, athlete: str | None) -> ConsentJson:
    """Print Strava's address; what comes of the address that is pasted, which holds a secret for some minutes."""
    query = {"athlete": athlete} if athlete else {}
    click.echo(daemon.get(ConsentUrlJson, "/api/v1/strava/auth", **query, paste="1")["authorization_url"])
    output.line(cli.PASTE_ADDRESS(), err=True)
    given = _pasted_query()
    wanted = {name: given[name] for name in ("state", "code", "scope", "error") if name in given}
    if "state" not in wanted:
        raise FitferryError(cli.NOT_THE_ADDRESS())
    return daemon.get(ConsentJson, "/api/v1/strava/callback", **wanted)


def _pasted_query() -> dict[str, str]:
    """The parameters of the address that is pasted; none where it is no address, or no text at all."""
    try:
        return dict(parse_qsl(urlsplit(sys.stdin.readline().strip().strip("<>\"'")).query))
    except ValueError:
        return {}


COMMANDS = (login, connect, disconnect)
