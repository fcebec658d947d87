"""An upload's job, the breakers that all jobs share, and an athlete's connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import JOB, NOW
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import (
    Athlete,
    AttemptResult,
    Breaker,
    BreakerName,
    BreakerTrip,
    Job,
    Outcome,
    Status,
)

DOWN = verbatim("no route")
OPEN = Breaker(BreakerName.NETWORK, NOW + 300, NOW - 60, 2, StravaErrorKind.UNREACHABLE, DOWN)


@pytest.mark.parametrize(
    ("status", "failures", "retries"),
    [
        (Status.PENDING, 0, 0),
        (Status.PENDING, 1, 0),
        (Status.PENDING, 3, 2),
        (Status.PROCESSING, 0, 0),
        (Status.PROCESSING, 1, 1),
        (Status.FAILED, 5, 4),
        (Status.COMPLETED, 2, 2),
    ],
)
def test_a_failure_that_waits_for_its_retry_is_no_retry(status: Status, failures: int, retries: int) -> None:
    """It is one as soon as it has begun."""
    assert replace(JOB, status=status, failures=failures).retry_count == retries


@pytest.mark.parametrize("status", list(Status))
def test_a_job_is_due_from_its_time_on_as_long_as_it_is_open(status: Status) -> None:
    """No other job is tried, whatever its time."""
    job = replace(JOB, status=status, next_attempt_at=NOW)
    is_open = status in {Status.PENDING, Status.PROCESSING}

    assert (job.is_due(NOW - 0.1), job.is_due(NOW), job.is_due(NOW + 9)) == (False, is_open, is_open)


@pytest.mark.parametrize(
    ("job", "being_sent"),
    [
        (replace(JOB, status=Status.PROCESSING), True),
        (replace(JOB, status=Status.PROCESSING, upload_id=77), False),
        (replace(JOB, status=Status.PENDING), False),
    ],
)
def test_a_body_is_on_its_way_until_strava_has_named_an_upload(job: Job, being_sent: bool) -> None:
    """Only then is the job's file asked for no more."""
    assert job.is_being_sent is being_sent


@pytest.mark.parametrize(
    ("path", "member", "shown"),
    [
        ("/rides/a.fit", "", "a.fit"),
        ("/rides/week.zip", "mon/a.fit", "week.zip/mon/a.fit"),
        ("/rides/\udcff.fit", "", "\N{REPLACEMENT CHARACTER}.fit"),
    ],
)
def test_people_know_a_file_by_its_name(path: str, member: str, shown: str) -> None:
    """And by its name in the archive; bytes that are no text are replaced."""
    assert replace(JOB, path=path, member=member).file == shown


@pytest.mark.parametrize(
    ("name", "until", "kept_until"),
    [
        (BreakerName.NETWORK, NOW + 60, NOW + 60),
        (BreakerName.NETWORK, NOW + 900, NOW + 900),
        (BreakerName.RATE_LIMIT, NOW + 60, NOW + 300),
        (BreakerName.RATE_LIMIT, NOW + 900, NOW + 900),
    ],
)
def test_a_breaker_that_is_open_already_counts_the_tries_since_it_was_opened(
    name: BreakerName, until: float, kept_until: float
) -> None:
    """And a rate limit only ever lasts longer: of two answers the later window holds."""
    trip = BreakerTrip(name, until, StravaErrorKind.RATE_LIMITED, verbatim("later"))

    assert Breaker.opened(trip, replace(OPEN, name=name, probing=True), NOW) == Breaker(
        name, kept_until, NOW - 60, 3, StravaErrorKind.RATE_LIMITED, verbatim("later"), probing=False
    )


def test_a_breaker_that_was_closed_is_opened_now_with_one_try_behind_it() -> None:
    """For as long as its trip says."""
    trip = BreakerTrip(BreakerName.RATE_LIMIT, NOW + 60, StravaErrorKind.RATE_LIMITED, DOWN)

    assert Breaker.opened(trip, None, NOW) == Breaker(
        BreakerName.RATE_LIMIT, NOW + 60, NOW, 1, StravaErrorKind.RATE_LIMITED, DOWN
    )


def test_a_breaker_lets_somebody_try_from_its_end_on() -> None:
    """Not a moment before."""
    assert (OPEN.blocks(NOW + 299.9), OPEN.blocks(NOW + 300)) == (True, False)


@pytest.mark.parametrize(
    ("until", "since", "longest", "kept_until", "kept_since"),
    [
        pytest.param(NOW + 200, NOW - 60, 300.0, NOW + 200, NOW - 60, id="a wait within its bound stays"),
        pytest.param(NOW + 9000, NOW - 60, 300.0, NOW + 300, NOW - 60, id="a longer one is cut"),
        pytest.param(NOW + 500, NOW + 400, 300.0, NOW + 100, NOW, id="one from a time to come moves with it"),
    ],
)
def test_a_clock_that_jumped_back_keeps_no_breaker_open(
    until: float, since: float, longest: float, kept_until: float, kept_since: float
) -> None:
    """Counted from now, no breaker is open for longer than its longest wait."""
    breaker = replace(OPEN, until=until, since=since).within(longest, NOW)

    assert (breaker.until, breaker.since) == (kept_until, kept_since)


@pytest.mark.parametrize(
    ("connected", "scopes", "can_read"),
    [
        (True, ("read", "activity:write", "activity:read_all"), True),
        (True, ("activity:read",), True),
        (True, ("read", "activity:write"), False),
        (False, ("activity:read_all",), False),
    ],
)
def test_activities_can_be_listed_with_a_permission_and_a_connection(
    connected: bool, scopes: tuple[str, ...], can_read: bool
) -> None:
    """Strava names two permissions for it."""
    assert Athlete("me", connected=connected, scopes=scopes).can_read is can_read


REFUSED = verbatim("refused")
TRIP = BreakerTrip(BreakerName.NETWORK, NOW, StravaErrorKind.UNREACHABLE, DOWN)


@pytest.mark.parametrize(
    ("result", "reason", "is_news"),
    [
        (AttemptResult(Outcome.RETRY, Status.PENDING, error_message=REFUSED), REFUSED, True),
        (AttemptResult(Outcome.ACCEPTED, Status.PROCESSING, error_message=REFUSED), None, True),
        (AttemptResult(Outcome.COMPLETED, Status.COMPLETED, error_message=REFUSED), None, True),
        (AttemptResult(Outcome.PROCESSING, Status.PROCESSING), None, False),
        (AttemptResult(Outcome.WAITING, Status.PENDING), None, False),
        (AttemptResult(Outcome.WAITING, Status.PENDING, error_message=REFUSED), REFUSED, True),
        (AttemptResult(Outcome.WAITING, Status.PENDING, breaker=TRIP), DOWN, True),
    ],
)
def test_an_attempt_is_kept_where_something_was_asked_and_answered(
    result: AttemptResult, reason: object, is_news: bool
) -> None:
    """With the breaker's reason where it opened one."""
    assert (result.reason, result.says_more_than(JOB)) == (reason, is_news)


def test_a_result_that_says_no_more_leaves_nothing_behind() -> None:
    """Nothing was sent, asked or counted, and nothing is waited for."""
    assert AttemptResult(Outcome.WAITING, Status.PENDING) == AttemptResult(
        Outcome.WAITING,
        Status.PENDING,
        own_wait=None,
        next_attempt_at=0.0,
        failures=0,
        uncertain=False,
        upload_id=None,
        looks=0,
        read_failures=0,
    )


def test_a_first_sending_that_did_not_begin_leaves_the_job_as_it_was() -> None:
    """Not uncertain, and not tried."""
    sent = replace(JOB, status=Status.PROCESSING, uncertain=True, tried_at=NOW, sent_at=NOW)

    assert sent.before_sending() == replace(
        JOB, status=Status.PENDING, uncertain=False, tried_at=None, sent_at=None
    )
