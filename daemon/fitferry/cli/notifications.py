"""The command `notify-test`: whether messages arrive."""

from __future__ import annotations

import sys

import click

from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError
from fitferry.core.messages import notifications


@click.command("notify-test")
@click.pass_obj
def notify_test(context: Context) -> None:
    """Send one message to every address of [notify] urls; exit 1 if one failed."""
    from fitferry.notifications.messengers import Messengers  # noqa: PLC0415  # not every command needs it

    messengers = Messengers(context.settings().notify.urls)
    count = len(messengers.addresses)
    if not count:
        raise FitferryError("there is no address in [notify] urls")
    failed = messengers.send("Fitferry", output.of(notifications.TEST()))
    output.line(f"{count - len(failed)} of {count} sent")
    for kind in messengers.kinds(failed):
        # The whole address would be a secret on the screen.
        output.line(f"sending failed: {kind}://…", err=True)
    sys.exit(1 if failed else 0)


COMMANDS = (notify_test,)
