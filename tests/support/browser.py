"""A real browser: Chromium of the system, driven by playwright."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 60_000
"""What any one step may take: as long as on a machine that has ten times as much to do as it can."""
expect.set_options(timeout=PATIENCE_MS)
Scheme = Literal["light", "dark"]
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1180, "height": 900}
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
def window(
    browser: Browser, *, viewport: ViewportSize = DESK, color_scheme: Scheme = "light", **given: Any
) -> Iterator[Page]:
    """A window with nobody signed in; every error in its console is gathered, and there must be none.

    `given`: options of its context. The window is kept for the next one: Chromium takes a second to make another.
    """
    page = _page(browser, **given)
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=color_scheme)
    wrong: list[str] = []
    listeners: dict[Any, Callable[..., None]] = {
        "console": lambda message: wrong.append(message.text) if _is_wrong(message) else None,
        "response": lambda answer: wrong.append(answer.url) if answer.status in {404, 500} else None,
        "pageerror": lambda error: wrong.append(str(error)),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield page
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    page.goto("about:blank")
    page.context.clear_cookies()
    assert not wrong, wrong


@functools.cache
def _page(browser: Browser, **given: Any) -> Page:
    options = {"locale": "en-GB", "timezone_id": "Europe/Zurich", **given}
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


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
