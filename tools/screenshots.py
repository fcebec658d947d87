"""Makes the pictures in docs/: `make screenshots`, which needs Chromium."""

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


@contextmanager
def staged(name: str) -> Iterator[str]:
    """A scene, served; a link that signs in."""
    with tempfile.TemporaryDirectory() as folder, database.opened(Path(folder) / "state.db"):
        scene = Scene(Path(folder))
        SCENES[name](scene)
        server = Server("127.0.0.1", 0)
        with server.serving(scene.page.app):
            token = make_login_link(scene.page.context).split("token=")[1]
            yield f"http://localhost:{server.port}/login?token={token}"


def take(folder: Path) -> None:
    """Every picture."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with chromium() as browser:
        for name, (scene, options) in SHOTS.items():
            with staged(scene) as link, window(browser, **{"viewport": DESK, **options}) as page:
                page.goto(link)
                page.click("button.main")
                page.wait_for_selector("#history")
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    take(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
