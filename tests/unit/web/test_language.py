"""Times and numbers as the page shows them in each language."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fitferry.i18n.translator import translator
from fitferry.web.language import ViewerLocale, locale_data

MOMENT = datetime(2026, 9, 21, 19, 5, 9, tzinfo=UTC).timestamp()


def viewer(language: str, *wanted: str) -> ViewerLocale:
    """Somebody whose browser wants these kinds of the language."""
    return ViewerLocale(language, locale_data(language, wanted), UTC, translator(language))


@pytest.mark.parametrize(
    ("language", "wanted", "day", "clock", "second", "weekday"),
    [
        ("en", (), "21 September 2026", "19:05", "19:05:09", "Mon 21 Sept"),
        ("en", ("fr-FR", "en-US"), "September 21, 2026", "7:05\u202fPM", "7:05:09\u202fPM", "Mon, Sep 21"),
        ("en", ("ko-KR", "xx", "en"), "21 September 2026", "19:05", "19:05:09", "Mon 21 Sept"),
        ("ko", ("en-US",), "2026년 9월 21일", "19:05", "19:05:09", "9월 21일 (월)"),
    ],
)
def test_times_are_those_of_the_browsers_own_kind_of_the_language(
    language: str, wanted: tuple[str, ...], day: str, clock: str, second: str, weekday: str
) -> None:
    """Each also after the others, which share what babel has read."""
    locale = viewer(language, *wanted)

    assert locale.day(MOMENT) == day
    assert (locale.clock_of(MOMENT), locale.second_of(MOMENT)) == (clock, second)
    assert locale.weekday_of(MOMENT) == weekday


def test_numbers_weeks_and_months_are_those_of_the_browsers_own_kind_of_the_language() -> None:
    """Of India, where thousands of thousands are parted otherwise."""
    locale = viewer("en", "en-IN")

    assert (locale.number(1_234_567), locale.distance(1_234_567)) == ("12,34,567", "1,234.6 km")
    assert locale.week(date(2025, 11, 10), date(2026, 9, 21)) == "10\u201316 Nov 2025"
    assert locale.short(date(2026, 9, 21)) == "21 Sept 2026"
    assert locale.month(date(2026, 9, 21)) == "Sept"
