"""Rules as they stand in the settings: what is wrong with one is named with its key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from fitferry.config.report import Report
from fitferry.config.rules import read_rules
from fitferry.core.rules import Changes, Conditions, Rule
from settings_files import APP, EXAMPLE, WATCH, Place


def problems(when: dict[str, Any], changes: dict[str, Any], athletes: Sequence[str] = ()) -> list[str]:
    """The keys that are wrong with a rule."""
    report = Report()
    read_rules([{"when": when, "set": changes}], athletes, report)
    return [problem.key.removeprefix("rule[1].") for problem in report.problems]


@pytest.mark.parametrize(
    ("when", "changes", "key"),
    [
        ({"spot": "cycling"}, {"commute": True}, "when.spot"),
        ({"sport": 3}, {"commute": True}, "when.sport"),
        ({"sport": []}, {"commute": True}, "when.sport"),
        ({"weekday": "monday"}, {"commute": True}, "when.weekday"),
        ({"hours": [6]}, {"commute": True}, "when.hours"),
        ({"hours": [6, 25]}, {"commute": True}, "when.hours"),
        ({"hours": [6, 6]}, {"commute": True}, "when.hours"),
        ({"hours": [True, 5]}, {"commute": True}, "when.hours"),
        ({"distance_km": 5}, {"commute": True}, "when.distance_km"),
        ({"distance_km": [20, 3]}, {"commute": True}, "when.distance_km"),
        ({"distance_km": [3, 3]}, {"commute": True}, "when.distance_km"),
        ({"athlete": "nobody"}, {"commute": True}, "when.athlete"),
        ({"athlete": ["me", "nobody"]}, {"commute": True}, "when.athlete"),
        ({"sport": "Ride"}, {"commute": True}, "when.sport"),
        ({"sport": ["cycling", "biking"]}, {"commute": True}, "when.sport"),
        ({"sub_sport": "VirtualRide"}, {"commute": True}, "when.sub_sport"),
        ({}, {"name": " "}, "set.name"),
        ({}, {"description": ""}, "set.description"),
        ({}, {"commute": "yes"}, "set.commute"),
        ({}, {"skip": 1}, "set.skip"),
        ({}, {"sport_type": "virtual ride"}, "set.sport_type"),
        ({}, {"name": "{sports}"}, "set.name"),
        ({}, {"name": "{sport.__class__}"}, "set.name"),
        ({}, {"name": "{sport!r}"}, "set.name"),
        ({}, {"name": "{sport:>1000000000}"}, "set.name"),
        ({}, {"description": "{"}, "set.description"),
        ({}, {"gear": "x1"}, "set.gear"),
        ({}, {"hide_from_home": 1}, "set.hide_from_home"),
        ({"serial": 1.5}, {"gear": "b1"}, "when.serial"),
        ({"serial": []}, {"gear": "b1"}, "when.serial"),
        ({}, {}, "set"),
    ],
)
def test_a_bad_rule_is_a_problem_of_the_settings(
    when: dict[str, Any], changes: dict[str, Any], key: str
) -> None:
    """With the key; a template cannot reach beyond the facts, and what could never match is told at once."""
    assert problems(when, changes, ["me", "kim"]) == [key]


def test_a_type_that_strava_may_have_added_is_a_doubt_no_more() -> None:
    """It is told, and sent."""
    for name, warnings in (("Quidditch", ["type_unknown"]), ("VirtualRide", [])):
        report = Report()
        read_rules([{"set": {"sport_type": name}}], [], report)
        assert ([warning.code for warning in report.warnings], report.problems) == (warnings, [])


def test_a_good_rule_has_no_problems() -> None:
    """Every key that there is."""
    when = {
        "athlete": "me",
        "sport": ["cycling", "99"],
        "sub_sport": "gravel_cycling",
        "manufacturer": "c",
        "file": "*",
        "weekday": ["mon"],
        "serial": ["1", 2],
    }
    set_ = {
        "name": "{sport}",
        "description": "{{x}}",
        "sport_type": "Ride",
        "trainer": True,
        "commute": False,
        "skip": False,
        "gear": "g7",
        "hide_from_home": True,
    }
    assert problems({**when, "hours": [22, 5], "distance_km": [0, 1.5]}, set_, ["me"]) == []


@pytest.mark.parametrize("paper", ["config.example.toml", "docs/rules.md"])
def test_the_rules_in_the_papers_are_good_rules(place: Place, paper: str) -> None:
    """Without their comment signs they load."""
    text = (EXAMPLE.parent / paper).read_text(encoding="utf-8")
    shown = re.findall(r"^(?:# )?(\[\[rule\]\]\n(?:# )?when = .*\n(?:# )?set = .*)$", text, re.MULTILINE)
    found = place.load(APP + WATCH + "\n".join(shown).replace("# ", ""))

    assert len(found.rules) >= 2


def test_a_rule_for_an_athlete_without_a_folder_is_a_problem(place: Place) -> None:
    """And a type that Strava may have added is a warning."""
    text = APP + WATCH + '[[rule]]\nwhen = { athlete = "nobody" }\nset = { skip = true }\n'
    assert "expected one of me" in place.problems(text)["rule[1].when.athlete"]
    text = APP + WATCH + '[[rule]]\nset = { sport_type = "Quidditch" }\n'
    (warning,) = place.load(text).warnings

    assert str(warning).startswith("rule[1].set.sport_type: ")


def test_rules_are_kept_as_they_stand(place: Place) -> None:
    """With the mistakes in their frame told."""
    found = place.load(APP + WATCH + '[[rule]]\nwhen = {sport = "cycling"}\nset = {commute = true}\n')
    assert found.rules == (Rule(Conditions(sport=("cycling",)), Changes(commute=True)),)

    assert {"rule[1].wen", "rule[1].set"} == set(
        place.problems(APP + WATCH + "[[rule]]\nwen = {}\nset = 5\n")
    )
