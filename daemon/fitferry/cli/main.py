"""The command `fitferry`: its commands, imported when they are asked for, and how failures are told."""

from __future__ import annotations

import errno
import gettext
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from fitferry import __version__
from fitferry.cli import output, process
from fitferry.cli.context import Context
from fitferry.config import paths
from fitferry.core.errors import CannotRun, FitferryError, SettingsError
from fitferry.core.messages import settings, system
from fitferry.i18n.translator import DOMAIN, LANGUAGES, LOCALE, N_, NN_, Translator
from fitferry.system.loading import loading

BAD_SETTINGS = 78
"""sysexits' EX_CONFIG: systemd is told not to start again after it."""
_WIDTH = 80
MODULES = {
    "setup": ("run", "init", "config", "sandbox", "demo"),
    "sign_in": ("login", "connect", "disconnect"),
    "status": ("status", "uploads"),
    "uploads": ("upload", "retry", "dismiss", "backlog"),
    "inspection": ("inspect",),
    "repair": ("repair",),
    "doctor": ("check", "health", "notify-test"),
    "keys": ("keys", "token", "sessions"),
}
"""The commands of each module."""
CLICK_TEXTS = (
    N_("Usage:"),
    N_("Options"),
    N_("Commands"),
    N_("Show this message and exit."),
    N_("Show the version and exit."),
    N_("Error: {message}"),
    N_("Try '{command} {option}' for help."),
    N_("No such command {name!r}."),
    N_("No such option {name!r}."),
    N_("Invalid value for {param_hint}: {message}"),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("Missing argument"),
    N_("Choose from:\n\t{choices}"),
    N_("Missing option"),
    N_("Missing command."),
    N_("default: {default}"),
    N_("required"),
    N_("Aborted!"),
)
"""What click says itself, by gettext, and translates into no language."""
CLICK_PLURALS = (
    NN_("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    NN_("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    NN_("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    NN_("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
)
"""The same of one thing and of several."""


class CommandGroup(click.Group):
    """The commands by name; each module is imported when one of its commands is asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click passes it
        module = next((module for module, names in MODULES.items() if cmd_name in names), None)
        return _load(module)[cmd_name] if module else None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click passes it
        return sorted(name for names in MODULES.values() for name in names)


def all_commands() -> dict[str, click.Command]:
    loaded = {name: command for module in MODULES for name, command in _load(module).items()}
    return dict(sorted(loaded.items()))


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH}
)
@click.version_option(__version__, prog_name="fitferry", message="%(prog)s %(version)s")
@click.option(
    "-c", "--config", type=click.Path(), help="The settings file; else the first of the usual places."
)
@click.pass_context
def group(context: click.Context, config: str | None) -> None:
    """Watch a folder, and put every activity file on Strava, exactly once."""
    context.obj = Context(config)


def main() -> None:
    """Run a command; planned failures are a sentence and an exit code, never a traceback."""
    process.prepare(os.environ)
    _speak()
    try:
        group.main(prog_name="fitferry")
    except FitferryError as error:
        sys.exit(_tell(error))
    except OSError as error:
        if error.errno != errno.ENOSPC:  # no surprise where the output goes into a file
            raise
        sys.exit(_tell(FitferryError(system.from_os_error(error))))


def end_with(error: FitferryError) -> NoReturn:
    """Say why a command that was run without this module failed, and exit."""
    _speak()
    sys.exit(_tell(error))


def _tell(error: FitferryError) -> int:
    """Say what went wrong; the exit code."""
    start = ("fitferry: ", None)
    if not isinstance(error, SettingsError):
        output.line(error.message, err=True, start=start)
        return error.exit_code if isinstance(error, CannotRun) else 1
    output.line(settings.WRONG_SETTINGS(count=len(error.problems)), err=True, start=start)
    for problem in error.problems:
        output.line(problem.message, err=True, indent=2)
    return BAD_SETTINGS


def _load(module: str) -> dict[str, click.Command]:
    name = f"fitferry.cli.{module}"
    if name not in sys.modules:
        with loading():
            import_module(name)
    commands: Iterable[click.Command] = sys.modules[name].COMMANDS
    for command in commands:
        _translate(command, output.spoken())
    return {str(command.name): command for command in commands}


def _speak() -> None:
    """Speak the language of `[web] language` before anything is said: help and wrong settings, too."""
    output.speak(_language(_option()))
    spoken = output.spoken()
    if spoken.language != LANGUAGES[0]:
        os.environ["LANGUAGE"] = spoken.language
        gettext.bindtextdomain(DOMAIN, str(LOCALE))
        gettext.textdomain(DOMAIN)
        _translate(group, spoken)


def _option() -> str | None:
    """The value of --config, before click has looked at the words."""
    # Not `group` itself: click keeps the English help of its --help once it has been asked.
    peek = click.Command("fitferry", params=group.params, add_help_option=False)
    with peek.make_context(
        "fitferry", sys.argv[1:], resilient_parsing=True, allow_extra_args=True, allow_interspersed_args=False
    ) as context:
        option: str | None = context.params["config"]
    return option


def _language(option: str | None) -> str:
    found = paths.peek(option, os.environ)
    if found is not None:
        return found[1]
    from fitferry.config.load import language  # noqa: PLC0415  # only where the quick look failed

    try:
        return language(Path(option) if option else None, os.environ)
    except FitferryError:
        return "auto"


def _translate(command: click.Command, spoken: Translator) -> None:
    """Let the help of a command and of those below it speak another language; done once, it changes no more."""
    command.help = spoken.translate(command.help)
    command.short_help = " ".join(command.help.split("\n\n")[0].split())  # click would cut it short
    for option in command.params:
        if isinstance(option, click.Option):
            option.help = spoken.translate(option.help) or None
    if isinstance(command, click.Group) and not isinstance(command, CommandGroup):
        for below in command.commands.values():
            _translate(below, spoken)
