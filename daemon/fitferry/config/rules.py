"""The `[[rule]]` tables: each key with what it takes, read into rules; every problem at once."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from fitferry.config.report import Report, describe
from fitferry.core.messages import Message, settings
from fitferry.core.rules import TEMPLATE_NAMES, WEEKDAYS, Changes, Conditions, Rule
from fitferry.core.sports import SPORTS, STRAVA_TYPES, SUB_SPORTS

_SPORT_TYPE = "[A-Z][A-Za-z]{2,40}"
"""As Strava writes them: Ride, VirtualRide, GravelRide, EBikeRide, …"""
_GEAR = "[bg][0-9]{1,18}"
_NAME = re.compile(r"[a-z_]+")
_HOURS, _LONGEST_KM = 24, 1e6
Table = dict[str, object]
"""A TOML table, before it was looked at."""
_Text = Annotated[str, Meta(min_length=1)]
_Texts = _Text | Annotated[list[_Text], Meta(min_length=1)]
_Day = Annotated[str, Meta(extra_json_schema={"enum": list(WEEKDAYS)})]
_Days = _Day | Annotated[list[_Day], Meta(min_length=1)]
_Serials = int | _Text | Annotated[list[int | _Text], Meta(min_length=1)]
_Pair = Annotated[list[Annotated[float, Meta(ge=0)]], Meta(min_length=2, max_length=2)]


class RuleKey(NamedTuple):
    """One key of a rule: what is expected, its type, and how it is read (ValueError where it does not fit)."""

    expected: Message
    type: object
    read: Callable[[object], object]


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


def _several(expected: Message, kind: object, fits: Callable[[str], object] = bool) -> RuleKey:
    """One text or a list of them, each of which fits."""

    def read(value: object) -> tuple[str, ...]:
        msgspec.convert(value, kind)
        texts = tuple(map(str, value if isinstance(value, list) else [value]))
        if not all(map(fits, texts)):
            raise ValueError(value)
        return texts

    return RuleKey(expected, kind, read)


def _one(expected: Message, kind: object, fits: Callable[[str], object]) -> RuleKey:
    """One text that fits."""

    def read(value: object) -> str:
        text = str(msgspec.convert(value, kind))
        if not fits(text):
            raise ValueError(value)
        return text

    return RuleKey(expected, kind, read)


def _span(expected: Message, fits: Callable[[float, float], bool]) -> RuleKey:
    """Two numbers that fit, as they were written."""

    def read(value: object) -> tuple[float, float]:
        msgspec.convert(value, _Pair)
        if not isinstance(value, list) or not fits(*value):
            raise ValueError(value)
        return value[0], value[1]

    return RuleKey(expected, _Pair, read)


def _is_template(text: str) -> bool:
    """Whether a text names nothing but facts: no attributes, no indices, no formats. Raises ValueError."""
    return bool(text.strip()) and all(
        _NAME.fullmatch(name) and name in TEMPLATE_NAMES and not form and not conversion
        for _, name, form, conversion in string.Formatter().parse(text)
        if name is not None
    )


def _matching(expected: Message, pattern: str) -> RuleKey:
    kind = Annotated[str, Meta(pattern=f"^{pattern}$")]
    return _one(expected, kind, re.compile(pattern).fullmatch)


def _of_the_profile(names: Collection[str]) -> Callable[[str], bool]:
    """Whether a name is one of the FIT profile's; newer ones have a number."""
    return lambda name: name in names or name.isdecimal()


_ANY_TEXTS = _several(settings.TEXT_OR_TEXTS(), _Texts)
_A_TEMPLATE = _one(
    settings.TEMPLATE(names=", ".join("{" + name + "}" for name in TEMPLATE_NAMES)), _Text, _is_template
)
_A_FLAG = RuleKey(settings.FLAG(), bool, lambda value: msgspec.convert(value, bool))
WHEN: dict[str, RuleKey] = {
    "athlete": _ANY_TEXTS,
    "sport": _several(settings.SPORTS(example="cycling"), _Texts, _of_the_profile(SPORTS.values())),
    "sub_sport": _several(
        settings.SPORTS(example="indoor_cycling"), _Texts, _of_the_profile(SUB_SPORTS.values())
    ),
    "manufacturer": _ANY_TEXTS,
    "serial": _several(settings.SERIALS(), _Serials),
    "file": _ANY_TEXTS,
    "weekday": _several(settings.ONE_OR_SEVERAL(words=", ".join(WEEKDAYS)), _Days, WEEKDAYS.__contains__),
    "hours": _span(settings.HOURS(), lambda begin, end: begin != end and begin <= _HOURS and end <= _HOURS),
    "distance_km": _span(settings.DISTANCES(), lambda low, high: low < high <= _LONGEST_KM),
}
"""What `when` may name."""
SET: dict[str, RuleKey] = {
    "name": _A_TEMPLATE,
    "description": _A_TEMPLATE,
    "sport_type": _matching(settings.SPORT_TYPE(), _SPORT_TYPE),
    "trainer": _A_FLAG,
    "commute": _A_FLAG,
    "gear": _matching(settings.GEAR(), _GEAR),
    "hide_from_home": _A_FLAG,
    "skip": _A_FLAG,
}
"""What `set` may name."""
