"""No attempt asks Strava more than the rate limit leaves, and an import leaves room for today's ride."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from fakes import (
    NOW,
    UPLOADS,
    a_job,
    sending,
    the,
)
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import Status
from fitferry.storage import accounts, attempts, breakers, database, rate_limits
from fitferry.uploads.claims import SHARE
from fitferry.uploads.scheduler import select_due
from worker_bench import STALE, Bench


def test_an_import_leaves_room_for_todays_ride(bench: Bench) -> None:
    """With the reserve reached only fresh activities are dispatched."""
    from fitferry.core.strava import RateLimitHeaders  # noqa: PLC0415  # here alone

    old = a_job(bench.folder / "old.fit", b"old", start=NOW - 365 * 86_400)
    rate_limits.update(RateLimitHeaders((200, 2000), (50, 1965), (100, 1000), (10, 100)), NOW)
    due, seconds = select_due(["me"], UPLOADS, NOW)
    fresh = bench.job("new.fit", b"new")

    assert due == []
    assert seconds <= 903
    assert [fresh.id] == select_due(["me"], UPLOADS, NOW)[0]
    assert the(old.id).status == Status.PENDING


def _listed(day: int, number: int) -> dict[str, object]:
    at = f"2026-09-{day}T0{number // 60}:{number % 60:02}:00Z"
    return {"id": number, "external_id": f"{number}.fit", "start_date": at}


@pytest.mark.parametrize(("used", "dispatched"), [(200, 0), (199, 1), (198, 2), (190, 3)])
def test_no_more_jobs_are_dispatched_than_requests_are_left(bench: Bench, used: int, dispatched: int) -> None:
    """Three workers never share the last request."""
    for number in range(4):
        bench.job(f"{number}.fit", b"%d" % number)
    rate_limits.update(RateLimitHeaders((200, 2000), (used, 300), (100, 1000), (10, 10)), NOW)

    assert len(select_due(["me"], UPLOADS, NOW)[0]) == dispatched


def test_an_import_leaves_requests_over_however_many_jobs_are_dispatched_at_once(bench: Bench) -> None:
    """One request more than the reserve is one old activity, not three; today's rides may have all."""
    old = [a_job(bench.folder / f"{n}.fit", b"old%d" % n, start=NOW - 3 * 86_400 - n).id for n in range(3)]
    rate_limits.update(RateLimitHeaders((200, 2000), (197, 300), (100, 1000), (10, 10)), NOW)
    assert select_due(["me"], UPLOADS, NOW)[0] == old[:1]
    fresh = [bench.job(f"new{n}.fit", b"new%d" % n).id for n in range(3)]

    assert select_due(["me"], UPLOADS, NOW)[0] == fresh


def test_without_a_read_left_an_uncertain_upload_waits_for_the_next_window(bench: Bench) -> None:
    """It would have to be looked for; today's ride is sent all the same."""
    lost, new = bench.job(), bench.job("b.fit", b"b")
    sending(lost.id, NOW)
    attempts.release_interrupted(7200, 60, NOW)
    bench.clock.forward(61)
    rate_limits.update(RateLimitHeaders((200, 2000), (110, 300), (100, 1000), (100, 400)), bench.clock())

    assert select_due(["me"], UPLOADS, bench.clock())[0] == [new.id]
    bench.try_(lost)
    assert bench.wire.asked == []
    bench.clock.forward(900)
    assert lost.id in select_due(["me"], UPLOADS, bench.clock())[0]


def test_the_search_for_a_lost_answer_ends_with_the_last_read(bench: Bench) -> None:
    """It has as many pages as the list, and goes on in the next window."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("late"))
    lost = bench.try_(bench.job())
    pages = [[_listed(day, number) for number in range(200)] for day in (21, 20, 19, 18)]
    bench.wire.to("GET /athlete/activities", *((200, page) for page in pages))
    reads = iter(range(98, 101))
    bench.wire.while_asked = lambda: rate_limits.update(
        RateLimitHeaders(None, (110, 300), None, (next(reads), 400)), bench.clock()
    )
    waiting = bench.later(lost)

    assert bench.wire.count("GET /athlete/activities") == 3
    assert (waiting.status, waiting.uncertain, waiting.failures) == (Status.PENDING, True, 1)


def test_the_search_for_an_old_activity_leaves_what_the_backlog_leaves(bench: Bench) -> None:
    """Its next page costs as much as another upload would."""
    lost = a_job(bench.folder / "old.fit", b"old", start=NOW - 3 * 86_400)
    sending(lost.id, NOW)
    attempts.release_interrupted(7200, 60, NOW)
    bench.clock.forward(61)
    bench.wire.to("GET /athlete/activities", (200, [_listed(18, number) for number in range(200)]))
    rate_limits.update(RateLimitHeaders(None, (197, 300), None, (50, 300)), bench.clock())
    bench.wire.while_asked = lambda: rate_limits.update(
        RateLimitHeaders(None, (198, 301), None, (51, 301)), bench.clock()
    )
    bench.try_(lost)

    assert len(bench.wire.asked) == 1


def test_a_stale_token_costs_no_request_that_is_not_there(bench: Bench) -> None:
    """The repetition waits for the next window, and the refresh with it."""
    rate_limits.update(RateLimitHeaders(None, (199, 300), None, None), NOW)
    bench.wire.to("POST /uploads", STALE)
    bench.wire.while_asked = lambda: rate_limits.update(RateLimitHeaders(None, (200, 301), None, None), NOW)
    job = bench.try_(bench.job())

    assert [request.url.path for request in bench.wire.asked] == ["/api/v3/uploads"]
    assert (job.status, job.failures, job.uncertain) == (Status.PENDING, 0, False)
    assert accounts.get("me").connected


def test_the_last_requests_are_kept_for_the_others_in_flight(bench: Bench) -> None:
    """Whoever begins a request leaves one for each of them."""
    for number in range(2):
        bench.attempt.claims.take(bench.job(f"{number}.fit", b"%d" % number).id)
    rate_limits.update(RateLimitHeaders((200, 2000), (198, 300), None, None), NOW)
    job = bench.try_(bench.job())

    assert (bench.wire.asked, job.status, job.next_attempt_at) == ([], Status.PENDING, 0)
    assert breakers.open_breakers() == {}


def test_no_request_is_one_too_many_however_many_are_at_it(bench: Bench) -> None:
    """Workers side by side, each with a search of two pages: all the reads are used, and not one more."""
    for number in range(6):
        job = bench.job(f"{number}.fit", b"%d" % number)
        sending(job.id, NOW)
    attempts.release_interrupted(7200, 60, NOW)
    bench.clock.forward(61)
    bench.wire.to("GET /athlete/activities", (200, [_listed(21, number) for number in range(200)]))

    def counted() -> None:
        reads = 94 + bench.wire.count("GET /athlete/activities")
        rate_limits.update(RateLimitHeaders(None, (110, 300), None, (reads, 400)), bench.clock())

    bench.wire.while_asked = counted
    rate_limits.update(RateLimitHeaders((200, 2000), (110, 300), (100, 1000), (94, 400)), bench.clock())

    def attempt(job_id: int) -> None:
        bench.attempt(job_id)
        database.database.close()  # the thread's own connection

    while due := select_due(["me"], UPLOADS, bench.clock())[0]:
        workers = [threading.Thread(target=attempt, args=(job_id,)) for job_id in due]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert bench.wire.count("GET /athlete/activities") == 6


def test_no_more_jobs_are_dispatched_than_may_run(bench: Bench) -> None:
    """A backlog of a hundred is three rings at a time."""
    for number in range(100):
        bench.job(f"{number}.fit", b"%d" % number)
    bench.attempt.claims.take(1)
    due, _ = select_due(["me"], UPLOADS, NOW, bench.attempt.claims)

    assert len(due) == 2
    assert 1 not in due


@pytest.mark.parametrize("why", ["limit", "outage", "used up"])
def test_a_backlog_that_may_not_go_on_costs_no_writes(bench: Bench, why: str) -> None:
    """However many wait, and however often somebody looks whether they may."""
    for number in range(50):
        bench.job(f"{number}.fit", f"{number}".encode())
    if why == "used up":
        rate_limits.update(RateLimitHeaders((200, 2000), (200, 300), (100, 1000), (10, 10)), NOW)
    else:
        name = BreakerName.RATE_LIMIT if why == "limit" else BreakerName.NETWORK
        breakers.open(BreakerTrip(name, NOW + 300, StravaErrorKind.UNREACHABLE, verbatim("words")), NOW)
    before = _changes()
    for _ in range(20):
        assert select_due(["me"], UPLOADS, NOW)[0] == []
        assert select_due(["me"], UPLOADS, NOW)[1] >= 300

    assert _changes() == before


def _changes() -> int:
    """How many rows were ever changed through this thread's connection."""
    return int(database.database.connection().total_changes)  # type: ignore[no-untyped-call]  # peewee's


@pytest.mark.parametrize("why_not", ["nobody connected", "breaker", "used up", ""])
def test_a_connection_is_opened_ahead_only_where_a_ride_could_be_sent(bench: Bench, why_not: str) -> None:
    """The first event of a file opens it; what could not be sent costs Strava nothing."""
    match why_not:
        case "nobody connected":
            accounts.disconnect("me")
        case "breaker":
            breakers.open(
                BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, verbatim("words")),
                NOW,
            )
        case "used up":
            rate_limits.update(RateLimitHeaders((200, 2000), (200, 300), None, None), NOW)
    opened: list[bool] = []
    client: Any = SimpleNamespace(is_prepared=lambda: False, prepare_upload=lambda: opened.append(True))
    worker = bench.worker(client)
    worker.prepare_upload()

    assert opened == ([] if why_not else [True])


def test_without_a_read_left_a_ride_may_still_be_sent(bench: Bench) -> None:
    """An upload is none of the reads."""
    rate_limits.update(RateLimitHeaders((200, 2000), (100, 300), (100, 1000), (100, 100)), NOW)
    job = bench.job()
    bench.clock.forward(1)

    assert bench.attempt.can_send("me", job.start_time)


@pytest.mark.parametrize(("others", "sent"), [([], 1), (["other"], 0)])
def test_who_has_had_their_share_leaves_the_reserve_to_others(
    bench: Bench, others: list[str], sent: int
) -> None:
    """Twenty turns in a quarter hour; who is alone may have all that is left."""
    for athlete in [*others, *["me"] * SHARE]:
        bench.attempt.claims.take_turn(athlete, NOW)
    rate_limits.update(RateLimitHeaders((200, 2000), (198, 300), (100, 1000), (10, 10)), NOW)
    job = bench.job()
    bench.clock.forward(1)

    assert bench.attempt.can_send("me", job.start_time) is (sent == 1)
    bench.try_(job)
    assert bench.wire.count("POST /uploads") == sent
