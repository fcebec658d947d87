"""The command check: a line for each thing, and what to do where one is bad."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from daemon_harness import DaemonHarness
from fitferry.auth import token_cipher
from fitferry.cli import checks
from fitferry.config.load import load
from fitferry.config.schema import StravaSettings
from fitferry.core.api_types import StatusJson
from fitferry.core.errors import StravaError
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.strava import Strava

Ride = Callable[..., bytes]


@pytest.mark.parametrize("answering", [None, *checks.NEW_APIS])
def test_check_asks_stravas_new_host_by_both_names(tmp_path: Path, answering: str | None) -> None:
    """It names the setting for the one that answers; a clock that is wrong is told by Strava's."""

    class OnlyThere(Strava):
        def __init__(self, settings: StravaSettings) -> None:
            super().__init__(settings)
            self.api = settings.api

        def server_time(self) -> float:
            if self.api not in {checks.OLD_API, answering}:
                raise StravaError(StravaErrorKind.UNREACHABLE, verbatim("no such host"))
            return time.time() - 3600

    config = tmp_path / "config.toml"
    config.write_text(
        '[strava]\nclient_id = 1\nclient_secret = "s"\n[[watch]]\nfolder = "/a"\n', encoding="utf-8"
    )
    found = list(checks.strava_checks(load(config, {}), OnlyThere))

    assert [str(one.message) for one in found if one.result == "warn"] == (
        [f'Strava\'s API answers at its new host: set api = "{answering}" in [strava] before June 2027']
        if answering
        else []
    )
    assert next(str(one.message) for one in found if str(one.what) == "clock").startswith(
        "it is 3,600 seconds off Strava's"
    )


def test_check_has_a_line_for_each_thing(running: DaemonHarness) -> None:
    """And exit 1 where one is bad."""
    running.wait(lambda: running.status()["state"] == "ok")
    good = running.run("check")
    assert good.returncode == 0, good.stdout
    assert {"settings", "database", "clock", "daemon"} <= {
        line[5:].split(":")[0] for line in good.stdout.splitlines()
    }
    (running.state / "key").chmod(0o644)
    bad = running.run("check")

    assert (bad.returncode, "chmod 600" in bad.stdout) == (1, True)
    found = json.loads(running.run("check", "--json").stdout)
    assert [one["what"] for one in found if one["result"] == "bad"] == ["key"]


@pytest.mark.parametrize(
    ("folder", "result", "words"),
    [
        ("/proc/nope/state", "bad", "it cannot be made (No such file or directory)"),
        ("{rides}/a.fit/state", "bad", "it cannot be made (Not a directory)"),
        ("{rides}/a.fit", "bad", "it cannot be made (Not a directory)"),
        ("{rides}/new/state", "ok", "it is made at the first start"),
    ],
)
def test_check_proves_that_the_state_folder_can_be_made(
    home: DaemonHarness, ride: Ride, folder: str, result: str, words: str
) -> None:
    """And leaves nothing behind."""
    home.drop("a.fit", ride())
    home.state = Path(folder.format(rides=home.rides))
    home.configure()
    found = json.loads(home.run("check", "--json").stdout)
    (told,) = [one for one in found if one["what"] == f"state folder {home.state}"]

    assert (told["result"], told["words"].startswith(words)) == (result, True)
    assert [home.rides / "a.fit"] == list(home.rides.iterdir())


def test_check_looks_into_the_key(home: DaemonHarness) -> None:
    """A file with something else in it opens no token."""
    home.state.mkdir(mode=0o711)
    key = home.state / "key"
    for text, mode, result in (("garbage", 0o600, "bad"), (token_cipher.new_key().decode(), 0o600, "ok")):
        key.write_text(text, encoding="ascii")
        key.chmod(mode)
        (told,) = [one for one in json.loads(home.run("check", "--json").stdout) if one["what"] == "key"]

        assert told["result"] == result


def test_check_says_once_what_is_missing_and_what_to_do(home: DaemonHarness) -> None:
    """A folder has one line, also where the daemon misses it, and the subscription has its own."""
    home.configure(f'[[watch]]\nfolder = "{home.rides}/away"')
    home.start()
    home.wait(lambda: any(one["code"] == "folder_unavailable" for one in home.status()["problems"]))
    lines = home.run("check").stdout.splitlines()
    (missing,) = [line for line in lines if "/away" in line]

    assert "mount it or create it, or correct its path under [[watch]]" in missing
    assert "warn subscription: not known before the first upload" in lines


@pytest.mark.parametrize(
    ("status", "result", "words"),
    [
        ({"problems": [], "last_upload": None}, "warn", "not known"),
        (
            {"problems": [], "last_upload": {"completed_at": "2026-09-21T12:00:00Z"}},
            "ok",
            "taken on 2026-09-2",
        ),
        (
            {"problems": [{"code": "app_inactive", "message": "subscribe"}], "last_upload": {}},
            "bad",
            "subscribe",
        ),
    ],
)
def test_stravas_answers_tell_of_the_subscription(status: dict[str, Any], result: str, words: str) -> None:
    """It cannot be asked for."""
    found = checks.subscription(cast("StatusJson", status))

    assert (found.result, words in str(found.message)) == (result, True)
