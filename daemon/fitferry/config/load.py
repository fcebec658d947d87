"""The settings of the user: the file, the environment over it, the defaults below; every problem at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import msgspec

from fitferry.config import client_secret, environment, unknown_names
from fitferry.config.keys import Key, keys
from fitferry.config.paths import (
    CONTAINER_FOLDER,
    PLACES,
    SERVICE_SETTINGS,
    may_be_there,
    own_home,
    own_place,
    state_folder,
)
from fitferry.config.report import Report, describe
from fitferry.config.rules import read_rules
from fitferry.config.schema import SECTIONS, Settings, StateSettings, WatchSettings
from fitferry.core.errors import SettingsError
from fitferry.core.messages import Message, settings, system, verbatim
from fitferry.system import network
from fitferry.system.state_dir import API_TOKEN

T = TypeVar("T")
Table = dict[str, object]
"""A TOML table."""
_WATCH_VARIABLE = "FITFERRY_WATCH_FOLDER"
_REPEATED = re.compile(r"'[^']{2,}'|\"[^\"]{2,}\"")
"""What tomllib repeats of a file in its messages."""


def load(
    option: Path | None,
    environ: Mapping[str, str],
    *,
    require_app: bool = True,
    home: Path | None = None,
    places: Iterable[Path] = PLACES,
    container: Path = CONTAINER_FOLDER,
    service: Path = SERVICE_SETTINGS,
) -> Settings:
    """The settings. Raises SettingsError with every problem. Touches no watched folder.

    `require_app`: whether the application and a watched folder must be named, as the daemon needs them.
    """
    loading = _Loading(environ, home or own_home(), places, container, service)
    return loading.run(option, require_app=require_app)


def find(
    option: Path | None,
    environ: Mapping[str, str],
    *,
    places: Iterable[Path] = PLACES,
    home: Path | None = None,
) -> Path | None:
    """The file that would be read; None where there is none. Raises SettingsError for a named one that is missing."""
    loading = _Loading(environ, home or own_home(), places, CONTAINER_FOLDER, SERVICE_SETTINGS)
    return loading.find_or_raise(option)


def language(option: Path | None, environ: Mapping[str, str], *, places: Iterable[Path] = PLACES) -> str:
    """`[web] language` by itself, for what is said of settings that are wrong; `auto` where it is wrong, too."""
    return _Loading(environ, own_home(), places, CONTAINER_FOLDER, SERVICE_SETTINGS).language(option)


class _Loading:
    def __init__(
        self, environ: Mapping[str, str], home: Path, places: Iterable[Path], container: Path, service: Path
    ) -> None:
        self._environ = environment.cleaned(environ)
        self._home = home
        self._places = (*places, own_place(self._environ, home))
        self._container = container
        self._service = service
        self._report = Report()

    def run(self, option: Path | None, *, require_app: bool) -> Settings:
        source = self.find_or_raise(option)
        raw = self._read(source) if source else {}
        if self._report.problems:  # a file that is no TOML says nothing of its settings
            raise SettingsError(self._report.problems)
        unknown_names.check(raw, self._report)
        found = {name: self._table(name, name, _section(raw, name)) for name in SECTIONS if name != "watch"}
        strava = self._strava(found["strava"], _section(raw, "strava"))
        watch = self._watch(raw)
        if require_app:
            self._require_app(strava, watch, source)
            urls = [url for url in (strava["website"], strava["api"]) if isinstance(url, str)]
            self._report.problems += network.problems(urls, self._environ)
        state = self._state(found["state"], source)
        athletes = list(dict.fromkeys(str(table["athlete"]) for table in watch if table["athlete"]))
        rules = read_rules(raw.get("rule", []), athletes, self._report)
        self._warn(source, raw, strava, state)
        self._warn_of_places(watch, [path for path in (source, state.folder) if path is not None])
        if self._report.problems:
            raise SettingsError(self._report.problems)
        sections: dict[str, object] = {
            name: _build(SECTIONS[name], table) for name, table in found.items() if name != "state"
        }
        return Settings(
            **sections,  # type: ignore[arg-type]  # each was built as its field says
            watch=tuple(_build(WatchSettings, table) for table in watch),
            state=state,
            rules=rules,
            source=source,
            warnings=tuple(self._report.warnings),
        )

    def language(self, option: Path | None) -> str:
        source = self._find(option)
        raw = self._read(source) if source else {}
        return str(self._table("web", "web", _section(raw, "web"))["language"] or "auto")

    def find_or_raise(self, option: Path | None) -> Path | None:
        source = self._find(option)
        if self._report.problems:
            raise SettingsError(self._report.problems)
        return source

    def _find(self, option: Path | None) -> Path | None:
        """The file to read. One that was named has to be there."""
        variable = self._environ.get("FITFERRY_CONFIG")
        named = option or (Path(variable) if variable else None)
        if named is None:
            return next((path for path in self._places if may_be_there(path)), None)
        if may_be_there(named):
            return named
        label = "--config" if option else "FITFERRY_CONFIG"
        self._report.problem(label, settings.NO_FILE(option=label, path=str(named)))
        return None

    def _read(self, source: Path) -> Table:
        """The tables of the file; what keeps it from being read is the only problem then."""
        try:
            self._report.text = source.read_text(encoding="utf-8-sig")
            return tomllib.loads(self._report.text)
        except OSError as error:
            reason = system.from_os_error(error)
            self._report.problem(str(source), settings.FILE_UNREADABLE(path=str(source), reason=reason))
        except UnicodeDecodeError:
            self._report.problem(str(source), settings.NOT_TOML(path=str(source), reason=settings.NOT_UTF8()))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            reason = verbatim(_REPEATED.sub("…", str(error)))
            self._report.problem(str(source), settings.NOT_TOML(path=str(source), reason=reason))
        return {}

    def _table(self, section: str, label: str, table: Table) -> Table:
        """Every key of a table: from the environment, the table, or its default."""
        return {name: self._value(key, f"{label}.{name}", table) for name, key in keys(section).items()}

    def _value(self, key: Key, label: str, table: Table) -> object:
        variable = environment.variable_of(key, self._environ)
        if variable is not None:
            return self._converted(key, variable, key.kind.from_text(self._environ[variable]))
        return self._converted(key, label, table[key.name]) if key.name in table else key.default

    def _converted(self, key: Key, label: str, value: object) -> object:
        try:
            return key.kind.read(value) if key.kind.read else msgspec.convert(value, key.type)
        except ValueError:
            self._report.problem(label, _misfit(key, label, value))
            return None

    def _strava(self, found: Table, table: Table) -> Table:
        strava = keys("strava")
        variables = {
            name: environment.variable_of(strava[name], self._environ) for name in client_secret.NAMES
        }
        found["client_secret"] = client_secret.choose(found, variables, set(table), self._report)
        found["client_id"] = found["client_id"] or ""
        return found

    def _require_app(self, strava: Table, watch: list[Table], source: Path | None) -> None:
        """Tell of what the daemon cannot do without, unless a slip that was told is why it is missing."""
        needed = (
            ("strava.client_id", strava["client_id"], settings.APP_ID()),
            ("strava.client_secret", strava["client_secret"], settings.APP_SECRET()),
            ("watch", watch, settings.A_WATCH()),
        )
        for name, value, expected in needed:
            if not value and not self._report.explains(name):
                self._report.problem(name, settings.MISSING(key=name, expected=expected))
        if self._report.problems and source is None:
            places = ", ".join(map(str, self._places))
            self._report.problem("config.toml", settings.LOOKED_IN(places=places))

    def _watch(self, raw: Table) -> list[Table]:
        tables = raw.get("watch", [])
        tables = [tables] if isinstance(tables, dict) else tables
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._report.problem("watch", settings.TABLES(section="watch", found=describe(tables)))
            return []
        labels = ["watch" if len(tables) == 1 else f"watch[{n}]" for n in range(1, len(tables) + 1)]
        named = any("folder" in table for table in tables)
        if not named and len(tables) <= 1 and _WATCH_VARIABLE in self._environ:
            only: Table = {**dict(*tables), "folder": self._environ[_WATCH_VARIABLE]}
            tables, labels = [only], [_WATCH_VARIABLE]
        elif named and _WATCH_VARIABLE in self._environ:
            self._report.warn(settings.VARIABLE_UNUSED(name=_WATCH_VARIABLE))
        for label, table in zip(labels, tables, strict=True):
            unknown_names.check_keys("watch", label, table, self._report)
        found = [self._table("watch", label, table) for label, table in zip(labels, tables, strict=True)]
        self._check_folders(labels, tables, found)
        return found

    def _check_folders(self, labels: list[str], tables: list[Table], found: list[Table]) -> None:
        """Tell of watched folders that are missing, or the same by their names.

        Links are not followed: a folder on a server that does not answer must not hold up any command.
        """
        first: dict[object, str] = {}
        for label, table, values in zip(labels, tables, found, strict=True):
            folder, key = values["folder"], f"{label}.folder"
            if "folder" not in table:
                self._report.problem(key, settings.MISSING(key=key, expected=settings.WATCHED_FOLDER()))
            elif folder is not None and folder in first:
                self._report.problem(key, settings.FOLDER_TWICE(key=key, other=first[folder]))
            elif folder is not None:
                first[folder] = label

    def _state(self, found: Table, source: Path | None) -> StateSettings:
        folder, key_file = found["folder"], found["key_file"]
        if not isinstance(folder, Path):
            folder = state_folder(self._environ, self._home, source, self._container, self._service)
        if isinstance(key_file, Path):
            return StateSettings(folder, key_file)
        credentials = self._environ.get("CREDENTIALS_DIRECTORY")
        given = Path(credentials) / "fitferry-key" if credentials else None
        return StateSettings(folder, given if given and given.is_file() else folder / "key")

    def _warn_of_places(self, watch: list[Table], paths: list[Path]) -> None:
        """Tell of what is ours, and lies where others write."""
        for path in paths:
            for folder in (table["folder"] for table in watch):
                if isinstance(folder, Path) and path.absolute().is_relative_to(folder):
                    self._report.warn(settings.IN_WATCHED_FOLDER(path=str(path), folder=str(folder)))

    def _warn(self, source: Path | None, raw: Table, strava: Table, state: StateSettings) -> None:
        environment.warn_of_variables(self._environ, self._report)
        notify = _section(raw, "notify")
        secret = (
            "client_secret" in _section(raw, "strava") or notify.get("urls") or notify.get("heartbeat_url")
        )
        holders = [source if secret else None, strava["client_secret_file"], state.folder / API_TOKEN]
        environment.warn_of_readable([path for path in holders if isinstance(path, Path)], self._report)


def _misfit(key: Key, label: str, value: object) -> Message:
    """What is wrong with a value, and the slip behind it where it is a usual one."""
    found = describe(value, shown=key.kind.shown)
    if key.name == "client_secret_file" and isinstance(value, str):
        return settings.SECRET_ITSELF(key=label, found=found)
    looks_swapped = (
        key.name == "client_id" and isinstance(value, str) and client_secret.LOOKS_RIGHT.fullmatch(value)
    )
    if looks_swapped or (key.name == "client_secret" and type(value) is int):
        return settings.SWAPPED(key=label, found=found, expected=key.kind.expected)
    return settings.WRONG(key=label, found=found, expected=key.kind.expected)


def _section(raw: Table, section: str) -> Table:
    """A section as it was meant: also one in double brackets, or an empty one for anything else."""
    table = raw.get(section, {})
    if isinstance(table, list) and table:
        table = table[0]
    return table if isinstance(table, dict) else {}


def _build(kind: type[T], values: Table) -> T:
    return kind(**{item.name: values[item.name] for item in fields(kind)})  # type: ignore[arg-type]  # every one is a dataclass
