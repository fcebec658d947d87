"""The commands that open a browser's way: connect, disconnect, login."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daemon_harness import PATIENCE, DaemonHarness


def connecting(home: DaemonHarness, *options: str) -> tuple[subprocess.Popen[str], str]:
    """The command, which waits for a consent, and the address that it has printed."""
    process = subprocess.Popen(  # ourselves
        home.command("connect", *options),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=home.environ(),
    )  # fmt: skip
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_connecting_waits_until_strava_has_answered(home: DaemonHarness) -> None:
    """It prints the address, and says as whom in the end."""
    home.start()
    process, link = connecting(home)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(link, timeout=PATIENCE) as consent:
        url = consent.url
    boxes = [("authorize", "1"), ("scope", "activity:write")]
    with browser.open(url, urlencode(boxes).encode(), timeout=PATIENCE):
        pass
    rest, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, rest) == (0, "connected as Sam Sand\n")


BROWSER = r"""
import html, json, os, re, sys, urllib.parse, urllib.request
url = sys.argv[2]
path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
text = open(path, encoding="utf-8").read()
json.dump({"argv": sys.argv, "mode": os.stat(path).st_mode & 0o777, "path": path}, open(sys.argv[1], "w"))
link = html.unescape(re.search(r'content="0;url=([^"]+)"', text)[1])
urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(link).close()
"""


def test_the_link_that_is_opened_on_a_desktop_stands_in_no_argument(
    home: DaemonHarness, tmp_path: Path
) -> None:
    """Every user of the machine sees a process's arguments, and could consent as somebody else before us."""
    home.start()
    home.sandbox.world.switches.consent = "approve"
    (tmp_path / "browser.py").write_text(BROWSER, encoding="utf-8")
    browser = f"{shlex.join([sys.executable, f'{tmp_path}/browser.py', f'{tmp_path}/seen'])} %s"
    ended = home.run("connect", DISPLAY=":0", BROWSER=browser, HOME=str(tmp_path))
    seen = json.loads((tmp_path / "seen").read_text(encoding="utf-8"))

    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "connected as Sam Sand")
    assert "token" not in " ".join(seen["argv"])
    assert seen["mode"] == 0o600
    assert not Path(seen["path"]).exists()


def test_connecting_tells_a_refusal(home: DaemonHarness) -> None:
    """Exit 1 with Strava's word."""
    home.start()
    home.sandbox.world.switches.consent = "deny"
    process, link = connecting(home)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with pytest.raises(urllib.error.HTTPError) as raised:
        browser.open(link, timeout=PATIENCE)
    raised.value.close()
    rest, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, "access_denied" in rest) == (1, True)


def test_an_address_can_be_pasted(home: DaemonHarness) -> None:
    """For a box whose page no browser reaches: localhost needs no registration."""
    home.start()
    home.sandbox.world.switches.consent = "approve"
    process, url = connecting(home, "--paste")
    rest, _ = process.communicate(_ends_on(url) + "\n", timeout=PATIENCE)

    assert (process.returncode, "Sam Sand" in rest) == (0, True)


@pytest.mark.parametrize(
    "pasted",
    [
        b"http://localhost/nothing\n",
        b"http://[::1\n",
        b"",
        b"\xff\xfe\x00?state\n",
        b"?" + 20_000 * b"a&" + b"\n",
    ],
)
def test_what_is_no_address_is_a_sentence_where_one_is_pasted(running: DaemonHarness, pasted: bytes) -> None:
    """Half an address, another one, no text at all: what is wanted is said, and nothing else."""
    ended = subprocess.run(  # ourselves
        running.command("connect", "--paste"),
        input=pasted, capture_output=True, timeout=PATIENCE, check=False,
        env=running.environ() | {"PYTHONIOENCODING": "utf-8:strict"},
    )  # fmt: skip

    assert (ended.returncode, b"state=" in ended.stderr, b"Traceback" in ended.stderr) == (1, True, False)


def _ends_on(url: str) -> str:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args: object) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.build_opener(Stay).open(url, timeout=PATIENCE)
    raised.value.close()
    return str(raised.value.headers["Location"])


def test_disconnecting_revokes_at_strava(running: DaemonHarness) -> None:
    """And the status asks for a new connection."""
    assert running.run("disconnect").returncode == 0

    assert running.sandbox.world.tokens == []
    running.wait(lambda: running.status()["problems"])


def test_a_login_link_opens_the_page(running: DaemonHarness) -> None:
    """One line, to be opened in a browser."""
    link = running.run("login").stdout.strip()

    assert re.fullmatch(r"http://127.0.0.1:\d+/login\?token=[\w-]+", link)
