"""Words to calls: `setup` to begin, `look` to see, `change` to do; `daemon` asks the one that runs."""

from __future__ import annotations

import sys

import click

from fitferry import __version__
from fitferry.cli import change, inspect, look, notices, setup
from fitferry.cli.context import Context
from fitferry.errors import CannotRun, FerryError, SettingsError

BAD_SETTINGS = 78
"""sysexits' EX_CONFIG: systemd is told not to start again after it."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fitferry", message="%(prog)s %(version)s")
@click.option(
    "-c", "--config", type=click.Path(), help="The settings file; else the first of the usual places."
)
@click.pass_context
def group(context: click.Context, config: str | None) -> None:
    """Watch a folder, and put every activity file on Strava, exactly once."""
    context.obj = Context(config)


for command in (*setup.COMMANDS, *look.COMMANDS, *inspect.COMMANDS, *change.COMMANDS, *notices.COMMANDS):
    group.add_command(command)


def main() -> None:
    """Run a command; planned failures are a sentence and an exit code, never a traceback."""
    try:
        group.main(prog_name="fitferry")
    except SettingsError as error:
        count = len(error.problems)
        click.echo(f"fitferry: {count} problem{'s' * (count != 1)} in the settings:", err=True)
        for problem in error.problems:
            click.echo(f"  {problem}", err=True)
        sys.exit(BAD_SETTINGS)
    except CannotRun as error:
        click.echo(f"fitferry: {error}", err=True)
        sys.exit(error.exit_code)
    except FerryError as error:
        click.echo(f"fitferry: {error}", err=True)
        sys.exit(1)
