"""The commands that begin: `run`, `init`, `config`, `sandbox`, `demo`."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.cli.quick_run import run_daemon
from fitferry.config.paths import place_to_write
from fitferry.core.errors import FitferryError, SettingProblem, SettingsError
from fitferry.core.messages import Message, cli, system, verbatim
from fitferry.core.messages import settings as setting_messages
from fitferry.core.printable import printable
from fitferry.core.upload import AfterUpload

if TYPE_CHECKING:
    from fitferry.config.schema import Settings
    from fitferry.web.server import Handover

T = TypeVar("T")


@click.command()
@click.pass_obj
def run(context: Context) -> None:
    """Run the daemon in the foreground, until SIGTERM or SIGINT."""
    found = _settings_to_run(context)
    if found is not None:
        run_daemon(*found)


@click.command()
@click.option("--folder", help="The folder where devices drop files.")
@click.option("--client-id", help="The number of your API application.")
@click.option("--client-secret-file", help="A file that holds the application's secret.")
@click.option(
    "--since", help="Hold activities that started before this day (2026-01-31), or `today`; `all` for none."
)
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
    """Ask for the settings that are needed, and write a commented config.toml."""
    from fitferry.config import first_settings as first  # noqa: PLC0415  # not every command needs it

    path = target or context.config or place_to_write(os.environ)
    if path.exists() and not force:
        raise FitferryError(setting_messages.FILE_EXISTS(path=str(path)))
    watched = _answer(cli.ASK_FOLDER(), "--folder", folder, first.read_folder)
    _warn_of_folder(watched)
    application = _answer(cli.ASK_CLIENT_ID(), "--client-id", client_id, first.read_client_id)
    if client_secret_file:
        secret_file: Path | None = _answer(
            verbatim(""), "--client-secret-file", client_secret_file, first.read_secret_file
        )
        secret = ""
    else:
        secret_file = None
        secret = _answer(cli.ASK_SECRET(), "--client-secret-file", None, first.read_secret, hide=True)
        if first.looks_odd(secret):
            output.line(cli.SECRET_LOOKS_ODD(), err=True)
    day = _since(since, watched)
    first.write(path, first.FirstSettings(application, secret, secret_file, watched, day), force=force)
    output.line(cli.WRITTEN(path=str(path)))
    output.line(_what_next(path))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one object.")
@click.pass_obj
def config(context: Context, as_json: bool) -> None:  # noqa: FBT001  # click passes it so
    """Show which settings file and state folder are in use, and the settings in force, without secrets."""
    from fitferry.config import template  # noqa: PLC0415  # not every command needs it

    settings = context.settings()
    if as_json:
        file = str(settings.source) if settings.source else None
        state_folder, in_force = str(settings.state.folder), template.in_force(settings)
        output.as_json({"file": file, "state_folder": state_folder, "settings": in_force})
        return
    output.line(cli.SETTINGS_FILE(path=str(settings.source)) if settings.source else cli.NO_SETTINGS_FILE())
    output.line(cli.STATE_FOLDER(folder=str(settings.state.folder)))
    for shown in template.render_in_force(settings).splitlines():
        click.echo(printable(shown))


@click.command()
@click.option(
    "--port", default=8481, show_default=True, type=click.IntRange(0, 65_535), help="0 picks a free one."
)
def sandbox(port: int) -> None:
    """Run a local Strava look-alike that a client can be pointed at."""
    from fitferry.sandbox import Sandbox  # noqa: PLC0415  # it imports Flask

    try:
        with Sandbox(port) as served:
            switches = served.world.switches
            output.line(cli.SANDBOX_AT(url=served.url))
            click.echo(
                f'[strava]\nclient_id = {switches.client_id}\nclient_secret = "{switches.client_secret}"'
            )
            click.echo(f'website = "{served.url}"\napi = "{served.url}/api/v3"')
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise FitferryError(cli.PORT_IN_USE(port=str(port), reason=system.from_os_error(error))) from error


@click.command()
@click.option("--keep-running", is_flag=True, help="Keep everything running until Ctrl-C.")
def demo(keep_running: bool) -> None:  # noqa: FBT001  # click passes it so
    """Show the whole path in a temporary folder, against the sandbox."""
    from fitferry.demo import show as demonstrate  # noqa: PLC0415  # it imports the sandbox

    demonstrate(say=click.echo, keep_running=keep_running)


def _settings_to_run(context: Context) -> tuple[Settings, Handover | None] | None:
    """The settings; where there are none at all, they are asked for in a browser first, which then waits for the daemon.

    None where that was stopped.
    """
    from fitferry.config import first_settings as first  # noqa: PLC0415  # only here

    if not first.is_wanted(context.config, os.environ):
        return context.settings(require_app=True), None
    from fitferry.web import setup as set_up  # noqa: PLC0415  # it imports Flask

    path, base = place_to_write(os.environ), context.settings()
    try:
        handover = set_up.serve(base, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FitferryError(cli.PAGE_CANNOT_LISTEN(port=str(base.web.port), reason=reason)) from error
    if handover is None:
        return None
    written = context.settings(require_app=True)
    return replace(written, web=replace(written.web, port=handover.server.port)), handover


def _answer(
    question: Message,
    option: str,
    given: str | None,
    read: Callable[[str], T],
    *,
    hide: bool = False,
    default: str | None = None,
) -> T:
    """What was given as an option, or a person answers; asked again as long as it cannot be right.

    Raises FitferryError where nobody can be asked, SettingsError for an option that cannot be right.
    """
    if given is not None:
        try:
            return read(given)
        except FitferryError as error:
            message = cli.OPTION_RESULT(option=option, result=error.message)
            raise SettingsError([SettingProblem(option, message)]) from error
    if not sys.stdin.isatty():
        raise FitferryError(cli.NOBODY_TO_ASK(option=option))
    while True:
        try:
            return read(str(click.prompt(output.of(question), default=default, hide_input=hide, err=True)))
        except FitferryError as error:
            output.line(error.message, err=True)


def _warn_of_folder(folder: Path) -> None:
    """Say where a folder is missing or closed; it may come later."""
    from fitferry.cli.folder_checks import Result, check_folder  # noqa: PLC0415  # it imports much
    from fitferry.system.deadline import look_at_folder  # noqa: PLC0415  # not every command needs it

    check = check_folder(folder, look_at_folder(str(folder)), AfterUpload.KEEP)
    if check.result is not Result.OK:
        output.line(cli.FOLDER_WARNING(folder=str(folder), reason=check.message), err=True)


def _since(given: str | None, folder: Path) -> date | None:
    """What to do with what is there already: from which day on activities are uploaded by themselves."""
    from fitferry.config.first_settings import read_since  # noqa: PLC0415  # not every command needs it
    from fitferry.system.deadline import call  # noqa: PLC0415  # the same

    if given is None:
        try:
            is_asked = sys.stdin.isatty() and call(lambda: _holds_activities(folder))
        except (OSError, TimeoutError):
            is_asked = False
        if not is_asked:
            return None
    return _answer(cli.ASK_SINCE(), "--since", given, read_since, default="today")


def _holds_activities(folder: Path) -> bool:
    from fitferry.core.filenames import is_wanted_name  # noqa: PLC0415  # only here

    return any(is_wanted_name(path.name) for path in folder.rglob("*"))


def _what_next(path: Path) -> Message:
    """The words that fit how it will be run."""
    from fitferry.config.paths import PLACES, SERVICE_SETTINGS, own_home, own_place  # noqa: PLC0415  # only here

    if path == SERVICE_SETTINGS:
        return cli.START_SERVICE()
    if path in {*PLACES, own_place(os.environ, own_home())}:
        return cli.START_BY_HAND(command="fitferry run")
    return cli.START_BY_HAND(command=f"fitferry -c {shlex.quote(str(path))} run")


COMMANDS = (run, init, config, sandbox, demo)
