"""Where settings lie if nobody names their file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

CONTAINER_FOLDER = Path("/config")
SERVICE_SETTINGS = Path("/etc/fitferry/config.toml")
PLACES = (CONTAINER_FOLDER / "config.toml", SERVICE_SETTINGS)
"""Where a file is looked for, before the user's own folder."""


def place_to_write(environ: Mapping[str, str], container: Path = CONTAINER_FOLDER) -> Path:
    """Where a file that nobody named is written, so that it is found there."""
    if environ.get("FITFERRY_CONFIG"):
        return Path(environ["FITFERRY_CONFIG"])
    return container / "config.toml" if container.is_dir() else own_place(environ, own_home())


def own_place(environ: Mapping[str, str], home: Path) -> Path:
    """The file in the user's own folder."""
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "fitferry" / "config.toml"


def own_home() -> Path:
    """The user's own folder; the root where there is none, as for a container's nameless user."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
