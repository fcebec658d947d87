"""What is looked at in a booted machine, see boot.sh. Runs there, as root, by Debian's own Python.

The service with every line of hardening: ready when it is ready, one upload, a hung process, a stop, wrong settings.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from booted import ETC, RIDES, ask, check, say, shown, systemctl, wait

CONFIG = """
[strava]
client_id = 12345
website = "http://127.0.0.1:8481"
api = "http://127.0.0.1:8481/api/v3"
[[watch]]
folder = "/srv/rides"
"""
FITFERRY = "/opt/fitferry/bin/fitferry"


def prepare() -> None:
    """The user, the folders, the settings, the secret; and a sandbox to talk to."""
    subprocess.run(["/bin/systemd-sysusers"], check=True)
    subprocess.run(["/bin/systemd-tmpfiles", "--create"], check=False)
    assert (ETC.stat().st_mode & 0o777, ETC.group()) == (0o750, "fitferry")
    say("systemd-sysusers and systemd-tmpfiles make the user and the folder of the settings")
    (ETC / "config.toml").write_text(CONFIG, encoding="utf-8")
    (ETC / "client-secret").write_text("sandbox-secret\n", encoding="utf-8")
    (ETC / "client-secret").chmod(0o600)
    RIDES.mkdir(parents=True, exist_ok=True)
    subprocess.Popen([FITFERRY, "sandbox", "--port", "8481"], stdout=subprocess.DEVNULL)  # ourselves
    drop_in = Path("/etc/systemd/system/fitferry.service.d/fast.conf")
    drop_in.write_text("[Service]\nWatchdogSec=6\nRestartSec=1\n", encoding="utf-8")
    systemctl("daemon-reload")


def ready() -> None:
    """`start` comes back when the page answers, not before."""
    ended = systemctl("start", "fitferry")
    assert ended.returncode == 0, ended.stderr
    assert ask("/healthz") == {"status": "ok"}
    say("start comes back when the page answers")
    wait(lambda: "waiting" in shown("StatusText"))
    say(f"systemctl status says: {shown('StatusText')}")
    status = Path(f"/proc/{shown('MainPID')}/status").read_text(encoding="utf-8")
    owner = pwd.getpwuid(Path(f"/proc/{shown('MainPID')}").stat().st_uid).pw_name
    assert (owner, "NoNewPrivs:\t1" in status, "CapBnd:\t0000000000000000" in status) == (
        "fitferry",
        True,
        True,
    )
    say("it runs as its own user, without any capability, and can gain none")


def commands() -> None:
    """The service's user finds the service's state: without systemd's variables, by the place of the settings."""
    for words in (["login"], ["status"]):
        command = ["/sbin/runuser", "-u", "fitferry", "--", FITFERRY, *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "http://" in ended.stdout, ended.stderr
    say("commands of the service's user find the service")


def upload() -> None:
    """One sign-in with the credential's secret, one ride, on Strava."""
    url = ask("/api/v1/strava/auth")["authorization_url"]
    boxes = [("authorize", "1"), ("scope", "activity:write"), ("scope", "activity:read_all")]
    with urllib.request.urlopen(url, urlencode(boxes).encode(), timeout=10):  # noqa: S310  # the sandbox
        say("the app's secret came by LoadCredential, and signs in")
    shutil.copy("/opt/edge_820_ride.fit", RIDES / "ride.fit")
    wait(lambda: [job for job in ask("/api/v1/strava/uploads")["uploads"] if job["status"] == "completed"])
    say("a ride goes up under every line of hardening")


def hang() -> None:
    """A process that hangs is ended and started again."""
    before = int(shown("MainPID"))
    time.sleep(1)
    os.kill(before, signal.SIGSTOP)
    wait(lambda: shown("MainPID") not in {"0", str(before)} and shown("ActiveState") == "active")
    assert wait(lambda: ask("/healthz")) == {"status": "ok"}
    say("the watchdog ends a process that hangs, and a new one goes on")


def stop() -> None:
    """A stop is clean."""
    began = time.monotonic()
    systemctl("stop", "fitferry")
    assert (shown("ActiveState"), shown("Result"), shown("ExecMainStatus")) == ("inactive", "success", "0")
    say(f"a stop is clean and took {time.monotonic() - began:.1f} s")


def wrong_settings() -> None:
    """They are said once, and not tried again and again."""
    (ETC / "config.toml").write_text("[strava]\nclient_idd = 5\n", encoding="utf-8")
    systemctl("reset-failed", "fitferry")
    assert systemctl("start", "fitferry").returncode != 0
    time.sleep(4)
    assert (shown("ActiveState"), shown("ExecMainStatus"), shown("NRestarts")) == ("failed", "78", "0")
    journal = subprocess.run(
        ["/bin/journalctl", "-u", "fitferry", "-n", "20", "-o", "cat"],
        capture_output=True,
        text=True,
        check=False,
    )  # fixed words
    assert "client_idd" in journal.stdout
    say("wrong settings are said in the journal, and do not loop")


if __name__ == "__main__":
    check((prepare, ready, commands, upload, hang, stop, wrong_settings))
