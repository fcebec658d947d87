"""What is an activity called on Strava, and what else is said of it? The `[[rule]]` tables, applied. Pure.

Of each field the first rule that matches and sets it wins. `when` without a condition matches everything.
"""

from __future__ import annotations

import fnmatch
import re
import string
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fitferry.core.activity import ActivityFacts
from fitferry.core.sports import SPORTS, STRAVA_TYPES, SUB_SPORTS
from fitferry.core.upload import Job

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPORT_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
"""As Strava writes them: Ride, VirtualRide, GravelRide, EBikeRide, …"""
MAX_TEXT = 2_000
_PLAIN = re.compile(r"[a-z_]+")
_HOURS, _TWO = 24, 2


class Rule(Protocol):
    """One rule of the settings."""

    @property
    def when(self) -> Mapping[str, Any]: ...

    @property
    def set(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules may ask of an activity; `start` is local, distance in metres, duration in seconds."""

    athlete: str
    file: str
    sport: str | None
    sub_sport: str | None
    manufacturer: str | None
    product: str | None
    start: datetime | None
    distance_m: float | None
    duration_s: float | None


def matching(rules: Iterable[Rule], subject: Subject) -> list[int]:
    """The numbers of the rules that match, counted from 1."""
    return [number for number, rule in enumerate(rules, 1) if _matches(rule, subject)]


def decided(rules: Iterable[Rule], subject: Subject) -> dict[str, Any]:
    """What the rules set: the first one that matches wins each field."""
    found: dict[str, Any] = {}
    for rule in rules:
        if _matches(rule, subject):
            found = {**rule.set, **found}
    return found


def upload_fields(rules: Iterable[Rule], subject: Subject) -> dict[str, str]:
    """The fields that go with the upload, as Strava takes them."""
    found = decided(rules, subject)
    facts = _facts(subject)
    fields: dict[str, str] = {
        name: found[name].format_map(facts)[:MAX_TEXT] for name in ("name", "description") if name in found
    }
    if "sport_type" in found:
        fields["sport_type"] = found["sport_type"]
    fields |= {name: "1" for name in ("trainer", "commute") if found.get(name)}
    return {name: value for name, value in fields.items() if value}


def skipped_by(rules: Iterable[Rule], subject: Subject) -> int | None:
    """The number of the rule that says that an activity is not to be uploaded, if one does."""
    for number, rule in enumerate(rules, 1):
        if "skip" in rule.set and _matches(rule, subject):
            return number if rule.set["skip"] else None
    return None


def problems(rule: Rule, athletes: Collection[str] = ()) -> Iterator[tuple[str, Any, str]]:
    """What is wrong with a rule: the key below it, what was found, what is expected.

    `athletes`: those of the settings, none where they are not known.
    """
    for part, values, known in (("when", rule.when, _WHEN), ("set", rule.set, _SET)):
        for name, value in values.items():
            if name not in known:
                yield f"{part}.{name}", value, f"one of {', '.join(known)}"
            elif not known[name][1](value):
                yield f"{part}.{name}", value, known[name][0]
    named = rule.when.get("athlete")
    if athletes and _is_texts(named) and not set(_texts(named)) <= set(athletes):
        yield "when.athlete", named, f"one of {', '.join(athletes)}"
    if not rule.set:
        yield "set", {}, f"at least one of {', '.join(_SET)}"


def doubts(rule: Rule) -> Iterator[tuple[str, str]]:
    """What may be wrong with a rule: the key below it, and why."""
    wanted = rule.set.get("sport_type")
    if wanted is not None and wanted not in STRAVA_TYPES:
        yield "set.sport_type", f"{wanted} is no type of Strava's that Fitferry knows of"


def _matches(rule: Rule, subject: Subject) -> bool:
    return all(_CHECKS[name](value, subject) for name, value in rule.when.items())


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _one_of(name: str) -> Callable[[Any, Subject], bool]:
    return lambda value, subject: getattr(subject, name) in _texts(value)


def _file(value: Any, subject: Subject) -> bool:
    return any(fnmatch.fnmatchcase(subject.file.lower(), pattern.lower()) for pattern in _texts(value))


def _weekday(value: Any, subject: Subject) -> bool:
    return subject.start is not None and WEEKDAYS[subject.start.weekday()] in _texts(value)


def _hours(value: Any, subject: Subject) -> bool:
    """From one hour up to another, also over midnight: [22, 5]."""
    if subject.start is None:
        return False
    begin, end = value
    hour = subject.start.hour + subject.start.minute / 60
    return bool(begin <= hour < end if begin <= end else hour >= begin or hour < end)


def _distance(value: Any, subject: Subject) -> bool:
    return subject.distance_m is not None and bool(value[0] <= subject.distance_m / 1000 < value[1])


_CHECKS: dict[str, Callable[[Any, Subject], bool]] = {
    "athlete": _one_of("athlete"),
    "sport": _one_of("sport"),
    "sub_sport": _one_of("sub_sport"),
    "manufacturer": _one_of("manufacturer"),
    "file": _file,
    "weekday": _weekday,
    "hours": _hours,
    "distance_km": _distance,
}


def _facts(subject: Subject) -> dict[str, Any]:
    """What templates may name; where the file does not say it, nothing is put."""
    start = subject.start
    return {
        "athlete": subject.athlete,
        "file": subject.file.rsplit("/", 1)[-1].split(".", 1)[0],
        "sport": (subject.sport or "").replace("_", " "),
        "sub_sport": (subject.sub_sport or "").replace("_", " "),
        "manufacturer": subject.manufacturer or "",
        "product": subject.product or "",
        "date": start.strftime("%Y-%m-%d") if start else "",
        "time": start.strftime("%H:%M") if start else "",
        "weekday": start.strftime("%A") if start else "",
        "distance_km": f"{subject.distance_m / 1000:.1f}" if subject.distance_m is not None else "",
        "duration": _clock(subject.duration_s),
    }


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02}"


_NAMES = frozenset(_facts(Subject("", "", None, None, None, None, None, None, None)))


def _is_template(value: Any) -> bool:
    """Whether a text names nothing but facts: no attributes, no indices, no formats."""
    if not isinstance(value, str) or not value.strip():
        return False
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError:
        return False
    return all(
        name is None or (_PLAIN.fullmatch(name) and name in _NAMES and not form and not conversion)
        for _, name, form, conversion in parts
    )


def _is_texts(value: Any) -> bool:
    listed = [value] if isinstance(value, str) else value
    return isinstance(listed, list) and bool(listed) and all(isinstance(one, str) and one for one in listed)


def _is_weekdays(value: Any) -> bool:
    return _is_texts(value) and set(_texts(value)) <= set(WEEKDAYS)


def _is_pair(value: Any, most: float) -> bool:
    numbers = isinstance(value, list) and len(value) == _TWO
    return numbers and all(type(one) in {int, float} and 0 <= one <= most for one in value)


def _are_hours(value: Any) -> bool:
    return _is_pair(value, _HOURS) and value[0] != value[1]


def _are_distances(value: Any) -> bool:
    return _is_pair(value, 1e6) and value[0] < value[1]


def _are_of(known: frozenset[str]) -> Callable[[Any], bool]:
    """Texts out of those that are known, or numbers of newer ones."""
    return lambda value: _is_texts(value) and all(one in known or one.isdecimal() for one in _texts(value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_TEXTS = "a text or a list of texts"
_WHEN: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "athlete": (_TEXTS, _is_texts),
    "sport": ("one or several of the FIT profile's, such as cycling", _are_of(SPORTS)),
    "sub_sport": ("one or several of the FIT profile's, such as indoor_cycling", _are_of(SUB_SPORTS)),
    "manufacturer": (_TEXTS, _is_texts),
    "file": (_TEXTS, _is_texts),
    "weekday": (f"one or several of {', '.join(WEEKDAYS)}", _is_weekdays),
    "hours": ("two hours of the local day, such as [6, 9]", _are_hours),
    "distance_km": ("two distances in kilometres, such as [0, 15]", _are_distances),
}
_TEMPLATE = f"a text, perhaps with {', '.join('{' + name + '}' for name in sorted(_NAMES))}"
_SET: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": (_TEMPLATE, _is_template),
    "description": (_TEMPLATE, _is_template),
    "sport_type": (
        "one of Strava's, such as VirtualRide",
        lambda value: isinstance(value, str) and bool(SPORT_TYPE.fullmatch(value)),
    ),
    "trainer": ("true or false", _is_flag),
    "commute": ("true or false", _is_flag),
    "skip": ("true or false", _is_flag),
}


def subject_of_job(job: Job) -> Subject:
    """Of an activity that is known."""
    return _subject(job.athlete, job.file, job)


def subject_of_facts(athlete: str, file: str, facts: ActivityFacts) -> Subject:
    """Of an activity in a file."""
    return _subject(athlete, file, facts)


def _subject(athlete: str, file: str, said: Job | ActivityFacts) -> Subject:
    start = said.start_time
    return Subject(
        athlete=athlete,
        file=file,
        sport=said.sport,
        sub_sport=said.sub_sport,
        manufacturer=said.manufacturer,
        product=said.product,
        start=None if start is None else datetime.fromtimestamp(start).astimezone(),
        distance_m=said.distance_m,
        duration_s=said.duration_s,
    )
