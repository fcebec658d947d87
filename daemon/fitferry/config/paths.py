"""Where settings and state lie; found without the rest of the settings, for commands that have to be quick."""

from __future__ import annotations

import functools
import stat
from collections.abc import Mapping
from pathlib import Path

CONTAINER_FOLDER = Path("/config")
SERVICE_SETTINGS = Path("/etc/fitferry/config.toml")
SERVICE_FOLDER = Path("/var/lib/fitferry")
"""What systemd names to the service; commands beside it have to look there, too."""
PLACES = (CONTAINER_FOLDER / "config.toml", SERVICE_SETTINGS)
"""Where a file is looked for, before the user's own folder."""


def place_to_write(environ: Mapping[str, str]) -> Path:
    """Where a file that nobody named is written, so that it is found there."""
    if environ.get("FITFERRY_CONFIG"):
        return Path(environ["FITFERRY_CONFIG"])
    return CONTAINER_FOLDER / "config.toml" if CONTAINER_FOLDER.is_dir() else own_place(environ, own_home())


def own_place(environ: Mapping[str, str], home: Path) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "fitferry" / "config.toml"


def own_home() -> Path:
    """The user's own folder; the root where there is none, as for a container's nameless user."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def state_folder(
    environ: Mapping[str, str],
    home: Path,
    source: Path | None,
    container: Path = CONTAINER_FOLDER,
    service: Path = SERVICE_SETTINGS,
) -> Path:
    """State folder where no setting names one: the service's, the container's, or the user's own.

    `source`: the settings' file; `service`: the service's.
    """
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if source == service:
        return SERVICE_FOLDER
    if source.parent == container if source else container.is_dir():
        return container
    return Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "fitferry"


def peek(option: str | None, environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """State folder and language, without a look at the other settings.

    None where only a whole load tells: a file that cannot be read or is no TOML, a value that is none.
    """
    home = own_home()
    named = option or environ.get("FITFERRY_CONFIG")
    sources = [Path(named)] if named else [*PLACES, own_place(environ, home)]
    try:
        source = next((path for path in sources if path.is_file()), None)
        raw = _tables(source.read_text(encoding="utf-8-sig")) if source else {}
    except (OSError, ValueError):
        return None
    if named and source is None:
        return None
    folder = environ.get("FITFERRY_STATE_FOLDER") or raw.get("state", {}).get("folder")
    language = environ.get("FITFERRY_WEB_LANGUAGE") or raw.get("web", {}).get("language", "auto")
    if folder is None:
        return state_folder(environ, home, source), str(language)
    if not isinstance(folder, str) or not folder.startswith("/") or "/." in folder or "//" in folder:
        return None
    return Path(folder.rstrip("/")), str(language)


@functools.cache  # a command asks several times
def _tables(text: str) -> dict[str, dict[str, object]]:
    """`[state]` and `[web]` of a file. Raises ValueError where it is no TOML."""
    import tomllib  # noqa: PLC0415  # only where there is a file

    raw = tomllib.loads(text)
    return {
        name: raw[name] if isinstance(raw.get(name), dict) else {} for name in ("state", "web") if name in raw
    }


def may_be_there(path: Path) -> bool:
    """Whether there is a file, or a folder that hides it from this user; reading it says so then."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
