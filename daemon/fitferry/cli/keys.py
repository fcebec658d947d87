"""The commands of keys and access: `keys rotate`, named tokens, sessions of browsers."""

from __future__ import annotations

import os
import time

import click

from fitferry.cli import completion, output
from fitferry.cli.client import Daemon
from fitferry.cli.context import Context
from fitferry.core.api_types import SessionsEndedJson, TokenJson, TokensJson
from fitferry.core.messages import cli
from fitferry.core.printable import printable
from fitferry.system import network, state_dir


@click.group()
def keys() -> None:
    """The key that seals the tokens."""


@keys.command()
@click.pass_obj
def rotate(context: Context) -> None:
    """Make a new first key, and seal every token anew."""
    if context.daemon_runs():
        Daemon(context).post(object, "/api/v1/keys/rotate")
    else:
        _rotate(context)
    output.line(cli.KEY_ROTATED())


@click.group()
def token() -> None:
    """Named tokens that can do one thing: bring files, or read."""


@token.command()
@click.argument("name")
@click.option("--can", type=click.Choice(["upload", "read"]), required=True, help="What it allows.")
@click.option("--athlete", shell_complete=completion.athletes, help="Whose account receives the files.")
@click.pass_obj
def new(context: Context, name: str, can: str, athlete: str | None) -> None:
    """Make a token; it is shown this once."""
    body = {"name": name, "can": can, **({"athlete": athlete} if athlete else {})}
    click.echo(printable(Daemon(context).post(TokenJson, "/api/v1/tokens", body)["token"]))


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="As the API shows them.")
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:  # noqa: FBT001  # click passes it so
    """List the tokens, without what they are."""
    found = Daemon(context).get(TokensJson, "/api/v1/tokens")
    if as_json:
        output.as_json(found)
        return
    heads = (cli.HEAD_NAME(), cli.HEAD_CAN(), cli.HEAD_ATHLETE(), cli.HEAD_MADE(), cli.HEAD_USED())
    rows = [
        output.Row(
            [
                named["name"],
                named["can"],
                named["athlete"] or "",
                output.local(named["created_at"]),
                output.local(named.get("last_used_at")),
            ]
        )
        for named in found["tokens"]
    ]
    output.table(heads, rows)


@token.command()
@click.argument("name")
@click.pass_obj
def revoke(context: Context, name: str) -> None:
    """Revoke a token: it can do nothing any more."""
    Daemon(context).post(object, "/api/v1/tokens/revoke", {"name": name})
    output.line(cli.TOKEN_REVOKED(name=name))


@click.group()
def sessions() -> None:
    """The browsers that are signed in to the page."""


@sessions.command()
@click.pass_obj
def end(context: Context) -> None:
    """End every browser's session."""
    found = Daemon(context).post(SessionsEndedJson, "/api/v1/sessions/end")
    output.line(cli.SESSIONS_ENDED(count=found["ended"]))


def _rotate(context: Context) -> None:
    """Rotate without a daemon."""
    from fitferry.auth import access_tokens, key_rotation, token_cipher  # noqa: PLC0415  # only here
    from fitferry.strava import Strava  # noqa: PLC0415  # the same

    network.forget_key_log(os.environ)
    with context.writing() as settings, Strava(settings.strava) as strava:
        sealed = token_cipher.load(settings.state.key_file, state_dir.stamp(time.time()))
        tokens = access_tokens.AccessTokens(strava, sealed)
        key_rotation.rotate(settings.state.key_file, tokens)


COMMANDS = (keys, token, sessions)
