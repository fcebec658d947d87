"""The commands of the first hour, as somebody types them: on a terminal, with slips."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness, harness
from fitferry.config.load import load
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    FileKind,
    NewActivity,
    ParseResult,
    StatFingerprint,
)
from fitferry.core.messages import files
from fitferry.core.upload import ErrorCode, Status
from fitferry.sandbox.faults import InjectedFault
from fitferry.storage import activities, database
from fitferry.storage.seen_files import File
from offline import offline
from terminal import read_until

Ride = Callable[..., bytes]
SECRET = "0123456789abcdef0123456789abcdef01234567"


def answered(words: Iterable[str], dialogue: Iterable[tuple[str, str]], environ: dict[str, str]) -> str:
    """What a command says on a terminal where somebody gives each answer after its question; it has to succeed.

    A question for a secret throws away what was typed before it stands there: it is to be awaited, not what is before it.
    """
    mine, theirs = pty.openpty()
    with subprocess.Popen(  # ourselves
        [sys.executable, "-m", "fitferry", *words],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = ""
        try:
            for question, answer in dialogue:
                seen += read_until(mine, question)
                os.write(mine, f"{answer}\n".encode())
            seen += read_until(mine, None)
        except BaseException:
            process.kill()
            raise
    os.close(mine)
    assert process.returncode == 0, seen
    return seen


def test_init_asks_again_where_an_answer_cannot_be_right(
    home: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """It keeps the other answers, warns of an odd secret, and asks about files that are there."""
    (home.rides / "old.fit").write_bytes(ride())
    path = tmp_path / "new.toml"
    seen = answered(
        ["init", "--config", str(path)],
        [
            ("The folder where devices drop files", "~nobody-at-all/rides"),
            ("an absolute path such as /srv/rides", str(home.rides)),
            ("The number of your API application", SECRET),
            ("this looks like the secret", "12345"),
            ("Its secret", "54321"),
            ("Its secret", "short"),
            ("40 digits and letters from a to f", "yesterday"),
            ("needed is", "today"),
        ],
        home.environ(),
    )
    found = load(path, {})

    assert (found.strava.client_id, found.strava.client_secret) == ("12345", "short")
    assert [watch.folder for watch in found.watch] == [home.rides]
    assert found.strava.since == datetime.now().astimezone().date()
    assert "fitferry -c" in seen
    assert "this looks like the id" in seen
    assert "short" not in seen


def test_init_warns_of_a_folder_that_is_missing(home: DaemonHarness, tmp_path: Path) -> None:
    """It may come later, so the settings are written; without files there is no question about them."""
    path = tmp_path / "new.toml"
    seen = answered(
        ["init", "--config", str(path), "--client-id", "12345", "--folder", str(tmp_path / "usb")],
        [("Its secret", SECRET)],
        home.environ(),
    )

    assert f"{tmp_path}/usb" in seen.replace("\r\n", "")
    assert load(path, {}).strava.client_secret == SECRET


def test_config_shows_what_is_in_force_without_secrets(home: DaemonHarness) -> None:
    """Which file and state folder are in use, and every setting; as JSON, too."""
    home.configure(extra='[notify]\nurls = ["tgram://bot-secret/chat-secret"]\n')
    plain, machine = home.run("config"), home.run("config", "--json")
    by_variable = home.run("config", FITFERRY_UPLOADS_MAX_CONCURRENT="7").stdout

    assert (plain.returncode, machine.returncode) == (0, 0)
    for shown in (plain.stdout, machine.stdout):
        assert {str(home.config), str(home.state)} <= set(shown.replace('"', " ").replace(",", " ").split())
        assert "12345" in shown
        for secret in ("sandbox-secret", "bot-secret", "chat-secret"):
            assert secret not in shown
    assert "max_concurrent = 7" in by_variable


def test_check_tells_of_a_folder_and_of_the_time_zone(home: DaemonHarness, tmp_path: Path) -> None:
    """Each on a line of its own, with what to do; the clock is right in every zone."""
    home.configure(extra=f'[[watch]]\nfolder = "{tmp_path}/usb"\n')
    shown = home.run("check", TZ="Asia/Seoul").stdout

    assert re.search(r"^ok +time zone: .*\+0900", shown, re.MULTILINE), shown
    assert re.search(rf"^bad +folder {tmp_path}/usb: it is not there", shown, re.MULTILINE), shown
    assert re.search(r"^ok +clock$", shown, re.MULTILINE), shown


@pytest.mark.parametrize(("action", "result"), [("archive", "bad"), ("delete", "bad"), ("keep", "ok")])
def test_check_tells_of_a_folder_whose_files_could_not_be_archived(
    open_to_all: Path, action: str, result: str
) -> None:
    """Before the first upload, and only where something is to become of the files."""
    with harness(open_to_all) as home:
        home.config.chmod(0o644)
        home.rides.chmod(0o555)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        shown = subprocess.run(
            [*nobody, *home.command("check")],
            capture_output=True, text=True, timeout=60, check=False,
            env={**home.environ(), "FITFERRY_UPLOADS_AFTER_UPLOAD": action},
        ).stdout  # fmt: skip
        home.rides.chmod(0o755)

    (line,) = [line for line in shown.splitlines() if f"folder {home.rides}:" in line and "state" not in line]
    assert line.startswith(result)
    assert (f"cannot be written, but after_upload is {action}" in line) is (result == "bad")


def test_check_tells_of_a_secret_that_strava_has_refused(home: DaemonHarness, ride: Ride) -> None:
    """Heard when a token was to be refreshed; the file alone looks right."""
    home.start()
    home.connect()
    home.stop()
    home.edit("sandbox-secret", "wrong")
    home.start()
    home.sandbox.faults.add(InjectedFault("POST /uploads", "unauthorized", times=9))
    home.drop("ride.fit", ride())
    home.wait(lambda: any(one["code"] == "app_refused" for one in home.status()["problems"]))
    ended = home.run("check")

    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("bad")]
    assert "application: " in line
    assert "client_secret" in line
    assert ended.returncode == 1


def test_check_tells_of_a_messenger_that_is_not_installed(
    home: DaemonHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is an address for it."""
    home.configure(extra='[notify]\nurls = ["json://localhost"]\n')
    monkeypatch.setitem(sys.modules, "apprise", None)
    shown = offline("--config", str(home.config), "check").output

    assert "install fitferry[notify]" in shown


def test_a_held_half_is_sent_when_somebody_says_so_and_the_status_knows_at_once(
    home: DaemonHarness, ride: Ride
) -> None:
    """As the page's button does: it is Strava that judges it then. One that nobody has held is refused."""
    body = ride()[:-40]
    half, other = home.drop("half.fit", body), home.drop(".other.fit", ride(serial=2)[:-40])
    home.state.mkdir()
    with database.opened(home.state / "state.db"):
        digest = hashlib.sha256(body).hexdigest()
        reason = AdmissionDecision(Status.HELD, ErrorCode.UNFINISHED, files.BYTES_OF(have=1, want=41))
        found = ParseResult(FileKind.ACTIVITY, "fit", ActivityFacts(kind="activity", sport="cycling"))
        file = File("me", str(half), digest, len(body), StatFingerprint.of(half.stat()))
        activities.admit(file, [NewActivity(digest, found, reason)], time.time())
    home.start()
    home.connect()
    refused, sent = home.run("upload", str(other)), home.run("upload", str(half), "--wait")
    shown = home.run("status")

    assert (refused.returncode, "not whole" in refused.stderr) == (1, True)
    assert (sent.returncode, "Strava cannot use the file" in sent.stdout) == (1, True), sent
    assert (shown.returncode, "1 failed" in shown.stdout) == (3, True), shown.stdout
