"""The commands on a terminal: what follows and what is waited for, and what the shell completes."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness
from terminal import read_until

Ride = Callable[..., bytes]


def test_the_status_is_followed_until_the_daemon_ends(running: DaemonHarness, ride: Ride) -> None:
    """Printed again whenever something changes; on a terminal in place."""
    for terminal in (False, True):
        words = running.command("status", "--follow")
        mine, theirs = pty.openpty() if terminal else os.pipe()
        environ = {**running.environ(), "TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(words, stdout=theirs, env=environ) as follower:  # ourselves
            os.close(theirs)
            seen = read_until(mine, "is connected as")
            running.drop(f"{terminal}.fit", ride(serial=int(terminal)))
            seen += read_until(mine, f"{terminal}.fit http")
            if terminal:
                running.stop()
            else:
                follower.terminate()
        os.close(mine)

        assert f"{1 + terminal} completed" in seen
        assert ("\x1b[" in seen) is terminal
    assert follower.returncode == 0


def test_whoever_follows_the_status_into_a_file_may_end_it(home: DaemonHarness) -> None:
    """By Ctrl-C, as on a terminal: the exit code is that of the last status."""
    home.start()
    words = home.command("status", "--follow", "--json")
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environ()
    ) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        while follower.stdout.readline().strip() != b"}":
            pass  # until all of the first one is there
        follower.send_signal(signal.SIGINT)
        said = follower.stderr.read()

    assert (follower.returncode, said) == (3, b"")


def test_outcomes_stand_in_lines_of_their_own_above_the_bar(
    running: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """On a terminal, where several files are waited for."""
    names = ["one.fit", "two.fit"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(ride(serial=number))
    mine, theirs = pty.openpty()
    words = running.command("upload", *(str(tmp_path / name) for name in names), "--wait")
    environ = {**running.environ(), "TERM": "xterm", "COLUMNS": "60"}
    with subprocess.Popen(words, stdout=theirs, env=environ) as waiting:  # ourselves
        os.close(theirs)
        seen = ""
        for name in names:
            seen += "" if f"{name}: completed" in seen else read_until(mine, f"{name}: completed")
    os.close(mine)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", seen))

    assert waiting.returncode == 0
    assert [line for line in lines if ".fit:" in line and not line.startswith(tuple(names))] == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fitferry sta", {"status"}),
        ("fitferry uploads --status f", {"failed"}),
        ("fitferry backlog s", {"since"}),
        ("fitferry connect ", {"me"}),
    ],
)
def test_the_shell_completes_commands_and_what_they_take(
    typed: str, offered: set[str], home: DaemonHarness
) -> None:
    """By click's own way, which the README names."""
    environ = {
        **home.environ(),
        "_FITFERRY_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - (0 if typed.endswith(" ") else 1)),
        "FITFERRY_CONFIG": str(home.config),
    }
    code = "import sys; sys.argv[0] = 'fitferry'; from fitferry.__main__ import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environ
    )  # ourselves

    assert {line.split(",")[1] for line in ended.stdout.split()} == offered


def test_the_shell_completes_the_numbers_of_jobs(running: DaemonHarness, ride: Ride) -> None:
    """Those that a command takes, with their files; without a history there are none."""
    running.drop("a.fit", ride())
    running.completed()
    environ = {
        **running.environ(),
        "_FITFERRY_COMPLETE": "zsh_complete",
        "FITFERRY_CONFIG": str(running.config),
    }
    code = "import sys; sys.argv[0] = 'fitferry'; from fitferry.__main__ import main; main()"

    def completed(words: str) -> list[str]:
        given = {**environ, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()))}
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=given
        )  # ourselves
        return ended.stdout.split()

    assert completed("fitferry retry ") == ["plain", "1", "a.fit"]
    assert completed("fitferry dismiss ") == []
