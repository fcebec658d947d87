"""Names of what a FIT file says by number, from the FIT profile."""

from __future__ import annotations

import json
from pathlib import Path

from fitferry.core.messages import Message, files

ACTIVITY = 4
FILE_TYPES = {
    1: ("device", files.FIT_DEVICE),
    2: ("settings", files.FIT_SETTINGS),
    3: ("sport", files.FIT_SPORT_SETTINGS),
    ACTIVITY: ("activity", files.NOTHING_RECORDED),
    5: ("workout", files.FIT_WORKOUT),
    6: ("course", files.FIT_COURSE),
    7: ("schedules", files.FIT_SCHEDULE),
    9: ("weight", files.FIT_WEIGHT),
    10: ("totals", files.FIT_TOTALS),
    11: ("goals", files.FIT_GOALS),
    14: ("blood_pressure", files.FIT_BLOOD_PRESSURE),
    15: ("monitoring_a", files.FIT_MONITORING),
    20: ("activity_summary", files.FIT_SUMMARY),
    28: ("monitoring_daily", files.FIT_MONITORING),
    32: ("monitoring_b", files.FIT_MONITORING),
    34: ("segment", files.FIT_SEGMENT),
    35: ("segment_list", files.FIT_SEGMENT_LIST),
    40: ("exd_configuration", files.FIT_DISPLAY),
}
"""`file_id.type`: its name, and what a file of it is."""


GARMIN_LIKE = frozenset({1, 13, 15, 89})
"""Makers whose product numbers are Garmin's: garmin, dynastream_oem, dynastream, tacx."""


def _table(name: str) -> dict[int, str]:
    """Names by number, as `tools/fit_profile.py` has written them."""
    tables = json.loads(Path(__file__).with_name("profile.json").read_text(encoding="ascii"))
    return {int(number): text for number, text in tables[name].items()}


MANUFACTURERS, GARMIN_PRODUCTS = _table("manufacturer"), _table("garmin_product")


def file_type(number: int | None) -> str | None:
    """Name of a file's type, its number where it has no name."""
    if number is None:
        return None
    return FILE_TYPES[number][0] if number in FILE_TYPES else str(number)


def no_activity(number: int | None) -> Message:
    """What a file is that is no activity, by its type."""
    if number is None:
        return files.FIT_UNTYPED()
    return FILE_TYPES[number][1]() if number in FILE_TYPES else files.FIT_OF_TYPE(number=str(number))


def product(number: int | None, maker: int | None) -> str | None:
    """Name of a device; only Garmin's numbers have names."""
    return named(number, GARMIN_PRODUCTS if maker in GARMIN_LIKE else {})


def named(number: int | None, names: dict[int, str]) -> str | None:
    """Name in a table of the profile's, the number where that has none."""
    return None if number is None else names.get(number, str(number))
