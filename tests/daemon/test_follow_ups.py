"""What follows an upload, with the daemon as people run it: gear and mute by rule, and the command of the settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness, harness

Ride = Callable[..., bytes]
HOOK = """
import os, sys
from pathlib import Path
with open(sys.argv[1], "a") as log:
    there = Path(os.environ["FITFERRY_FILE"]).exists()
    print(Path(os.environ["FITFERRY_FILE"]).name, os.environ["FITFERRY_OUTCOME"], there, file=log, flush=True)
sys.exit(Path(sys.argv[1]).with_name("broken").exists())
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DaemonHarness]:
    """A daemon with a rule and a command; it is connected."""
    with harness(tmp_path) as one:
        hook = tmp_path / "hook.py"
        hook.write_text(HOOK, encoding="utf-8")
        command = json.dumps([sys.executable, str(hook), str(tmp_path / "told")])
        one.configure(
            f'[hooks]\ncommand = {command}\n[[rule]]\nset = {{ gear = "b12", hide_from_home = true }}\n',
            archive='after_upload = "archive"',
        )
        one.start()
        one.connect()
        yield one


def told(home: DaemonHarness) -> list[str]:
    """What the command has written."""
    path = home.config.with_name("told")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_gear_is_set_and_the_command_sees_the_file_before_it_is_archived(
    home: DaemonHarness, ride: Ride
) -> None:
    """Once each; the upload is completed all the same."""
    home.drop("a.fit", ride())
    (done,) = home.completed()
    activity = home.sandbox.world.activities[done["strava_activity_id"]]
    home.wait(lambda: activity.gear_id == "b12" and activity.hide_from_home and told(home))
    home.wait((home.rides / "uploaded" / "a.fit").exists)

    assert told(home) == ["a.fit uploaded True"]
    puts = [asked for asked in home.sandbox.world.requests if asked["method"] == "PUT"]
    assert len(puts) == 1


def test_what_is_owed_outlives_a_kill(home: DaemonHarness, ride: Ride) -> None:
    """The command failed; after the kill it runs again, and sees the file before it is archived."""
    home.config.with_name("broken").touch()
    home.drop("a.fit", ride())
    (done,) = home.completed()
    home.wait(partial(told, home))
    home.kill()
    home.config.with_name("broken").unlink()
    home.start()
    home.wait(lambda: len(told(home)) > 1 and (home.rides / "uploaded" / "a.fit").exists())

    assert done["strava_activity_id"] in home.sandbox.world.activities
    assert len(home.sandbox.world.uploads) == 1
