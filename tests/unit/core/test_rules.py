"""What an activity is called and marked as, by the rules of the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from fitparse.profile import FIELD_TYPES
from stravalib.strava_model import SportType

from fakes import NOW
from fitferry.core import sports
from fitferry.core.activity import Stability
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.rules import Subject, doubts, matching, problems, skipped_by, upload_fields
from fitferry.core.upload import Status
from fitferry.formats import xml_reader
from fitferry.formats.fit.profile_tables import SPORTS, SUB_SPORTS
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


@dataclass
class Rule:
    """A rule as the settings have it."""

    when: dict[str, Any] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)


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
    assert (matching([Rule(when)], ZWIFT) == [1]) is matches


@pytest.mark.parametrize(
    "when", [{"weekday": "tue"}, {"hours": [0, 24]}, {"distance_km": [0, 1e6]}, {"sport": "cycling"}]
)
def test_what_a_file_does_not_say_matches_nothing(when: dict[str, Any]) -> None:
    """A file without a start has no weekday."""
    assert matching([Rule(when)], replace(ZWIFT, start=None, distance_m=None, sport=None)) == []


def test_the_first_rule_wins_each_field() -> None:
    """A later rule fills in what no earlier one set."""
    rules = [
        Rule({"manufacturer": "garmin"}, {"name": "not this"}),
        Rule({"manufacturer": "zwift"}, {"sport_type": "VirtualRide", "commute": False}),
        Rule({}, {"sport_type": "Ride", "commute": True, "trainer": True, "name": "a ride"}),
    ]

    assert matching(rules, ZWIFT) == [2, 3]
    assert upload_fields(rules, ZWIFT) == {"sport_type": "VirtualRide", "trainer": "1", "name": "a ride"}


def test_templates_are_filled_with_what_the_file_says() -> None:
    """And with nothing where it says nothing."""
    text = "{file}|{sport}|{sub_sport}|{manufacturer}|{product}|{date} {time} {weekday}|{distance_km}|{duration}|{{}}"
    sent = upload_fields([Rule({}, {"name": text})], ZWIFT)["name"]
    bare = replace(
        ZWIFT, start=None, distance_m=None, duration_s=None, sport=None, sub_sport=None, manufacturer=None
    )

    assert sent == "2026-09-22-Ride|cycling|virtual activity|zwift||2026-09-22 07:30 Tuesday|24.5|1:02|{}"
    assert upload_fields([Rule({}, {"name": "{sport}{distance_km}{date}"})], bare) == {}


def test_the_first_rule_that_speaks_of_skipping_decides() -> None:
    """So that an exception can stand before the rule."""
    skip = Rule({"sport": "cycling"}, {"skip": True})
    spare = Rule({"manufacturer": "zwift"}, {"skip": False})

    assert skipped_by([skip], ZWIFT) == 1
    assert skipped_by([spare, skip], ZWIFT) is None
    assert skipped_by([Rule({}, {"name": "x"}), skip], ZWIFT) == 2


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (Rule({"spot": "cycling"}, {"commute": True}), "when.spot"),
        (Rule({"sport": 3}, {"commute": True}), "when.sport"),
        (Rule({"sport": []}, {"commute": True}), "when.sport"),
        (Rule({"weekday": "monday"}, {"commute": True}), "when.weekday"),
        (Rule({"hours": [6]}, {"commute": True}), "when.hours"),
        (Rule({"hours": [6, 25]}, {"commute": True}), "when.hours"),
        (Rule({"hours": [6, 6]}, {"commute": True}), "when.hours"),
        (Rule({"hours": [True, 5]}, {"commute": True}), "when.hours"),
        (Rule({"distance_km": 5}, {"commute": True}), "when.distance_km"),
        (Rule({"distance_km": [20, 3]}, {"commute": True}), "when.distance_km"),
        (Rule({"distance_km": [3, 3]}, {"commute": True}), "when.distance_km"),
        (Rule({"athlete": "nobody"}, {"commute": True}), "when.athlete"),
        (Rule({"athlete": ["me", "nobody"]}, {"commute": True}), "when.athlete"),
        (Rule({"sport": "Ride"}, {"commute": True}), "when.sport"),
        (Rule({"sport": ["cycling", "biking"]}, {"commute": True}), "when.sport"),
        (Rule({"sub_sport": "VirtualRide"}, {"commute": True}), "when.sub_sport"),
        (Rule({}, {"name": " "}), "set.name"),
        (Rule({}, {"description": ""}), "set.description"),
        (Rule({}, {"commute": "yes"}), "set.commute"),
        (Rule({}, {"skip": 1}), "set.skip"),
        (Rule({}, {"sport_type": "virtual ride"}), "set.sport_type"),
        (Rule({}, {"name": "{sports}"}), "set.name"),
        (Rule({}, {"name": "{sport.__class__}"}), "set.name"),
        (Rule({}, {"name": "{sport!r}"}), "set.name"),
        (Rule({}, {"name": "{sport:>1000000000}"}), "set.name"),
        (Rule({}, {"description": "{"}), "set.description"),
        (Rule({}, {"gear": "b1"}), "set.gear"),
        (Rule({}, {}), "set"),
    ],
)
def test_a_bad_rule_is_a_problem_of_the_settings(rule: Rule, key: str) -> None:
    """With the key; a template cannot reach beyond the facts, and what could never match is told at once."""
    assert [name for name, _, _ in problems(rule, ["me", "kim"])] == [key]


def test_a_type_that_strava_may_have_added_is_a_doubt_no_more() -> None:
    """It is told, and sent."""
    new = Rule({}, {"sport_type": "Quidditch"})

    assert list(problems(new)) == []
    assert list(doubts(new)) == [
        ("set.sport_type", "Quidditch is no type of Strava's that Fitferry knows of")
    ]
    assert list(doubts(Rule({}, {"sport_type": "VirtualRide"}))) == []


def test_the_names_of_sports_are_those_that_are_found_and_taken() -> None:
    """By fitparse and our own additions, in TCX and GPX, and by Strava."""
    fit, sub = (set(FIELD_TYPES[name].values.values()) for name in ("sport", "sub_sport"))

    assert fit | set(SPORTS.values()) == sports.SPORTS
    assert sub | set(SUB_SPORTS.values()) == sports.SUB_SPORTS
    assert xml_reader._FIT_SPORTS <= sports.SPORTS
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
    }
    set_ = {
        "name": "{sport}",
        "description": "{{x}}",
        "sport_type": "Ride",
        "trainer": True,
        "commute": False,
        "skip": False,
    }
    assert list(problems(Rule({**when, "hours": [22, 5], "distance_km": [0, 1.5]}, set_), ["me"])) == []


@pytest.mark.usefixtures("ledger")
def test_a_skipped_activity_is_written_down_with_the_rule(tmp_path: Path, ride: Ride) -> None:
    """So that people see why, and can upload it anyway."""
    rules = AdmissionRules(rules=(Rule({"file": "*test*"}, {"skip": True}),))
    reception = FirstScan(str(tmp_path), "me", rules, wake=lambda: None, clock=lambda: NOW)
    for number, name in enumerate(("a test.fit", "ride.fit")):
        (tmp_path / name).write_bytes(ride(serial=number))
        reception.admit(str(tmp_path / name), Stability.CLOSED, told=True)

    assert [(job.file, str(job.error_message)) for job in uploads.with_status(Status.SKIPPED)] == [
        ("a test.fit", "skipped by rule 1")
    ]
    assert [job.file for job in uploads.with_status(Status.PENDING)] == ["ride.fit"]
