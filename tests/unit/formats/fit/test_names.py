"""Kinds, makers, products and sports by their names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fitparse.profile import FIELD_TYPES

from fit_writer import ride
from fitferry.core import sports
from fitferry.core.activity import FileKind, ParseResult
from fitferry.formats import fit
from fitferry.formats.fit import names
from samples import SAMPLES

START = datetime(2026, 9, 21, 12, tzinfo=UTC)


def inspect(data: bytes) -> ParseResult:
    """What these bytes are."""
    return fit.inspect([data])


def test_devices_are_named() -> None:
    """By the profile's names, or the number that it has no name for."""
    edge = inspect((SAMPLES / "edge_820_ride.fit").read_bytes()).facts
    coros = inspect((SAMPLES / "coros_summary_first.fit").read_bytes()).facts

    assert (edge.manufacturer, edge.product) == ("garmin", "edge_820")
    assert (coros.manufacturer, coros.product) == ("coros", "851")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (6, "a course"),
        (5, "a workout"),
        (2, "settings"),
        (32, "monitoring data"),
        (34, "a segment"),
        (44, "a FIT file of type 44"),
    ],
)
def test_what_is_no_activity_is_named_in_words(kind: int, words: str) -> None:
    """Known kinds and unknown ones."""
    found = inspect(ride(START, kind=kind))

    assert (FileKind.NO_ACTIVITY, words) == (found.kind, str(found.reason))


def test_sports_that_are_newer_than_the_library_have_names() -> None:
    """And those that are newer than us are numbers."""
    assert inspect(ride(START, sport=67, sub_sport=62)).facts.sport == "meditation"
    assert inspect(ride(START, sport=201)).facts.sport == "201"


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


FILE_TYPES = {
    1: "device",
    2: "settings",
    3: "sport",
    4: "activity",
    5: "workout",
    6: "course",
    7: "schedules",
    9: "weight",
    10: "totals",
    11: "goals",
    14: "blood_pressure",
    15: "monitoring_a",
    20: "activity_summary",
    28: "monitoring_daily",
    32: "monitoring_b",
    34: "segment",
    35: "segment_list",
    40: "exd_configuration",
}


def test_types_of_files_have_the_numbers_and_names_of_the_profile() -> None:
    """Each has words for a person, too; what has no name is its number, and what says nothing has none."""
    profile = FIELD_TYPES["file"].values
    assert FILE_TYPES.items() <= profile.items()
    for number, name in FILE_TYPES.items():
        assert names.file_type(number) == name
        assert "type" not in str(names.no_activity(number))

    assert str(names.no_activity(28)) == "monitoring data"
    assert (names.file_type(8), str(names.no_activity(8))) == ("8", "a FIT file of type 8")
    assert (names.file_type(None), str(names.no_activity(None))) == (
        None,
        "a FIT file that does not say what it is",
    )


def test_what_is_not_said_has_no_name() -> None:
    """A number that nobody knows is a name still."""
    tables = names.MANUFACTURERS, sports.SPORTS, sports.SUB_SPORTS

    assert [names.named(None, table) for table in tables] == [None] * 3
    assert [names.named(0, table) for table in tables] == ["0", "generic", "generic"]


@pytest.mark.parametrize(
    ("maker", "product"),
    [
        (1, "edge_530"),
        (13, "edge_530"),
        (15, "edge_530"),
        (89, "edge_530"),
        (14, "3121"),
        (32, "3121"),
        (None, "3121"),
    ],
)
def test_only_garmins_numbers_of_products_have_names(maker: int | None, product: str) -> None:
    """Also those of the makers that Garmin has bought; another one's 3121 is another device."""
    assert names.product(3121, maker) == product
