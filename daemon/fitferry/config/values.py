"""Is this a fitting value? One kind of value each, from TOML or from an environment variable's text."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fitferry.core.strava import WRITE_SCOPE

SCOPES = frozenset(
    {
        "read",
        "read_all",
        "profile:read_all",
        "profile:write",
        "activity:read",
        "activity:read_all",
        WRITE_SCOPE,
    }
)
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class Wrong(ValueError):
    """A value is not of its kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: what to say is expected, and how a TOML value or a text becomes one.

    `read` takes a TOML value and raises ValueError for one that does not fit; `from_text` makes the TOML
    value out of the text of an environment variable.
    """

    expected: str
    read: Callable[[Any], Any]
    from_text: Callable[[str], Any] = str


def _as(kind: type, check: Callable[[Any], bool] = lambda _value: True) -> Callable[[Any], Any]:
    """Read what msgspec takes as this type and `check` finds right."""

    def read(value: Any) -> Any:
        try:
            found: Any = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise Wrong(str(error)) from error
        if not check(found):
            raise Wrong(value)
        return found

    return read


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _boolean(text: str) -> Any:
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else text


def _date(text: str) -> Any:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return text


def _list(each: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: [each(part.strip()) for part in text.split(",") if part.strip()]


def _finite(low: float) -> Callable[[float], bool]:
    return lambda value: math.isfinite(value) and value >= low


def _all(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: bool(values) and all(map(check, values))


def integer(low: int, high: int) -> Kind:
    """A whole number within bounds."""
    return Kind(f"a whole number from {low} to {high}", _as(int, lambda value: low <= value <= high), _number)


def choice(*words: str) -> Kind:
    """One of a few words."""
    return Kind("one of " + ", ".join(f'"{word}"' for word in words), _as(str, lambda value: value in words))


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _read_url(value: Any) -> str:
    return str(_as(str, _is_url)(value)).rstrip("/")


def _read_client_id(value: Any) -> str:
    if isinstance(value, bool) or not re.fullmatch(r"[1-9]\d*", str(value)):
        raise Wrong(value)
    return str(value)


def _read_date(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime) or not is_reasonable(value):
        raise Wrong(value)
    return value


def is_reasonable(day: date) -> bool:
    """Whether clocks everywhere can count it, and an activity can have started on it."""
    return 1970 < day.year < 3000  # noqa: PLR2004  # the epoch, and any time far from now


def _read_folder(value: Any) -> Path:
    path = Path(str(_as(str, bool)(value))).expanduser()
    if not path.is_absolute():
        raise Wrong(value)
    if ".." in path.parts:  # where that leads depends on links on the way
        return Path(os.path.realpath(path))
    return Path(*path.parts[:1], *(part for part in path.parts[1:] if part != "."))


def _read_inside(value: Any) -> str:
    text = str(_as(str, bool)(value))
    if Path(text).is_absolute() or ".." in Path(text).parts or text.strip("./") == "":
        raise Wrong(value)
    return text.rstrip("/")


def _read_scopes(value: Any) -> tuple[str, ...]:
    found = tuple(_as(list[str])(value))
    if WRITE_SCOPE not in found or not SCOPES.issuperset(found):
        raise Wrong(value)
    return found


def _read_seconds(low: float) -> Callable[[Any], Any]:
    return _as(float, _finite(low))


def _read_delays(value: Any) -> tuple[float, ...]:
    return tuple(_as(list[float], _all(_finite(0)))(value))


def _is_host(value: str) -> bool:
    return bool(value) and not re.search(r"[/\s]|://", value)


BOOLEAN = Kind("true or false", _as(bool), _boolean)
TEXT = Kind("a text that is not empty", _as(str, bool))
URL = Kind("a whole address such as https://host", _read_url)
CLIENT_ID = Kind("the number of your API application, digits only", _read_client_id)
DATE = Kind("a date such as 2026-01-31, without quotes", _read_date, _date)
FOLDER = Kind("an absolute path such as /srv/rides", _read_folder)
INSIDE = Kind("a folder inside the watched one, such as uploaded", _read_inside)
SECONDS = Kind("seconds, 0 or more", _read_seconds(0), _number)
DELAY = Kind("seconds, more than 0", _read_seconds(0.001), _number)
DELAYS = Kind("a list of seconds, each 0 or more, at least one", _read_delays, _list(_number))
SCOPE_LIST = Kind(f"a list of Strava's scopes with {WRITE_SCOPE} in it", _read_scopes, _list(str))
TEXTS = Kind("a list of texts", lambda value: tuple(_as(list[str], all)(value)), _list(str))
HOSTS = Kind(
    "a list of host names, without http:// and without a path",
    lambda value: tuple(_as(list[str], lambda v: all(map(_is_host, v)))(value)),
    _list(str),
)
HOST = Kind("an address or a host name, without http://", _as(str, _is_host))
