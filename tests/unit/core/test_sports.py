"""The tables of sports against those of fitparse and Strava."""

from __future__ import annotations

from typing import get_args

from fitparse.profile import FIELD_TYPES
from stravalib.strava_model import SportType

from fitferry.core import sports


def test_the_names_of_sports_are_those_that_are_found_and_taken() -> None:
    """By fitparse and our own additions, in TCX and GPX, and by Strava."""
    fit, sub = (set(FIELD_TYPES[name].values.values()) for name in ("sport", "sub_sport"))

    assert fit <= set(sports.SPORTS.values())
    assert sub <= set(sports.SUB_SPORTS.values())
    assert {*sports._DOCUMENT_NAMES.values(), *sports._STRAVA_NUMBERS.values()} <= set(sports.SPORTS.values())
    assert set(get_args(SportType.model_fields["root"].annotation)) == sports.STRAVA_TYPES
