"""Whatever the wire does, a job ends in the state that the table says, and is done one step after the repair."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import fit_writer
import flaky_proxy
from fakes import APP, NOW, UPLOADS, Clock, InlineFolders, a_job, an_athlete, the, tokens
from fitferry.core.breaker import BreakerName
from fitferry.core.upload import Job, Status, WaitingFor
from fitferry.sandbox import Sandbox
from fitferry.sandbox.records import Token
from fitferry.storage import accounts, breakers, rate_limits
from fitferry.strava import Strava
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.scheduler import select_due
from fitferry.uploads.worker import UploadWorker
from flaky_proxy import Behaviour, Wire, http, saying

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]


@functools.cache
def long_ride() -> bytes:
    """So many bytes that a connection can break off within them."""
    return fit_writer.ride(NOW - 86_400, seconds=20_000)


class Line:
    """An athlete, a ride, a wire, and Strava at its other end."""

    def __init__(self, folder: Path, wire: Wire, sandbox: Sandbox) -> None:
        self.wire = wire
        self.sandbox = sandbox
        self.clock = Clock()
        self.folder = folder
        self.body = long_ride()
        self.use(f"http://127.0.0.1:{wire.port}")
        scopes = ("activity:write", "activity:read_all")
        sandbox.world.tokens.append(Token(1001, scopes, "access-1", "refresh-1", self.clock() * 2))
        self.job = a_job(folder / "ride.fit", self.body)

    def use(self, address: str) -> None:
        """Reach Strava at an address."""
        settings = replace(
            APP,
            website=address,
            api=f"{address}/api/v3",
            client_secret=self.sandbox.world.switches.client_secret,
        )
        strava = Strava(
            settings,
            on_rate_limit=lambda headers: rate_limits.update(headers, self.clock()),
            upload_deadline=3.0,
        )
        kept = tokens(strava)
        an_athlete(kept)
        self.attempt = UploadWorker(
            strava,
            kept,
            uploads=UPLOADS,
            archives=[Archive(self.folder, self.folder / "up")],
            folders=InlineFolders([Archive(self.folder, self.folder / "up")]),
            clock=self.clock,
        )

    def try_(self) -> Job:
        """One attempt; the job afterwards."""
        self.attempt(self.job.id)
        return the(self.job.id)

    def wait(self) -> None:
        """Let the time pass until something may be tried."""
        open_breakers = [breaker.until for breaker in breakers.open_breakers().values()]
        self.clock.now = max([self.clock.now, the(self.job.id).next_attempt_at, *open_breakers])

    def finish(self, steps: int = 4) -> Job:
        """What it comes to once the wire is whole: look or send, and look."""
        for _ in range(steps):
            self.wait()
            job = self.try_()
            if job.status not in {Status.PENDING, Status.PROCESSING}:
                break
        return the(self.job.id)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A line that works, to a Strava that is quick; a request may take three seconds."""
    with Sandbox(processing_seconds=0.0) as sandbox, Wire(sandbox.port) as wire:
        (tmp_path / "rides").mkdir()
        yield Line(tmp_path / "rides", wire, sandbox)


BROKEN: dict[str, Behaviour] = {
    **{f"reset at {tenth} tenths": flaky_proxy.reset_at(tenth / 10) for tenth in range(11)},
    "an end without an answer": flaky_proxy.silent_end,
    "lost answer": flaky_proxy.lost_answer,
    "half an answer": flaky_proxy.half_answer,
    "black hole": flaky_proxy.black_hole,
    "a byte now and then": flaky_proxy.dribble,
    "500": saying(http("500 Internal Server Error", b"{}")),
}
UNAVAILABLE: dict[str, Behaviour] = {
    "captive portal": saying(http("200 OK", b"<html>Sign in</html>", "Content-Type: text/html")),
    "502": saying(http("502 Bad Gateway", b"<html>")),
    "503": saying(http("503 Service Unavailable", b"")),
    "504": saying(http("504 Gateway Timeout", b"")),
    "wrong types": saying(http("201 Created", b'{"id": "seven", "status": 5}')),
    "half a JSON": saying(http("201 Created", b'{"id": 7, "sta')),
}
LIMITED: dict[str, Behaviour] = {
    "429 with headers": saying(
        http("429 Too Many Requests", b"{}", "X-RateLimit-Limit: 200,2000", "X-RateLimit-Usage: 201,300")
    ),
    "429 without": saying(http("429 Too Many Requests", b"")),
    "429 and a lone comma": saying(http("429 Too Many Requests", b"{}", "X-RateLimit-Usage: ,")),
}


STATUSES = (
    "200 OK",
    "302 Found",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "407 Proxy Authentication Required",
    "413 Content Too Large",
    "451 Unavailable For Legal Reasons",
    "500 Internal Server Error",
)
GATEWAY_BODIES = {
    "a page": b"<html>Sign in</html>",
    "nothing": b"",
    "other JSON": b'{"error": "invalid_grant"}',
    "a message": b'{"message": "blocked"}',
    "a lost field": b'{"message": "Bad Request", "errors": '
    b'[{"resource": "RefreshToken", "field": "refresh_token", "code": "missing"}]}',
    "a lost app": b'{"message": "Bad Request", "errors": '
    b'[{"resource": "Application", "field": "client_id", "code": "missing"}]}',
    "half a grant": b'{"access_token": "portal", "expires_at": "never"}',
}


@pytest.mark.parametrize("body", GATEWAY_BODIES)
def test_no_gateway_ends_a_sign_in_or_fails_a_ride(line: Line, body: str) -> None:
    """Whatever it answers to a refresh; the same pair is refreshed once Strava itself is there again."""
    line.clock.forward(86_400)
    line.wire.only = b"POST /oauth/token"
    for status in STATUSES:
        line.wire.behaviour = saying(http(status, GATEWAY_BODIES[body]))
        line.wait()
        job = line.try_()

        assert (job.status, job.failures, job.uncertain) == (Status.PENDING, 0, False), status
        assert (accounts.get("me").connected, accounts.get("me").trouble) == (True, None), status
    line.wire.behaviour = None
    assert line.finish(steps=20).status is Status.COMPLETED
    assert len(line.sandbox.world.uploads) == 1


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_after_the_body_began_to_leave_counts_and_is_uncertain(line: Line, name: str) -> None:
    """It is looked for before it is sent again, and stands there once."""
    line.wire.behaviour = BROKEN[name]
    job = line.try_()

    assert (job.status, job.own_wait, job.failures, job.uncertain) == (
        Status.PENDING,
        WaitingFor.CONFIRM,
        1,
        True,
    )
    assert job.next_attempt_at >= line.clock() + 60
    assert not breakers.open_breakers()
    line.wire.behaviour = None
    assert line.finish().status is Status.COMPLETED
    assert len(line.sandbox.world.activities) == 1
    assert len(line.sandbox.world.uploads) == 1


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_what_is_not_strava_opens_the_breaker_and_fails_nothing(line: Line, name: str) -> None:
    """However long it lasts; nobody spins meanwhile."""
    line.wire.behaviour, line.wire.only = UNAVAILABLE[name], b""
    for _ in range(20):
        job = line.try_()
        assert (job.failures, job.uncertain, BreakerName.NETWORK in breakers.open_breakers()) == (
            0,
            True,
            True,
        )
        due, seconds = select_due(["me"], UPLOADS, line.clock())
        assert (due, seconds >= 1) == ([], True)
        line.wait()
    line.wire.behaviour = None

    assert line.finish().status is Status.COMPLETED
    assert len(line.sandbox.world.activities) == 1


def test_uploads_that_alone_are_out_of_order_fail_nothing_either(line: Line) -> None:
    """Reading works meanwhile: that says nothing of the file."""
    line.wire.behaviour = UNAVAILABLE["503"]
    for _ in range(20):
        assert line.try_().failures == 0
        line.wait()
    line.wire.behaviour = None

    assert line.finish().status is Status.COMPLETED


@pytest.mark.parametrize("name", LIMITED)
def test_a_limit_lets_nothing_out_until_the_quarter_is_over(line: Line, name: str) -> None:
    """Whatever its headers say, or do not."""
    line.wire.behaviour = LIMITED[name]
    job = line.try_()

    assert (job.failures, job.uncertain, list(breakers.open_breakers())) == (
        0,
        False,
        [BreakerName.RATE_LIMIT],
    )
    assert 0 < breakers.open_breakers()[BreakerName.RATE_LIMIT].until - line.clock() <= 900 + 60
    line.wire.behaviour = None
    assert line.finish().status is Status.COMPLETED


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://fitferry.invalid", "https://127.0.0.1:{port}", "http://[::1]:1"]
)
def test_what_never_left_is_certain_and_counts_nothing(line: Line, address: str) -> None:
    """Refused, no such name, no TLS: one breaker for all, and nothing to be looked for."""
    line.use(address.format(port=line.wire.port))
    for _ in range(10):
        job = line.try_()
        assert (job.failures, job.uncertain, list(breakers.open_breakers())) == (
            0,
            False,
            [BreakerName.NETWORK],
        )
        line.wait()
    line.use(f"http://127.0.0.1:{line.wire.port}")

    assert line.finish().status is Status.COMPLETED
    assert len(line.sandbox.world.uploads) == 1


def test_an_outage_costs_next_to_no_requests_and_ends_for_all_at_once(line: Line, ride: Ride) -> None:
    """Eight hours, fifty rides: a try every five minutes, and within five minutes of the end all go up."""
    others = [a_job(line.folder / f"{n}.fit", ride(serial=n + 10)) for n in range(50)]
    line.use("http://127.0.0.1:1")
    began, tries = line.clock(), 0
    while line.clock() < began + 8 * 3600:
        due, seconds = select_due(["me"], UPLOADS, line.clock())
        for job_id in due:
            line.attempt(job_id)
            tries += 1
        line.clock.forward(max(seconds, 0.1) if not due else 0)
    assert tries <= 8 * 12 + 5
    back = line.clock()
    line.use(f"http://127.0.0.1:{line.wire.port}")
    while any(the(job.id).status is not Status.COMPLETED for job in [line.job, *others]):
        due, seconds = select_due(["me"], UPLOADS, line.clock())
        for job_id in due:
            line.attempt(job_id)
        line.clock.forward(min(max(seconds, 0.1), 60) if not due else 0.05)
        assert line.clock() < back + 310

    assert len(line.sandbox.world.activities) == 51


def test_an_app_that_is_inactive_or_revoked_is_told_apart(line: Line) -> None:
    """The one is the owner's business, the other the athlete's."""
    line.sandbox.world.switches.inactive = True
    line.try_()
    assert breakers.open_breakers()[BreakerName.SETTINGS].code == "app_inactive"
    line.sandbox.world.switches.inactive = False
    line.wait()
    line.sandbox.world.remove_app(1001)
    line.try_()

    assert accounts.get("me").trouble is not None
    assert the(line.job.id).status is Status.PENDING
