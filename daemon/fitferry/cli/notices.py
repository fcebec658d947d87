"""The command `notify-test`: whether messages arrive."""

from __future__ import annotations

import sys

import click

from fitferry.cli import show
from fitferry.cli.context import Context
from fitferry.errors import FerryError


@click.command("notify-test")
@click.pass_obj
def notify_test(context: Context) -> None:
    """Send one message to every address of [notify] urls; exit 1 if one failed."""
    from fitferry import notify  # noqa: PLC0415  # not every command needs it

    urls = context.settings().notify.urls
    if not urls:
        raise FerryError("there is no address in [notify] urls")
    failed = notify.send(urls, "Fitferry", show.of("This is a test: messages of Fitferry arrive here."))
    show.line(f"{len(urls) - len(failed)} of {len(urls)} sent")
    for kind in failed:
        # The whole address would be a secret on the screen.
        show.line(f"sending failed: {kind}://…", err=True)
    sys.exit(1 if failed else 0)


COMMANDS = (notify_test,)
