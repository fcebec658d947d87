"""Words to calls: `setup` to begin, `look` to see, `change` to do; `daemon` asks the one that runs."""

from __future__ import annotations

import gettext
import os
import sys
from pathlib import Path

import click

from fitferry import __version__
from fitferry.cli import inspection, notifications, output, setup, status, uploads
from fitferry.cli.context import Context
from fitferry.config import language
from fitferry.core.errors import CannotRun, FitferryError, SettingsError
from fitferry.core.messages import settings
from fitferry.i18n.translator import DOMAIN, LANGUAGES, LOCALE, Translator, say

BAD_SETTINGS = 78
"""sysexits' EX_CONFIG: systemd is told not to start again after it."""
CLICK_TEXTS = (
    say("Usage:"),
    say("Options"),
    say("Commands"),
    say("Show this message and exit."),
    say("Show the version and exit."),
    say("Error: {message}"),
    say("Try '{command} {option}' for help."),
    say("No such command {name!r}."),
    say("No such option {name!r}."),
    say("Invalid value for {param_hint}: {message}"),
    say("{value!r} is not a valid {number_type}."),
    say("{value} is not in the range {range}."),
    say("Missing argument"),
    say("Missing option"),
    say("Missing command."),
    say("default: {default}"),
    say("required"),
    say("Aborted!"),
)
"""What click says itself, by gettext, and translates into no language."""
CLICK_PLURALS = (
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
)
"""The same of one thing and of several."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fitferry", message="%(prog)s %(version)s")
@click.option(
    "-c", "--config", type=click.Path(), help="The settings file; else the first of the usual places."
)
@click.pass_context
def group(context: click.Context, config: str | None) -> None:
    """Watch a folder, and put every activity file on Strava, exactly once."""
    context.obj = Context(config)


for command in (
    *setup.COMMANDS,
    *status.COMMANDS,
    *inspection.COMMANDS,
    *uploads.COMMANDS,
    *notifications.COMMANDS,
):
    group.add_command(command)


def main() -> None:
    """Run a command; planned failures are a sentence and an exit code, never a traceback."""
    _speak()
    try:
        group.main(prog_name="fitferry")
    except SettingsError as error:
        click.echo(f"fitferry: {output.of(settings.WRONG_SETTINGS(count=len(error.problems)))}", err=True)
        for problem in error.problems:
            click.echo(f"  {output.of(problem.message)}", err=True)
        sys.exit(BAD_SETTINGS)
    except CannotRun as error:
        click.echo(f"fitferry: {output.of(error.message)}", err=True)
        sys.exit(error.exit_code)
    except FitferryError as error:
        click.echo(f"fitferry: {output.of(error.message)}", err=True)
        sys.exit(1)


def _speak() -> None:
    """Speak the language of `[web] language` before anything is said: help and wrong settings, too."""
    # Not `group` itself: click keeps the English help of its --help once it has been asked.
    peek = click.Command("fitferry", params=group.params, add_help_option=False)
    with peek.make_context(
        "fitferry",
        sys.argv[1:],
        resilient_parsing=True,
        allow_extra_args=True,
        allow_interspersed_args=False,
    ) as context:
        option = context.params["config"]
    output.speak(language(Path(option) if option else None, os.environ))
    spoken = output.spoken()
    if spoken.language != LANGUAGES[0]:
        os.environ["LANGUAGE"] = spoken.language
        gettext.bindtextdomain(DOMAIN, str(LOCALE))
        gettext.textdomain(DOMAIN)
        _translate(group, spoken)


def _translate(command: click.Command, spoken: Translator) -> None:
    """Let the help of a command and of those below it speak another language."""
    command.help = spoken.of(command.help)
    for option in command.params:
        if isinstance(option, click.Option):
            option.help = spoken.of(option.help) or None
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _translate(below, spoken)
