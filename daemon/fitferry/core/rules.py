"""Metadata by rule: which rules match an activity, and what they set. Pure.

Of each field the first rule that matches and sets it wins. A rule without conditions matches everything.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TypeVar

from fitferry.core.activity import ActivityFacts
from fitferry.core.upload import Job

T = TypeVar("T")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_TEXT = 2_000
"""Letters of a name or a description that are sent at most."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold of an activity; an empty value asks for nothing.

    `hours`: local, from up to; over midnight where the first is larger. `distance_km`: from up to.
    """

    athlete: tuple[str, ...] = ()
    sport: tuple[str, ...] = ()
    sub_sport: tuple[str, ...] = ()
    manufacturer: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    file: tuple[str, ...] = ()
    weekday: tuple[str, ...] = ()
    hours: tuple[float, float] | None = None
    distance_km: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a rule sets; None leaves it to the next rule, and at last to Strava.

    `name` and `description` are templates with the names of `template_values`.
    """

    name: str | None = None
    description: str | None = None
    sport_type: str | None = None
    trainer: bool | None = None
    commute: bool | None = None
    gear: str | None = None
    hide_from_home: bool | None = None
    skip: bool | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]` of the settings."""

    when: Conditions = field(default_factory=Conditions)
    set: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True)
class Subject:
    """The activity that rules are asked of: whose it is, its file's name, and what the file says of it."""

    athlete: str
    file: str
    facts: Job | ActivityFacts

    @property
    def start(self) -> datetime | None:
        """When it began, by the local clock."""
        start = self.facts.start_time
        return None if start is None else datetime.fromtimestamp(start).astimezone()


def matching(rules: Iterable[Rule], subject: Subject) -> list[int]:
    """The numbers of the rules that match, counted from 1."""
    return [number for number, rule in enumerate(rules, 1) if _matches(rule, subject)]


def decided(rules: Iterable[Rule], subject: Subject) -> Changes:
    """What the rules set together: the first one that matches wins each field."""
    matched = [rule.set for rule in rules if _matches(rule, subject)]
    return Changes(
        **{one.name: _first(getattr(set_, one.name) for set_ in matched) for one in fields(Changes)}
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def upload_fields(rules: Iterable[Rule], subject: Subject) -> dict[str, str]:
    """The fields that go with the upload, as Strava takes them."""
    changes, values = decided(rules, subject), template_values(subject)
    sent = {
        "name": _filled(changes.name, values),
        "description": _filled(changes.description, values),
        "sport_type": changes.sport_type or "",
        "trainer": "1" if changes.trainer else "",
        "commute": "1" if changes.commute else "",
    }
    return {name: value for name, value in sent.items() if value}


def edit_fields(rules: Iterable[Rule], subject: Subject) -> dict[str, str | bool]:
    """The fields that can be set only once the activity exists, as Strava's `PUT /activities/{id}` takes them."""
    changes = decided(rules, subject)
    sent = {"gear_id": changes.gear, "hide_from_home": changes.hide_from_home}
    return {name: value for name, value in sent.items() if value is not None}


def skipped_by(rules: Iterable[Rule], subject: Subject) -> int | None:
    """The number of the rule that says that an activity is not to be uploaded, if one does."""
    for number, rule in enumerate(rules, 1):
        if rule.set.skip is not None and _matches(rule, subject):
            return number if rule.set.skip else None
    return None


def template_values(subject: Subject) -> dict[str, str]:
    """What templates may name; where the file does not say it, nothing is put."""
    start, facts = subject.start, subject.facts
    return {
        "athlete": subject.athlete,
        "file": subject.file.rpartition("/")[2].partition(".")[0],
        "sport": (facts.sport or "").replace("_", " "),
        "sub_sport": (facts.sub_sport or "").replace("_", " "),
        "manufacturer": facts.manufacturer or "",
        "product": facts.product or "",
        "date": start.strftime("%Y-%m-%d") if start else "",
        "time": start.strftime("%H:%M") if start else "",
        "weekday": start.strftime("%A") if start else "",
        "distance_km": f"{facts.distance_m / 1000:.1f}" if facts.distance_m is not None else "",
        "duration": _hours_and_minutes(facts.duration_s),
    }


def _filled(template: str | None, values: dict[str, str]) -> str:
    return template.format_map(values)[:MAX_TEXT] if template else ""


def _hours_and_minutes(seconds: float | None) -> str:
    if seconds is None:
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02}"


def _matches(rule: Rule, subject: Subject) -> bool:
    """Whether every condition of a rule holds; an empty one does."""
    when, facts = rule.when, subject.facts
    named = (
        (when.athlete, subject.athlete),
        (when.sport, facts.sport),
        (when.sub_sport, facts.sub_sport),
        (when.manufacturer, facts.manufacturer),
    )
    return (
        all(not wanted or found in wanted for wanted, found in named)
        and (not when.serial or not set(when.serial).isdisjoint(facts.serials))
        and (not when.file or _file(when.file, subject.file))
        and (not when.weekday or _weekday(when.weekday, subject.start))
        and (when.hours is None or _hours(when.hours, subject.start))
        and (when.distance_km is None or _distance(when.distance_km, facts.distance_m))
    )


def _file(wanted: tuple[str, ...], file: str) -> bool:
    """Whether a pattern fits a file's name; of an activity in an archive of several its own name or the archive's."""
    return any(
        fnmatch.fnmatchcase(name.lower(), pattern.lower())
        for name in {file, *file.split("/")}
        for pattern in wanted
    )


def _weekday(wanted: tuple[str, ...], start: datetime | None) -> bool:
    return start is not None and WEEKDAYS[start.weekday()] in wanted


def _hours(wanted: tuple[float, float], start: datetime | None) -> bool:
    if start is None:
        return False
    begin, end = wanted
    hour = start.hour + start.minute / 60
    return begin <= hour < end if begin <= end else hour >= begin or hour < end


def _distance(wanted: tuple[float, float], distance_m: float | None) -> bool:
    return distance_m is not None and wanted[0] <= distance_m / 1000 < wanted[1]


TEMPLATE_NAMES = tuple(sorted(template_values(Subject("", "", ActivityFacts()))))
"""The names that a template may hold in braces."""
