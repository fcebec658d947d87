"""The short way to the daemon: which command lines take it, and what is not loaded then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fitferry.__main__ import plain_command
from fitferry.cli import quick_run


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["run"], ("run", None)),
        (["-c", "/a.toml", "health"], ("health", "/a.toml")),
        (["--config", "/a.toml", "run"], ("run", "/a.toml")),
        (["run", "--help"], ("", None)),
        (["upload", "health", "--force"], ("", None)),
        (["upload", "run"], ("", None)),
        ([], ("", None)),
    ],
)
def test_only_a_plain_command_takes_the_short_way(words: list[str], command: tuple[str, str | None]) -> None:
    """Everything else is for click."""
    assert plain_command(words) == command


def test_settings_that_cannot_be_used_are_left_to_the_ordinary_command(tmp_path: Path) -> None:
    """It says what is wrong with them, or asks for them."""
    assert not quick_run.has_run(str(tmp_path / "missing.toml"))


UNUSED = (
    "anyio",
    "asyncio",
    "babel",
    "click",
    "difflib",
    "flask",
    "jinja2",
    "playhouse",
    "prometheus_client",
    "pygments",
    "rich",
    "segno",
    "subprocess",
)


def test_a_daemon_that_nobody_looks_at_has_loaded_no_page_and_nothing_for_terminals() -> None:
    """They take 25 MB; the page is loaded when it is opened, and what is seldom used when it is used."""
    code = f"""
import sys
from fitferry.cli import quick_run

with quick_run.loading(quick_run.PASSED_OVER):
    import fitferry.daemon
print([name for name in {UNUSED} if name in sys.modules])
import asyncio, click
assert fitferry.uploads.hooks.subprocess.DEVNULL == -3
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
