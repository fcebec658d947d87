"""What did the user ask for? The file, the environment over it, the defaults below; every problem at once."""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from fitferry.config.keys import KEYS, OLD_NAMES, OTHER_VARIABLES, RULE_KEYS, SECTIONS, Key, of_section
from fitferry.config.paths import CONTAINER_FOLDER, PLACES, SERVICE_SETTINGS, own_home, own_place
from fitferry.config.schema import (
    LogSettings,
    NotifySettings,
    RuleSettings,
    Settings,
    StateSettings,
    StravaSettings,
    UploadSettings,
    WatchSettings,
    WebSettings,
)
from fitferry.core.errors import SettingProblem, SettingsError
from fitferry.core.rules import doubts as rule_doubts
from fitferry.core.rules import problems as rule_problems
from fitferry.i18n.translator import say
from fitferry.system.state_dir import state_folder

T = TypeVar("T")
_SECRETS = frozenset({"client_secret", "urls", "heartbeat_url"})


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
    """The settings. Raises SettingsError with every problem.

    `require_app`: whether the application and a watched folder must be named, as the daemon needs them.
    """
    loading = _Loading(environ, home or own_home(), container, service)
    return loading.run(option, require_app=require_app, places=places)


def language(option: Path | None, environ: Mapping[str, str], *, places: Iterable[Path] = PLACES) -> str:
    """`[web] language` by itself, for what is said of settings that are wrong; `auto` where it is wrong, too."""
    return _Loading(environ, own_home(), CONTAINER_FOLDER, SERVICE_SETTINGS).language(option, places)


class _Loading:
    """The problems and warnings of one load, as they are found."""

    def __init__(self, environ: Mapping[str, str], home: Path, container: Path, service: Path) -> None:
        self._environ = {name: value for name, value in environ.items() if value}
        self._home = home
        self._container = container
        self._service = service
        self._problems: list[SettingProblem] = []
        self._warnings: list[str] = []

    def run(self, option: Path | None, *, require_app: bool, places: Iterable[Path]) -> Settings:
        source = self._find(option, places)
        raw = self._read(source) if source else {}
        self._check_names(raw)
        sections = {name: self._section(raw, name) for name in SECTIONS if name != "watch"}
        strava = self._strava(sections["strava"], raw, require_app=require_app)
        watch = self._watch(raw, require_app=require_app)
        state = self._state(sections["state"], source)
        athletes = list(dict.fromkeys(one["athlete"] for one in watch if one["athlete"]))
        rules = self._rules(raw.get("rule", []), athletes)
        self._warn_of_unknown_variables()
        if self._problems:
            raise SettingsError(self._problems)
        return Settings(
            strava=_build(StravaSettings, strava),
            watch=tuple(_build(WatchSettings, one) for one in watch),
            uploads=_build(UploadSettings, sections["uploads"]),
            web=_build(WebSettings, sections["web"]),
            state=state,
            log=_build(LogSettings, sections["log"]),
            notify=_build(NotifySettings, sections["notify"]),
            rules=rules,
            source=source,
            warnings=tuple(self._warnings),
        )

    def language(self, option: Path | None, places: Iterable[Path]) -> str:
        source = self._find(option, places)
        raw = self._read(source) if source else {}
        return self._section(raw, "web")["language"] or "auto"

    def _problem(self, key: str, found: object, expected: str) -> None:
        self._problems.append(SettingProblem(key, found if isinstance(found, str) else repr(found), expected))

    def _find(self, option: Path | None, places: Iterable[Path]) -> Path | None:
        """The file to read. One that was named has to be there."""
        named = option or (
            Path(self._environ["FITFERRY_CONFIG"]) if "FITFERRY_CONFIG" in self._environ else None
        )
        if named is not None:
            if not _may_be_there(named):
                by = "--config" if option else "FITFERRY_CONFIG"
                self._problem(by, f"no file {named}", "a file that is there")
                return None
            return named
        return next(
            (path for path in (*places, own_place(self._environ, self._home)) if _may_be_there(path)), None
        )

    def _read(self, source: Path) -> dict[str, Any]:
        try:
            return tomllib.loads(source.read_text(encoding="utf-8"))
        except OSError as error:
            self._problem(str(source), error.strerror or "an error", "a file that can be read")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self._problem(str(source), str(error), "a file in TOML")
        return {}

    def _check_names(self, raw: dict[str, Any]) -> None:
        """Sections and keys that do not exist, each with the nearest that does."""
        known = [*SECTIONS, "rule"]
        for section, value in raw.items():
            if section not in known:
                self._unknown(section, [*known, *(key.dotted for key in KEYS)])
            elif section not in {"watch", "rule"} and not isinstance(value, dict):
                self._problem(section, value, f"a section: [{section}]")
            elif isinstance(value, dict) and section != "rule":
                self._check_keys(section, section, value)

    def _check_keys(self, section: str, label: str, table: dict[str, Any]) -> None:
        names = list(of_section(section))
        for name in table:
            if name not in names:
                everywhere = [f"{label}.{one}" for one in names] + [
                    k.dotted for k in KEYS if k.section != section
                ]
                self._unknown(f"{label}.{name}", everywhere)

    def _unknown(self, name: str, known: list[str]) -> None:
        last = name.rsplit(".", 1)[-1]
        elsewhere = [one for one in known if one.rsplit(".", 1)[-1] == last]
        near = elsewhere or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        self._problem(
            name, "a key that does not exist", f"{near[0]}?" if near else "one of the keys in the example"
        )

    def _section(self, raw: dict[str, Any], section: str) -> dict[str, Any]:
        table = raw.get(section, {})
        return self._table(section, section, table if isinstance(table, dict) else {})

    def _table(self, section: str, label: str, table: dict[str, Any]) -> dict[str, Any]:
        """Every key of a table: from the environment, the table, or its default."""
        return {
            key.name: self._value(key, f"{label}.{key.name}", table) for key in of_section(section).values()
        }

    def _value(self, key: Key, label: str, table: dict[str, Any]) -> Any:
        variable = self._variable(key)
        if variable is not None:
            return self._converted(key, variable, key.kind.from_text(self._environ[variable]))
        if key.name in table:
            return self._converted(key, label, table[key.name])
        return None if key.default is None else key.kind.read(_as_toml(key.default))

    def _variable(self, key: Key) -> str | None:
        """The environment variable that decides about a key, if one is set."""
        if key.dotted == "watch.folder":
            return None  # it makes a table of its own, see `_watch`
        old = [name for name, dotted in OLD_NAMES.items() if dotted == key.dotted]
        return next((name for name in (key.variable, *old) if name in self._environ), None)

    def _converted(self, key: Key, label: str, value: Any) -> Any:
        try:
            return key.kind.read(value)
        except ValueError:
            self._problem(label, say("something else") if key.name in _SECRETS else value, key.kind.expected)
            return None

    def _strava(self, section: dict[str, Any], raw: dict[str, Any], *, require_app: bool) -> dict[str, Any]:
        table = raw.get("strava") if isinstance(raw.get("strava"), dict) else {}
        keys = of_section("strava")
        variables = [self._variable(keys[name]) for name in ("client_secret", "client_secret_file")]
        if variables == [None, None]:
            if "client_secret" in (table or {}) and "client_secret_file" in (table or {}):
                self._problem("strava.client_secret_file", "client_secret as well", "only one of the two")
        elif None not in variables and any(str(v).startswith("FITFERRY_") for v in variables):
            ours = [str(v).startswith("FITFERRY_") for v in variables]
            if all(ours):
                self._problem(str(variables[1]), f"{variables[0]} as well", "only one of the two")
            section["client_secret" if not ours[0] else "client_secret_file"] = None
        elif None not in variables:
            self._problem(str(variables[1]), f"{variables[0]} as well", "only one of the two")
        else:
            # Either variable stands for both keys of the file.
            section["client_secret" if variables[0] is None else "client_secret_file"] = None
        if section["client_secret_file"] is not None and section["client_secret"] is None:
            section["client_secret"] = self._secret_in(section["client_secret_file"])
        if require_app:
            self._require_app(section)
        section["client_id"] = section["client_id"] or ""
        section["client_secret"] = section["client_secret"] or ""
        return section

    def _require_app(self, section: dict[str, Any]) -> None:
        told = {problem.key for problem in self._problems}
        for name, words in (
            ("client_id", "the number of your API application"),
            ("client_secret", "the secret of your API application, or client_secret_file"),
        ):
            labels = {
                f"strava.{name}",
                f"strava.{name}_file",
                f"FITFERRY_STRAVA_{name.upper()}",
                f"STRAVA_{name.upper()}",
            }
            labels |= {f"{label}_FILE" for label in labels if label.isupper()}
            if section[name] is None and not told & labels:
                self._problem(f"strava.{name}", say("nothing"), words)

    def _secret_in(self, path: Path) -> str | None:
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            words = getattr(error, "strerror", None) or "no text"
            self._problem("strava.client_secret_file", f"{path} ({words})", "a file that can be read")
            return None
        if not secret:
            self._problem(
                "strava.client_secret_file", f"{path}, which is empty", "a file that holds the secret"
            )
        return secret or None

    def _watch(self, raw: dict[str, Any], *, require_app: bool) -> list[dict[str, Any]]:
        tables = raw.get("watch", [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self._problem("watch", "something else", "tables: [[watch]]")
            return []
        labels = ["watch" if len(tables) == 1 else f"watch[{n}]" for n in range(1, len(tables) + 1)]
        variable = "FITFERRY_WATCH_FOLDER"
        named = any("folder" in table for table in tables)
        if not named and len(tables) <= 1 and variable in self._environ:
            tables, labels = [{**dict(*tables), "folder": self._environ[variable]}], [variable]
        elif named and variable in self._environ:
            self._warnings.append(f"{variable} is not used: the file names the watched folders")
        for label, table in zip(labels, tables, strict=True):
            self._check_keys("watch", label, table)
        found = [self._table("watch", label, one) for label, one in zip(labels, tables, strict=True)]
        for label, table, one in zip(labels, tables, found, strict=True):
            if "folder" not in table:
                self._problem(f"{label}.folder", say("nothing"), "the folder where devices drop files")
            elif one["folder"] is not None:
                self._check_twice(label, one, found)
        if not tables and require_app:
            self._problem("watch", say("nothing"), "at least one [[watch]] with a folder")
        return found

    def _check_twice(self, label: str, one: dict[str, Any], found: list[dict[str, Any]]) -> None:
        earlier = found[: next(n for n, other in enumerate(found) if other is one)]
        there = [os.path.realpath(other["folder"]) for other in earlier if other["folder"] is not None]
        if os.path.realpath(one["folder"]) in there:
            self._problem(f"{label}.folder", f"{one['folder']} a second time", "each folder once")

    def _state(self, section: dict[str, Any], source: Path | None) -> StateSettings:
        folder = section["folder"] or state_folder(
            self._environ, self._home, self._container, self._service, source
        )
        credentials = self._environ.get("CREDENTIALS_DIRECTORY")
        given = Path(credentials) / "fitferry-key" if credentials else None
        key_file = section["key_file"] or (given if given and given.is_file() else folder / "key")
        return StateSettings(folder, key_file)

    def _rules(self, rules: Any, athletes: list[str]) -> tuple[RuleSettings, ...]:
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            self._problem("rule", "something else", "tables: [[rule]]")
            return ()
        for number, rule in enumerate(rules, 1):
            for name in rule.keys() - set(RULE_KEYS):
                self._unknown(f"rule[{number}].{name}", [f"rule[{number}].{one}" for one in RULE_KEYS])
            for name in RULE_KEYS:
                if not isinstance(rule.get(name, {}), dict):
                    self._problem(f"rule[{number}].{name}", rule[name], "a table")
        found = tuple(RuleSettings(dict(_table(rule, "when")), dict(_table(rule, "set"))) for rule in rules)
        for number, rule in enumerate(found, 1):
            if isinstance(rules[number - 1].get("set", {}), dict):
                for name, value, expected in rule_problems(rule, athletes):
                    self._problem(f"rule[{number}].{name}", value, expected)
                self._warnings += [f"rule[{number}].{name}: {doubt}" for name, doubt in rule_doubts(rule)]
        return found

    def _warn_of_unknown_variables(self) -> None:
        known = {key.variable for key in KEYS} | OTHER_VARIABLES
        for name in sorted(self._environ):
            if name.startswith("FITFERRY_") and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                self._warnings.append(
                    f"the variable {name} means nothing" + (f"; {near[0]}?" if near else "")
                )


def _may_be_there(path: Path) -> bool:
    """Whether there is a file, or a folder that hides it from this user; reading it says so then."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _table(rule: dict[str, Any], name: str) -> dict[str, Any]:
    value = rule.get(name, {})
    return value if isinstance(value, dict) else {}


def _build(kind: type[T], values: dict[str, Any]) -> T:
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # every one of them is a dataclass
    return kind(**{name: values[name] for name in names})


def _as_toml(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default
