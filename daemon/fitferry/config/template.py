"""A commented config.toml made from the schema, and the settings in force as TOML."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import tomli_w

from fitferry.config.keys import Key, keys
from fitferry.config.rules import SET, WHEN
from fitferry.config.schema import SECTIONS, Settings
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import settings
from fitferry.core.rules import Rule
from fitferry.system import durable_io

_EXAMPLE_FOLDER = "/srv/rides"
HIDDEN = "…"
"""What stands for a secret."""
_RULES = f"""\
# Rules for what activities are called and marked as; the first rule that sets a field wins it.
# when: {", ".join(WHEN)}
# set: {", ".join(SET)}
# [[rule]]
# when = {{ manufacturer = "zwift" }}
# set = {{ name = "Zwift, {{distance_km}} km", sport_type = "VirtualRide", trainer = true }}
# [[rule]]
# when = {{ sport = "cycling", weekday = ["mon", "tue", "wed", "thu", "fri"], hours = [6, 9], distance_km = [3, 20] }}
# set = {{ commute = true, hide_from_home = true }}
# [[rule]]
# when = {{ serial = 3987654321 }}
# set = {{ gear = "b1234567" }}"""


def example() -> str:
    """The example file: every key with its default, or a commented line where there is none."""
    return render({}, watch=[{"folder": _EXAMPLE_FOLDER}])


def render(values: Mapping[str, object], *, watch: Sequence[Mapping[str, object]]) -> str:
    """A commented file. `values`: what was chosen, by dotted name, or None; `watch`: the same for each folder.

    What was not chosen is written with its default, or commented out where there is none.
    """
    lines = ["# Settings of Fitferry. Every key can be overridden by FITFERRY_<SECTION>_<KEY>.", ""]
    for section in SECTIONS:
        if section == "watch":
            for table in watch:
                lines += _section(
                    section, "[[watch]]", {f"watch.{name}": value for name, value in table.items()}
                )
        else:
            lines += _section(section, f"[{section}]", values)
    return "\n".join([*lines, _RULES]) + "\n"


def write_config(path: Path, text: str, *, force: bool, check: Callable[[Path], object]) -> None:
    """Write a settings file whole, for the owner alone. Raises RequestRejected where one is there, OSError.

    `check` is shown the file first; where it raises, nothing is changed. Without `force` a file that appears
    meanwhile is not replaced either.
    """
    if path.exists() and not force:
        raise RequestRejected(RejectionCode.EXISTS, settings.FILE_EXISTS(path=str(path)))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    durable_io.write_new(scratch, text.encode())
    try:
        check(scratch)
        if force:
            scratch.replace(path)
        else:
            os.link(scratch, path)
    except FileExistsError as error:
        raise RequestRejected(RejectionCode.EXISTS, settings.FILE_EXISTS(path=str(path))) from error
    finally:
        scratch.unlink(missing_ok=True)


def in_force(found: Settings) -> dict[str, object]:
    """The settings by section and key, without secrets: what may hold one is shown as `…`."""
    shown: dict[str, object] = {
        section: _shown(section, getattr(found, section)) for section in SECTIONS if section != "watch"
    }
    shown["watch"] = [_shown("watch", watch) for watch in found.watch]
    shown["rule"] = [_shown_rule(rule) for rule in found.rules]
    return shown


def render_in_force(found: Settings) -> str:
    """The settings as TOML, without secrets."""
    return tomli_w.dumps(in_force(found))


def _shown(section: str, values: object) -> dict[str, object]:
    shown = {}
    for name, key in keys(section).items():
        value = getattr(values, name)
        if value in (None, "", ()) and key.default != ():
            continue
        hidden = key.secret or (isinstance(value, str) and "@" in value)
        shown[name] = HIDDEN if hidden and value else _plain(value)
    return shown


def _shown_rule(rule: Rule) -> dict[str, object]:
    return {
        part: {name: _plain(value) for name, value in asdict(table).items() if value not in (None, ())}
        for part, table in (("when", rule.when), ("set", rule.set))
    }


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, (Path, str)) else value


def _section(section: str, head: str, values: Mapping[str, object]) -> list[str]:
    lines = [f"# {str(SECTIONS[section].__doc__).splitlines()[0]}", head]
    for key in keys(section).values():
        lines += [f"# {key.why}", _line(key, values.get(key.dotted))]
    return [*lines, ""]


def _line(key: Key, chosen: object) -> str:
    if chosen is not None:
        return toml_line(key.name, chosen)
    if key.default is not None:
        return toml_line(key.name, key.default)
    if key.name == "since":
        return f"# {toml_line(key.name, date.fromisoformat(str(key.example)))}"
    return f"# {toml_line(key.name, key.example)}"


def toml_line(name: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"{name} = [{', '.join(_value(item) for item in value)}]"
    return f"{name} = {_value(value)}"


def _value(value: object) -> str:
    plain = str(value) if isinstance(value, (Path, str)) else value
    return tomli_w.dumps({"x": plain}).strip().removeprefix("x = ")
