"""A real browser: Chromium of the system, driven by playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 60_000
"""What any one step may take: as long as on a machine that has ten times as much to do as it can."""
expect.set_options(timeout=PATIENCE_MS)
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1180, "height": 900}
_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@contextlib.contextmanager
def window(browser: Browser, **given: Any) -> Iterator[Page]:
    """A window with nothing kept from before; every error in its console is gathered, and there must be none."""
    options = {"viewport": DESK, "locale": "en-GB", "timezone_id": "Europe/Zurich", **given}
    with contextlib.closing(browser.new_context(**options)) as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message) else None)
        page.on("response", lambda answer: wrong.append(answer.url) if answer.status in {404, 500} else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.set_default_timeout(PATIENCE_MS)
        yield page
        assert not wrong, wrong


def press(page: Page, name: str) -> None:
    """Press a button that leads to another page, and wait until that has come whole, its style sheet, too."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def is_wider(page: Page, width: int) -> bool:
    """Whether the page runs over the edge of a window of this width; a busy machine resizes late."""
    page.set_viewport_size({"width": width, "height": DESK["height"]})
    page.wait_for_function(f"innerWidth === {width}")
    return bool(page.evaluate("document.documentElement.scrollWidth") > width)


def _is_wrong(message: ConsoleMessage) -> bool:
    """Whether an entry of the console tells of a mistake; an answer that was refused is none."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")
