"""The `[[rule]]` tables: each key with what it takes, read into rules; every problem at once."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from fitferry.config.report import Report, describe
from fitferry.core.messages import Message, settings
from fitferry.core.rules import TEMPLATE_NAMES, WEEKDAYS, Changes, Conditions, Rule
from fitferry.core.sports import SPORTS, STRAVA_TYPES, SUB_SPORTS

_SPORT_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
"""As Strava writes them: Ride, VirtualRide, GravelRide, EBikeRide, …"""
_GEAR = re.compile(r"[bg][0-9]{1,18}")
_NAME = re.compile(r"[a-z_]+")
_HOURS, _LONGEST_KM, _TWO = 24, 1e6, 2
Table = dict[str, object]
"""A TOML table, before it was looked at."""


class RuleKey(NamedTuple):
    """One key of a rule: what is expected, how it is read (ValueError where it does not fit), its JSON schema."""

    expected: Message
    read: Callable[[object], object]
    schema: dict[str, object]


def read_rules(raw: object, athletes: Collection[str], report: Report) -> tuple[Rule, ...]:
    """The rules of the file, what is wrong with them told to the report. `athletes`: those of the settings."""
    tables = [raw] if isinstance(raw, dict) else raw
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        report.problem("rule", settings.TABLES(section="rule", found=describe(raw)))
        return ()
    return tuple(_rule(f"rule[{number}]", table, athletes, report) for number, table in enumerate(tables, 1))


def _rule(label: str, table: Table, athletes: Collection[str], report: Report) -> Rule:
    for name in table.keys() - {"when", "set"}:
        report.unknown(label, name, ["when", "set"])
    when = _read(f"{label}.when", table.get("when", {}), WHEN, report)
    changes = _read(f"{label}.set", table.get("set", {}), SET, report)
    named = when.get("athlete")
    if athletes and isinstance(named, tuple) and not set(named) <= set(athletes):
        expected = settings.ONE_OF(words=", ".join(athletes))
        report.problem(
            f"{label}.when.athlete",
            settings.WRONG(key=f"{label}.when.athlete", found=settings.FOUND_TEXT(), expected=expected),
        )
    if not table.get("set", {}):
        report.problem(f"{label}.set", settings.RULE_EMPTY(key=f"{label}.set", names=", ".join(SET)))
    if changes.get("sport_type", "Ride") not in STRAVA_TYPES:
        report.warn(settings.TYPE_UNKNOWN(key=f"{label}.set.sport_type"))
    return Rule(Conditions(**when), Changes(**changes))  # type: ignore[arg-type]  # each was read as its key says


def _read(label: str, table: object, keys: dict[str, RuleKey], report: Report) -> Table:
    """The values of `when` or `set` that fit."""
    if not isinstance(table, dict):
        report.wrong(label, table, settings.A_TABLE())
        return {}
    found = {}
    for name, value in table.items():
        if name not in keys:
            report.unknown(label, name, list(keys))
            continue
        try:
            found[name] = keys[name].read(value)
        except (ValueError, TypeError):
            report.wrong(f"{label}.{name}", value, keys[name].expected)
    return found


def _texts(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if (
        not isinstance(listed, list)
        or not listed
        or not all(isinstance(text, str) and text for text in listed)
    ):
        raise ValueError(value)
    return tuple(listed)


def _texts_of(known: Collection[str], *, numbers: bool = False) -> Callable[[object], tuple[str, ...]]:
    """Read texts out of those that are known; `numbers`: or the numbers of newer ones."""

    def read(value: object) -> tuple[str, ...]:
        found = _texts(value)
        if not all(text in known or (numbers and text.isdecimal()) for text in found):
            raise ValueError(value)
        return found

    return read


def _serials(value: object) -> tuple[str, ...]:
    """Serial numbers as TOML numbers or texts."""
    listed = value if isinstance(value, list) else [value]
    return _texts([str(item) if type(item) is int else item for item in listed])


def _pair(most: float, fits: Callable[[float, float], bool]) -> Callable[[object], tuple[float, float]]:
    def read(value: object) -> tuple[float, float]:
        if not isinstance(value, list) or len(value) != _TWO:
            raise ValueError(value)
        if not all(type(number) in {int, float} and 0 <= number <= most for number in value):
            raise ValueError(value)
        if not fits(*value):
            raise ValueError(value)
        return (value[0], value[1])

    return read


def _template(value: object) -> str:
    """Read a text that names nothing but facts: no attributes, no indices, no formats."""
    if not isinstance(value, str) or not value.strip() or not all(map(_is_fact, _placeholders(value))):
        raise ValueError(value)
    return value


def _placeholders(template: str) -> Iterator[tuple[str, str | None, str | None]]:
    for _, name, form, conversion in string.Formatter().parse(template):
        if name is not None:
            yield name, form, conversion


def _is_fact(placeholder: tuple[str, str | None, str | None]) -> bool:
    name, form, conversion = placeholder
    return bool(_NAME.fullmatch(name)) and name in TEMPLATE_NAMES and not form and not conversion


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(value)
        return value

    return read


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004  # as every other reader here
    return value


def _one_or_several(kind: dict[str, object]) -> dict[str, object]:
    return {"anyOf": [kind, {"type": "array", "items": kind, "minItems": 1}]}


_TEXT: dict[str, object] = {"type": "string", "minLength": 1}
_PAIR: dict[str, object] = {
    "type": "array",
    "items": {"type": "number", "minimum": 0},
    "minItems": 2,
    "maxItems": 2,
}
_SERIAL: dict[str, object] = {"type": ["string", "integer"]}
_ANY_TEXTS = RuleKey(settings.TEXT_OR_TEXTS(), _texts, _one_or_several(_TEXT))
_A_TEMPLATE = RuleKey(
    settings.TEMPLATE(names=", ".join("{" + name + "}" for name in TEMPLATE_NAMES)), _template, _TEXT
)
_A_FLAG = RuleKey(settings.FLAG(), _flag, {"type": "boolean"})
WHEN: dict[str, RuleKey] = {
    "athlete": _ANY_TEXTS,
    "sport": RuleKey(
        settings.SPORTS(example="cycling"),
        _texts_of(frozenset(SPORTS.values()), numbers=True),
        _one_or_several(_TEXT),
    ),
    "sub_sport": RuleKey(
        settings.SPORTS(example="indoor_cycling"),
        _texts_of(frozenset(SUB_SPORTS.values()), numbers=True),
        _one_or_several(_TEXT),
    ),
    "manufacturer": _ANY_TEXTS,
    "serial": RuleKey(settings.SERIALS(), _serials, _one_or_several(_SERIAL)),
    "file": _ANY_TEXTS,
    "weekday": RuleKey(
        settings.ONE_OR_SEVERAL(words=", ".join(WEEKDAYS)),
        _texts_of(WEEKDAYS),
        _one_or_several({"enum": list(WEEKDAYS)}),
    ),
    "hours": RuleKey(settings.HOURS(), _pair(_HOURS, lambda begin, end: begin != end), _PAIR),
    "distance_km": RuleKey(settings.DISTANCES(), _pair(_LONGEST_KM, lambda low, high: low < high), _PAIR),
}
"""What `when` may name."""
SET: dict[str, RuleKey] = {
    "name": _A_TEMPLATE,
    "description": _A_TEMPLATE,
    "sport_type": RuleKey(
        settings.SPORT_TYPE(),
        _matching(_SPORT_TYPE),
        {"type": "string", "pattern": f"^{_SPORT_TYPE.pattern}$"},
    ),
    "trainer": _A_FLAG,
    "commute": _A_FLAG,
    "gear": RuleKey(settings.GEAR(), _matching(_GEAR), {"type": "string", "pattern": f"^{_GEAR.pattern}$"}),
    "hide_from_home": _A_FLAG,
    "skip": _A_FLAG,
}
"""What `set` may name."""
