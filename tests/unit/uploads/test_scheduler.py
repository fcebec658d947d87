"""What may be tried now: within the breakers, the places and the rate limit, fresh rides first; and when to look again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import NOW, RETRY, UPLOADS, Answers, a_job, accepted, an_athlete, recorded, strava, the, tokens
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import ErrorCode, Status
from fitferry.storage import breakers, matches, rate_limits
from fitferry.storage.database import writing
from fitferry.storage.models import JobRow
from fitferry.uploads.claims import SHARE, Claims
from fitferry.uploads.scheduler import select_due

IDLE = 3600.0
DAY = 86_400.0
OLD = NOW - 400 * DAY
NEXT_QUARTER = 883.0
"""Seconds from NOW to three seconds into the next quarter hour."""


class Rides:
    """One athlete's jobs, or two's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.claims = Claims()
        self._tokens = tokens(strava(Answers()))
        self.connect("me")

    def connect(self, name: str, scopes: str = "read,activity:write,activity:read_all") -> None:
        """Connect an athlete."""
        an_athlete(self._tokens, name, scopes=scopes)

    def job(self, start: float | None = NOW - 3600, athlete: str = "me") -> int:
        """One more job that is due."""
        name = f"{len(list(self.folder.iterdir()))}.fit"
        return a_job(self.folder / name, name.encode(), athlete=athlete, start=start).id

    def held(self, start: float = OLD) -> int:
        """An old ride that waits for a decision."""
        job_id = self.job(start)
        with writing():
            JobRow.update(status=Status.HELD, error_code=ErrorCode.BACKLOG).where(
                JobRow.id == job_id
            ).execute()
        return job_id

    def due(self, now: float = NOW, workers: int = 3) -> tuple[list[int], float]:
        """What may be tried."""
        settings = replace(UPLOADS, max_concurrent=workers, check_delays=(2.0, 5.0))
        return select_due(["me", "you"], settings, now, self.claims)


@pytest.fixture
def rides(ledger: Path, tmp_path: Path) -> Rides:
    """An empty ledger, with an athlete who may be read."""
    assert ledger.exists()
    folder = tmp_path / "rides"
    folder.mkdir()
    return Rides(folder)


def limit(*, sends: int = 200, reads: int = 100, reads_today: int = 1000) -> None:
    """So much is left of the rate limit."""
    rate_limits.update(
        RateLimitHeaders((200, 2000), (200 - sends, 300), (100, 1000), (100 - reads, 1000 - reads_today)), NOW
    )


def trip(name: BreakerName, until: float = NOW + 300) -> None:
    """Open a breaker."""
    breakers.open(BreakerTrip(name, until, StravaErrorKind.UNREACHABLE, verbatim("words")), NOW)


def test_where_nothing_waits_the_next_look_is_in_an_hour(rides: Rides) -> None:
    """Whatever changes that, wakes the scheduler."""
    assert rides.due() == ([], IDLE)


def test_the_next_look_is_when_the_next_job_is_due(rides: Rides) -> None:
    """Not before."""
    now, later = rides.job(), rides.job()
    recorded(later, RETRY)

    assert rides.due() == ([now], 60.0)
    assert rides.due(NOW + 60)[0] == [now, later]


def test_nobody_is_tried_who_is_not_connected(rides: Rides) -> None:
    """Connecting wakes the scheduler."""
    rides.job(athlete="you")
    assert rides.due() == ([], IDLE)
    assert select_due(["you"], UPLOADS, NOW) == ([], IDLE)


# --- breakers ---


@pytest.mark.parametrize("name", list(BreakerName))
def test_while_a_breaker_is_open_nothing_is_tried(rides: Rides, name: BreakerName) -> None:
    """The next look is when it is half open."""
    recorded(rides.job(), RETRY)
    rides.job()
    trip(name)

    assert rides.due() == ([], 300.0)
    assert rides.due(NOW + 299)[0] == []


@pytest.mark.parametrize("name", [BreakerName.NETWORK, BreakerName.SETTINGS])
def test_a_half_open_breaker_is_probed_by_one_job_the_one_that_waited_longest(
    rides: Rides, name: BreakerName
) -> None:
    """So that one bad file is not tried again and again; it may be an old one."""
    bad = rides.job()
    recorded(bad, RETRY)
    old = rides.job(OLD)
    trip(name, NOW + 60)

    assert rides.due(NOW + 60)[0] == [old]
    rides.claims.take(old)
    assert rides.due(NOW + 60)[0] == [bad]
    assert name in breakers.open_breakers()


def test_a_rate_limit_whose_time_is_over_needs_no_probe(rides: Rides) -> None:
    """All places are filled at once; the breaker ends with the first attempt."""
    jobs = [rides.job() for _ in range(4)]
    trip(BreakerName.RATE_LIMIT, NOW + 60)

    assert rides.due(NOW + 60)[0] == jobs[:3]
    assert BreakerName.RATE_LIMIT in breakers.open_breakers()


def test_a_breaker_that_nobody_is_left_to_probe_is_closed(rides: Rides) -> None:
    """The page would speak of it for ever."""
    trip(BreakerName.NETWORK, NOW + 60)
    rides.due(NOW)
    assert breakers.open_breakers()
    rides.due(NOW + 60)
    assert not breakers.open_breakers()


@pytest.mark.parametrize("who", ["at work", "waits", "held"])
def test_a_breaker_that_somebody_can_still_probe_stays(rides: Rides, who: str) -> None:
    """Whoever is at work, or due later, or is to be looked for on Strava."""
    if who == "at work":
        rides.claims.take(901)
    elif who == "waits":
        recorded(rides.job(), replace(RETRY, next_attempt_at=NOW + 600))
    else:
        rides.held()
    trip(BreakerName.NETWORK, NOW + 60)
    rides.due(NOW + 60)

    assert BreakerName.NETWORK in breakers.open_breakers()


def test_a_breaker_of_a_clock_that_has_jumped_back_is_shortened(rides: Rides) -> None:
    """To the longest that it may be open."""
    rides.job()
    trip(BreakerName.NETWORK, NOW + 30 * DAY)

    assert rides.due()[1] <= IDLE


def test_waits_of_a_clock_that_has_jumped_back_are_shortened(rides: Rides) -> None:
    """A retry to the longest wait of the settings; an accepted upload to its first look."""
    job, sent = rides.job(), rides.job()
    recorded(job, replace(RETRY, next_attempt_at=NOW + 30 * DAY))
    accepted(sent, 77, NOW + 30 * DAY)

    assert rides.due() == ([], 2.0)
    assert the(job).next_attempt_at == NOW + 7200
    assert the(sent).accepted_at == NOW


# --- places ---


def test_no_more_jobs_are_tried_than_there_are_places(rides: Rides) -> None:
    """Those at work have one each."""
    jobs = [rides.job() for _ in range(4)]
    assert rides.due()[0] == jobs[:3]
    rides.claims.take(jobs[0])
    rides.claims.take(901)
    assert rides.due()[0] == jobs[1:2]


@pytest.mark.parametrize("at_work", [3, 4])
def test_where_all_are_at_work_the_first_to_end_wakes_the_scheduler(rides: Rides, at_work: int) -> None:
    """Until then nothing is worth a look: also with more at work than there are places now."""
    recorded(rides.job(), RETRY)
    rides.job()
    for job_id in range(901, 901 + at_work):
        rides.claims.take(job_id)

    assert rides.due() == ([], IDLE)


def test_held_rides_are_looked_for_in_the_places_that_are_left(rides: Rides) -> None:
    """One at a time of all of them: its list serves the others, too."""
    held = rides.held()
    rides.held(OLD - DAY)
    job = rides.job()

    assert rides.due()[0] == [job, held]
    assert rides.due(workers=1)[0] == [job]


def test_a_held_ride_at_work_is_not_looked_for_twice(rides: Rides) -> None:
    """Another is, whose list begins elsewhere."""
    held, other = rides.held(), rides.held(OLD - DAY)
    rides.claims.take(held)

    assert rides.due()[0] == [other]


def test_held_rides_whose_list_failed_are_looked_for_again_then(rides: Rides) -> None:
    """Or earlier, where a job is due earlier."""
    matches.put_off(rides.held(), 1, NOW + 300)
    assert rides.due() == ([], 300.0)
    recorded(rides.job(), RETRY)
    assert rides.due() == ([], 60.0)


def test_nothing_is_looked_for_of_an_athlete_who_may_not_be_read(rides: Rides) -> None:
    """The list would be refused."""
    rides.held()
    rides.connect("me", "activity:write")

    assert rides.due() == ([], IDLE)


# --- rate limit ---


@pytest.mark.parametrize(
    ("sends", "reads", "at_work", "count"),
    [(0, 100, 0, 0), (1, 100, 0, 1), (2, 100, 1, 1), (9, 1, 0, 1), (9, 0, 0, 3)],
)
def test_no_more_jobs_are_tried_than_requests_are_left(
    rides: Rides, sends: int, reads: int, at_work: int, count: int
) -> None:
    """While there are reads, any of them may be one; each at work keeps one."""
    for _ in range(4):
        rides.job()
    for job_id in range(901, 901 + at_work):
        rides.claims.take(job_id)
    limit(sends=sends, reads=reads)

    assert len(rides.due()[0]) == count


def test_without_a_read_what_is_accepted_waits_and_the_next_window_is_awaited(rides: Rides) -> None:
    """Fresh rides are sent all the same."""
    asked, fresh = rides.job(), rides.job()
    accepted(asked, 77)
    assert rides.due()[0] == [asked, fresh]
    limit(reads=1)
    assert rides.due()[0] == [asked]
    limit(reads=0)

    assert rides.due() == ([fresh], NEXT_QUARTER)
    assert rides.due(workers=1) == ([fresh], IDLE)


def test_the_backlog_leaves_a_reserve_and_awaits_the_next_window(rides: Rides) -> None:
    """Also the held ones that are looked for; a job that is due before is not missed."""
    old = [rides.job(OLD - number) for number in range(2)]
    rides.held()
    limit(sends=3)
    assert rides.due() == (old[:1], IDLE)
    limit(sends=2)
    assert rides.due() == ([], NEXT_QUARTER)
    recorded(rides.job(), RETRY)
    assert rides.due() == ([], 60.0)


@pytest.mark.parametrize(("sends", "count"), [(200, 3), (4, 2), (3, 1)])
def test_the_backlog_fills_the_places_that_fresh_rides_leave(rides: Rides, sends: int, count: int) -> None:
    """Within its share of the limit; what is fresh comes first, however new its file."""
    old = [rides.job(OLD), rides.job(None)]
    fresh = rides.job()
    limit(sends=sends)

    assert rides.due()[0] == [fresh, *old][:count]


def test_a_ride_of_two_days_ago_is_still_fresh(rides: Rides) -> None:
    """One second more, and it is of the backlog, which leaves a reserve."""
    rides.job(NOW - 2 * DAY - 1)
    fresh = rides.job(NOW - 2 * DAY)
    limit(sends=2)

    assert rides.due()[0] == [fresh]


def test_athletes_take_turns(rides: Rides) -> None:
    """Whose turn is the longest ago comes first."""
    mine = [rides.job() for _ in range(3)]
    rides.connect("you")
    yours = rides.job(athlete="you")
    rides.claims.take_turn("me", NOW)

    assert rides.due()[0] == [yours, *mine[:2]]


def test_who_has_had_a_share_of_the_quarter_hour_leaves_what_the_backlog_leaves(rides: Rides) -> None:
    """Others come first; with room, no place stays empty, and no job is tried twice."""
    mine = [rides.job() for _ in range(3)]
    rides.connect("you")
    yours = rides.job(athlete="you")
    rides.claims.take_turn("you", NOW)
    for _ in range(SHARE):
        rides.claims.take_turn("me", NOW)

    assert rides.due()[0] == [yours, *mine[:2]]
    limit(sends=4)
    assert rides.due()[0] == [yours, mine[0]]
    limit(sends=2)
    assert rides.due()[0] == [yours]


def test_what_is_fresh_comes_before_somebody_elses_backlog_also_beyond_the_share(rides: Rides) -> None:
    """People wait for it."""
    mine = [rides.job() for _ in range(2)]
    rides.connect("you")
    rides.job(OLD, athlete="you")
    rides.claims.take_turn("you", NOW)
    for _ in range(SHARE):
        rides.claims.take_turn("me", NOW)

    assert rides.due(workers=2)[0] == mine
