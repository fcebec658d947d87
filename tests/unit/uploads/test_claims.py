"""Whose is a job? People decide, databases fail and clocks jump in the middle of attempts, and nothing goes up twice."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from fakes import ADMISSION, NOW, PROCESSING, UPLOADS, a_job, admit_file, an_athlete, recorded, sending, the
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    FileKind,
    NewActivity,
    ParseResult,
    Stability,
    StatFingerprint,
)
from fitferry.core.rate_limit import QUARTER
from fitferry.core.strava import RateLimitHeaders
from fitferry.core.upload import AttemptResult, ErrorCode, Job, Outcome, Status, WaitingFor
from fitferry.storage import activities, attempts, holds, rate_limits, uploads
from fitferry.storage.database import DatabaseError
from fitferry.storage.seen_files import File
from fitferry.uploads.claims import Claims
from fitferry.uploads.commands import Actions
from fitferry.uploads.scheduler import select_due
from ledger_statements import failing, full_disk
from worker_bench import Bench

OLD = NOW - 400 * 86_400
ONE = replace(UPLOADS, max_concurrent=1)


def old_rides(bench: Bench, count: int = 25) -> list[Job]:
    """Old rides that wait for a decision."""
    return [_held(bench.folder / f"{n}.fit", OLD - n * 1e4) for n in range(count)]


def _held(path: Path, start: float) -> Job:
    path.write_bytes(path.name.encode())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = ParseResult(
        FileKind.ACTIVITY, "fit", ActivityFacts(kind="activity", start_time=start, elapsed_s=60)
    )
    file = File("me", str(path), digest, 5, StatFingerprint.of(path.stat()))
    ((job_id, _),) = activities.admit(
        file, [NewActivity(digest, found, AdmissionDecision(Status.HELD, ErrorCode.BACKLOG))], NOW
    )
    return the(job_id)


def person(bench: Bench) -> Actions:
    """Somebody at the page."""
    settings: Any = SimpleNamespace(athletes=("me",))
    return Actions(settings, wake=lambda: None, clock=bench.clock)


def test_a_decision_in_the_middle_of_a_look_takes_no_worker_away(bench: Bench) -> None:
    """Dismissed while the list is asked for: the place is free afterwards, for the ride of today."""
    rides = old_rides(bench)
    bench.wire.while_asked = lambda: holds.dismiss_all(ErrorCode.BACKLOG)
    bench.attempt(rides[0].id)
    bench.wire.while_asked = lambda: None
    fresh = bench.job("fresh.fit", b"fresh")

    assert (the(rides[0].id).status, bench.attempt.claims.count()) == (Status.SKIPPED, 0)
    assert [fresh.id] == select_due(["me"], ONE, NOW)[0]


def test_what_is_let_go_in_the_middle_of_a_look_is_sent_once(bench: Bench) -> None:
    """The look has the claim: the attempt that begins meanwhile does nothing, and the next one sends."""
    (ride,) = old_rides(bench, 1)

    def meanwhile() -> None:
        if bench.wire.asked[-1].method == "GET":
            uploads.requeue(ride.id, [Status.HELD])
            bench.attempt(ride.id)

    bench.wire.while_asked = meanwhile
    bench.attempt(ride.id)
    assert (the(ride.id).status, bench.wire.count("POST /uploads")) == (Status.PENDING, 0)
    bench.wire.while_asked = lambda: None
    bench.attempt(ride.id)

    assert (the(ride.id).upload_id, the(ride.id).status) == (77, Status.PROCESSING)
    assert bench.wire.count("POST /uploads") == 1


@pytest.mark.parametrize("decide", ["dismiss", "requeue"])
def test_who_decides_while_a_body_leaves_is_not_overruled(bench: Bench, decide: str) -> None:
    """The row's revision was raised: what the attempt comes to is not written over the decision."""
    job = bench.job()

    def meanwhile() -> None:
        if decide == "dismiss":
            recorded(job.id, AttemptResult(Outcome.FAILED, Status.FAILED, uncertain=True))
            uploads.dismiss(job.id)
        else:
            recorded(job.id, AttemptResult(Outcome.FAILED, Status.FAILED, uncertain=True))
            uploads.requeue(job.id, [Status.FAILED])

    bench.wire.while_asked = meanwhile
    bench.attempt(job.id)

    expected = Status.SKIPPED if decide == "dismiss" else Status.PENDING
    assert (the(job.id).status, the(job.id).upload_id, the(job.id).uncertain) == (expected, None, True)
    assert bench.attempt.claims.count() == 0


def test_athletes_take_turns(bench: Bench) -> None:
    """A zip of hundreds of rides does not put another athlete's ride at its end."""
    an_athlete(bench.tokens, "you")
    for number in range(60):
        a_job(bench.folder / f"{number}.fit", b"%d" % number, start=NOW - 60 - number)
    theirs = a_job(bench.folder / "theirs.fit", b"theirs", athlete="you", start=NOW - 86_400)
    claims, order = bench.attempt.claims, []
    while theirs.id not in order:
        due, _ = select_due(["me", "you"], ONE, bench.clock(), claims)
        bench.attempt(due[0])
        order.append(due[0])

    assert len(order) <= 2


def test_an_athlete_with_very_many_rides_leaves_some_of_the_rate_limit(bench: Bench) -> None:
    """Not all of the quarter hour is used up before another athlete's ride comes."""
    an_athlete(bench.tokens, "you")
    claims = bench.attempt.claims
    claims.take_turn("you", NOW)
    for number in range(40):
        a_job(bench.folder / f"{number}.fit", b"%d" % number, start=NOW - 60 - number)
    rate_limits.update(RateLimitHeaders((200, 2000), (170, 300), (100, 1000), (10, 10)), NOW)

    def counted() -> None:
        used = 170 + bench.wire.count("POST /uploads")
        rate_limits.update(RateLimitHeaders((200, 2000), (used, 300), None, None), NOW)

    bench.wire.while_asked = counted
    while due := select_due(["me", "you"], ONE, NOW, claims)[0]:
        bench.attempt(due[0])
    assert bench.wire.count("POST /uploads") == 28
    fresh = a_job(bench.folder / "theirs.fit", b"theirs", athlete="you", start=NOW - 60)

    assert select_due(["me", "you"], ONE, NOW, claims)[0] == [fresh.id]
    assert bench.try_(fresh).upload_id == 77


def test_a_fresh_ride_never_waits_for_somebody_elses_backlog(bench: Bench) -> None:
    """However many old ones there are, and whoever's turn it is."""
    an_athlete(bench.tokens, "you")
    for number in range(5):
        a_job(bench.folder / f"{number}.fit", b"%d" % number, start=NOW - 5 * 86_400 - number)
    claims = bench.attempt.claims
    claims.take_turn("you", NOW)
    fresh = a_job(bench.folder / "theirs.fit", b"theirs", athlete="you", start=NOW - 60)

    assert select_due(["me", "you"], ONE, NOW, claims)[0] == [fresh.id]


def test_a_claim_that_was_lost_sends_nothing(bench: Bench) -> None:
    """It is looked at once more, just before the body would leave: a person has decided while the token was refreshed."""
    an_athlete(bench.tokens, expires_in=10)
    job = bench.job()

    def decide() -> None:
        uploads.requeue(job.id, [Status.PENDING])

    bench.wire.while_asked = decide
    bench.attempt(job.id)

    assert bench.wire.count("POST /uploads") == 0
    assert not the(job.id).uncertain


@pytest.mark.parametrize("scopes", ["read,activity:write", "read,activity:write,activity:read_all"])
def test_upload_now_does_not_hurry_what_may_have_arrived(bench: Bench, scopes: str) -> None:
    """It is looked for, or sent again, no sooner than it would have been."""
    an_athlete(bench.tokens, scopes=scopes)
    bench.wire.to("POST /uploads", httpx.ReadTimeout("no answer"), (201, PROCESSING))
    job = bench.try_(bench.job())
    person(bench).upload(job.activity_id)
    bench.try_(job)

    assert (the(job.id).next_attempt_at, the(job.id).own_wait) == (NOW + 60, WaitingFor.CONFIRM)
    assert bench.wire.count("POST /uploads") == 1


def test_what_was_given_up_unseen_is_looked_for_when_that_becomes_possible(bench: Bench) -> None:
    """Without the permission to read nobody could look; with it the list is asked before anything is sent."""
    an_athlete(bench.tokens, scopes="read,activity:write")
    bench.wire.to("POST /uploads", httpx.ReadTimeout("no answer"))
    job = bench.job()
    while the(job.id).status is not Status.FAILED:
        bench.later(job)
    an_athlete(bench.tokens)
    posts = bench.wire.count("POST /uploads")
    bench.wire.to("POST /uploads", (201, PROCESSING))
    person(bench).retry(job.id)
    bench.later(job)

    asked = [f"{one.method} {one.url.path}" for one in bench.wire.asked]
    assert posts + 1 == bench.wire.count("POST /uploads")
    assert asked[-2].endswith("/athlete/activities")


@pytest.mark.parametrize("step", [-3600.0, -0.5, 0.0, 3600.0])
def test_a_clock_that_steps_while_a_body_leaves_hides_nothing(bench: Bench, step: float) -> None:
    """What was sent when the process died is uncertain, whatever the times say."""
    job, now = bench.job(), NOW + min(step, 0)
    sending(job.id, NOW + step)
    attempts.release_interrupted(7200, 60, now)

    assert (the(job.id).uncertain, the(job.id).own_wait) == (True, WaitingFor.CONFIRM)
    assert the(job.id).next_attempt_at == now + 60


def test_bytes_that_were_overwritten_and_are_elsewhere_too_go_up(bench: Bench, ride: Any) -> None:
    """A device renamed the old ride before it wrote the new one under its name."""
    first, second = ride(serial=1), ride(serial=2)
    a, b = bench.folder / "activity.fit", bench.folder / "activity.1.fit"
    a.write_bytes(first)
    admit_file(str(a), "me", ADMISSION, NOW, Stability.CLOSED)
    a.rename(b)
    admit_file(str(b), "me", ADMISSION, NOW, Stability.CLOSED)
    a.write_bytes(second)
    admit_file(str(a), "me", ADMISSION, NOW, Stability.CLOSED)
    for body in (first, second):
        job = uploads.of_bytes("me", hashlib.sha256(body).hexdigest())
        assert job is not None
        assert bench.try_(job).upload_id == 77


@pytest.mark.parametrize("is_planned", [True, False])
def test_a_claim_that_the_database_lost_is_swept_up(bench: Bench, *, is_planned: bool) -> None:
    """Whichever statement fails, the job is tried again without a restart, and no worker's place is lost."""
    for passes in itertools.count():
        job = bench.job(f"{passes}.fit", b"%d" % passes)
        unplanned = [] if is_planned else [ZeroDivisionError("nobody planned that")]
        bench.wire.to("POST /uploads", *unplanned, (201, {**PROCESSING, "id": 77 + passes}))
        left = iter(range(passes))
        with failing(partial(exhausted, left)), contextlib.suppress(DatabaseError):
            bench.attempt(job.id)
        bench.attempt.write_unwritten()
        assert bench.attempt.claims.count() == 0
        bench.later(job)
        if not is_planned and the(job.id).upload_id is None:
            bench.later(job)
        assert the(job.id).upload_id == 77 + passes
        if not exhausted(left):
            break

    assert passes > 5


def exhausted(left: Iterator[int], _statement: str = "") -> bool:
    """Whether no statement more may pass; one does."""
    return next(left, None) is None


def test_an_upload_is_not_forgotten_with_a_breaker_that_cannot_be_closed(bench: Bench) -> None:
    """What Strava took is written later: it is not sent again, nor looked for."""
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"), (201, PROCESSING))
    job = bench.try_(bench.job())
    bench.clock.forward(3600)
    with (
        failing(lambda statement: "breaker" in statement and len(bench.wire.asked) == 2),
        pytest.raises(DatabaseError),
    ):
        bench.attempt(job.id)
    bench.attempt.write_unwritten()

    assert the(job.id).upload_id == 77
    assert len(bench.wire.asked) == 2


def test_a_look_whose_end_could_not_be_written_is_swept_up(bench: Bench) -> None:
    """The held ride keeps its place, and the worker is free."""
    rides = old_rides(bench)
    with full_disk(), pytest.raises(DatabaseError):
        bench.attempt(rides[0].id)
    bench.attempt.write_unwritten()

    assert (bench.attempt.claims.count(), the(rides[0].id).status) == (0, Status.HELD)


def test_no_claim_is_swept_up_that_somebody_works_on(bench: Bench) -> None:
    """However often somebody looks meanwhile."""
    job = bench.job()

    def meanwhile() -> None:
        bench.attempt.write_unwritten()

    bench.wire.while_asked = meanwhile
    bench.attempt(job.id)

    assert the(job.id).upload_id == 77


def test_a_folder_that_is_away_costs_one_write_and_holds_nobody_up(bench: Bench) -> None:
    """Thousands wait in it; the older ride of another folder goes up; all go on when it is back."""
    nas = bench.folder.parent / "nas"
    nas.mkdir()
    waiting = [a_job(nas / f"{n}.fit", b"%d" % n, start=NOW - 100 - n) for n in range(50)]
    other = a_job(bench.folder / "old.fit", b"old", start=NOW - 5000)
    nas.rename(nas.with_name("off"))
    dispatched = 0
    while the(other.id).upload_id is None:
        due, _ = select_due(["me"], ONE, bench.clock())
        dispatched += len(due)
        for job_id in due:
            bench.attempt(job_id)

    assert dispatched == 2
    assert {the(job.id).own_wait for job in waiting} == {WaitingFor.FILE}
    nas.with_name("off").rename(nas)
    uploads.folder_is_back(nas)
    assert bench.try_(waiting[0]).upload_id == 77


def test_an_athlete_leaves_a_share_to_others_only_where_there_are_some() -> None:
    """After twenty turns in a quarter hour; the next one begins anew."""
    claims = Claims()
    for _ in range(20):
        claims.take_turn("me", NOW)
    assert not claims.has_had_share("me", NOW)
    claims.take_turn("kim", NOW)

    assert claims.has_had_share("me", NOW)
    assert not claims.has_had_share("kim", NOW)
    assert not claims.has_had_share("me", NOW + QUARTER)


def test_a_share_is_twenty_turns() -> None:
    """One less is none."""
    claims = Claims()
    claims.take_turn("kim", NOW)
    for _ in range(19):
        claims.take_turn("me", NOW)

    assert not claims.has_had_share("me", NOW)


def test_a_share_is_of_one_quarter_hour() -> None:
    """In the next one it begins anew."""
    claims = Claims()
    claims.take_turn("you", NOW)
    for _ in range(20):
        claims.take_turn("me", NOW)
    claims.take_turn("me", NOW + QUARTER)

    assert not claims.has_had_share("me", NOW + QUARTER)
