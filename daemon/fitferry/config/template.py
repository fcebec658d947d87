"""How does a configuration file look? Commented TOML from the table of keys; the example and what `init` writes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from fitferry.config.keys import SECTIONS, Key, of_section
from fitferry.core.errors import RequestRejected
from fitferry.system import durable_io

_EXAMPLE_FOLDER = "/srv/rides"
_RULES = """\
# Rules for what activities are called and marked as; the first rule that sets a field wins it.
# when: athlete, sport, sub_sport, manufacturer, file (a pattern), weekday, hours, distance_km
# set: name, description, sport_type, trainer, commute, skip
# [[rule]]
# when = { manufacturer = "zwift" }
# set = { name = "Zwift, {distance_km} km", sport_type = "VirtualRide", trainer = true }
# [[rule]]
# when = { sport = "cycling", weekday = ["mon", "tue", "wed", "thu", "fri"], hours = [6, 9], distance_km = [3, 20] }
# set = { commute = true }"""
_HEAD = {
    "strava": "The API application and what it may do.",
    "watch": "A folder where devices drop files; repeat the section for each folder.",
    "uploads": "How uploads are tried.",
    "web": "The page.",
    "state": "What Fitferry keeps. Without these: systemd's folder, /config in a container, else your own.",
    "log": "The log.",
    "notify": "Who is told.",
}


def example() -> str:
    """The example file: every key with its default, or a commented line where there is none."""
    return render({}, watch=[{"folder": _EXAMPLE_FOLDER}])


def render(values: Mapping[str, Any], *, watch: list[Mapping[str, Any]]) -> str:
    """A commented file. `values`: what was chosen, by dotted name; `watch`: the same for each folder.

    What was not chosen is written with its default, or commented out where there is none.
    """
    lines = ["# Settings of Fitferry. Every key can be overridden by FITFERRY_<SECTION>_<KEY>.", ""]
    for section in SECTIONS:
        if section == "watch":
            for table in watch:
                lines += _section(section, "[[watch]]", {f"watch.{name}": one for name, one in table.items()})
        else:
            lines += _section(section, f"[{section}]", values)
    return "\n".join([*lines, _RULES]) + "\n"


def write_config(path: Path, text: str, *, force: bool, check: Callable[[Path], object]) -> None:
    """Write a configuration file whole, for the owner alone. Raises Refused where one is there, OSError.

    `check` is shown the file first; where it raises, nothing is changed.
    """
    if path.exists() and not force:
        raise RequestRejected("exists", f"{path} is there already; --force replaces it", 409)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    durable_io.write_new(scratch, text.encode())
    try:
        check(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _section(section: str, head: str, values: Mapping[str, Any]) -> list[str]:
    lines = [f"# {_HEAD[section]}", head]
    for key in of_section(section).values():
        lines += [f"# {key.why}", _line(key, values.get(key.dotted))]
    return [*lines, ""]


def _line(key: Key, chosen: Any) -> str:
    if chosen is not None:
        return _toml(key.name, chosen)
    if key.default is not None:
        return _toml(key.name, key.default)
    return f"# {_toml(key.name, key.example)}"


def _toml(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{name} = [{', '.join(_value(one) for one in value)}]"
    return f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    plain = str(value) if isinstance(value, Path) else value
    return tomli_w.dumps({"x": plain}).strip().removeprefix("x = ")
