"""What is no fault of a file: outages, gateways and refusals stop all jobs together, and one job probes."""

from __future__ import annotations

import httpx
import pytest

from fakes import (
    NOW,
    PROCESSING,
    READY,
    UPLOADS,
    an_athlete,
    grant,
    refused,
    the,
)
from fitferry.core.breaker import BreakerName
from fitferry.core.strava import RateLimitHeaders
from fitferry.core.upload import Status, WaitingFor
from fitferry.storage import accounts, breakers, rate_limits
from fitferry.uploads.scheduler import select_due
from worker_bench import REFUSED, Bench

INACTIVE = (403, refused("Application", "Status", "Inactive"))
GATEWAY = b"<html>Your organisation does not allow this page</html>"


@pytest.mark.parametrize("status", [302, 401, 403])
@pytest.mark.parametrize(
    "request_", ["POST /uploads", "GET /uploads/N", "GET /athlete/activities", "POST /oauth/token"]
)
def test_hours_of_a_gateway_fail_nothing_and_end_no_sign_in(bench: Bench, request_: str, status: int) -> None:
    """What is not in Strava's own form was not said by Strava, whatever the status."""
    job = bench.job()
    match request_:
        case "GET /uploads/N":
            bench.try_(job)
        case "GET /athlete/activities":
            bench.wire.to("POST /uploads", httpx.ReadTimeout("silent"), (201, PROCESSING))
            bench.try_(job)
        case "POST /oauth/token":
            an_athlete(bench.tokens, expires_in=0)
    failures = the(job.id).failures
    bench.wire.to(request_, (status, GATEWAY))
    began, seen = bench.clock.now, set()
    while bench.clock.now < began + 3 * 3600:
        bench.later(job)
        seen |= set(breakers.open_breakers())

    assert (the(job.id).failures, the(job.id).status in {Status.PENDING, Status.PROCESSING}) == (
        failures,
        True,
    )
    assert accounts.get("me").connected
    assert bench.wire.count(request_) <= 3 * 12 + 6
    # Strava has answered before, where it was asked before: then the address cannot be wrong.
    asked_before = request_ in {"POST /uploads", "GET /uploads/N"}
    assert seen == ({BreakerName.NETWORK} if asked_before else {BreakerName.NETWORK, BreakerName.SETTINGS})
    if not asked_before:
        assert breakers.open_breakers()[BreakerName.SETTINGS].code == "wrong_address"
    bench.wire.to(request_, {"GET": (200, READY), "POST": (201, PROCESSING)}[request_.split(maxsplit=1)[0]])
    if request_ == "GET /athlete/activities":
        bench.wire.to(request_, (200, []))
    if request_ == "POST /oauth/token":
        bench.wire.to(request_, (200, grant("access-2", "refresh-2", NOW + 10**6)))
    for _ in range(4):
        bench.later(job)
    assert the(job.id).status is Status.COMPLETED
    assert breakers.open_breakers() == {}


def test_one_file_that_a_firewall_dislikes_stops_nobody_else(bench: Bench) -> None:
    """Once another upload has arrived since its last try, the answer is charged to the file."""
    bad, good = bench.job("bad.fit", b"bad"), bench.job("good.fit", b"good")
    bench.wire.to("POST /uploads", (403, GATEWAY))
    bench.try_(bad)
    bench.wire.to("POST /uploads", (201, PROCESSING))
    bench.clock.forward(60)
    bench.try_(good)
    bench.wire.to("POST /uploads", (403, GATEWAY))
    charged = bench.later(bad)

    assert (charged.failures, charged.own_wait) == (1, WaitingFor.CONFIRM)
    assert breakers.open_breakers() == {}


@pytest.mark.slow
@pytest.mark.parametrize("answer", [(500, {"message": "error"}), (403, {"message": "Forbidden"})])
@pytest.mark.parametrize("scopes", ["read,activity:write", "read,activity:write,activity:read_all"])
def test_an_outage_for_everybody_is_charged_to_no_file(bench: Bench, answer: object, scopes: str) -> None:
    """What several uploads meet in turn with no success between is an outage, however long it lasts."""
    an_athlete(bench.tokens, scopes=scopes)
    jobs = [bench.job(f"{number}.fit", b"%d" % number) for number in range(5)]
    bench.wire.to("POST /uploads", answer)
    while bench.clock.now < NOW + 8 * 3600:
        due, seconds = select_due(["me"], UPLOADS, bench.clock())
        for job_id in due:
            bench.attempt(job_id)
        bench.clock.forward(0 if due else max(seconds, 0.1))

    assert sorted(the(job.id).failures for job in jobs) == [0, 0, 0, 0, 1]
    assert {the(job.id).status for job in jobs} == {Status.PENDING}
    assert bench.wire.count("POST /uploads") <= 8 * 12 + 8
    bench.wire.to("POST /uploads", (201, PROCESSING))
    while any(the(job.id).status is not Status.COMPLETED for job in jobs):
        due, seconds = select_due(["me"], UPLOADS, bench.clock())
        for job_id in due:
            bench.attempt(job_id)
        bench.clock.forward(0 if due else max(seconds, 0.1))
    assert bench.clock.now < NOW + 8 * 3600 + 900


@pytest.mark.parametrize("answer", [(500, {"message": "error"}), (403, {"message": "Forbidden"})])
def test_a_file_alone_fails_by_the_schedule_also_beside_one_that_failed(bench: Bench, answer: object) -> None:
    """Only what is still to be sent can make an outage of it."""
    bench.wire.to("POST /uploads", answer)
    for name in ("a.fit", "b.fit"):
        job = bench.job(name, name.encode())
        for _ in range(7):
            bench.later(job)
        assert the(job.id).status is Status.FAILED


def test_too_many_athletes_is_the_applications_business(bench: Bench) -> None:
    """Its own problem, with Strava's words; nothing counts."""
    bench.wire.to("POST /uploads", (403, {"message": "Limit of connected athletes exceeded"}))
    job = bench.try_(bench.job())
    breaker = breakers.open_breakers()[BreakerName.SETTINGS]

    assert (breaker.code, job.failures) == ("athlete_limit", 0)
    assert "Limit of connected athletes" in str(breaker.message)


def test_an_outage_opens_the_breaker_and_one_job_probes(bench: Bench) -> None:
    """Ten waiting files make one request a probe; the first success releases all."""
    waiting = [bench.job(f"{n}.fit", b"%d" % n) for n in range(10)]
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"))
    bench.try_(waiting[0])
    for job in waiting:
        bench.try_(job)
    assert len(bench.wire.asked) == 1
    assert select_due(["me"], UPLOADS, bench.clock()) == ([], 60.0)

    bench.clock.forward(60)
    assert len(select_due(["me"], UPLOADS, bench.clock())[0]) == 1
    bench.wire.to("POST /uploads", (201, PROCESSING))
    bench.try_(waiting[1])
    assert breakers.open_breakers() == {}
    assert len(select_due(["me"], UPLOADS, bench.clock())[0]) == 3
    assert {0} == {the(job.id).failures for job in waiting}


@pytest.mark.slow
def test_eight_hours_of_outage_fail_nothing(bench: Bench) -> None:
    """A probe at least every five minutes, and never a counted failure."""
    job = bench.job()
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"))
    while bench.clock.now < NOW + 8 * 3600:
        bench.later(job)

    assert (the(job.id).status, the(job.id).failures) == (Status.PENDING, 0)
    assert 97 <= bench.wire.count("POST /uploads") <= 99


def test_a_first_503_is_charged_to_no_file(bench: Bench) -> None:
    """That another upload arrived before it was sent at all says nothing of this one."""
    bench.try_(bench.job("good.fit", b"good"))
    bench.clock.forward(60)
    bench.wire.to("POST /uploads", (503, b""))
    job = bench.try_(bench.job("next.fit", b"next"))

    assert (job.failures, job.uncertain) == (0, True)
    assert BreakerName.NETWORK in breakers.open_breakers()


def test_a_file_that_alone_draws_503_is_charged_and_blocks_nobody(bench: Bench) -> None:
    """Others pass, so the file is the cause: it uses its own schedule up."""
    bad, good = bench.job("bad.fit", b"bad"), bench.job("good.fit", b"good")
    bench.wire.to("POST /uploads", (503, b""))
    bench.try_(bad)
    bench.clock.forward(60)
    bench.wire.to("POST /uploads", (201, PROCESSING), (503, b""))
    assert bench.try_(good).status == Status.PROCESSING
    charged = bench.later(bad)

    assert (charged.failures, charged.uncertain) == (1, True)
    assert breakers.open_breakers() == {}


def test_after_429_nothing_goes_out_until_the_quarter_hour(bench: Bench) -> None:
    """Looks included: nothing at all goes to the API meanwhile."""
    looked_at = bench.try_(bench.job("a.fit", b"a"))
    bench.wire.to("POST /uploads", (429, b""))
    job = bench.try_(bench.job("b.fit", b"b"))
    asked = len(bench.wire.asked)
    bench.clock.forward(600)
    bench.try_(looked_at)
    bench.try_(job)

    assert asked == len(bench.wire.asked)
    assert the(job.id).failures == 0
    bench.wire.to("POST /uploads", (201, PROCESSING))
    assert bench.later(job).status == Status.PROCESSING
    assert breakers.open_breakers() == {}


def test_an_inactive_app_pauses_all_and_is_tried_again_after_an_hour(bench: Bench) -> None:
    """No retries are burnt while the owner sees to the subscription."""
    job = bench.job()
    bench.wire.to("POST /uploads", INACTIVE)
    bench.try_(job)
    breaker = breakers.open_breakers()[BreakerName.SETTINGS]
    assert (breaker.code, breaker.until) == ("app_inactive", NOW + 3600)
    bench.wire.to("POST /uploads", (201, PROCESSING))

    assert bench.later(job).status == Status.PROCESSING
    assert breakers.open_breakers() == {}


def test_a_breaker_that_nobody_is_left_to_probe_closes(bench: Bench) -> None:
    """The only file is gone: the trouble that it met is nobody's any more."""
    job = bench.job()
    bench.wire.to("POST /uploads", INACTIVE)
    bench.try_(job)
    (bench.folder / "a.fit").unlink()
    select_due(["me"], UPLOADS, bench.clock())
    assert BreakerName.SETTINGS in breakers.open_breakers()
    assert bench.later(job).status is Status.HELD
    select_due(["me"], UPLOADS, bench.clock())

    assert breakers.open_breakers() == {}


def test_a_breaker_stays_open_while_somebody_is_left_to_probe_it(bench: Bench) -> None:
    """However long until that one's turn."""
    job = bench.job()
    bench.wire.to("POST /uploads", REFUSED, INACTIVE)
    bench.try_(job)
    bench.try_(bench.job("b.fit", b"b"))
    (bench.folder / "b.fit").unlink()
    bench.clock.forward(3600)
    select_due(["me"], UPLOADS, bench.clock())

    assert BreakerName.SETTINGS in breakers.open_breakers()


def test_a_probe_that_asked_nobody_leaves_the_breaker_to_the_next_job(bench: Bench) -> None:
    """Its file was gone, or its folder away; the lease that it took is given back."""
    gone, next_ = bench.job(), bench.job("b.fit", b"b")
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"), (201, PROCESSING))
    bench.try_(gone)
    bench.clock.forward(60)
    (bench.folder / "a.fit").unlink()
    assert bench.try_(gone).status is Status.HELD

    assert select_due(["me"], UPLOADS, bench.clock())[0] == [next_.id]
    assert bench.try_(next_).status is Status.PROCESSING


@pytest.mark.parametrize("answer", [(500, b""), REFUSED])
def test_any_answer_of_stravas_ends_an_outage(bench: Bench, answer: object) -> None:
    """It need not be a kind one: what is refused shows that Strava can be reached."""
    probe, _ = bench.job(), bench.job("b.fit", b"b")
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"), answer)
    bench.try_(probe)
    bench.later(probe)

    assert breakers.open_breakers() == {}


@pytest.mark.parametrize("requests_left", [True, False])
def test_what_is_no_answer_ends_no_outage(bench: Bench, *, requests_left: bool) -> None:
    """Neither a connection that breaks off, nor a request that was not made for want of room."""
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"), httpx.ReadTimeout("late"))
    job = bench.try_(bench.job())
    if not requests_left:
        rate_limits.update(RateLimitHeaders((200, 2000), (0, 2000), None, None), NOW)
    bench.later(job)

    assert BreakerName.NETWORK in breakers.open_breakers()
    assert bench.wire.count("POST /uploads") == (2 if requests_left else 1)


def test_an_answer_that_is_an_error_does_not_end_a_settings_breaker(bench: Bench) -> None:
    """Strava can be reached, but has served nobody yet."""
    bench.wire.to("POST /uploads", INACTIVE, (500, {"message": "error"}))
    job = bench.try_(bench.job())
    bench.later(job)

    assert set(breakers.open_breakers()) == {BreakerName.SETTINGS}


@pytest.mark.parametrize(
    "first",
    [
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("late"),
        (503, b""),
        (302, b""),
        (403, GATEWAY),
    ],
)
def test_what_is_no_answer_of_stravas_does_not_prove_its_address(bench: Bench, first: object) -> None:
    """After an hour in which only others have answered the address is called wrong."""
    bench.wire.to("POST /uploads", first, (403, GATEWAY))
    bench.wire.to("GET /athlete/activities", (403, GATEWAY))
    job = bench.job()
    while bench.clock.now < NOW + 2 * 3600:
        bench.later(job)

    assert breakers.open_breakers()[BreakerName.SETTINGS].code == "wrong_address"


def test_failures_before_an_upload_that_arrived_make_no_outage(bench: Bench) -> None:
    """The next file that Strava refuses is charged for itself."""
    bad, good, next_ = (bench.job(f"{name}.fit", name.encode()) for name in ("bad", "good", "next"))
    bench.wire.to("POST /uploads", REFUSED, (201, PROCESSING), REFUSED)
    for job in (bad, good, next_):
        bench.try_(job)

    assert (the(next_.id).failures, breakers.open_breakers()) == (1, {})
