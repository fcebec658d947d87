"""The tables of sports against those of fitparse and Strava."""

from __future__ import annotations

from typing import get_args

import pytest
from fitparse.profile import FIELD_TYPES

from fitferry.core import sports


@pytest.mark.slow
def test_the_names_of_sports_are_those_that_are_found_and_taken() -> None:
    """By fitparse and our own additions, in TCX and GPX, and by Strava."""
    from stravalib.strava_model import SportType  # noqa: PLC0415  # a second, which only this test is to take

    fit, sub = (set(FIELD_TYPES[name].values.values()) for name in ("sport", "sub_sport"))

    assert fit <= set(sports.SPORTS.values())
    assert sub <= set(sports.SUB_SPORTS.values())
    assert {*sports.DOCUMENT_NAMES.values()} <= set(sports.SPORTS.values())
    assert set(get_args(SportType.model_fields["root"].annotation)) == sports.STRAVA_TYPES


@pytest.mark.parametrize(
    ("text", "sport"),
    [
        ("running", "running"),
        (" Cross-Country Skiing ", "cross_country_skiing"),
        ("Biking", "cycling"),
        ("9", "running"),
        ("99", None),
        ("generic", None),
        ("all", None),
        ("chess", None),
        ("", None),
    ],
)
def test_documents_call_sports_in_many_ways(text: str, sport: str | None) -> None:
    """By the FIT profile's name, a name of their own, or Strava's number; a sport that says nothing is none."""
    assert sports.from_document(text) == sport


@pytest.mark.parametrize(
    ("sport", "numbers"),
    [
        ("cycling", {1, 17, 19, 51}),
        ("alpine_skiing", {2, 3}),
        ("hiking", {4}),
        ("ice_skating", {5}),
        ("inline_skating", {6}),
        ("cross_country_skiing", {7, 8}),
        ("running", {9, 53}),
        ("walking", {10}),
        ("training", {11, 26, 30, 31}),
        ("snowboarding", {12}),
        ("snowshoeing", {13}),
        ("kitesurfing", {14}),
        ("windsurfing", {15}),
        ("swimming", {16}),
        ("e_biking", {18}),
        ("paddling", {21}),
        ("kayaking", {22}),
        ("rowing", {23}),
        ("stand_up_paddleboarding", {24}),
        ("surfing", {25}),
        ("fitness_equipment", {27, 29}),
        ("rock_climbing", {28}),
        (None, {0, 20, 32, 50, 52, 54}),
    ],
)
def test_a_gpx_of_stravas_names_a_sport_by_number(sport: str | None, numbers: set[int]) -> None:
    """As files that Strava has exported do."""
    assert {sports.from_document(str(number)) for number in numbers} == {sport}


@pytest.mark.parametrize(
    ("sport", "name"),
    [("cycling", "cycling"), ("disc_golf", "disc golf"), ("117", "117"), ("", ""), (None, "")],
)
def test_a_sport_is_shown_by_its_name(sport: str | None, name: str) -> None:
    """In the reader's language where it is a usual one, else by the FIT profile's name or number."""
    assert str(sports.shown_name(sport)) == name
    assert (sports.shown_name(sport).code == "verbatim") is (sport != "cycling")


def test_only_some_sports_are_named_by_the_time_of_day_and_only_swims_are_short() -> None:
    """A morning ride, an evening walk; nobody says a lunch skiing."""
    by_time_of_day = {sport for sport, shown in sports.SHOWN.items() if shown.by_time_of_day}

    assert by_time_of_day == {
        "cycling", "e_biking", "running", "walking", "hiking", "swimming", "rowing"
    }  # fmt: skip
    assert [sport for sport, shown in sports.SHOWN.items() if shown.in_metres] == ["swimming"]
