"""An attempt and its athlete's connection: stale tokens, lost permissions, refreshes that fail, other accounts."""

from __future__ import annotations

import httpx
import pytest

from fakes import (
    NOW,
    PROCESSING,
    UPLOADS,
    a_job,
    an_athlete,
    grant,
    refused,
    the,
)
from fitferry.auth.oauth import Callback
from fitferry.core.breaker import BreakerName
from fitferry.core.upload import AuthProblem, Status
from fitferry.storage import accounts, breakers, uploads
from fitferry.uploads.scheduler import select_due
from worker_bench import STALE, Bench


def test_a_stale_token_is_refreshed_once_and_the_request_repeated(bench: Bench) -> None:
    """A 401 that names the token costs no attempt."""
    bench.wire.to("POST /uploads", STALE, (201, PROCESSING))
    job = bench.try_(bench.job())

    assert (job.status, job.failures, bench.wire.count("POST /oauth/token")) == (Status.PROCESSING, 0, 1)
    assert bench.wire.asked[-1].headers["Authorization"] == "Bearer access-2"


@pytest.mark.slow
def test_hours_of_401_cost_nobody_the_sign_in(bench: Bench) -> None:
    """The token endpoint has just confirmed the grant: it is tried again at the pace of an outage."""
    bench.wire.to("POST /uploads", STALE)
    job = bench.job()
    while bench.clock.now < NOW + 4 * 3600:
        bench.later(job)

    assert (the(job.id).status, the(job.id).failures, the(job.id).uncertain) == (Status.PENDING, 0, False)
    assert accounts.get("me").connected
    assert bench.wire.count("POST /uploads") <= 2 * 50
    bench.wire.to("POST /uploads", (201, PROCESSING))
    assert bench.later(job).upload_id == 77


def test_a_missing_permission_disconnects_the_athlete_and_the_job_waits(bench: Bench) -> None:
    """The connection is asked for once, and the upload goes on after it."""
    bench.wire.to("POST /uploads", (401, refused("AccessToken", "activity:write_permission", "missing")))
    job = bench.try_(bench.job())

    assert (job.status, job.failures, job.uncertain) == (Status.PENDING, 0, False)
    assert (accounts.get("me").connected, accounts.get("me").trouble) == (False, AuthProblem.SCOPE)
    assert select_due(["me"], UPLOADS, bench.clock())[0] == []
    bench.wire.to("POST /uploads", (201, PROCESSING))
    an_athlete(bench.tokens)
    assert [job.id] == select_due(["me"], UPLOADS, bench.clock())[0]


def test_a_refused_refresh_disconnects_the_athlete(bench: Bench) -> None:
    """The athlete removed the app on Strava's page."""
    an_athlete(bench.tokens, expires_in=0)
    bench.wire.to("POST /oauth/token", (400, refused("RefreshToken", "refresh_token", "invalid")))
    job = bench.try_(bench.job())

    assert (job.failures, bench.wire.count("POST /uploads")) == (0, 0)
    assert accounts.get("me").trouble == AuthProblem.REVOKED


@pytest.mark.parametrize(("what", "nth"), [("POST /oauth/token", 1), ("POST /uploads", 2)])
def test_who_connects_again_meanwhile_stays_connected(bench: Bench, what: str, nth: int) -> None:
    """Only what Strava has refused is forgotten."""
    an_athlete(bench.tokens, expires_in=0)
    bench.wire.to("POST /uploads", STALE)
    if what == "POST /oauth/token":
        bench.wire.to(what, (400, refused("RefreshToken", "refresh_token", "invalid")))

    def connect() -> None:
        if bench.wire.count(what) == nth:
            an_athlete(bench.tokens)

    bench.wire.while_asked = connect
    job = bench.try_(bench.job())

    assert accounts.get("me").connected
    assert (job.status, job.failures) == (Status.PENDING, 0)


def sign_in(bench: Bench, account: int) -> None:
    """Disconnect, and connect with an account."""
    bench.wire.while_asked = lambda: None
    bench.wire.to("POST /oauth/revoke", (200, b""))
    bench.wire.to("POST /oauth/token", (200, {**grant("access-9", "refresh-9"), "athlete": {"id": account}}))
    bench.oauth.disconnect("me")
    _, state = bench.oauth.consent_url("me", NOW)
    bench.oauth.complete(Callback(state=state, code="c", scope="activity:write,activity:read"), NOW)


@pytest.mark.parametrize("when", ["accepted", "uncertain", "in flight"])
def test_what_one_account_may_have_is_not_sent_to_another(bench: Bench, when: str) -> None:
    """Nobody can look for it any more: a person is told, and decides."""
    bench.wire.to("GET /uploads/N", (404, {}))
    job = bench.job()
    match when:
        case "uncertain":
            bench.wire.to("POST /uploads", httpx.ReadTimeout("silent"))
        case "in flight":
            bench.wire.while_asked = lambda: sign_in(bench, 2002)
    bench.try_(job)
    bench.wire.to("POST /uploads", (201, PROCESSING))
    if when != "in flight":
        sign_in(bench, 2002)
    for _ in range(4):
        job = bench.later(job)

    assert (job.status, job.error_code, bench.wire.count("POST /uploads")) == (
        Status.FAILED,
        "other_account",
        1,
    )
    uploads.requeue(job.id, [Status.FAILED])
    assert bench.later(job).upload_id == 77
    assert bench.wire.asked[-1].headers["Authorization"] == "Bearer access-9"


def test_what_the_same_account_has_taken_is_looked_at_after_a_new_sign_in(bench: Bench) -> None:
    """And what no account can have goes to whichever is connected."""
    accepted, fresh = bench.try_(bench.job()), bench.job("b.fit", b"other")
    sign_in(bench, 1001)
    assert bench.later(accepted).status is Status.COMPLETED
    sign_in(bench, 2002)
    assert bench.later(fresh).upload_id == 77


@pytest.mark.parametrize("answer", [(500, b""), (503, b""), httpx.ReadTimeout("silent"), (429, b"")])
def test_a_refresh_that_fails_makes_no_upload_uncertain(bench: Bench, answer: object) -> None:
    """No byte of the file has left: nothing counts, nothing is in doubt."""
    an_athlete(bench.tokens, expires_in=0)
    bench.wire.to("POST /oauth/token", answer)
    job = bench.try_(bench.job())

    assert (job.failures, job.uncertain, job.sent_at) == (0, False, None)
    assert job.status == Status.PENDING
    assert accounts.get("me").connected


@pytest.mark.parametrize("answer", [(500, b""), (418, {"message": "no tea"}), httpx.ReadTimeout("silent")])
def test_a_refresh_that_fails_is_tried_by_one_job(bench: Bench, answer: object) -> None:
    """A hundred waiting files make one request a probe, at the pace of an outage."""
    an_athlete(bench.tokens, expires_in=0)
    for number in range(20):
        bench.job(f"{number}.fit", b"%d" % number)
    bench.wire.to("POST /oauth/token", answer)
    for probes, pause in ((1, 60), (2, 300), (3, 300)):
        for _ in range(20):
            for job_id in select_due(["me"], UPLOADS, bench.clock())[0][:1]:
                bench.attempt(job_id)
        assert bench.wire.count("POST /oauth/token") == probes
        assert breakers.open_breakers()[BreakerName.NETWORK].until == bench.clock() + pause
        assert breakers.open_breakers()[BreakerName.NETWORK].since == NOW
        bench.clock.forward(pause)
    bench.wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2", NOW + 86_400)))
    bench.attempt(select_due(["me"], UPLOADS, bench.clock())[0][0])

    assert bench.wire.count("POST /uploads") == 1
    assert breakers.open_breakers() == {}


def test_an_athlete_whose_refresh_fails_stops_nobody_else(bench: Bench) -> None:
    """The first success of another closes the breaker, and the one that failed keeps its own wait."""
    an_athlete(bench.tokens, expires_in=0)
    an_athlete(bench.tokens, "you")
    mine = bench.job()
    bench.wire.to("POST /oauth/token", (500, b""))
    bench.try_(mine)
    bench.clock.forward(60)
    bench.try_(a_job(bench.folder / "b.fit", b"b", athlete="you"))
    assert breakers.open_breakers() == {}
    bench.try_(mine)
    bench.try_(a_job(bench.folder / "c.fit", b"c", athlete="you"))

    assert bench.wire.count("POST /oauth/token") == 2
    assert mine.id not in select_due(["me", "you"], UPLOADS, bench.clock())[0]


def test_a_look_at_an_upload_is_made_in_its_athletes_name(bench: Bench) -> None:
    """With the token of the sign-in, like the upload itself."""
    bench.later(bench.try_(bench.job()))

    assert [request.headers["Authorization"] for request in bench.wire.asked] == ["Bearer access-1"] * 2
