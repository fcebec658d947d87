"""The tables of the FIT profile, against those of fitparse."""

from __future__ import annotations

from fitparse.profile import FIELD_TYPES

from fitferry.core import sports
from fitferry.formats.fit import names


def test_names_are_those_of_a_current_profile() -> None:
    """More than the library of 2019 knows: 84 makers, 13 sports, 25 sub-sports came as numbers once."""
    for name, table, newer in (
        ("manufacturer", names.MANUFACTURERS, 84),
        ("sport", sports.SPORTS, 13),
        ("sub_sport", sports.SUB_SPORTS, 25),
        ("garmin_product", names.GARMIN_PRODUCTS, 300),
    ):
        old = FIELD_TYPES[name].values
        assert {number: table.get(number) for number in old} == old
        assert len(table) >= len(old) + newer
