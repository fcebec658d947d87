"""The first start without any settings: set up in a browser, without a terminal and without a restart."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import CHROMIUM, window
from daemon_harness import PATIENCE, DaemonHarness, harness
from fitferry.config.load import load

Ride = Callable[..., bytes]


class Walk:
    """A machine without settings, the daemon on it, and a browser."""

    def __init__(self, home: DaemonHarness, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.config, self.state = folder / "xdg/fitferry/config.toml", folder / "state/fitferry"
        self.environ = {
            **home.environ(),
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "xdg"),
            "XDG_STATE_HOME": str(folder / "state"),
            "FITFERRY_WEB_PORT": "0",
            "FITFERRY_STRAVA_WEBSITE": home.sandbox.url,
            "FITFERRY_STRAVA_API": f"{home.sandbox.url}/api/v3",
            "FITFERRY_UPLOADS_CHECK_DELAYS": "0.1",
        }
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the daemon."""
        with self.home.log.open("ab") as log:
            return subprocess.Popen(  # ourselves
                [sys.executable, "-m", "fitferry", "run"], stdout=log, stderr=log, env=self.environ
            )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(  # ourselves
            [sys.executable, "-m", "fitferry", *words],
            capture_output=True, text=True, check=False, timeout=PATIENCE, env=self.environ,
        )  # fmt: skip

    def link(self) -> str:
        """The last link in the log."""
        found = self.home.wait(lambda: re.findall(r'"setup_link": ?"([^"]+)"', self.home.words()))
        return str(found[-1])

    def open(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Open a page, or send a form there."""
        body = None if form is None else urlencode(form).encode()
        try:
            with self.browser.open(url, body, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """A machine without settings."""
    with harness(tmp_path) as home:
        found = Walk(home, tmp_path)
        try:
            yield found
        finally:
            if found.process.poll() is None:
                found.process.kill()
            found.process.wait()


class Clicks:
    """A browser in which somebody clicks, and how often; keys are pressed for nothing."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def click(self, role: Any, name: str) -> None:
        """Click on what has this name."""
        self.page.get_by_role(role, name=name, exact=True).click()
        self.count += 1

    def type(self, *answers: str) -> None:
        """Type into one field after the other."""
        for answer in answers:
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(answer)
            self.page.keyboard.press("Tab")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's package chromium")
@pytest.mark.parametrize(("old_files", "script"), [(0, False), (3, True)])
def test_a_stranger_needs_eight_clicks_and_no_terminal(
    walk: Walk, ride: Ride, browser: Browser, *, old_files: int, script: bool
) -> None:
    """From nothing to the first ride on the page: the link from the log, the form, consent, a file in the folder."""
    for number in range(old_files):
        (walk.home.rides / f"old-{number}.fit").write_bytes(ride(serial=number))
    with window(browser, java_script_enabled=script) as page:
        stranger = Clicks(page)
        page.goto(walk.link())
        stranger.click("textbox", "Client ID")
        stranger.type("12345", "sandbox-secret", str(walk.home.rides))
        stranger.click("button", "Save and continue")
        if old_files:
            expect(page.get_by_text("found and readable: 3 activity files")).to_be_visible()
            stranger.click("radio", "Upload none from before today")
            stranger.click("button", "Save and continue")
        stranger.click("button", "Continue")
        stranger.click("button", "Connect with Strava")
        stranger.click("button", "Authorize")
        stranger.click("link", "To the page")
        (walk.home.rides / "new.fit").write_bytes(ride(serial=9, start=int(time.time()) - 3600))
        walk.home.wait(lambda: len(walk.home.sandbox.world.activities) == 1)
        on_strava = page.get_by_role("link", name="View on Strava")
        if not script:
            walk.home.wait(lambda: page.reload() and on_strava.count())
        expect(on_strava).to_be_visible()

    assert stranger.count <= 8


def typed(walk: Walk, page: str = "", **other: str) -> dict[str, str]:
    """A form as a person fills it in; `page`: what it was shown on."""
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    answers = {"client_id": " '12345' ", "client_secret": '"sandbox-secret"', "folder": str(walk.home.rides)}
    return {**answers, "seen": seen[1] if seen else "", **other}


def test_from_nothing_to_a_ride_on_strava(walk: Walk, ride: Ride) -> None:
    """Link, form, warning taken, sign-in, consent, ride: in one process, and without a terminal."""
    (walk.home.rides / "old.fit").write_bytes(ride(serial=1))
    link = walk.link()
    assert walk.command("health").returncode == 0
    assert walk.command("status").returncode == 3
    assert walk.open(link)[0] == 200
    status, page = walk.open(link, typed(walk))
    assert (status, "found and readable" in page.lower(), 'value="none"' in page) == (200, True, True)
    assert not walk.config.exists()
    status, page = walk.open(link, typed(walk, page, old="none"))
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None, page
    assert walk.config.stat().st_mode & 0o777 == 0o600
    base = link.split("/setup")[0]

    def signed_in() -> bool:
        return walk.open(f"{base}/login", {"token": token[1]})[0] == 200

    walk.home.wait(signed_in)
    walk.home.sandbox.world.switches.consent = "approve"
    key = (walk.state / "api-token").read_text().strip()
    request = urllib.request.Request(  # noqa: S310  # the daemon
        f"{base}/api/v1/strava/auth", headers={"Authorization": f"Bearer {key}", "Accept": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # the same
        consent = json.load(answer)["authorization_url"]
    assert walk.open(consent)[0] == 200
    (walk.home.rides / "new.fit").write_bytes(ride(serial=2, start=int(time.time()) - 3600))
    walk.home.wait(lambda: len(walk.home.sandbox.world.activities) == 1)
    found = load(walk.config, {})

    assert (found.strava.client_id, found.strava.client_secret) == ("12345", "sandbox-secret")
    assert found.strava.since is not None
    assert found.web.url is None
    walk.process.send_signal(signal.SIGTERM)
    assert walk.process.wait(PATIENCE) == 0


def test_only_the_link_opens_the_page_and_a_wrong_one_logs_no_flood(walk: Walk) -> None:
    """Under any name of the machine; what is sent without it writes nothing."""
    link = walk.link()
    base = link.split("?")[0]
    for url in (base, f"{base}?token=wrong", f"{base}?token=wrong"):
        assert walk.open(url)[0] == 401
        assert walk.open(url, typed(walk))[0] == 401
    request = urllib.request.Request(link, headers={"Host": "nas.local:8480"})  # noqa: S310  # the daemon
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # the same
        assert "<code>nas.local</code>" in answer.read().decode()
    assert walk.open(link)[0] == 200
    status, page = walk.open(link, typed(walk, client_id="abc", folder="rides", client_secret="12345"))

    assert (status, page.count('class="said bad"')) == (200, 3)
    assert not walk.config.exists()
    assert walk.home.words().count("setup_link") == 1
    walk.process.send_signal(signal.SIGTERM)
    assert walk.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("token", ["%C3%A9", "%ff%fe", "%00", "x" * 5_000, "&token=x", "x&" * 2_000, ";"])
def test_an_odd_token_is_a_wrong_one(walk: Walk, token: str) -> None:
    """Whatever its letters are."""
    link = walk.link()

    assert walk.open(f"{link.split('?')[0]}?token={token}")[0] == 401
    assert "Traceback" not in walk.home.words()


def test_a_wrong_application_is_told_and_taken_when_insisted(walk: Walk) -> None:
    """Strava's token endpoint knows; it may be wrong, or out of reach."""
    link = walk.link()
    status, page = walk.open(link, typed(walk, client_secret="f" * 40))
    assert (status, "Strava does not know this id with this secret" in page) == (200, True)
    assert not walk.config.exists()
    status, page = walk.open(link, typed(walk, page, client_secret="e" * 40))
    assert "Strava does not know this id with this secret" in page
    assert not walk.config.exists()
    walk.open(link, typed(walk, page, client_secret="e" * 40))

    assert walk.config.exists()
