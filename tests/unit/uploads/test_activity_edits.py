"""Gear and mute by rule: one edit after the upload, durable, never the upload's own failure."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from fakes import NOW, a_job, accepted, refused
from fitferry.auth.token_cipher import TokenCipher, new_key
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.follow_up import FollowUpKind, FollowUpState
from fitferry.core.messages import verbatim
from fitferry.core.rules import Changes, Conditions, Rule
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import Status
from fitferry.monitoring.status import Process, snapshot
from fitferry.storage import breakers, follow_ups, rate_limits, uploads
from fitferry.storage.database import run
from fitferry.uploads.activity_edits import ActivityEdits
from worker_bench import Bench

pytestmark = pytest.mark.usefixtures("ledger")
EDIT = "PUT /activities/N"
RULES = (Rule(Conditions(), Changes(gear="b12", hide_from_home=True)),)
DELAYS = (60.0, 300.0)
OUTAGE_SECONDS, TURN_SECONDS, IDLE_SECONDS = 300.0, 15.0, 3600.0


class Desk:
    """A completed upload, and the edits that follow it."""

    def __init__(self, folder: Path, rules: tuple[Rule, ...] = RULES) -> None:
        follow_ups.want([FollowUpKind.EDIT])
        self.bench, self.in_flight = Bench(folder), 0
        self.wire, self.clock = self.bench.wire, self.bench.clock
        self.wire.to(EDIT, (200, {"id": 4242}))
        self.edits = ActivityEdits(
            self.bench.strava,
            self.bench.tokens,
            rules=rules,
            retry_delays=DELAYS,
            clock=self.clock,
            in_flight=lambda: self.in_flight,
        )

    def complete(self, name: str = "a.fit") -> int:
        """Upload a file; the number of its job."""
        return self.bench.complete(name).id

    def state(self, job_id: int) -> list[tuple[FollowUpState, int]]:
        """How far the edits of a job have come, each with its failures."""
        return [(one.state, one.failures) for one in follow_ups.of_job(job_id)]

    def later(self) -> float:
        """The next call, when it is due."""
        at = follow_ups.next_at(FollowUpKind.EDIT)
        self.clock.now = max(self.clock.now, at or 0.0)
        return self.edits()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk without an upload yet."""
    return Desk(tmp_path)


def test_a_completed_upload_is_edited_once(desk: Desk) -> None:
    """With JSON's own booleans; a later edit by hand stays. While it is asked for it is begun, for a crash."""
    job_id = desk.complete()
    asked_in = []
    desk.wire.while_asked = lambda: asked_in.extend(desk.state(job_id))
    assert desk.state(job_id) == [(FollowUpState.OWED, 0)]
    assert desk.edits() == 0.0
    assert desk.edits() == IDLE_SECONDS
    assert asked_in == [(FollowUpState.BEGUN, 0)]
    (request,) = [asked for asked in desk.wire.asked if asked.method == "PUT"]

    assert request.url.path.endswith("/activities/4242")
    assert json.loads(request.content) == {"gear_id": "b12", "hide_from_home": True}
    assert desk.state(job_id) == [(FollowUpState.DONE, 0)]


def test_nothing_is_asked_where_no_rule_sets_anything(tmp_path: Path) -> None:
    """Nor is anything owed any more."""
    desk = Desk(tmp_path, rules=(Rule(Conditions(athlete=("somebody",)), Changes(gear="b12")),))
    job_id = desk.complete()
    assert desk.edits() == 0.0

    assert desk.state(job_id) == []
    assert desk.wire.count(EDIT) == 0


def test_nothing_is_owed_where_the_settings_ask_for_nothing(desk: Desk) -> None:
    """The triggers look at what is wanted; what was owed before goes with it."""
    first = desk.complete()
    follow_ups.want([])
    second = desk.complete("b.fit")

    assert (desk.state(first), desk.state(second)) == ([], [])


def test_a_duplicate_is_left_as_it_is(desk: Desk) -> None:
    """It was made by somebody else, who may have chosen the gear."""
    duplicate = {"id": 77, "error": "a duplicate of activity 99", "status": "error", "activity_id": None}
    desk.wire.to("GET /uploads/N", (200, duplicate))
    job_id = desk.complete()

    assert uploads.get(job_id).error_code == "duplicate"  # type: ignore[union-attr]  # it is there
    assert desk.state(job_id) == []


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"message": "error", "errors": []}),
        (
            400,
            {
                "message": "Bad Request",
                "errors": [{"resource": "Activity", "field": "gear_id", "code": "invalid"}],
            },
        ),
        httpx.ReadTimeout("no answer"),
    ],
)
def test_a_failing_edit_is_tried_again_and_then_given_up_and_told(
    desk: Desk, answer: tuple[int, object] | Exception
) -> None:
    """After each of the delays; the upload stays completed."""
    job_id = desk.complete()
    desk.wire.to(EDIT, answer)
    desk.edits()
    assert desk.state(job_id) == [(FollowUpState.OWED, 1)]
    assert follow_ups.next_at(FollowUpKind.EDIT) == desk.clock.now + DELAYS[0]
    assert desk.edits() == DELAYS[0]
    desk.later()
    desk.later()
    now = snapshot(["me"], Process(1, NOW, "", 0, "", ()), desk.clock.now)

    assert desk.state(job_id) == [(FollowUpState.GIVEN_UP, 3)]
    assert desk.wire.count(EDIT) == 3
    assert [problem.code for problem in now.problems] == ["edit_failed"]
    assert uploads.get(job_id).status is Status.COMPLETED  # type: ignore[union-attr]  # it is there
    desk.wire.to(EDIT, (200, {"id": 4242}))
    desk.complete("b.fit")
    desk.edits()
    assert snapshot(["me"], Process(1, NOW, "", 0, "", ()), desk.clock.now).problems == ()


@pytest.mark.parametrize(
    "answer", [(503, b"<html>"), (429, {"message": "Rate Limit Exceeded", "errors": []})]
)
def test_an_outage_is_not_counted(desk: Desk, answer: tuple[int, object]) -> None:
    """It has nothing to do with the edit."""
    job_id = desk.complete()
    desk.wire.to(EDIT, answer)
    for _ in range(len(DELAYS) + 2):
        desk.later()
    assert desk.state(job_id) == [(FollowUpState.OWED, 0)]
    assert follow_ups.next_at(FollowUpKind.EDIT) == desk.clock.now + OUTAGE_SECONDS
    desk.wire.to(EDIT, (200, {"id": 4242}))
    desk.later()

    assert desk.state(job_id) == [(FollowUpState.DONE, 0)]


def test_an_activity_that_is_gone_needs_no_edit(desk: Desk) -> None:
    """Somebody deleted it on Strava."""
    job_id = desk.complete()
    desk.wire.to(
        EDIT,
        (
            404,
            {
                "message": "Record Not Found",
                "errors": [{"resource": "Activity", "field": "id", "code": "invalid"}],
            },
        ),
    )
    desk.edits()

    assert desk.state(job_id) == []


@pytest.mark.parametrize("sent", [False, True])
def test_fresh_rides_come_first(desk: Desk, sent: bool) -> None:
    """An edit waits while one is due, to be sent or to be looked at."""
    job_id = desk.complete()
    fresh = desk.bench.job("fresh.fit", b"fresh")
    if sent:
        accepted(fresh.id, 78, desk.clock.now)

    assert desk.edits() == TURN_SECONDS
    assert desk.state(job_id) == [(FollowUpState.OWED, 0)]


def test_an_old_ride_does_not_come_first(desk: Desk) -> None:
    """A backlog of thousands takes weeks."""
    job_id = desk.complete()
    a_job(desk.bench.folder / "old.fit", b"old", start=NOW - 2 * 86_400 - 60)
    desk.edits()

    assert desk.state(job_id) == [(FollowUpState.DONE, 0)]


@pytest.mark.parametrize(("left", "in_flight", "edited"), [(2, 0, False), (3, 0, True), (3, 1, False)])
def test_the_last_of_the_rate_limit_is_left_for_rides(
    desk: Desk, left: int, in_flight: int, *, edited: bool
) -> None:
    """An edit counts as a read, and so may each upload that is at work."""
    job_id = desk.complete()
    desk.in_flight = in_flight
    used = RateLimitHeaders(read_limit=(100, 1000), read_usage=(100 - left, 200))
    rate_limits.update(used, desk.clock.now)

    assert desk.edits() == (0.0 if edited else TURN_SECONDS)
    assert desk.state(job_id) == [(FollowUpState.DONE if edited else FollowUpState.OWED, 0)]


def test_an_edit_waits_while_a_breaker_is_open(desk: Desk) -> None:
    """Half open, too: a job is to probe it."""
    job_id = desk.complete()
    trip = BreakerTrip(BreakerName.NETWORK, desk.clock.now, StravaErrorKind.UNREACHABLE, verbatim("words"))
    breakers.open(trip, desk.clock.now)

    assert desk.edits() == TURN_SECONDS
    assert desk.state(job_id) == [(FollowUpState.OWED, 0)]


def test_an_upload_that_is_sent_once_more_owes_its_edit_anew(desk: Desk) -> None:
    """The activity that it had is not edited meanwhile."""
    job_id = desk.complete()
    uploads.requeue(job_id, [Status.COMPLETED], external_id="again")

    assert desk.edits() == 0.0
    assert desk.state(job_id) == []
    assert desk.wire.count(EDIT) == 0


def test_a_crash_between_request_and_answer_sends_it_again(desk: Desk) -> None:
    """Whether it arrived is not known; the same edit twice is one."""
    job_id = desk.complete()
    (owed,) = follow_ups.of_job(job_id)
    follow_ups.begin(owed.id)
    follow_ups.want([FollowUpKind.EDIT])
    desk.edits()

    assert desk.state(job_id) == [(FollowUpState.DONE, 0)]
    assert run("SELECT count(*) FROM follow_up") == [(1,)]


def test_an_edit_waits_while_its_athlete_is_not_connected(desk: Desk) -> None:
    """Nothing is asked, nothing counted."""
    job_id = desk.complete()
    desk.bench.wire.to("POST /oauth/revoke", (200, b""))
    desk.bench.oauth.disconnect("me")

    assert desk.edits() == TURN_SECONDS
    assert desk.state(job_id) == [(FollowUpState.OWED, 0)]
    assert desk.wire.count(EDIT) == 0


def test_an_edit_whose_token_cannot_be_opened_any_more_is_not_counted(desk: Desk) -> None:
    """It is tried again after another sign-in."""
    job_id = desk.complete()
    desk.bench.tokens.use(TokenCipher([new_key()]))
    desk.edits()

    assert desk.state(job_id) == [(FollowUpState.OWED, 0)]
    assert follow_ups.next_at(FollowUpKind.EDIT) == desk.clock.now + OUTAGE_SECONDS
    assert desk.wire.count(EDIT) == 0


def test_a_token_that_strava_refuses_is_refreshed_once_for_an_edit(desk: Desk) -> None:
    """The access token had ended before its time."""
    job_id = desk.complete()
    refusal = (401, refused("Athlete", "access_token", "invalid", "Authorization Error"))
    desk.wire.to(EDIT, refusal, (200, {"id": 4242}))
    desk.edits()

    assert desk.state(job_id) == [(FollowUpState.DONE, 0)]
    first, _, last = desk.wire.asked[-3:]
    assert (first.headers["Authorization"], last.headers["Authorization"]) == (
        "Bearer access-1",
        "Bearer access-2",
    )
