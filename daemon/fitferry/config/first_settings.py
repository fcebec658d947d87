"""The first settings of an installation: answers read one by one, and written as a commented config.toml.

`fitferry init` and the page of the set-up share it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from fitferry.config import template
from fitferry.config.client_secret import LOOKS_RIGHT
from fitferry.config.environment import cleaned
from fitferry.config.load import find, load
from fitferry.config.paths import PLACES
from fitferry.config.values import absolute_folder, is_reasonable, without_quotes
from fitferry.core.errors import FitferryError
from fitferry.core.messages import settings, system

SYSTEMD = ("INVOCATION_ID", "NOTIFY_SOCKET", "JOURNAL_STREAM")
"""Variables that systemd sets for a service."""
APPLICATION = tuple(
    f"{prefix}STRAVA_{name}"
    for prefix in ("FITFERRY_", "")
    for name in ("CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE")
)


@dataclass(frozen=True, slots=True)
class FirstSettings:
    """What has to be known. `client_secret` or `client_secret_file`; `since`: None uploads old activities, too.

    `url`: how the browser reached the page, None for the default.
    """

    client_id: int
    client_secret: str
    client_secret_file: Path | None
    folder: Path
    since: date | None = None
    url: str | None = None


def is_wanted(
    option: Path | None,
    environ: Mapping[str, str],
    *,
    places: Iterable[Path] = PLACES,
    home: Path | None = None,
) -> bool:
    """Whether nothing says anything of settings yet, so that they are asked for in a browser.

    No file, named or found; no application from anywhere; not under systemd, whose log nobody looks at then.
    """
    cleaned_up = cleaned(environ)
    given = {"FITFERRY_CONFIG", *SYSTEMD, *APPLICATION}
    if option is not None or not given.isdisjoint(cleaned_up):
        return False
    return find(None, environ, places=places, home=home) is None


def read_client_id(text: str) -> int:
    """The application's number. Raises FitferryError."""
    plain = without_quotes(text)
    if LOOKS_RIGHT.fullmatch(plain):
        raise FitferryError(settings.LOOKS_LIKE_SECRET())
    if not plain.isascii() or not plain.isdecimal() or not 0 < int(plain) < 2**63:
        raise FitferryError(settings.NEEDED(expected=settings.CLIENT_ID()))
    return int(plain)


def read_secret(text: str) -> str:
    """The application's secret, without quotes and blanks. Raises FitferryError."""
    plain = without_quotes(text)
    if not plain or not plain.isprintable():
        raise FitferryError(settings.NEEDED(expected=settings.TEXT()))
    if plain.isdecimal():
        raise FitferryError(settings.LOOKS_LIKE_ID())
    return plain


def looks_odd(secret: str) -> bool:
    """Whether a secret is none as Strava makes them; it is taken all the same."""
    return LOOKS_RIGHT.fullmatch(secret) is None


def read_secret_file(text: str) -> Path:
    """The path of a file that holds the secret. Raises FitferryError."""
    if LOOKS_RIGHT.fullmatch(without_quotes(text)):
        raise FitferryError(settings.SECRET_NOT_FILE())
    return read_folder(text)


def read_folder(text: str) -> Path:
    """A folder or file as it is named from here, without a look at it. Raises FitferryError."""
    plain = without_quotes(text)
    try:
        return absolute_folder(str(Path(plain).expanduser().absolute()) if plain else "")
    except (ValueError, RuntimeError) as error:
        raise FitferryError(settings.NEEDED(expected=settings.FOLDER())) from error


def read_full_path(text: str) -> Path:
    """The watched folder, named from anywhere. Raises FitferryError."""
    try:
        return absolute_folder(without_quotes(text))
    except ValueError as error:
        raise FitferryError(settings.NEEDED(expected=settings.FOLDER())) from error


def read_since(text: str) -> date | None:
    """The day from which on activities are uploaded by themselves: a day, `today`, or `all`. Raises FitferryError."""
    word = text.strip().lower()
    if word == "all":
        return None
    if word == "today":
        return datetime.now().astimezone().date()
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(word)
        if is_reasonable(day):
            return day
    raise FitferryError(settings.NEEDED(expected=settings.SINCE_ANSWER()))


def write(path: Path, first: FirstSettings, *, force: bool = False) -> None:
    """Write the settings: whole, for the owner alone, and only if they can be used.

    Raises RequestRejected where a file is there and `force` is not given, SettingsError, FitferryError.
    """
    values = {
        "strava.client_id": first.client_id,
        "strava.client_secret": first.client_secret or None,
        "strava.client_secret_file": first.client_secret_file,
        "strava.since": first.since,
        "web.url": first.url,
    }
    text = template.render(values, watch=[{"folder": first.folder}])
    try:
        template.write_config(path, text, force=force, check=lambda written: load(written, {}))
    except OSError as error:
        raise FitferryError(
            settings.CANNOT_WRITE(path=str(path), reason=system.from_os_error(error))
        ) from error
