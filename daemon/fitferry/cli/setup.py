"""The commands that begin: `run`, `init`, `sandbox`, `demo`."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from datetime import date, datetime
from pathlib import Path

import click

from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError
from fitferry.core.filenames import is_wanted_name


@click.command()
@click.pass_obj
def run(context: Context) -> None:
    """Be the daemon, in the foreground, until SIGTERM or SIGINT."""
    settings = context.settings(require_app=True)
    # structlog and httpx take rich along wherever it is installed: 17 MB for what a daemon never shows.
    for library in ("rich", "pygments"):
        sys.modules.setdefault(library, None)  # type: ignore[arg-type]  # Python's own sign for "not to be had"
    from fitferry import daemon  # noqa: PLC0415  # it imports everything

    daemon.run(settings)


@click.command()
@click.option("--folder", help="The folder where devices drop files.")
@click.option("--client-id", help="The number of your API application.")
@click.option("--client-secret-file", help="A file that holds the application's secret.")
@click.option("--since", help="Hold activities that started before this day (2026-01-31), or `today`.")
@click.option("--config", "target", type=click.Path(path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def init(  # its options
    context: Context,
    folder: str | None,
    client_id: str | None,
    client_secret_file: str | None,
    since: str | None,
    target: Path | None,
    force: bool,  # noqa: FBT001  # click passes it so
) -> None:
    """Ask what has to be known, and write a commented config.toml."""
    from fitferry.config import load, place_to_write, template  # noqa: PLC0415  # not every command needs it

    path = target or context.config or place_to_write(os.environ)
    if path.exists() and not force:
        raise FitferryError(f"{path} is there already; --force replaces it")
    folder = folder or _ask("The folder where devices drop files", "--folder")
    values: dict[str, object] = {"strava.client_id": _number(client_id or _ask(_APP, "--client-id"))}
    if client_secret_file:
        values["strava.client_secret_file"] = str(Path(client_secret_file).expanduser().absolute())
    else:
        values["strava.client_secret"] = _ask("Its secret", "--client-secret-file", hide=True)
    day = _since(since, Path(folder).expanduser())
    if day is not None:
        values["strava.since"] = day
    text = template.render(values, watch=[{"folder": str(Path(folder).expanduser().absolute())}])
    template.write_config(path, text, force=force, check=lambda written: load(written, {}, require_app=True))
    output.line(f"{path} is written.")
    output.line(f"Start `fitferry -c {shlex.quote(str(path))} run`, then open the link that it prints.")


@click.command()
@click.option(
    "--port", default=8481, show_default=True, type=click.IntRange(0, 65_535), help="0 picks a free one."
)
def sandbox(port: int) -> None:
    """Be a local Strava look-alike that a client can be pointed at."""
    from fitferry.sandbox import Sandbox  # noqa: PLC0415  # it imports Flask

    try:
        with Sandbox(port) as served:
            output.line(
                f"A Strava look-alike is at {served.url}. Ctrl-C ends it. Point Fitferry at it with these settings:"
            )
            click.echo(
                f'[strava]\nclient_id = {served.world.switches.client_id}\nclient_secret = "{served.world.switches.client_secret}"'
            )
            click.echo(f'website = "{served.url}"\napi = "{served.url}/api/v3"')
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except (OSError, SystemExit) as error:
        raise FitferryError(f"port {port} cannot be used ({error}); name another one with --port") from error


@click.command()
@click.option("--keep-running", is_flag=True, help="Keep everything running until Ctrl-C.")
def demo(keep_running: bool) -> None:  # noqa: FBT001  # click passes it so
    """Show the whole path in a temporary folder, against the sandbox."""
    from fitferry.demo import show as demonstrate  # noqa: PLC0415  # it imports the sandbox

    demonstrate(say=click.echo, keep_running=keep_running)


_APP = "The number of your API application (see strava.com/settings/api)"


def _ask(question: str, option: str, *, hide: bool = False) -> str:
    """Ask a person; without a terminal the option has to say it."""
    if not sys.stdin.isatty():
        raise FitferryError(f"nobody can be asked here: give {option}")
    return str(click.prompt(output.of(question), hide_input=hide, err=True))


def _number(text: str) -> object:
    return int(text) if text.isdecimal() else text


def _since(text: str | None, folder: Path) -> date | None:
    """What to do with what is there already: from which day on activities are uploaded by themselves."""
    if text is None and sys.stdin.isatty() and any(is_wanted_name(path.name) for path in folder.rglob("*")):
        text = click.prompt(
            output.of(
                "There are files already. Upload all of them, none that are older than today, or since a day? "
                "[all/today/2026-01-31]"
            ),
            default="today",
            err=True,
        )
    if text is None or text == "all":
        return None
    if text == "today":
        return datetime.now().astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FitferryError(f"--since: {text!r} is no day such as 2026-01-31") from error


COMMANDS = (run, init, sandbox, demo)
