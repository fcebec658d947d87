"""An upload's job, the result of an attempt, and an athlete's connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import JOB, NOW
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import (
    Athlete,
    AttemptResult,
    Job,
    Outcome,
    Status,
)

DOWN = verbatim("no route")


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


@pytest.mark.parametrize(("number", "url"), [(None, None), (4242, "https://www.strava.com/activities/4242")])
def test_an_activity_is_found_on_strava_by_its_number(number: int | None, url: str | None) -> None:
    """Where Strava has named it."""
    assert replace(JOB, strava_activity_id=number).strava_url == url
