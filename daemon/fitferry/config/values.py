"""The kinds of values that settings take: what is expected, how TOML and variables are read, the JSON schema."""

from __future__ import annotations

import contextlib
import os.path
import re
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from msgspec import Meta

from fitferry.core.activity import WatchMethod
from fitferry.core.messages import Message, settings
from fitferry.core.strava import WRITE_SCOPE
from fitferry.core.upload import AfterUpload

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_LONGEST_SECONDS = 1e9
_IPV4 = re.compile(r"((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}", re.ASCII)


class Kind(NamedTuple):
    """One kind of value.

    `read`: takes a TOML value, raises ValueError where it does not fit; None leaves it to msgspec and the type.
    `from_text`: makes a TOML value out of the text of an environment variable.
    `shown`: a wrong value may be repeated, because no secret is ever pasted there.
    """

    expected: Message
    read: Callable[[object], object] | None = None
    from_text: Callable[[str], object] = str
    shown: bool = False


class Language(StrEnum):
    """The language of page and commands; `auto` takes the browser's or the locale's."""

    AUTO = "auto"
    EN = "en"
    KO = "ko"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look; `auto`: for people on a terminal, else JSON."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Scope(StrEnum):
    """What Strava's consent page can ask for."""

    READ = "read"
    READ_ALL = "read_all"
    PROFILE_READ_ALL = "profile:read_all"
    PROFILE_WRITE = "profile:write"
    ACTIVITY_READ = "activity:read"
    ACTIVITY_READ_ALL = "activity:read_all"
    ACTIVITY_WRITE = WRITE_SCOPE


def is_reasonable(day: date) -> bool:
    """Whether clocks everywhere can count it, and an activity can have started on it."""
    return 1970 < day.year < 3000  # noqa: PLR2004  # the epoch, and any time far from now


def absolute_folder(text: str) -> Path:
    """Path of a folder as a setting names it, without a look at the disk. Raises ValueError."""
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # ~nobody, or ~ without a home
        raise ValueError(text) from error
    if not path.is_absolute() or "\0" in text:
        raise ValueError(text)
    return Path(os.path.normpath(path))


def without_quotes(text: str) -> str:
    """Text without blanks, a byte order mark and one pair of quotes around it, as env files leave them there."""
    text = text.strip().lstrip("\ufeff").strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def _number(text: str) -> object:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _flag(text: str) -> object:
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else text


def _date(text: str) -> object:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _listed(each: Callable[[str], object] = str) -> Callable[[str], object]:
    return lambda text: [each(part.strip()) for part in text.split(",") if part.strip()]


def _text(value: object) -> str:
    if not isinstance(value, str) or not without_quotes(value):
        raise ValueError(value)
    return value


def _read_secret(value: object) -> str:
    return without_quotes(_text(value))


def _read_url(value: object) -> str:
    text = _text(value)
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or parts.port == 0 or not _is_known_form(host):
        raise ValueError(value)
    if re.search(r"[\s\0-\x1f\x7f\\]", text):
        raise ValueError(value)
    return text.rstrip("/")


def _is_known_form(host: str) -> bool:
    """Whether this is a name or an address that a request can go to: libraries raise at others. Raises ValueError."""
    if ":" in host:
        return True  # in brackets, which were checked
    if re.fullmatch(r"[\d.]+", host, re.ASCII):
        return bool(_IPV4.fullmatch(host))
    return bool(re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", host)) and bool(host.encode("idna"))


def _read_client_id(value: object) -> str:
    if isinstance(value, bool) or not re.fullmatch(r"[1-9]\d{0,17}", str(value), re.ASCII):
        raise ValueError(value)
    return str(value)


def _read_date(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime) or not is_reasonable(value):
        raise ValueError(value)
    return value


def _read_folder(value: object) -> Path:
    return absolute_folder(_text(value))


def _read_subfolder(value: object) -> str:
    text = _text(value)
    if "\0" in text or Path(text).is_absolute() or ".." in Path(text).parts or text.strip("./") == "":
        raise ValueError(value)
    return text.rstrip("/")


def _read_scopes(value: object) -> tuple[Scope, ...]:
    if not isinstance(value, list) or WRITE_SCOPE not in value:
        raise ValueError(value)
    return tuple(map(Scope, value))


def _texts(fits: Callable[[str], bool], least: int = 0) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) < least:
            raise ValueError(value)
        if not all(isinstance(item, str) and fits(item) for item in value):
            raise ValueError(value)
        return tuple(value)

    return read


def _is_host(text: str) -> bool:
    """Whether this may be a host. Raises ValueError."""
    return bool(text.encode("idna")) and not re.search(r"[/\s@\0]", text)


def _read_host(value: object) -> str:
    text = _text(value)
    if not _is_host(text) or re.search(r"^[^:]*:\d*$|\]:", text):
        raise ValueError(value)
    return text


def _choice(kind: type[StrEnum]) -> Kind:
    return Kind(settings.ONE_OF(words=", ".join(f'"{word}"' for word in kind)), shown=True)


Flag = Annotated[bool, Kind(settings.FLAG(), from_text=_flag, shown=True)]
Text = Annotated[str, Meta(min_length=1), Kind(settings.TEXT(), _text)]
Secret = Annotated[str, Meta(min_length=1), Kind(settings.TEXT(), _read_secret)]
Url = Annotated[str, Meta(pattern="^https?://"), Kind(settings.URL(), _read_url)]
ClientId = Annotated[
    str,
    Meta(extra_json_schema={"type": ["integer", "string"], "pattern": "^[1-9][0-9]*$"}),
    Kind(settings.CLIENT_ID(), _read_client_id),
]
Day = Annotated[date, Kind(settings.DATE(), _read_date, _date, shown=True)]
Folder = Annotated[Path, Kind(settings.FOLDER(), _read_folder)]
Subfolder = Annotated[str, Meta(min_length=1), Kind(settings.SUBFOLDER(), _read_subfolder)]
Seconds = Annotated[
    float, Meta(ge=0, le=_LONGEST_SECONDS), Kind(settings.SECONDS(), from_text=_number, shown=True)
]
Interval = Annotated[
    float, Meta(gt=0, le=_LONGEST_SECONDS), Kind(settings.INTERVAL(), from_text=_number, shown=True)
]
Delays = Annotated[
    tuple[Annotated[float, Meta(ge=0, le=_LONGEST_SECONDS)], ...],
    Meta(min_length=1),
    Kind(settings.DELAYS(), from_text=_listed(_number), shown=True),
]
Scopes = Annotated[tuple[Scope, ...], Kind(settings.SCOPES(), _read_scopes, _listed())]
Texts = Annotated[tuple[str, ...], Kind(settings.TEXTS(), _texts(bool), _listed())]
Hosts = Annotated[tuple[str, ...], Kind(settings.HOSTS(), _texts(_is_host), _listed())]
Host = Annotated[str, Meta(min_length=1), Kind(settings.HOST(), _read_host)]
Command = Annotated[
    tuple[str, ...],
    Kind(settings.COMMAND(example='["/usr/local/bin/after-upload", "--quiet"]'), _texts(bool, 1), _listed()),
]  # fmt: skip
Workers = Annotated[
    int, Meta(ge=1, le=20), Kind(settings.WHOLE_NUMBER(low=1, high=20), from_text=_number, shown=True)
]
Port = Annotated[
    int, Meta(ge=0, le=65_535), Kind(settings.WHOLE_NUMBER(low=0, high=65_535), from_text=_number, shown=True)
]
Method = Annotated[WatchMethod, _choice(WatchMethod)]
After = Annotated[AfterUpload, _choice(AfterUpload)]
Spoken = Annotated[Language, _choice(Language)]
Level = Annotated[LogLevel, _choice(LogLevel)]
Format = Annotated[LogFormat, _choice(LogFormat)]
