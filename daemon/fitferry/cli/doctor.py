"""The commands that look for what is wrong: `check`, `health`, `notify-test`."""

from __future__ import annotations

import sys

import click

from fitferry.cli import output
from fitferry.cli.client import Daemon
from fitferry.cli.context import Context
from fitferry.core.api_types import HealthJson
from fitferry.core.errors import FitferryError, SettingsError
from fitferry.core.messages import cli, notifications

_RESULTS = {"ok": (cli.OK(), "green"), "warn": (cli.WARN(), "yellow"), "bad": (cli.BAD(), "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A list with one object a line.")
@click.pass_obj
def check(context: Context, as_json: bool) -> None:  # noqa: FBT001  # click passes it so
    """Check settings, folders, permissions, the clock and the connection; exit 1 if one is bad."""
    from fitferry.cli.checks import checks  # noqa: PLC0415  # it imports much

    wrong, found = False, []
    for looked in checks(context):
        wrong = wrong or looked.result == "bad"
        found.append({"result": looked.result, "what": str(looked.what), "words": str(looked.message or "")})
        if not as_json:
            result, colour = _RESULTS[looked.result]
            what = cli.WHAT_AND_WHY(what=looked.what, why=looked.message) if looked.message else looked.what
            output.line(what, start=(f"{output.of(result):4} ", colour))
    if as_json:
        output.as_json(found)
    sys.exit(1 if wrong else 0)


@click.command()
@click.pass_obj
def health(context: Context) -> None:
    """Exit 0 if the running daemon and its database answer, else 1; for containers."""
    try:
        answer = Daemon(context).look(HealthJson, "/healthz")
    except SettingsError as error:  # no exit code of its own: a container knows 0 and 1
        raise FitferryError(error.problems[0].message) from error
    if answer["status"] != "ok":
        raise FitferryError(cli.UNHEALTHY(reason=answer.get("reason", "")))


@click.command("notify-test")
@click.pass_obj
def notify_test(context: Context) -> None:
    """Send one message to every address of [notify] urls; exit 1 if one failed."""
    from fitferry.notifications.messengers import Messengers  # noqa: PLC0415  # not every command needs it

    messengers = Messengers(context.settings().notify.urls)
    count = len(messengers.addresses)
    if not count:
        raise FitferryError(cli.NO_ADDRESSES())
    failed = messengers.send("Fitferry", output.of(notifications.TEST()))
    output.line(cli.MESSAGES_SENT(sent=count - len(failed), total=count))
    for kind in messengers.kinds(failed):
        # The whole address would be a secret on the screen.
        output.line(cli.MESSAGE_FAILED(kind=kind), err=True)
    sys.exit(1 if failed else 0)


COMMANDS = (check, health, notify_test)
