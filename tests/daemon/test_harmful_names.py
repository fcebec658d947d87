"""A file's name moves no cursor, breaks no line and is no mark-up, wherever it is shown; the command is given it whole."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fit_writer
from daemon_harness import DaemonHarness, harness

NAME = "<xss>\x1b]0;t\a\x1b[2J\x9b31m\u202ed\u2028\u2029\r\nFITFERRY_X=1\t\x7f{{7*7}}$(id)'\"`"
HOOK = r"""
import os, sys
with open(sys.argv[1], "wb") as heard:
    heard.write(b"%s\0%a" % (os.environb[b"FITFERRY_FILE"], "FITFERRY_X" in os.environ))
"""
Asked = Callable[[DaemonHarness], str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonHarness]:
    """A daemon that has uploaded one ride of such a name, holds one, could not read one, and follows no link of one."""
    folder = tmp_path_factory.mktemp("names")
    with harness(folder) as one:
        script = folder / "hook.py"
        script.write_text(HOOK)
        command = [sys.executable, str(script), str(folder / "heard")]
        one.configure(f"[hooks]\ncommand = {command!r}", archive='after_upload = "archive"')
        one.start()
        one.connect()
        start = datetime(2026, 9, 21, 12, tzinfo=UTC)
        one.drop(f"{NAME} done.fit", fit_writer.ride(start))
        one.drop(f"{NAME} settings.fit", fit_writer.ride(start, kind=2))
        (one.rides / f"{NAME} link.fit").symlink_to("/etc/hostname")
        (one.rides / NAME.replace("/", "")).mkdir()
        one.completed()
        one.wait((folder / "heard").exists)
        one.wait(lambda: "settings" in one.text("/api/v1/strava/uploads?status=skipped"))
        yield one


def _command(*words: str, **environ: str) -> Asked:
    def ask(home: DaemonHarness) -> str:
        ended = home.run(*words, **environ)
        return ended.stdout + ended.stderr

    return ask


def _on_files(*words: str) -> Asked:
    return lambda home: _command(*words, *map(str, home.rides.glob("*.fit")))(home)


def _completion(home: DaemonHarness) -> str:
    typed = {"COMP_WORDS": f"fitferry --config {home.config} retry ", "COMP_CWORD": "4"}
    return _command(_FITFERRY_COMPLETE="zsh_complete", **typed)(home)


SHOWN: dict[str, Asked] = {
    "status": _command("status"),
    "status as JSON": _command("status", "--json"),
    "uploads": _command("uploads"),
    "uploads as JSON": _command("uploads", "--json"),
    "skipped uploads": _command("uploads", "--status", "skipped"),
    "check": _command("check"),
    "completion": _completion,
    "inspect": _on_files("inspect"),
    "inspect as JSON": _on_files("inspect", "--json"),
    "upload": _on_files("upload", "--wait"),
    "the log": DaemonHarness.words,
    "the status file": lambda home: (home.state / "status.json").read_text(encoding="utf-8"),
    "the API": lambda home: home.text("/api/v1/strava/uploads"),
    "skipped ones in the API": lambda home: home.text("/api/v1/strava/uploads?status=skipped"),
    "metrics": lambda home: home.text("/metrics"),
    "the page": lambda home: home.text("/"),
    "a ride's page": lambda home: home.text("/activity/1"),
    "the log's page": lambda home: home.text("/log"),
}


@pytest.mark.parametrize("where", SHOWN)
def test_a_name_is_harmless_wherever_it_is_shown(home: DaemonHarness, where: str) -> None:
    """Every character is printable, and every tag is one of ours."""
    text = SHOWN[where](home)

    assert len(text) > 20
    assert {c for c in text if not c.isprintable()} <= {"\n", "\t"}
    assert not re.search(r"^FITFERRY_X", text, re.MULTILINE)
    assert "<xss>" not in text or "<html" not in text
    assert "{{7*7}}" in text or "7*7" not in text


def test_the_command_after_an_upload_is_given_the_name_as_it_is(home: DaemonHarness) -> None:
    """It has to open the file; a line break in it makes no second variable."""
    path, injected = (home.config.parent / "heard").read_bytes().rsplit(b"\0", 1)

    assert os.fsdecode(path) == str(home.rides / f"{NAME} done.fit")
    assert injected == b"False"


def test_the_file_was_archived_under_its_own_name(home: DaemonHarness) -> None:
    """What is shown differently is the same file."""
    home.wait((home.rides / "uploaded" / f"{NAME} done.fit").exists)
    assert not Path(home.rides / f"{NAME} done.fit").exists()
