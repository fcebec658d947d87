"""Strava's rate limit: what is left of it, and for whom."""

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


def test_any_other_limit_is_believed_from_the_moment_in_which_it_was_heard() -> None:
    """Strava may give an application more, or as little as one."""
    heard = RateLimitHeaders((400, 4000), (3, 30), (1, 1), (0, 1))

    assert rate_limit.apply_headers(RateLimit(), heard, NOON) == RateLimit(
        (400, 4000), (3, 30), (1, 1), (0, 1), heard_at=NOON
    )


def test_an_answer_that_was_overtaken_lowers_nothing() -> None:
    """Of several in flight the first to be counted may be the last to be heard."""
    after = rate_limit.apply_headers(
        used((200, 300), (90, 95)), RateLimitHeaders(None, (199, 299), None, (88, 93)), NOON + 1
    )

    assert _usage(after) == ((200, 300), (90, 95))


@pytest.mark.parametrize(("heard", "believed"), [(130, 150), (129, 129), (150, 150), (151, 151)])
def test_an_answer_was_overtaken_by_twenty_others_at_most(heard: int, believed: int) -> None:
    """What lies further back is a new window of Strava's."""
    after = rate_limit.apply_headers(
        used((150, 150), (150, 150)), RateLimitHeaders(None, (heard, heard), None, (heard, heard)), NOON
    )

    assert _usage(after) == ((believed, believed), (believed, believed))


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
        ((0, 1959), (0, 0), 41, 41, 1),
        ((0, 0), (0, 979), 200, 21, 1),
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
    assert rate_limit.Budget(send, look, backlog) == rate_limit.budget(used(overall, read), NOON, 0)


def test_the_backlog_spends_the_days_rest_before_midnight() -> None:
    """From 23:30 UTC on there is nothing left to save it for."""
    heard = used((0, 1990), (0, 990), HALF_PAST_ELEVEN)

    assert rate_limit.budget(heard, HALF_PAST_ELEVEN, 0).backlog
    assert not rate_limit.budget(used((0, 1990), (0, 990)), NOON, 0).backlog


def test_requests_in_flight_are_taken_as_used() -> None:
    """Three workers never share the last request."""
    assert rate_limit.Budget(0, 0, 0) == rate_limit.budget(used((197, 197), (0, 0)), NOON, 3)
    assert rate_limit.Budget(197, 0, 0) == rate_limit.budget(used((0, 0), (97, 97)), NOON, 3)
    assert rate_limit.Budget(197, 0, 0) == rate_limit.budget(used((0, 0), (0, 997)), NOON, 3)


@pytest.mark.parametrize(
    ("overall", "read", "seconds"),
    [
        ((200, 300), (0, 0), 903),
        ((200, 1999), (0, 0), 903),
        ((0, 2000), (0, 0), 43_203),
        ((0, 0), (0, 1000), 43_203),
    ],
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
    assert rate_limit.look_spacing(heard, 50, NOON + 100) == 800 * 50 / 90


@pytest.mark.parametrize("reads", [99, 100, 120])
def test_looks_share_the_last_read_of_a_quarter_hour_and_one_that_is_not_there(reads: int) -> None:
    """One look each in as many quarter hours as there are uploads, not none for ever."""
    assert rate_limit.look_spacing(used((0, 0), (reads, reads)), 10, NOON) == 10 * 900


@pytest.mark.parametrize(
    ("start_time", "fresh"),
    [(NOON - 172_800, True), (NOON - 172_801, False), (NOON, True), (NOON + 60, True), (None, False)],
)
def test_people_wait_for_what_started_within_48_hours(start_time: float | None, fresh: bool) -> None:
    """What does not say when it started is of the backlog."""
    assert rate_limit.is_fresh(start_time, NOON) is fresh


def test_a_ride_at_ten_to_midnight_still_finds_requests_left() -> None:
    """The backlog spends what it had left for the day, but not the last of it."""
    late = rate_limit.DAY * 20_000 + 23.9 * 3600
    almost = RateLimit(overall_usage=(0, 1992), read_usage=(0, 0), heard_at=late)

    assert rate_limit.budget(almost, late, 0).send
    assert not rate_limit.budget(almost, late, 0).backlog
    assert rate_limit.budget(replace(almost, overall_usage=(0, 1991)), late, 0).backlog


@pytest.mark.parametrize(
    ("activities", "can_read", "days"),
    [(0, True, 0), (1, True, 1), (1_900, True, 1), (3_012, True, 2), (5_000, True, 3), (3_012, False, 4)],
)
def test_the_days_of_an_import_follow_from_stravas_windows(
    activities: int, can_read: bool, days: int
) -> None:
    """A full day of 2,000 requests, about one for each where the list may be read, else two."""
    assert days == rate_limit.days_for(activities, RateLimit(), rate_limit.DAY * 20_000, can_read=can_read)


@pytest.mark.parametrize("hour", [0, 7.3, 23.6])
@pytest.mark.parametrize("days", [1, 10, 300])
def test_so_many_more_as_days_take_end_so_many_days_later(hour: float, days: int) -> None:
    """992 a day: 1,000 reads without the reserve of the day's last half hour."""
    now = rate_limit.DAY * 20_000 + hour * 3600

    def end(activities: int) -> float:
        return rate_limit.estimate_finish(activities, RateLimit(), now, can_read=False)

    assert end(5_000 + 992 * days) - end(5_000) == pytest.approx(days * rate_limit.DAY, abs=1)


def test_an_import_that_is_allowed_nothing_ends_in_a_year() -> None:
    """A limit below the reserve: no end can be foreseen, and it is not looked for quarter hour by quarter hour."""
    now = rate_limit.DAY * 20_000 + 100
    allowance = RateLimit(overall_limit=(200, 4))

    end = rate_limit.estimate_finish(100, allowance, now, can_read=True)

    assert end == now + 365 * rate_limit.DAY


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


MIDNIGHT = rate_limit.DAY * 20_000.0
QUARTERS_WORK = 198 / 1.02
"""So many activities of a backlog go in a quarter hour where the list may be read."""


@pytest.mark.parametrize(
    ("activities", "can_read", "begin", "overall", "read", "seconds"),
    [
        pytest.param(100, True, 0, (0, 0), (0, 0), 100, id="a second each"),
        pytest.param(100, True, 850, (0, 0), (0, 0), 50, id="a quarter hour's end is the end of its work"),
        pytest.param(400, True, 0, (0, 0), (0, 0), 1800 + 400 - 2 * QUARTERS_WORK, id="three quarter hours"),
        pytest.param(98, False, 0, (0, 0), (0, 0), 98, id="two requests each without the list"),
        pytest.param(100, False, 0, (0, 0), (0, 0), 902, id="two reads of a quarter hour are left"),
        pytest.param(20, True, 0, (0, 1950), (0, 0), 84_600 + 20 - 10 / 1.02, id="the day's last from 23:30 on"),
        pytest.param(60, True, 0, (0, 0), (0, 979), 84_610, id="reads run out before requests do"),
        pytest.param(30, False, 0, (0, 0), (0, 970), 86_408, id="eight reads are left even then"),
    ],
)  # fmt: skip
def test_the_end_of_an_import_is_foreseen_quarter_hour_by_quarter_hour(
    activities: int,
    can_read: bool,
    begin: float,
    overall: tuple[int, int],
    read: tuple[int, int],
    seconds: float,
) -> None:
    """Seconds after midnight, with so much used before."""
    end = rate_limit.estimate_finish(
        activities, used(overall, read, MIDNIGHT), MIDNIGHT + begin, can_read=can_read
    )

    assert end - MIDNIGHT - begin == pytest.approx(seconds, abs=0.001)


def test_where_the_limits_leave_a_backlog_nothing_a_year_is_foreseen() -> None:
    """Not for ever."""
    nothing = RateLimit(overall_limit=(2, 40), read_limit=(2, 20))

    assert rate_limit.days_for(1, nothing, MIDNIGHT, can_read=True) == 365
