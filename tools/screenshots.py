"""Makes the pictures in docs/: `make screenshots`, which needs Chromium.

The README's pictures lie in docs/, every state at four widths in docs/pictures/.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from browser import DESK, PHONE, chromium, window
from fitferry.storage import database
from fitferry.web.credentials import make_login_link
from fitferry.web.server import Server
from page_scenes import SCENES, Scene

SHOTS: dict[str, tuple[str, dict[str, Any]]] = {
    "everyday-light": ("everyday", {"color_scheme": "light"}),
    "everyday-dark": ("everyday", {"color_scheme": "dark"}),
    "everyday-phone": ("everyday", {"viewport": PHONE, "color_scheme": "light"}),
    "everyday-korean": ("everyday", {"locale": "ko-KR", "timezone_id": "Asia/Seoul"}),
    "empty": ("empty", {}),
    "busy": ("busy", {"color_scheme": "light"}),
    "trouble": ("trouble", {"color_scheme": "light"}),
    "trouble-phone": ("trouble", {"viewport": PHONE, "color_scheme": "dark"}),
}
WIDTHS = (360, 768, 1280, 1920)
STATES = {
    "empty": ("empty", "/"),
    "everyday": ("everyday", "/"),
    "busy": ("busy", "/"),
    "trouble": ("trouble", "/"),
    "details": ("everyday", "/activity/1"),
    "selection": ("trouble", "/?status=failed&select=1"),
    "tokens": ("everyday", "/tokens"),
    "log": ("everyday", "/log"),
}
"""Of each state: the scene, and the address in it."""


@contextmanager
def staged(name: str) -> Iterator[str]:
    """A scene, served; a link that signs in."""
    with tempfile.TemporaryDirectory() as folder, database.opened(Path(folder) / "state.db"):
        scene = Scene(Path(folder))
        SCENES[name](scene)
        server = Server("127.0.0.1", 0)
        with server.serving(scene.page.app):
            token = make_login_link(scene.page.context).split("token=")[1]
            yield f"http://127.0.0.1:{server.port}/login?token={token}"


def take(folder: Path) -> None:
    """Every picture."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    with chromium() as browser:
        for name, (scene, options) in SHOTS.items():
            with staged(scene) as link, window(browser, **{"viewport": DESK, **options}) as page:
                page.goto(link)
                page.click("button.main")
                page.wait_for_selector("#history")
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"{name}.png")
        for name, (scene, path) in STATES.items():
            with staged(scene) as link, window(browser, color_scheme="light") as page:
                page.goto(link)
                page.click("button.main")
                page.wait_for_selector("#history")
                page.goto(link.partition("/login")[0] + path)
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    page.screenshot(path=pictures / f"{name}-{width}.png")


if __name__ == "__main__":
    take(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
