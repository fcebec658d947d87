"""What an activity is called and marked as, by the rules of the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fitferry.config.report import Report
from fitferry.config.rules import read_rules
from fitferry.core.rules import Rule, Subject, edit_fields, matching, skipped_by, upload_fields

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
        ({"distance_km": [24.48, 25]}, True),
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


def test_what_an_upload_cannot_carry_is_left_for_an_edit() -> None:
    """Gear and mute; what no rule sets stays as it is on Strava."""
    rules = [a_rule({"serial": 77}, {"gear": "b12", "commute": True}), a_rule({}, {"hide_from_home": False})]
    subject = replace(ZWIFT, serials=("12", "77"))

    assert edit_fields(rules, subject) == {"gear_id": "b12", "hide_from_home": False}
    assert edit_fields(rules, ZWIFT) == {"hide_from_home": False}
    assert upload_fields(rules, subject) == {"commute": "1"}
