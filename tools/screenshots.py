"""Makes the pictures in docs/pictures/: `make screenshots`, which needs Chromium, and pngquant to keep them small.

Every state at four widths, as STATE-WIDTH.png; some of them also in the dark and in Korean.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from playwright.sync_api import Browser, Page

from browser import chromium, window
from fitferry.storage import database
from fitferry.system import logs
from fitferry.web.credentials import make_login_link
from fitferry.web.server import Server
from page_scenes import EXTRA, SCENES, Scene, set_up

WATCHED = '[[watch]]\nfolder = "/srv/rides"\n'
WIDTHS = (360, 768, 1280, 1920)
HEIGHT = 900
SECRET = "0123456789abcdef0123456789abcdef01234567"
STATES = {
    "log": ("everyday", "/log"),
    "empty": ("empty", "/"),
    "everyday": ("everyday", "/"),
    "busy": ("busy", "/"),
    "trouble": ("trouble", "/"),
    "several": ("several", "/"),
    "details": ("everyday", "/?q="),
    "failed": ("trouble", "/?status=failed"),
    "selection": ("trouble", "/?status=failed&select=1#activities"),
    "tokens": ("everyday", "/tokens"),
}
"""Of each state: the scene, and the address in it; the log first, before the signing in for the others is in it."""
OF_A_RIDE = ("details", "failed")
"""States to which the first ride's link leads."""
KOREAN = {"locale": "ko-KR"}
OTHERWISE: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "everyday-dark": ("everyday", (360, 1280), {"color_scheme": "dark"}),
    "trouble-dark": ("trouble", (360, 1280), {"color_scheme": "dark"}),
    "everyday-korean": ("everyday", (360, 1280), KOREAN),
    "trouble-korean": ("trouble", (360,), KOREAN),
}
EVENTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("started", {"version": "0.2.0", "url": "http://nas.local:8480"}),
    ("watch_state", {"folder": "/srv/rides", "outcome": "available", "method": "events"}),
    ("file_admitted", {"file": "2026-11-26-07-31-12.fit", "outcome": "pending", "athlete": "me"}),
    ("upload_attempt", {"job": 212, "outcome": "accepted", "waiting_for": "processing", "next_in": 2.0}),
    ("upload_attempt", {"job": 212, "outcome": "completed", "strava_activity_id": 17008210000}),
)
"""What stands in the log's picture."""


@contextmanager
def staged(name: str) -> Iterator[str]:
    """A scene, served; a link that signs in."""
    with tempfile.TemporaryDirectory() as folder, database.opened(Path(folder) / "state.db"):
        scene = Scene(Path(folder), WATCHED + EXTRA.get(name, ""))
        SCENES[name](scene)
        server = Server("127.0.0.1", 0)
        with server.serving(scene.page.app):
            token = make_login_link(scene.page.context).split("token=")[1]
            yield f"http://127.0.0.1:{server.port}/login?token={token}"


@contextmanager
def shown(browser: Browser, scene: str, **options: Any) -> Iterator[Page]:
    """A window that is signed in."""
    with staged(scene) as link, window(browser, **{"color_scheme": "light", **options}) as page:
        page.goto(link)
        page.click("button.main")
        page.wait_for_selector("#history")
        yield page


def shoot(page: Page, folder: Path, name: str, widths: tuple[int, ...] = WIDTHS) -> None:
    """One state at several widths."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if "#" in page.url:
            page.evaluate("document.querySelector(location.hash)?.scrollIntoView()")
        page.screenshot(path=folder / f"{name}-{width}.png")


def of_the_set_up(browser: Browser, folder: Path) -> None:
    """Its first step as it is found, what is said of the answers, and the second step."""
    with tempfile.TemporaryDirectory() as place, set_up(Path(place)) as (_, link):
        (Path(place) / "rides/2025-08-30.fit").touch()
        with window(browser, color_scheme="light") as page:
            page.goto(link)
            for name, secret in (("set-up-1", ""), ("set-up-1-answers", SECRET[:-1]), ("set-up-2", SECRET)):
                if secret:
                    page.fill("#client_id", "12345")
                    page.fill("#client_secret", secret)
                    page.fill("#folder", f"{place}/rides")
                    page.click("button.main")
                if page.locator("#folder").count():
                    page.fill("#folder", "/srv/rides")
                shoot(page, folder, name)


def take(folder: Path) -> None:
    """Every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        logs.configure("info", "json", nowhere)
        with chromium() as browser:
            for event, fields in EVENTS:
                structlog.get_logger("fitferry").info(event, **fields)
            for name, (scene, path) in STATES.items():
                with shown(browser, scene) as page:
                    page.goto(page.url.rstrip("/") + path)
                    if name in OF_A_RIDE:
                        page.locator(".ride .title").first.click()
                        page.wait_for_selector("#ride")
                    shoot(page, folder, name)
            for name, (scene, widths, options) in OTHERWISE.items():
                with shown(browser, scene, **options) as page:
                    shoot(page, folder, name, widths)
            of_the_set_up(browser, folder)


def shrink(folder: Path) -> None:
    """Give the pictures a palette: a third of the size, and nobody sees it."""
    pngquant = shutil.which("pngquant")
    if pngquant is None:
        sys.exit("install Debian's package pngquant")
    pictures = sorted(map(str, folder.glob("*.png")))
    subprocess.run([pngquant, "--force", "--strip", "--speed=1", "--ext=.png", "256", *pictures], check=True)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    take(target)
    shrink(target)
