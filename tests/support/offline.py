"""The commands of Fitferry in this process, where no daemon is needed."""

from __future__ import annotations

from click.testing import CliRunner, Result

from fitferry.cli.main import group

COMMANDS = [
    "run", "init", "config", "login", "connect", "disconnect", "status", "uploads", "upload", "retry", "dismiss",
    "backlog", "inspect", "repair", "check", "health", "keys", "token", "sessions", "notify-test", "sandbox", "demo",
]  # fmt: skip
"""All that there are."""


def offline(*words: str) -> Result:
    """Run a command without a terminal."""
    return CliRunner().invoke(group, list(words))
