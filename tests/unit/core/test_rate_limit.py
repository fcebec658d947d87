"""Strava's allowance: what is left of it, and for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fitferry.core import rate_limit
from fitferry.core.strava import RateLimit, RateLimitHeaders

NOON = 1_790_035_200.0 // 86_400 * 86_400 + 43_200
HALF_PAST_ELEVEN = NOON + 11.5 * 3600


def used(overall: tuple[int, int], read: tuple[int, int], heard_at: float = NOON) -> RateLimit:
    """The usual limits with so much of them used."""
    return RateLimit(overall_usage=overall, read_usage=read, heard_at=heard_at)


def test_a_new_quarter_hour_and_a_new_day_begin_at_zero() -> None:
    """What was heard counts until its window ends."""
    heard = used((150, 900), (90, 400))

    assert heard == rate_limit.expire_windows(heard, NOON + 899)
    assert _usage(rate_limit.expire_windows(heard, NOON + 900)) == ((0, 900), (0, 400))
    assert _usage(rate_limit.expire_windows(heard, NOON + 86_400)) == ((0, 0), (0, 0))


def test_what_an_answer_does_not_say_is_not_carried_into_a_new_window() -> None:
    """A POST's lone comma after midnight says nothing of the reads, and yesterday's are over."""
    before = used((50, 1500), (90, 990), NOON - 60)
    heard = RateLimitHeaders((200, 2000), (1, 1501), (100, 1000), None)

    assert _usage(rate_limit.apply_headers(before, heard, NOON)) == ((1, 1501), (0, 990))
    assert _usage(rate_limit.apply_headers(before, heard, NOON + 86_400))[1] == (0, 0)


@pytest.mark.parametrize("limit", [(0, 0), (200, 0), (0, 2000)])
def test_a_limit_of_nothing_is_not_believed(limit: tuple[int, int]) -> None:
    """It would be the last thing that was ever heard: nothing would be asked any more."""
    after = rate_limit.apply_headers(RateLimit(), RateLimitHeaders(limit, (0, 0), limit, (0, 0)), NOON)

    assert (after.overall_limit, after.read_limit) == ((200, 2000), (100, 1000))


def test_an_answer_that_was_overtaken_lowers_nothing() -> None:
    """Of several in flight the first to be counted may be the last to be heard."""
    after = rate_limit.apply_headers(
        used((200, 300), (90, 95)), RateLimitHeaders(None, (199, 299), None, (88, 93)), NOON + 1
    )

    assert _usage(after) == ((200, 300), (90, 95))


def test_a_new_window_lowers_the_use() -> None:
    """By our clock, or by Strava's alone: its quarter hour may begin a little after ours."""
    ours = rate_limit.apply_headers(
        used((150, 900), (90, 400)), RateLimitHeaders(None, (1, 901), None, (1, 401)), NOON + 900
    )
    its = rate_limit.apply_headers(
        used((150, 900), (90, 400)), RateLimitHeaders(None, (1, 901), None, (1, 401)), NOON + 5
    )

    assert _usage(ours) == ((1, 901), (1, 401))
    assert _usage(its) == ((1, 901), (1, 401))


def _usage(one: RateLimit) -> tuple[tuple[int, int], tuple[int, int]]:
    return one.overall_usage, one.read_usage


@pytest.mark.parametrize(
    ("overall", "read", "send", "look", "backlog"),
    [
        ((0, 0), (0, 0), 200, 100, 98),
        ((150, 150), (0, 0), 50, 50, 48),
        ((0, 0), (100, 100), 200, 0, 0),
        ((0, 0), (0, 1000), 200, 0, 0),
        ((200, 200), (0, 0), 0, 0, 0),
        ((0, 2000), (0, 0), 0, 0, 0),
        ((198, 198), (0, 0), 2, 2, 0),
        ((0, 1960), (0, 0), 40, 40, 0),
        ((0, 0), (0, 980), 200, 20, 0),
    ],
)
def test_the_backlog_leaves_something_for_fresh_activities(
    overall: tuple[int, int],
    read: tuple[int, int],
    send: int,
    look: int,
    backlog: int,
) -> None:
    """Two requests of each quarter hour, forty overall and twenty reads of the day."""
    assert rate_limit.Budget(send, look, backlog) == rate_limit.room(used(overall, read), NOON, 0)


def test_the_backlog_spends_the_days_rest_before_midnight() -> None:
    """From 23:30 UTC on there is nothing left to save it for."""
    heard = used((0, 1990), (0, 990), HALF_PAST_ELEVEN)

    assert rate_limit.room(heard, HALF_PAST_ELEVEN, 0).backlog
    assert not rate_limit.room(used((0, 1990), (0, 990)), NOON, 0).backlog


def test_requests_in_flight_are_taken_as_used() -> None:
    """Three workers never share the last request."""
    assert not rate_limit.room(used((197, 197), (0, 0)), NOON, 3).send


@pytest.mark.parametrize(
    ("overall", "read", "seconds"),
    [((200, 300), (0, 0), 903), ((0, 2000), (0, 0), 43_203), ((0, 0), (0, 1000), 43_203)],
)
def test_work_goes_on_when_the_window_that_is_used_up_begins_anew(
    overall: tuple[int, int], read: tuple[int, int], seconds: float
) -> None:
    """A few seconds after it, because Strava's clock is not ours."""
    assert NOON + seconds == rate_limit.resume_at(used(overall, read), NOON)


def test_looks_are_spaced_so_that_the_reads_last() -> None:
    """A few uploads are looked at freely; many share what is left of the quarter hour."""
    heard = used((0, 0), (10, 10))

    assert rate_limit.look_spacing(heard, 45, NOON) == 0
    assert rate_limit.look_spacing(heard, 50, NOON) == 900 * 50 / 90


def test_a_ride_at_ten_to_midnight_still_finds_allowance() -> None:
    """The backlog spends what it had left for the day, but not the last of it."""
    late = rate_limit.DAY * 20_000 + 23.9 * 3600
    almost = RateLimit(overall_usage=(0, 1992), read_usage=(0, 0), heard_at=late)

    assert rate_limit.room(almost, late, 0).send
    assert not rate_limit.room(almost, late, 0).backlog
    assert rate_limit.room(replace(almost, overall_usage=(0, 1991)), late, 0).backlog


@pytest.mark.parametrize(
    ("activities", "can_read", "days"),
    [(0, True, 0), (1, True, 1), (1_900, True, 1), (3_012, True, 2), (5_000, True, 3), (3_012, False, 4)],
)
def test_the_days_of_an_import_follow_from_stravas_windows(
    activities: int, can_read: bool, days: int
) -> None:
    """A full day of 2,000 requests, about one for each where the list may be read, else two."""
    assert days == rate_limit.days_for(activities, RateLimit(), rate_limit.DAY * 20_000, can_read=can_read)


def test_a_foreseen_end_is_never_before_now_and_grows_with_the_work() -> None:
    """Whatever the moment of the day."""
    for hour in range(24):
        now = rate_limit.DAY * 20_000 + hour * 3600 + 77
        ends = [
            rate_limit.estimate_finish(count, RateLimit(), now, can_read=True)
            for count in (0, 10, 100, 1_000, 5_000)
        ]
        assert ends == sorted(ends)
        assert ends[0] == now
