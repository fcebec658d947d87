"""What an activity is called and marked as, by the rules of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from fitparse.profile import FIELD_TYPES
from stravalib.strava_model import SportType

from fakes import NOW
from fitferry.config.report import Report
from fitferry.config.rules import read_rules
from fitferry.core import sports
from fitferry.core.activity import Stability
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.rules import Rule, Subject, edit_fields, matching, skipped_by, upload_fields
from fitferry.core.upload import Status
from fitferry.inbox.first_scan import FirstScan
from fitferry.storage import uploads

Ride = Callable[..., bytes]
TUESDAY_MORNING = datetime(2026, 9, 22, 7, 30, tzinfo=UTC)
ZWIFT = Subject(
    athlete="me",
    file="2026-09-22-Ride.fit",
    sport="cycling",
    sub_sport="virtual_activity",
    manufacturer="zwift",
    product=None,
    start=TUESDAY_MORNING,
    distance_m=24_480.0,
    duration_s=3_720.0,
)


def a_rule(when: dict[str, Any], changes: dict[str, Any] | None = None) -> Rule:
    """A rule as it stands in the file."""
    (rule,) = read_rules([{"when": when, "set": changes or {"skip": False}}], [], Report())
    return rule


def problems(when: dict[str, Any], changes: dict[str, Any], athletes: Sequence[str] = ()) -> list[str]:
    """The keys that are wrong with a rule."""
    report = Report()
    read_rules([{"when": when, "set": changes}], athletes, report)
    return [problem.key.removeprefix("rule[1].") for problem in report.problems]


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({}, True),
        ({"manufacturer": "zwift"}, True),
        ({"manufacturer": ["garmin", "zwift"]}, True),
        ({"manufacturer": "garmin"}, False),
        ({"sport": "cycling", "sub_sport": "virtual_activity"}, True),
        ({"sport": "cycling", "sub_sport": "road"}, False),
        ({"athlete": "partner"}, False),
        ({"file": "*ride*"}, True),
        ({"file": ["*.tcx", "2026-*.FIT"]}, True),
        ({"file": "ride"}, False),
        ({"weekday": "tue"}, True),
        ({"weekday": ["sat", "sun"]}, False),
        ({"hours": [6, 9]}, True),
        ({"hours": [7.5, 8]}, True),
        ({"hours": [8, 9]}, False),
        ({"hours": [22, 8]}, True),
        ({"hours": [22, 5]}, False),
        ({"distance_km": [20, 25]}, True),
        ({"distance_km": [0, 24.48]}, False),
    ],
)
def test_a_rule_matches_when_all_that_it_names_holds(when: dict[str, Any], *, matches: bool) -> None:
    """Ranges hold their first value and not their last; hours may go over midnight."""
    assert (matching([a_rule(when)], ZWIFT) == [1]) is matches


@pytest.mark.parametrize(
    "when", [{"weekday": "tue"}, {"hours": [0, 24]}, {"distance_km": [0, 1e6]}, {"sport": "cycling"}]
)
def test_what_a_file_does_not_say_matches_nothing(when: dict[str, Any]) -> None:
    """A file without a start has no weekday."""
    assert matching([a_rule(when)], replace(ZWIFT, start=None, distance_m=None, sport=None)) == []


def test_the_first_rule_wins_each_field() -> None:
    """A later rule fills in what no earlier one set."""
    rules = [
        a_rule({"manufacturer": "garmin"}, {"name": "not this"}),
        a_rule({"manufacturer": "zwift"}, {"sport_type": "VirtualRide", "commute": False}),
        a_rule({}, {"sport_type": "Ride", "commute": True, "trainer": True, "name": "a ride"}),
    ]

    assert matching(rules, ZWIFT) == [2, 3]
    assert upload_fields(rules, ZWIFT) == {"sport_type": "VirtualRide", "trainer": "1", "name": "a ride"}


def test_templates_are_filled_with_what_the_file_says() -> None:
    """And with nothing where it says nothing."""
    text = "{file}|{sport}|{sub_sport}|{manufacturer}|{product}|{date} {time} {weekday}|{distance_km}|{duration}|{{}}"
    sent = upload_fields([a_rule({}, {"name": text})], ZWIFT)["name"]
    bare = replace(
        ZWIFT, start=None, distance_m=None, duration_s=None, sport=None, sub_sport=None, manufacturer=None
    )

    assert sent == "2026-09-22-Ride|cycling|virtual activity|zwift||2026-09-22 07:30 Tuesday|24.5|1:02|{}"
    assert upload_fields([a_rule({}, {"name": "{sport}{distance_km}{date}"})], bare) == {}


def test_the_first_rule_that_speaks_of_skipping_decides() -> None:
    """So that an exception can stand before the rule."""
    skip = a_rule({"sport": "cycling"}, {"skip": True})
    spare = a_rule({"manufacturer": "zwift"}, {"skip": False})

    assert skipped_by([skip], ZWIFT) == 1
    assert skipped_by([spare, skip], ZWIFT) is None
    assert skipped_by([a_rule({}, {"name": "x"}), skip], ZWIFT) == 2


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


def test_what_an_upload_cannot_carry_is_left_for_an_edit() -> None:
    """Gear and mute; what no rule sets stays as it is on Strava."""
    rules = [a_rule({"serial": 77}, {"gear": "b12", "commute": True}), a_rule({}, {"hide_from_home": False})]
    subject = replace(ZWIFT, serials=("12", "77"))

    assert edit_fields(rules, subject) == {"gear_id": "b12", "hide_from_home": False}
    assert edit_fields(rules, ZWIFT) == {"hide_from_home": False}
    assert upload_fields(rules, subject) == {"commute": "1"}


def test_the_names_of_sports_are_those_that_are_found_and_taken() -> None:
    """By fitparse and our own additions, in TCX and GPX, and by Strava."""
    fit, sub = (set(FIELD_TYPES[name].values.values()) for name in ("sport", "sub_sport"))

    assert fit <= set(sports.SPORTS.values())
    assert sub <= set(sports.SUB_SPORTS.values())
    assert {*sports._DOCUMENT_NAMES.values(), *sports._STRAVA_NUMBERS.values()} <= set(sports.SPORTS.values())
    assert set(get_args(SportType.model_fields["root"].annotation)) == sports.STRAVA_TYPES


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


@pytest.mark.usefixtures("ledger")
def test_a_skipped_activity_is_written_down_with_the_rule(tmp_path: Path, ride: Ride) -> None:
    """So that people see why, and can upload it anyway."""
    rules = AdmissionRules(rules=(a_rule({"file": "*test*"}, {"skip": True}),))
    first_scan = FirstScan(str(tmp_path), "me", rules, wake=lambda: None, clock=lambda: NOW)
    for number, name in enumerate(("a test.fit", "ride.fit")):
        (tmp_path / name).write_bytes(ride(serial=number))
        first_scan.admit(str(tmp_path / name), Stability.CLOSED, announced=True)

    assert [(job.file, str(job.error_message)) for job in uploads.with_status(Status.SKIPPED)] == [
        ("a test.fit", "skipped by rule 1")
    ]
    assert [job.file for job in uploads.with_status(Status.PENDING)] == ["ride.fit"]
