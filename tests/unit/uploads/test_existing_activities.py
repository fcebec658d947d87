"""Old activities that are on Strava already are found by listing, and never sent."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import (
    NOW,
    UPLOADS,
    a_job,
    grant,
    the,
)
from fitferry.core.breaker import BreakerCause, BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import ListedActivity
from fitferry.core.upload import AuthProblem, ErrorCode, Job, Status
from fitferry.storage import accounts, breakers, holds, matches, uploads
from fitferry.storage.database import DatabaseError
from fitferry.strava.client import PAGE
from fitferry.uploads import existing_activities
from fitferry.uploads.scheduler import select_due
from ledger_statements import failing
from worker_bench import Bench

pytestmark = pytest.mark.usefixtures("ledger")
DAY = 86_400.0
OLD = NOW - 30 * DAY
LIST = "GET /athlete/activities"
MANY = 25
Ride = Callable[..., bytes]


class Desk(Bench):
    """An athlete with many old rides."""

    def jobs(self, count: int = MANY, *, held: bool = False, first: float = OLD) -> list[Job]:
        """Rides of an hour, one a day, newest first."""
        made = []
        for number in range(count):
            job = a_job(self.folder / f"{number}.fit", f"{number}".encode(), start=first - number * DAY)
            elapsed(job.id, 3600.0)
            made.append(the(job.id))
        if held:
            hold()
        return [the(job.id) for job in made]

    def due(self) -> list[int]:
        """What would be dispatched now."""
        return select_due(["me"], UPLOADS, self.clock())[0]

    def work(self, rounds: int = 500) -> None:
        """Attempt everything that is due, until nothing is."""
        for _ in range(rounds):
            due = self.due()
            if not due:
                return
            for job_id in due:
                self.attempt(job_id)


def elapsed(job_id: int, seconds: float | None) -> None:
    """Let an activity have taken so long."""
    from fitferry.storage.database import writing  # noqa: PLC0415  # nothing else writes it
    from fitferry.storage.models import ActivityRow  # noqa: PLC0415  # nothing else writes it

    with writing():
        ActivityRow.update(elapsed_s=seconds).where(ActivityRow.id == the(job_id).activity_id).execute()


def hold() -> None:
    """Let everything be a backlog."""
    from fitferry.storage.database import writing  # noqa: PLC0415  # the same
    from fitferry.storage.models import JobRow  # noqa: PLC0415  # the same

    with writing():
        JobRow.update(status=Status.HELD, error_code="backlog").execute()


def listed(*jobs_there: Job, off: float = 0.0, longer: float = 1.0) -> list[dict[str, Any]]:
    """Strava's list with these rides in it."""
    from datetime import UTC, datetime  # noqa: PLC0415  # here alone

    return [
        {
            "id": 900 + job.id,
            "external_id": "garmin_push_1",
            "start_date": datetime.fromtimestamp((job.start_time or 0) + off, UTC)
            .isoformat()
            .replace("+00:00", "Z"),
            "elapsed_time": int((job.elapsed_s or 3600) * longer),
        }
        for job in jobs_there
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk whose athlete may be read."""
    return Desk(tmp_path)


def test_what_is_there_is_completed_without_being_sent(desk: Desk) -> None:
    """One request for all; only what is missing goes up."""
    made = desk.jobs()
    desk.wire.to(LIST, (200, listed(*made[3:])))
    for _ in range(20):
        desk.work()
        desk.clock.forward(5)

    assert desk.wire.count(LIST) == 1
    assert desk.wire.count("POST /uploads") == 3
    there = the(made[10].id)
    assert (there.status, there.error_code, there.strava_activity_id) == (
        Status.COMPLETED,
        "duplicate",
        900 + there.id,
    )
    assert str(there.error_message) == "already on Strava"


@pytest.mark.parametrize(
    ("off", "longer", "same"),
    [(0, 1.0, True), (60, 1.0, True), (-60, 1.04, True), (61, 1.0, False), (0, 1.06, False), (0, 0.9, False)],
)
def test_the_same_start_and_time_are_the_same_activity(
    desk: Desk, off: float, longer: float, same: bool
) -> None:
    """Within a minute, and five per cent."""
    made = desk.jobs()
    desk.wire.to(LIST, (200, listed(*made, off=off, longer=longer)))
    desk.attempt(made[0].id)

    assert (desk.wire.count("POST /uploads") == 0) is same


def test_held_activities_are_compared_while_they_wait(desk: Desk) -> None:
    """A person is asked only about what is not there yet; nothing is sent."""
    made = desk.jobs(held=True)
    desk.wire.to(LIST, (200, listed(*made[1:])))
    desk.work()

    assert [the(job.id).status for job in made[:2]] == [Status.HELD, Status.COMPLETED]
    assert (desk.wire.count(LIST), desk.wire.count("POST /uploads")) == (1, 0)
    assert not desk.attempt.claims.held()


def test_the_list_begins_a_day_after_the_activity(desk: Desk) -> None:
    """For time zones; what is older stands on the same page."""
    made = desk.jobs()
    desk.attempt(made[0].id)

    (asked,) = (request for request in desk.wire.asked if request.url.path.endswith("/athlete/activities"))
    assert float(asked.url.params["before"]) == OLD + DAY


def test_an_answer_to_the_look_at_what_is_held_ends_an_outage(desk: Desk) -> None:
    """Although nothing came of it for any job that is to be sent."""
    made = desk.jobs(held=True)
    breakers.open(BreakerTrip(BreakerName.NETWORK, NOW + 1, BreakerCause.OUTAGE, verbatim("down")), NOW)
    desk.clock.forward(2)
    desk.attempt(made[0].id)

    assert breakers.open_breakers() == {}


def test_a_full_page_covers_only_what_is_newer_than_its_last(desk: Desk) -> None:
    """Older ones are on the next page."""
    made = desk.jobs(held=True)
    page = listed(*made[:5]) * (PAGE // 5)
    desk.wire.to(LIST, (200, page), (200, listed(*made[4:10])))
    desk.work()

    assert desk.wire.count(LIST) == 2
    assert uploads.counts()[Status.COMPLETED] == 10


def test_a_few_old_activities_are_sent_without_a_look(desk: Desk) -> None:
    """Looking would cost more than it saves."""
    made = desk.jobs(existing_activities.MANY)
    desk.attempt(made[0].id)

    assert (desk.wire.count(LIST), desk.wire.count("POST /uploads")) == (0, 1)


def test_a_fresh_activity_is_sent_without_a_look(desk: Desk) -> None:
    """However many old ones wait."""
    desk.jobs()
    fresh = a_job(desk.folder / "today.fit", b"today")
    desk.attempt(fresh.id)

    assert (desk.wire.count(LIST), desk.wire.count("POST /uploads")) == (0, 1)


def test_without_the_permission_nothing_is_listed(tmp_path: Path) -> None:
    """Then Strava's refusal of duplicates has to do."""
    desk = Desk(tmp_path, "read,activity:write")
    made = desk.jobs()
    desk.attempt(made[0].id)
    hold()
    desk.work()

    assert desk.wire.count(LIST) == 0


@pytest.mark.parametrize(
    "answer", [(404, {}), (500, {}), (400, {"message": "Bad Request"}), (403, {"errors": []})]
)
def test_a_list_that_is_not_given_stops_no_upload(desk: Desk, answer: tuple[int, object]) -> None:
    """Looking first is a courtesy."""
    made = desk.jobs()
    desk.wire.to(LIST, answer)
    desk.attempt(made[0].id)

    assert desk.wire.count("POST /uploads") == 1
    assert not breakers.open_breakers()


def test_a_list_that_is_not_given_is_not_asked_for_again_and_again(desk: Desk) -> None:
    """While the backlog waits for its decision."""
    desk.jobs(held=True)
    desk.wire.to(LIST, (500, {}))
    desk.work(50)

    assert desk.wire.count(LIST) == 1
    assert uploads.counts()[Status.HELD] == MANY


def test_held_activities_are_compared_when_the_list_is_given_again(desk: Desk) -> None:
    """One bad minute of Strava's does not let a whole backlog go uncompared."""
    made = desk.jobs(held=True)
    desk.wire.to(LIST, (500, {}), (200, listed(*made)))
    desk.work(50)
    assert desk.wire.count(LIST) == 1
    assert 0 < select_due(["me"], UPLOADS, desk.clock())[1] <= 60
    desk.clock.forward(60)
    desk.work(50)

    assert uploads.counts()[Status.COMPLETED] == MANY


def test_a_newcomer_does_not_ask_before_the_wait_is_over(desk: Desk) -> None:
    """The wait is the list's, not one activity's."""
    desk.jobs(held=True)
    desk.wire.to(LIST, (500, {}))
    desk.work(50)
    a_job(desk.folder / "newer.fit", b"newer", start=OLD + DAY)
    hold()
    desk.work(50)

    assert desk.wire.count(LIST) == 1


def test_a_list_that_is_never_given_is_given_up(tmp_path: Path) -> None:
    """After a few hours; the backlog waits for its decision all the same."""
    desk = Desk(tmp_path, expires_in=2 * DAY)
    desk.jobs(held=True)
    desk.wire.to(LIST, (500, {}))
    for _ in range(20):
        desk.work(50)
        desk.clock.forward(7200)

    assert desk.wire.count(LIST) == 1 + len(existing_activities.PAUSES)
    assert uploads.counts()[Status.HELD] == MANY


def test_a_refresh_that_fails_says_nothing_of_the_list(tmp_path: Path) -> None:
    """Nobody has asked for it; neither what is held nor what waits goes on without it."""
    desk = Desk(tmp_path, expires_in=0)
    made = desk.jobs(held=True)
    desk.wire.to("POST /oauth/token", (500, b""), (500, b""), (200, grant("access-2", "refresh-2")))
    desk.wire.to(LIST, (200, listed(*made)))
    desk.work(50)
    assert BreakerName.NETWORK in breakers.open_breakers()
    for job in made[:-1]:
        uploads.requeue(job.id, [Status.HELD])
    desk.clock.forward(60)
    desk.attempt(made[0].id)
    assert BreakerName.NETWORK in breakers.open_breakers()
    assert all(the(job.id).compared_at is None for job in made)
    desk.clock.forward(300)
    desk.attempt(made[0].id)

    assert desk.wire.count("POST /uploads") == 0
    assert uploads.counts()[Status.COMPLETED] == MANY


def test_a_breaker_stays_open_while_held_activities_are_to_be_compared(desk: Desk) -> None:
    """They are the ones who try it: a person is told of the trouble once, and again when it is over."""
    made = desk.jobs(held=True)
    inactive = (403, {"errors": [{"resource": "Application", "field": "Status", "code": "Inactive"}]})
    desk.wire.to(LIST, inactive, (200, listed(*made)))
    desk.work(50)
    desk.clock.forward(3600)
    assert len(desk.due()) == 1
    assert BreakerName.SETTINGS in breakers.open_breakers()
    desk.work(50)

    assert (breakers.open_breakers(), uploads.counts()[Status.COMPLETED]) == ({}, MANY)


def test_what_a_person_lets_go_waits_for_no_list(desk: Desk) -> None:
    """The decision was made meanwhile."""
    made = desk.jobs(held=True)
    desk.wire.to(LIST, (500, {}))
    desk.work(50)
    holds.release_holds(ErrorCode.BACKLOG, since=None)

    assert {the(job.id).next_attempt_at for job in made} == {0}


def test_a_limit_or_an_outage_opens_the_breaker(desk: Desk) -> None:
    """As for every other request; then it goes on."""
    made = desk.jobs(held=True)
    desk.wire.to(LIST, (429, {}), (200, listed(*made)))
    desk.work(50)
    assert BreakerName.RATE_LIMIT in breakers.open_breakers()
    assert desk.wire.count(LIST) == 1
    desk.clock.forward(1000)
    desk.work(50)

    assert uploads.counts()[Status.COMPLETED] == MANY


def test_a_key_that_opens_nothing_makes_no_look_that_never_ends(desk: Desk) -> None:
    """Somebody has to connect again, and is told so."""
    desk.jobs(held=True)
    accounts.update_tokens("me", b"sealed with another key")
    desk.work(3)

    assert desk.due() == []
    assert accounts.get("me").trouble is AuthProblem.KEY


def test_a_look_that_something_unplanned_ends_is_not_taken_again(desk: Desk) -> None:
    """Each would cost a request; what is held keeps its place."""
    desk.jobs(held=True)
    desk.wire.to(LIST, ZeroDivisionError("a bug"))
    desk.work(3)

    assert desk.wire.count(LIST) == 1
    assert uploads.counts()[Status.HELD] == MANY


def test_a_look_that_cannot_be_written_down_is_not_taken_for_ever(desk: Desk) -> None:
    """A disk may have room for a small write and not for a large one."""
    made = desk.jobs(held=True)
    with failing(lambda statement: re.search(r'"compared_at" = .* IN \(\?, ', statement)):
        for _ in range(3):
            with pytest.raises(DatabaseError):
                desk.attempt(desk.due()[0])

    assert desk.due() == [made[3].id]


def test_a_decision_during_the_look_stands(desk: Desk) -> None:
    """What is found is not sent all the same; the rest is queued."""
    made = desk.jobs(held=True)
    desk.wire.to(LIST, (200, listed(*made[2:])))

    def decide() -> None:
        for job in made:
            uploads.requeue(job.id, [Status.HELD])

    desk.wire.while_asked = decide
    desk.attempt(made[0].id)

    assert [the(job.id).status for job in made[:3]] == [Status.PENDING, Status.PENDING, Status.COMPLETED]


def test_what_a_person_sends_again_is_sent(desk: Desk) -> None:
    """It was deleted on Strava by hand, and another like it may be there."""
    made = desk.jobs()
    uploads.requeue(made[0].id, [Status.PENDING], external_id="fresh")
    desk.wire.to(LIST, (200, listed(*made)))
    desk.attempt(made[0].id)

    assert desk.wire.count("POST /uploads") == 1


def test_the_waits_for_a_list_that_is_not_given_are_those_written_down(desk: Desk) -> None:
    """A minute, five, half an hour, two hours; a longer one is a clock that has jumped back, and is over."""
    (job,) = desk.jobs(1, held=True)
    now = NOW
    for pause in (60.0, 300.0, 1800.0, 7200.0):
        existing_activities.give_up(job, now)
        assert existing_activities.next_held(["me"], now) == ([], pause)
        assert existing_activities.next_held(["me"], now + pause - 0.5) == ([], 0.5)
        assert existing_activities.next_held(["me"], now - 7200.5)[0] == [job.id]
        now += pause
        assert existing_activities.next_held(["me"], now) == ([job.id], math.inf)
    existing_activities.give_up(job, now)

    assert existing_activities.next_held(["me"], now) == ([], math.inf)


def test_the_lists_of_several_athletes_are_asked_for_one_after_the_other(desk: Desk) -> None:
    """Nobody waits for them, and each costs a request."""
    a_job(desk.folder / "sams.fit", b"sams", start=OLD, athlete="sam")
    desk.jobs(1, held=True)
    due, _ = existing_activities.next_held(["me", "sam"], NOW)

    assert len(due) == 1


def test_what_is_not_old_is_neither_looked_for_nor_counted(desk: Desk) -> None:
    """One old activity among many of today is not worth a list."""
    today = [a_job(desk.folder / f"new{n}.fit", b"new%d" % n, start=NOW - 60 - n) for n in range(MANY)]
    (old,) = desk.jobs(1)
    assert not existing_activities.is_worth_it(old, NOW)
    hold()

    assert existing_activities.next_held(["me"], NOW) == ([old.id], math.inf)
    assert existing_activities.is_wanted(["me"], NOW)
    matches.compared({old.id: None}, NOW)
    assert not existing_activities.is_wanted(["me"], NOW)
    assert today[0].id not in {one.id for one in matches.to_compare(["me"], OLD)}


def test_the_last_minute_of_a_full_page_is_left_to_the_next(desk: Desk) -> None:
    """What is the same may start a minute earlier, and then it stands on the next page."""
    start = OLD - DAY
    first = a_job(desk.folder / "first.fit", b"first", start=OLD)
    near, far = (
        a_job(desk.folder / f"{later}.fit", b"%d" % later, start=start + later) for later in (30, 90)
    )
    page = [ListedActivity(n + 1, None, start + PAGE - 1 - n, 5) for n in range(PAGE)]
    existing_activities.compare(first, page, NOW)

    assert [the(job.id).compared_at for job in (near, far)] == [None, NOW]


@pytest.mark.parametrize(
    ("off", "there", "here", "same"),
    [
        (60, 1000, 1000, True),
        (-60, 1000, 1000, True),
        (60.5, 1000, 1000, False),
        (-60.5, 1000, 1000, False),
        (0, 1000, 950, True),
        (0, 1000, 949, False),
        (0, 950, 1000, True),
        (0, 949, 1000, False),
        (0, 0, 0, True),
    ],
)
def test_a_minute_and_a_twentieth_are_the_most_that_the_same_activity_differs_by(
    desk: Desk, off: float, there: float, here: float, *, same: bool
) -> None:
    """The twentieth is of the longer one."""
    (job,) = desk.jobs(1)
    job = replace(job, elapsed_s=here, duration_s=1.0)
    start = job.start_time or 0

    assert existing_activities.compare(job, [ListedActivity(7, None, start + off, there)], NOW) == (
        7 if same else None
    )


def test_what_does_not_say_when_and_how_long_it_was_is_like_nothing(desk: Desk) -> None:
    """The timer's time stands in for the elapsed one; an activity without a number is none that could be named."""
    (job,) = desk.jobs(1)
    start = job.start_time or 0
    there = [
        ListedActivity(0, None, start, 100),
        ListedActivity(8, None, start, 100),
        ListedActivity(9, None, start, 100),
    ]

    def found(**changed: float | None) -> int | None:
        return existing_activities.compare(replace(job, **changed), there, NOW)  # type: ignore[arg-type]  # times

    assert found(elapsed_s=100.0, duration_s=5.0) == 8
    assert found(elapsed_s=None, duration_s=100.0) == 8
    assert found(elapsed_s=None, duration_s=None) is None
    assert found(elapsed_s=100.0, start_time=None) is None
    assert found(elapsed_s=0.0, duration_s=100.0) is None


@pytest.mark.parametrize("full", [True, False])
def test_a_page_tells_of_all_that_are_older_down_to_its_last(desk: Desk, full: bool) -> None:
    """One that is not full tells of all; none of what is newer than the job, whose place on it is the first."""
    newer, job, older, oldest = desk.jobs(4)
    count = PAGE if full else PAGE - 1
    bottom = (older.start_time or 0) - 60.0
    page = [ListedActivity(n + 1, None, bottom + count - 1 - n, 5) for n in range(count)]
    assert existing_activities.compare(job, page, NOW) is None

    compared = [the(one.id).compared_at for one in (newer, job, older, oldest)]
    assert compared == [None, NOW, NOW, None if full else NOW]


def test_what_is_about_to_be_sent_writes_by_itself_what_was_found(desk: Desk) -> None:
    """What is held, and all others on the page, are completed at once."""
    job, other = desk.jobs(2)
    there = [ListedActivity(one.id, None, one.start_time or 0, 3600) for one in (job, other)]
    assert existing_activities.compare(job, there, NOW) == job.id
    assert (the(job.id).status, the(job.id).compared_at) == (Status.PENDING, NOW)
    assert (the(other.id).status, the(other.id).strava_activity_id) == (Status.COMPLETED, other.id)
    (third,) = [a_job(desk.folder / "third.fit", b"third", start=OLD - 9 * DAY)]
    elapsed(third.id, 3600.0)
    hold()
    held = the(third.id)
    assert existing_activities.compare(held, [ListedActivity(5, None, held.start_time or 0, 3600)], NOW) == 5
    assert the(third.id).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("changed", "worth"),
    [
        ({}, True),
        ({"start_time": None}, False),
        ({"start_time": NOW - 7 * DAY}, False),
        ({"compared_at": NOW}, False),
        ({"sent_at": NOW}, False),
        ({"external_id": "again"}, False),
    ],
)
def test_only_what_is_old_and_goes_out_for_the_first_time_is_looked_for(
    desk: Desk, changed: dict[str, Any], *, worth: bool
) -> None:
    """From twenty-one others on."""
    job = desk.jobs(21)[0]
    assert existing_activities.is_worth_it(replace(job, **changed), NOW) is worth
    matches.compared({job.id + 1: None}, NOW)
    assert not existing_activities.is_worth_it(job, NOW)


def test_a_list_that_cannot_be_had_is_put_off_for_the_held_and_done_without_for_the_others(
    desk: Desk,
) -> None:
    """After the fourth time all that are older keep their places, too, and those that are newer are looked for still."""
    waits = desk.jobs(1)[0]
    existing_activities.give_up(waits, NOW)
    assert the(waits.id).compared_at == NOW
    newer, job, older = (
        a_job(desk.folder / f"held{n}.fit", b"held%d" % n, start=OLD - (9 + n) * DAY) for n in range(3)
    )
    hold()
    for _ in range(4):
        existing_activities.give_up(the(job.id), NOW)
        assert the(job.id).compared_at is None
    existing_activities.give_up(the(job.id), NOW + 5)

    assert [the(one.id).compared_at for one in (newer, job, older)] == [None, NOW + 5, NOW + 5]
