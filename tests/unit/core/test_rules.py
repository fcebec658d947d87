"""What an activity is called and marked as, by the rules of the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from fakes import JOB
from fitferry.config.report import Report
from fitferry.config.rules import read_rules
from fitferry.core.activity import ActivityFacts
from fitferry.core.rules import (
    Conditions,
    Rule,
    Subject,
    edit_fields,
    matching,
    skipped_by,
    template_values,
    upload_fields,
)

TUESDAY_MORNING = datetime(2026, 9, 22, 7, 30).astimezone()
"""By the local clock, as rules count."""
RIDE = ActivityFacts(
    sport="cycling",
    sub_sport="virtual_activity",
    manufacturer="zwift",
    start_time=TUESDAY_MORNING.timestamp(),
    distance_m=24_480.0,
    duration_s=3_720.0,
)
ZWIFT = Subject("me", "2026-09-22-Ride.fit", RIDE)


def with_facts(**facts: Any) -> Subject:
    """The same ride, of which a file says something else."""
    return replace(ZWIFT, facts=replace(RIDE, **facts))


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
        ({"hours": [6, 7.5]}, False),
        ({"hours": [22, 7.5]}, False),
        ({"hours": [7.5, 5]}, True),
        ({"distance_km": [20, 25]}, True),
        ({"distance_km": [0, 24.48]}, False),
        ({"distance_km": [24.48, 25]}, True),
    ],
)
def test_a_rule_matches_when_all_that_it_names_holds(when: dict[str, Any], *, matches: bool) -> None:
    """Ranges hold their first value and not their last; hours may go over midnight."""
    assert (matching([a_rule(when)], ZWIFT) == [1]) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("race*", True),
        ("*.FIT", True),
        ("week*", True),
        ("*.zip", True),
        ("week.zip/r*", True),
        ("r*.zip", False),
    ],
)
def test_a_ride_in_a_zip_of_several_has_its_own_name_and_the_zips(pattern: str, *, matches: bool) -> None:
    """A pattern may fit either, or both together."""
    subject = replace(ZWIFT, file="Week.zip/race.fit")

    assert (matching([a_rule({"file": pattern})], subject) == [1]) is matches


@pytest.mark.parametrize(
    "when", [{"weekday": "tue"}, {"hours": [0, 24]}, {"distance_km": [0, 1e6]}, {"sport": "cycling"}]
)
def test_what_a_file_does_not_say_matches_nothing(when: dict[str, Any]) -> None:
    """A file without a start has no weekday."""
    assert matching([a_rule(when)], with_facts(start_time=None, distance_m=None, sport=None)) == []


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
    bare = replace(ZWIFT, facts=ActivityFacts())

    assert sent == "2026-09-22-Ride|cycling|virtual activity|zwift||2026-09-22 07:30 Tuesday|24.5|1:02|{}"
    assert upload_fields([a_rule({}, {"name": "{sport}{distance_km}{date}"})], bare) == {}


def test_a_rule_that_says_nothing_matches_everything_and_sets_nothing() -> None:
    """Nor does it skip."""
    assert (matching([Rule()], ZWIFT), upload_fields([Rule()], ZWIFT), skipped_by([Rule()], ZWIFT)) == (
        [1],
        {},
        None,
    )


def test_hours_from_and_to_the_same_are_none() -> None:
    """Not a whole day."""
    assert matching([Rule(Conditions(hours=(7.5, 7.5)))], ZWIFT) == []


@pytest.mark.parametrize(
    ("file", "filled"), [("a.fit", "a"), ("week.zip/mon/a.b.fit", "a"), ("a", "a"), ("", "")]
)
def test_a_template_names_a_file_without_its_folder_and_ending(file: str, filled: str) -> None:
    """Of an archive's member the member's own name."""
    assert template_values(replace(ZWIFT, file=file))["file"] == filled


def test_a_distance_is_said_in_kilometres_to_a_tenth() -> None:
    """Of a thousand metres each."""
    assert template_values(with_facts(distance_m=24_960.0))["distance_km"] == "25.0"


def test_long_texts_are_cut_to_two_thousand_letters() -> None:
    """Strava names no bound; a template may be filled with a long file's name."""
    assert len(upload_fields([a_rule({}, {"name": "x" * 2_001})], ZWIFT)["name"]) == 2_000


FACTS = ActivityFacts(
    sport="cycling",
    sub_sport="road",
    manufacturer="garmin",
    product="edge",
    start_time=TUESDAY_MORNING.timestamp(),
    distance_m=1000.0,
    duration_s=60.0,
    serials=("12",),
)


def test_rules_are_asked_of_a_file_and_of_its_upload_alike() -> None:
    """What a rule skips at admission it would skip before sending, too."""
    job = replace(
        JOB,
        sub_sport="road",
        manufacturer="garmin",
        product="edge",
        start_time=TUESDAY_MORNING.timestamp(),
        serials=("12",),
    )

    rule = a_rule(
        {"sport": "cycling", "sub_sport": "road", "manufacturer": "garmin", "serial": 12, "weekday": "tue"}
    )
    of_file, of_upload = Subject("me", "a.fit", FACTS), Subject("me", "a.fit", job)

    assert of_file.start == of_upload.start == TUESDAY_MORNING
    assert template_values(of_file) == template_values(of_upload)
    assert matching([rule], of_file) == matching([rule], of_upload) == [1]
    assert Subject("me", "a.fit", replace(FACTS, start_time=None)).start is None


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
    subject = with_facts(serials=("12", "77"))

    assert edit_fields(rules, subject) == {"gear_id": "b12", "hide_from_home": False}
    assert edit_fields(rules, ZWIFT) == {"hide_from_home": False}
    assert upload_fields(rules, subject) == {"commute": "1"}
