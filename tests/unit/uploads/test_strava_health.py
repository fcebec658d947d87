"""What attempts have shown of Strava: it closes breakers, and tells an outage from one bad file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import COMPLETED, JOB, NOW, RETRY, UPLOADS, Clock, a_job, accepted, recorded
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.errors import StravaError
from fitferry.core.messages import verbatim
from fitferry.core.retry_policy import Action
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.storage import breakers, rate_limits
from fitferry.uploads.attempt import RunningAttempt
from fitferry.uploads.strava_health import StravaHealth

pytestmark = pytest.mark.usefixtures("ledger")
MAYBE_THE_FILE = {StravaErrorKind.SERVER_ERROR, StravaErrorKind.BROKEN_OFF, StravaErrorKind.REFUSED}
NO_ANSWER = {
    StravaErrorKind.UNREACHABLE,
    StravaErrorKind.UNAVAILABLE,
    StravaErrorKind.NOT_STRAVA,
    StravaErrorKind.WRONG_ADDRESS,
    StravaErrorKind.BROKEN_OFF,
    StravaErrorKind.USED_UP,
}


@pytest.fixture
def health() -> StravaHealth:
    """At the start of a run."""
    return StravaHealth(UPLOADS, Clock())


def running(
    job_id: int = 1, action: Action = Action.SEND, *, answered: bool = False, served: bool = False
) -> RunningAttempt:
    """An attempt that was made."""
    job = replace(JOB, id=job_id)
    return RunningAttempt(job, action, answered=answered, served=served)


def trip(name: BreakerName, until: float = NOW + 60) -> BreakerTrip:
    """What opens a breaker."""
    return BreakerTrip(name, until, StravaErrorKind.UNREACHABLE, verbatim("words"))


@pytest.mark.parametrize("kind", list(StravaErrorKind))
def test_an_error_that_only_strava_gives_is_an_answer(health: StravaHealth, kind: StravaErrorKind) -> None:
    """A gateway, a portal or silence is none."""
    attempt = running()
    health.note_error(attempt, StravaError(kind, verbatim("words")))

    assert attempt.answered is (kind not in NO_ANSWER)
    assert not attempt.served


@pytest.mark.parametrize("kind", list(StravaErrorKind))
@pytest.mark.parametrize("action", [Action.SEND, Action.LOOK])
def test_files_that_fail_one_after_the_other_are_no_fault_of_theirs(
    health: StravaHealth, tmp_path: Path, kind: StravaErrorKind, action: Action
) -> None:
    """Where the error may be the file's, and it was sent; as long as that file still waits, and none was taken."""
    job = a_job(tmp_path / "a.fit")
    health.note_error(running(job.id, action), StravaError(kind, verbatim("words")))

    fails = kind in MAYBE_THE_FILE and action is Action.SEND
    assert health.context(running(job.id)).others_fail is False
    assert health.context(running(job.id + 1)).others_fail is fails
    recorded(job.id, COMPLETED)
    assert health.context(running(job.id + 1)).others_fail is False
    recorded(job.id, RETRY)
    health.note_arrival(NOW)
    assert health.context(running(job.id + 1)).others_fail is False


@pytest.mark.parametrize(("arrived", "succeed"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
def test_an_upload_since_the_last_try_shows_that_others_succeed(
    health: StravaHealth, arrived: float, *, succeed: bool
) -> None:
    """JOB was tried at NOW; one that was never tried cannot tell."""
    health.note_arrival(arrived)
    never = replace(running(), job=replace(JOB, tried_at=None))

    assert health.context(running()).others_succeed is succeed
    assert health.context(never).others_succeed is False


def test_the_time_in_which_others_speak_counts_only_until_strava_has_answered(health: StravaHealth) -> None:
    """Once in a run is enough: then an address that is wrong was not the cause."""
    assert health.context(running()).not_strava_since is None
    breakers.open(trip(BreakerName.NETWORK), NOW - 100)
    breakers.open(trip(BreakerName.NETWORK), NOW - 50)

    assert (health.context(running()).not_strava_since, health.context(running()).network_tries) == (
        NOW - 100,
        2,
    )
    assert health.context(running(answered=True)).not_strava_since is None
    health.update_breakers(running(answered=True), replace(RETRY, breaker=trip(BreakerName.NETWORK)))
    health.update_breakers(running(), RETRY)
    assert health.context(running()).not_strava_since is None
    assert health.context(running()).network_tries == 3


def test_a_decision_is_told_what_is_on_its_way_and_what_is_left(health: StravaHealth, tmp_path: Path) -> None:
    """Of windows that are over nothing is used; what is on its way counts for old activities, whose looks are spaced."""
    accepted(a_job(tmp_path / "a.fit").id, 77)
    rate_limits.update(RateLimitHeaders((200, 2000), (50, 60), (100, 1000), (7, 8)), NOW - 900)
    old = replace(running().job, start_time=NOW - 90 * 86_400)
    context = health.context(replace(running(), job=old, bulk=True))

    assert health.context(running()).outstanding == 0
    assert (context.now, context.outstanding, context.bulk, context.settings) == (NOW, 1, True, UPLOADS)
    assert (context.rate_limit.overall_usage, context.rate_limit.read_usage) == ((0, 60), (0, 8))
    assert (context.network_tries, context.not_strava_since) == (0, None)


@pytest.mark.parametrize(
    ("answered", "served", "opened", "left"),
    [
        (False, False, None, {"network", "settings"}),
        (True, False, None, {"settings"}),
        (True, True, None, set()),
        (True, True, BreakerName.SETTINGS, {"settings"}),
        (True, True, BreakerName.NETWORK, {"network", "settings"}),
        (True, True, BreakerName.RATE_LIMIT, {"settings", "rate_limit"}),
        (False, False, BreakerName.RATE_LIMIT, {"network", "settings", "rate_limit"}),
    ],
)
def test_an_answer_closes_what_it_shows_to_be_needless(
    health: StravaHealth, answered: bool, served: bool, opened: BreakerName | None, left: set[str]
) -> None:
    """The network's at any answer, the settings' at one that is no error; never the one that the result opens."""
    for name in (BreakerName.NETWORK, BreakerName.SETTINGS):
        breakers.open(trip(name), NOW)
    longer = trip(opened, NOW + 600) if opened else None
    health.update_breakers(running(answered=answered, served=served), replace(RETRY, breaker=longer))

    assert set(breakers.open_breakers()) == left
    if opened:
        assert breakers.open_breakers()[opened].until == NOW + 600
