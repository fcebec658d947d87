"""The command `notify-test`: whether messages arrive."""

from __future__ import annotations

import sys

import click

from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError


@click.command("notify-test")
@click.pass_obj
def notify_test(context: Context) -> None:
    """Send one message to every address of [notify] urls; exit 1 if one failed."""
    from fitferry.notifications import sender  # noqa: PLC0415  # not every command needs it

    urls = context.settings().notify.urls
    if not urls:
        raise FitferryError("there is no address in [notify] urls")
    failed = sender.send(urls, "Fitferry", output.of("This is a test: messages of Fitferry arrive here."))
    output.line(f"{len(urls) - len(failed)} of {len(urls)} sent")
    for kind in failed:
        # The whole address would be a secret on the screen.
        output.line(f"sending failed: {kind}://…", err=True)
    sys.exit(1 if failed else 0)


COMMANDS = (notify_test,)
