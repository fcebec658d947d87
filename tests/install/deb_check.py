"""What is tried with the Debian package in a booted machine, see deb.sh. Runs there, as root, by Debian's own Python.

The version before is installed, set up and used; then come the upgrade, a removal, a new installation and a purge.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from booted import ETC, RIDES, STATE, ask, check, say, shown, wait

PROGRAM = Path("/opt/fitferry")
OLD, NEW = (next(Path("/debs", age).glob("*.deb")) for age in ("old", "new"))


def run(*words: str | Path, succeeds: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command, which has to succeed unless told otherwise."""
    ended = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    assert ended.returncode == 0 or not succeeds, (words, ended.stdout, ended.stderr)
    return ended


def apt(*words: str | Path) -> str:
    """What apt-get prints. What the package depends on is there, so nothing is fetched."""
    return run("apt-get", "-y", *words).stdout


def version_of(package: Path) -> str:
    """The version in a package's name, as Fitferry itself says it."""
    return package.name.split("_")[1].split("+")[0]


def completed() -> list[str]:
    """The files that are on Strava, sorted."""
    jobs = ask("/api/v1/strava/uploads")["uploads"]
    return sorted(job["file"] for job in jobs if job["status"] == "completed")


def running(package: Path) -> None:
    """The service runs, healthy, in the version of that package."""
    wait(lambda: ask("/healthz") == {"status": "ok"})
    status = wait(lambda: json.loads((STATE / "status.json").read_text(encoding="utf-8")))
    assert status["version"] == version_of(package), status["version"]
    assert shown("ActiveState") == "active"


def sandbox() -> None:
    """A Strava look-alike from a copy of the program, so that no upgrade touches it."""
    site = next(PROGRAM.glob("lib/python3.*/site-packages"))
    shutil.copytree(site, "/opt/sandbox")
    subprocess.Popen(
        ["/usr/bin/python3", "-m", "fitferry", "sandbox", "--port", "8481"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": "/opt/sandbox"},
    )
    drop_in = Path("/etc/systemd/system/fitferry.service.d/sandbox.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(
        "[Service]\nEnvironment=FITFERRY_STRAVA_WEBSITE=http://127.0.0.1:8481\n"
        "Environment=FITFERRY_STRAVA_API=http://127.0.0.1:8481/api/v3\n",
        encoding="utf-8",
    )
    run("systemctl", "daemon-reload")


def install() -> None:
    """Without settings nothing is started, and nothing has failed."""
    printed = apt("install", OLD)
    assert "fitferry init" in printed, printed
    assert run("fitferry", "--version").stdout == f"fitferry {version_of(OLD)}\n"
    assert (shown("UnitFileState"), shown("ActiveState"), shown("Result")) == (
        "enabled",
        "inactive",
        "success",
    )
    assert (ETC.stat().st_mode & 0o777, ETC.owner(), ETC.group()) == (0o750, "root", "fitferry")
    say(
        f"apt install of {OLD.name}: user, folder and service are there, and the service waits for its settings"
    )
    assert "FITFERRY(1)" in run("man", "fitferry").stdout
    completion = "source /usr/share/bash-completion/completions/fitferry; complete -p fitferry"
    assert "_fitferry_completion" in run("bash", "-c", completion).stdout
    say("man page and completion are there")


def set_up() -> None:
    """`fitferry init` as root writes for the service, and starts it."""
    sandbox()
    RIDES.mkdir(parents=True)
    secret = ETC / "client-secret"
    secret.write_text("sandbox-secret\n", encoding="utf-8")
    shutil.chown(secret, "root", "fitferry")
    secret.chmod(0o640)
    run("fitferry", "init", "--folder", RIDES, "--client-id", "12345", "--client-secret-file", secret)
    config = ETC / "config.toml"
    assert (config.stat().st_mode & 0o777, config.owner(), config.group()) == (0o640, "root", "fitferry")
    running(OLD)
    owner = pwd.getpwuid(Path(f"/proc/{shown('MainPID')}").stat().st_uid).pw_name
    assert owner == "fitferry"
    assert "http://" in run("fitferry", "login").stdout
    say("fitferry init writes the settings for the service alone, and the service is up")


def use() -> None:
    """Sign in, and one ride."""
    url = ask("/api/v1/strava/auth")["authorization_url"]
    boxes = [("authorize", "1"), ("scope", "activity:write"), ("scope", "activity:read_all")]
    urllib.request.urlopen(url, urlencode(boxes).encode(), timeout=10).close()  # noqa: S310  # the sandbox
    shutil.copy("/opt/edge_820_ride.fit", RIDES / "before.fit")
    wait(lambda: completed() == ["before.fit"])
    say("a ride goes to the sandbox")


def upgrade() -> None:
    """The new version takes over what the old one kept."""
    apt("install", NEW)
    running(NEW)
    assert completed() == ["before.fit"]
    shutil.copy("/opt/indoor_ride.fit", RIDES / "after.fit")
    wait(lambda: completed() == ["after.fit", "before.fit"])
    # Whoever calls: no file of root's may be left in the state folder.
    for words in (["status"], ["uploads"], ["check"], ["backlog"]):
        run("fitferry", *words, succeeds=False)
    run("fitferry", "inspect", RIDES / "after.fit")
    run("fitferry", "upload", RIDES / "before.fit")
    owners = {path.owner() for path in STATE.rglob("*")}
    assert owners == {"fitferry"}, owners
    say(f"upgraded to {NEW.name}: it runs, the history is there, a second ride goes up")


def stopped() -> None:
    """What a person has stopped or disabled is left so."""
    run("systemctl", "stop", "fitferry")
    run("systemctl", "disable", "fitferry")
    apt("install", "--reinstall", NEW)
    assert (shown("UnitFileState"), shown("ActiveState")) == ("disabled", "inactive")
    run("systemctl", "enable", "--now", "fitferry")
    running(NEW)
    say("a service that was stopped and disabled by hand stays so")


def removal() -> None:
    """The program goes, what it kept stays."""
    apt("remove", "fitferry")
    assert shown("ActiveState") == "inactive"
    assert not PROGRAM.exists(), list(PROGRAM.rglob("*"))[:5]
    assert not Path("/usr/bin/fitferry").exists()
    assert (STATE / "state.db").exists()
    assert (ETC / "config.toml").exists()
    say("removed: the program is gone, settings and state are kept")
    apt("install", NEW)
    running(NEW)
    assert completed() == ["after.fit", "before.fit"]
    say("installed again: the service is up by itself, with its history")


def purge() -> None:
    """Everything goes."""
    apt("purge", "fitferry")
    left = [path for path in (PROGRAM, STATE, ETC) if path.exists()]
    assert left == []
    assert shown("LoadState") in {"not-found", "masked", "bad-setting"} or shown("FragmentPath") == ""
    assert run("dpkg", "-s", "fitferry", succeeds=False).returncode != 0
    say("purged: settings and state are gone, too")


if __name__ == "__main__":
    check((install, set_up, use, upgrade, stopped, removal, purge))
