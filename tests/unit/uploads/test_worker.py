"""One attempt after the other: claim, ask Strava, write down what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from fakes import (
    ADMISSION,
    NOW,
    PROCESSING,
    READY,
    UPLOADS,
    InlineFolders,
    a_job,
    an_athlete,
    grant,
    refused,
    sending,
    strava,
    the,
)
from fitferry.auth.oauth import Callback
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import uploads as uploads_said
from fitferry.core.messages import verbatim
from fitferry.core.rules import Changes, Conditions, Rule
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import AuthProblem, Status, WaitingFor
from fitferry.inbox import admission
from fitferry.storage import accounts, attempts, breakers, database, queries, rate_limits, uploads
from fitferry.storage.database import DatabaseError
from fitferry.uploads.claims import SHARE
from fitferry.uploads.scheduler import select_due
from fitferry.uploads.worker import UploadWorker
from ledger_statements import failing
from worker_bench import Bench

STALE = (401, refused("Athlete", "access_token", "invalid"))
REFUSED = (422, {"message": "Unprocessable"})
INACTIVE = (403, refused("Application", "Status", "Inactive"))


@pytest.fixture
def bench(ledger: Path, tmp_path: Path) -> Bench:
    """A bench on an empty ledger."""
    assert ledger.exists()
    folder = tmp_path / "rides"
    folder.mkdir()
    return Bench(folder)


def test_a_file_is_sent_then_looked_at_then_done(bench: Bench) -> None:
    """Two requests for one activity, and no worker held in between."""
    accepted = bench.try_(bench.job())
    assert (
        accepted.status,
        accepted.own_wait,
        accepted.upload_id,
    ) == (Status.PROCESSING, WaitingFor.PROCESSING, 77)
    assert accepted.next_attempt_at == NOW + 2
    done = bench.later(accepted)

    assert (done.status, done.strava_activity_id) == (Status.COMPLETED, 4242)
    assert [request.method for request in bench.wire.asked] == ["POST", "GET"]


def test_what_the_rules_say_goes_with_the_upload(bench: Bench) -> None:
    """Name, type and marks need no second request."""
    rules = [
        Rule(
            Conditions(file=("*.fit",)),
            Changes(name="Ride {file}", sport_type="VirtualRide", trainer=True),
        )
    ]
    attempt = UploadWorker(
        strava(bench.wire),
        bench.tokens,
        uploads=UPLOADS,
        archives=[],
        folders=InlineFolders(),
        rules=rules,
        clock=bench.clock,
    )
    attempt(bench.job().id)
    body = bench.wire.asked[0].content

    for name, value in ((b"name", b"Ride a"), (b"sport_type", b"VirtualRide"), (b"trainer", b"1")):
        assert b'name="%s"\r\n\r\n%s\r\n' % (name, value) in body
    assert b'name="commute"' not in body


def test_what_is_about_to_be_sent_is_written_down_before(bench: Bench) -> None:
    """A kill in the middle of the body leaves a trace that the next start can judge."""
    job = bench.job()
    seen: list[float | None] = []
    bench.wire.while_asked = lambda: seen.append(the(job.id).sent_at)
    bench.try_(job)

    assert seen == [NOW]


def test_a_ring_for_a_job_that_is_not_due_asks_nobody(bench: Bench) -> None:
    """Doorbells may ring twice."""
    accepted = bench.try_(bench.job())
    bench.try_(accepted)

    assert len(bench.wire.asked) == 1


def test_a_duplicate_is_completed_with_stravas_id(bench: Bench) -> None:
    """Whoever brought it there."""
    bench.wire.to("GET /uploads/N", (200, {**PROCESSING, "error": "x duplicate of activity 99"}))
    done = bench.later(bench.try_(bench.job()))

    assert (done.status, done.strava_activity_id, done.error_code) == (Status.COMPLETED, 99, "duplicate")


def test_a_lost_answer_is_looked_up_and_found(bench: Bench) -> None:
    """With a read scope nothing is sent twice: the activity carries our external id."""
    job = bench.job()
    bench.wire.to("POST /uploads", httpx.ReadTimeout("silent"))
    lost = bench.try_(job)
    listed = {
        "id": 4242,
        "external_id": f"{job.sha256}.fit",
        "start_date": "2026-09-21T12:00:00Z",
        "elapsed_time": 1,
    }
    bench.wire.to("GET /athlete/activities", (200, [{**listed, "id": 1, "external_id": "other.fit"}, listed]))
    assert (lost.uncertain, lost.own_wait, lost.next_attempt_at) == (True, WaitingFor.CONFIRM, NOW + 60)
    done = bench.later(lost)

    assert (done.status, done.strava_activity_id) == (Status.COMPLETED, 4242)
    assert bench.wire.count("POST /uploads") == 1


def test_a_lost_answer_is_found_behind_hundreds_of_other_activities(bench: Bench) -> None:
    """A club's account, or a storm: the list has pages, and all of them are looked through."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("late"))
    lost = bench.try_(bench.job())
    page = [
        {
            "id": n,
            "external_id": f"other{n}.fit",
            "start_date": f"2026-09-21T{n // 60:02}:{n % 60:02}:00Z",
            "elapsed_time": 1,
        }
        for n in range(200)
    ]
    ours = {
        "id": 4242,
        "external_id": f"{lost.external_id}.fit",
        "start_date": "2026-09-20T23:00:00Z",
        "elapsed_time": 1,
    }
    bench.wire.to("GET /athlete/activities", (200, page), (200, [ours]))

    assert bench.later(lost).strava_activity_id == 4242
    assert [request.method for request in bench.wire.asked] == ["POST", "GET", "GET"]


def test_a_lost_upload_is_sent_again_under_the_same_id(bench: Bench) -> None:
    """What is not found was not accepted; if it was after all, Strava answers that it is a duplicate."""
    bench.wire.to("POST /uploads", httpx.ReadError("reset"), (201, PROCESSING))
    bench.later(bench.try_(bench.job()))
    first, second = (request for request in bench.wire.asked if request.url.path.endswith("/uploads"))

    assert bench.wire.count("GET /athlete/activities") == 1
    assert _external_id(first) == _external_id(second)


def _external_id(request: httpx.Request) -> bytes:
    return request.content.split(b'name="external_id"', 1)[1].split(b"--", 1)[0]


def test_without_a_read_scope_an_uncertain_upload_is_sent_after_the_wait(bench: Bench) -> None:
    """Nobody may look, so the same bytes go out with the same id, and Strava tells."""
    an_athlete(bench.tokens, scopes="read,activity:write")
    bench.wire.to("POST /uploads", httpx.ReadError("reset"), (201, PROCESSING))
    bench.later(bench.try_(bench.job()))

    assert (bench.wire.count("GET /athlete/activities"), bench.wire.count("POST /uploads")) == (0, 2)


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


def test_an_upload_without_a_number_is_sent_five_times_at_most(bench: Bench) -> None:
    """Without an id nobody can ask about it: each time counts."""
    bench.wire.to("POST /uploads", (201, {**PROCESSING, "id": None}))
    job = bench.job()
    for _ in range(60):
        bench.later(job)

    assert (the(job.id).status, bench.wire.count("POST /uploads")) == (Status.FAILED, 5)


def test_a_refusal_without_a_number_is_final(bench: Bench) -> None:
    """Strava says what is wrong with the file, and names no upload."""
    bench.wire.to("POST /uploads", (201, {**PROCESSING, "id": None, "error": "The file is malformed."}))
    job = bench.try_(bench.job())

    assert (job.status, job.error_code, job.upload_id) == (Status.FAILED, "rejected", None)


def test_one_failed_look_while_strava_processes_lets_no_other_job_wait(bench: Bench) -> None:
    """Questions that fail are counted by themselves, however often was looked before."""
    job = bench.try_(bench.job())
    bench.wire.to("GET /uploads/N", (200, PROCESSING))
    for _ in range(20):
        job = bench.later(job)
    bench.wire.to("GET /uploads/N", httpx.ReadTimeout("slow"), (200, PROCESSING), httpx.ReadTimeout("slow"))
    waits = []
    for _ in range(4):
        job = bench.later(job)
        waits.append(job.next_attempt_at - bench.clock())

    assert waits == [60, 30, 60, 300]


def test_too_many_athletes_is_the_applications_business(bench: Bench) -> None:
    """Its own problem, with Strava's words; nothing counts."""
    bench.wire.to("POST /uploads", (403, {"message": "Limit of connected athletes exceeded"}))
    job = bench.try_(bench.job())
    breaker = breakers.open_breakers()[BreakerName.SETTINGS]

    assert (breaker.code, job.failures) == ("athlete_limit", 0)
    assert "Limit of connected athletes" in str(breaker.message)


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


def test_the_schedule_ends_in_failed(bench: Bench) -> None:
    """1 min, 5 min, 30 min, 2 h, then failed with four retries begun."""
    job = bench.job()
    bench.wire.to("POST /uploads", REFUSED)
    waits = []
    for _ in range(5):
        bench.later(job)
        waits.append(the(job.id).next_attempt_at - bench.clock())

    assert waits[:4] == [60, 300, 1800, 7200]
    assert (
        the(job.id).status,
        the(job.id).retry_count,
        bench.wire.count("POST /uploads"),
    ) == (Status.FAILED, 4, 5)


def test_the_last_look_saves_an_uncertain_job_from_failing(bench: Bench) -> None:
    """Every answer was lost, and the last upload had arrived."""
    job = bench.job()
    bench.wire.to("POST /uploads", (500, b""))
    for _ in range(5):
        bench.later(job)
    assert the(job.id).status == Status.PENDING
    listed = {
        "id": 4242,
        "external_id": f"{job.sha256}.fit",
        "start_date": "2026-09-21T12:00:00Z",
        "elapsed_time": 1,
    }
    bench.wire.to("GET /athlete/activities", (200, [listed]))

    assert bench.later(job).status == Status.COMPLETED


def test_an_accepted_upload_is_looked_at_for_as_long_as_it_takes(bench: Bench) -> None:
    """Whatever the looks meet, the file is never sent again."""
    job = bench.try_(bench.job())
    for answer in [
        (500, b""),
        (503, b""),
        httpx.ReadTimeout("slow"),
        (200, b"<html>"),
        (200, PROCESSING),
        (429, b""),
    ]:
        bench.wire.to("GET /uploads/N", answer)
        job = bench.later(job)
        assert (job.upload_id, job.failures) == (77, 0)
    bench.wire.to("GET /uploads/N", (200, READY))

    assert bench.later(job).status == Status.COMPLETED
    assert bench.wire.count("POST /uploads") == 1


def test_a_file_that_changed_is_admitted_anew_and_the_old_job_skipped(
    bench: Bench, ride: Callable[..., bytes]
) -> None:
    """The bytes that are sent are the bytes that were hashed, never others."""
    job = bench.job()
    (bench.folder / "a.fit").write_bytes(ride())
    old = bench.try_(job)
    admission.admit(str(bench.folder / "a.fit"), "me", ADMISSION, NOW)

    assert (old.status, old.error_code) == (Status.SKIPPED, "replaced")
    assert [job.status for job in queries.listed()] == [Status.PENDING]
    assert bench.wire.asked == []


def test_that_a_file_changed_after_it_may_have_arrived_is_said(
    bench: Bench, ride: Callable[..., bytes]
) -> None:
    """Its bytes are gone, so it can only be looked for on Strava by a person."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("silent"))
    job = bench.job()
    assert bench.try_(job).uncertain
    (bench.folder / "a.fit").write_bytes(ride())
    old = bench.later(job)

    assert (old.status, old.error_code) == (Status.SKIPPED, "replaced")
    assert old.error_message is not None
    assert old.error_message.code == uploads_said.FILE_CHANGED_AFTER.code


def test_a_file_that_was_renamed_is_found_under_its_other_name(bench: Bench) -> None:
    """Any path with these bytes will do."""
    job = bench.job()
    a_job(bench.folder / "copy.fit")
    (bench.folder / "a.fit").unlink()

    assert bench.try_(job).status == Status.PROCESSING
    assert str(bench.folder / "copy.fit") == the(job.id).path


def test_a_file_that_is_gone_is_held(bench: Bench) -> None:
    """It waits for a person; when it comes back it goes on."""
    job = bench.job()
    (bench.folder / "a.fit").unlink()

    assert (bench.try_(job).status, the(job.id).error_code) == (Status.HELD, "file_gone")


def test_a_folder_that_is_away_is_waited_for(bench: Bench) -> None:
    """A NAS that is off is no reason to give anything up, and counts for nothing."""
    job = bench.job()
    bench.folder.rename(bench.folder.with_name("away"))
    waiting = bench.try_(job)
    bench.folder.with_name("away").rename(bench.folder)

    assert (waiting.status, waiting.own_wait, waiting.failures) == (Status.PENDING, WaitingFor.FILE, 0)
    assert bench.later(job).status == Status.PROCESSING


def test_a_surprise_counts_and_frees_the_worker(bench: Bench) -> None:
    """The traceback is logged, the job goes on by the schedule."""
    bench.wire.to("POST /uploads", ZeroDivisionError("a bug"))
    job = bench.try_(bench.job())

    assert (job.failures, job.error_code, job.uncertain) == (1, "surprise", True)


def test_a_surprise_while_a_lost_answer_is_looked_for_drops_no_doubt(bench: Bench) -> None:
    """Nothing was sent this time, but it may have arrived before."""
    bench.wire.to("POST /uploads", (500, b""))
    job = bench.try_(bench.job())
    bench.wire.to("GET /athlete/activities", ZeroDivisionError("a bug"))
    job = bench.later(job)

    assert (job.error_code, job.uncertain, job.own_wait) == ("surprise", True, WaitingFor.CONFIRM)


def test_an_outcome_that_could_not_be_written_is_written_later(bench: Bench) -> None:
    """The disk was full when Strava's answer came: the answer is not forgotten."""
    job = bench.job()
    with failing(lambda _statement: bench.wire.count("POST /uploads")), pytest.raises(DatabaseError):
        bench.attempt(job.id)
    assert bench.attempt.claims.held() == {job.id}
    bench.attempt(job.id)
    assert bench.wire.count("POST /uploads") == 1
    assert bench.attempt.write_unwritten()
    assert not bench.attempt.write_unwritten()

    assert (
        the(job.id).status,
        the(job.id).upload_id,
        bench.attempt.claims.count(),
    ) == (Status.PROCESSING, 77, 0)
    assert bench.later(job).status is Status.COMPLETED


def test_what_was_accepted_is_certain_also_where_nothing_more_can_be_read(bench: Bench) -> None:
    """It has Strava's number: whatever was doubted before, it is looked at and not looked for."""
    job = bench.job()
    bench.wire.to("POST /uploads", httpx.ReadTimeout("no answer"), (201, PROCESSING))
    assert bench.try_(job).uncertain
    with failing(
        lambda statement: "upload_id IS NOT NULL" in statement and bench.wire.count("POST /uploads") == 2
    ):
        bench.clock.now = the(job.id).next_attempt_at + 600
        bench.try_(job)

    assert (the(job.id).upload_id, the(job.id).uncertain, the(job.id).own_wait) == (
        77,
        False,
        WaitingFor.RETRY,
    )
    assert bench.wire.count("POST /uploads") == 2


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


def test_a_clock_that_steps_back_parks_nothing(bench: Bench) -> None:
    """It was hours ahead until it was set: neither a job's wait nor a breaker lasts for those hours."""
    hours = 9 * 3600
    bench.clock.now = NOW + hours
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"), REFUSED)
    job = bench.try_(bench.job())
    assert BreakerName.NETWORK in breakers.open_breakers()
    bench.clock.now = NOW
    assert select_due(["me"], UPLOADS, NOW)[1] <= 60
    bench.clock.now = NOW + hours + 60
    assert bench.try_(job).next_attempt_at > NOW + hours
    bench.clock.now = NOW - 86_400

    assert select_due(["me"], UPLOADS, bench.clock())[1] <= 7200
    assert the(job.id).next_attempt_at == NOW - 86_400 + 7200


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


def test_a_404_for_every_upload_ends_in_failed(bench: Bench) -> None:
    """Strava takes the file and never knows it: each time counts, with a wait before the next."""
    bench.wire.to("GET /uploads/N", (404, {}))
    job = bench.job()
    for _ in range(60):
        bench.later(job)

    assert (the(job.id).status, the(job.id).error_code) == (Status.FAILED, "upload_unknown")
    assert bench.wire.count("POST /uploads") == 5


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


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata"])
def test_no_time_zone_and_no_change_of_its_clocks_moves_a_retry(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Delays are seconds; the hour that a night in March lacks is none of ours."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for night in (1_774_746_000.0, 1_792_888_200.0):  # around the changes of 2026-03-29 and 2026-10-25
            bench.clock.now = night
            bench.wire.to("POST /uploads", (500, {}))
            job = bench.try_(bench.job(f"{night:.0f}.fit", f"{night}".encode()))
            assert job.next_attempt_at - night == 60
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_day_asleep_changes_nothing_but_the_time(bench: Bench) -> None:
    """A laptop that was closed: what was due is tried, the windows have begun anew."""
    bench.wire.to("POST /uploads", (500, {}), (201, PROCESSING))
    job = bench.try_(bench.job())
    bench.clock.forward(86_400)

    assert select_due(["me"], UPLOADS, bench.clock())[0] == [job.id]
    assert bench.try_(job).upload_id == 77


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


def _heard(seconds_ahead: float) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Strava's answer to a request without a token, by a clock that differs from ours."""
    date = format_datetime(datetime.fromtimestamp(NOW + seconds_ahead, UTC), usegmt=True)
    return 401, refused("Athlete", "access_token", "invalid"), {"Date": date}


@pytest.mark.parametrize("days", [-30, 20, 400])
def test_what_our_clock_alone_called_fresh_is_not_sent_if_stravas_calls_it_old(
    bench: Bench, days: int
) -> None:
    """Nor what lies in the future by that; nobody's history goes up unasked because a device starts without a clock."""
    bench.wire.to("GET /athlete", _heard(days * 86_400))
    held = bench.try_(a_job(bench.folder / "a.fit", age_unproven=True))

    assert (held.status, held.error_code, held.sent_at) == (Status.HELD, "backlog", None)
    assert bench.wire.count("POST /uploads") == 0


def test_what_is_fresh_by_stravas_clock_is_sent(bench: Bench) -> None:
    """Its clock is asked for once, where no answer named it before."""
    bench.wire.to("GET /athlete", _heard(0))
    for name in ("a.fit", "b.fit"):
        sent = bench.try_(a_job(bench.folder / name, name.encode(), age_unproven=True))
        assert sent.status is Status.PROCESSING

    assert bench.wire.count("GET /athlete") == 1


def test_as_long_as_stravas_clock_is_not_heard_nothing_unproven_is_sent(bench: Bench) -> None:
    """The wait is the network's, as anybody would expect."""
    bench.wire.to("GET /athlete", httpx.ConnectError("refused"))
    waits = bench.try_(a_job(bench.folder / "a.fit", age_unproven=True))

    assert (waits.status, waits.sent_at, waits.failures) == (Status.PENDING, None, 0)
    assert BreakerName.NETWORK in breakers.open_breakers()


@pytest.mark.parametrize("answer", [(404, b""), (302, b""), (401, b"<html>")])
def test_where_the_clock_cannot_be_asked_for_the_upload_itself_decides(
    bench: Bench, answer: tuple[int, bytes]
) -> None:
    """A portal that answers in Strava's place answers to the upload, too; a proxy that lets only that through hides no ride."""
    bench.wire.to("GET /athlete", answer)

    assert bench.try_(a_job(bench.folder / "a.fit", age_unproven=True)).status is Status.PROCESSING


def test_a_persons_word_needs_no_clock(bench: Bench) -> None:
    """Somebody who asks for an upload knows how old it is."""
    job = a_job(bench.folder / "a.fit", age_unproven=True)
    bench.wire.to("GET /athlete", _heard(400 * 86_400))
    assert uploads.requeue(job.id, [Status.PENDING])

    assert bench.try_(job).status is Status.PROCESSING


def test_each_attempt_is_one_line_in_the_log(bench: Bench) -> None:
    """With what came of it, when it goes on, and the activity; what failed is a warning, a mere look is not shown."""
    job = bench.job()
    with capture_logs() as logs:
        bench.wire.to("POST /uploads", (500, {"message": "error"}))
        bench.try_(job)
        bench.wire.to("POST /uploads", (201, PROCESSING))
        bench.wire.to("GET /uploads/N", (200, PROCESSING), (200, READY))
        for _ in range(3):
            bench.later(job)
    found = [log for log in logs if log["event"] == "upload_attempt"]

    assert [(log["outcome"], log["log_level"]) for log in found] == [
        ("retry", "warning"),
        ("accepted", "info"),
        ("processing", "debug"),
        ("completed", "info"),
    ]
    assert [log["next_in"] for log in found] == [60.0, 2.0, 2.0, None]
    assert [log["strava_activity_id"] for log in found] == [None, None, None, 4242]


def test_a_look_at_an_upload_is_made_in_its_athletes_name(bench: Bench) -> None:
    """With the token of the sign-in, like the upload itself."""
    bench.later(bench.try_(bench.job()))

    assert [request.headers["Authorization"] for request in bench.wire.asked] == ["Bearer access-1"] * 2


def test_a_lost_answer_is_looked_for_within_a_day_of_the_start(bench: Bench) -> None:
    """On both sides, for time zones; the whole list of years is not walked through."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("late"))
    lost = bench.try_(bench.job())
    bench.later(lost)
    asked = bench.wire.asked[1].url.params
    start = lost.start_time or 0

    assert (float(asked["after"]), float(asked["before"])) == (start - 86_400, start + 86_400)


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


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("scopes", "uncertain"),
    [("read,activity:write,activity:read_all", False), ("read,activity:write", True)],
)
def test_what_was_looked_for_before_it_was_given_up_did_not_arrive(
    tmp_path: Path, scopes: str, *, uncertain: bool
) -> None:
    """Where nobody may look, it stays uncertain: the file is not sent twice without a look by a person."""
    bench = Bench(tmp_path, scopes)
    bench.wire.to("POST /uploads", httpx.ReadTimeout("no answer"))
    job = bench.job()
    while the(job.id).status is not Status.FAILED:
        bench.later(job)

    assert the(job.id).uncertain is uncertain
    last = bench.wire.asked[-1]
    assert (last.method, last.url.path.endswith("/athlete/activities")) == (
        ("POST", False) if uncertain else ("GET", True)
    )
