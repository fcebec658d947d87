"""Strava's client and its judgement of answers."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import httpx
import pytest

from fakes import APP, PROCESSING, READY, Answers, grant, refused, strava
from fitferry.core.errors import StravaError
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind, UploadState
from fitferry.strava import Strava
from fitferry.strava.request_deadline import RequestDeadline
from fitferry.system.alarms import Alarms


@pytest.fixture
def wire() -> Answers:
    """Strava's side of the wire."""
    return Answers()


def send(wire: Answers, *answer: object) -> StravaErrorKind | UploadState:
    """Upload once; the fault, or the state that Strava reports."""
    wire.to("POST /uploads", *answer)
    try:
        with strava(wire) as asked:
            return asked.upload(b"ride", token="t", external_id="ab", data_type="fit").state
    except StravaError as fault:
        return fault.kind


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, PROCESSING, UploadState.PROCESSING),
        (200, READY, UploadState.READY),
        (400, {**PROCESSING, "error": "ab.fit duplicate of activity 99"}, UploadState.DUPLICATE),
        (400, refused("Upload", "data", "empty"), StravaErrorKind.BAD_FILE),
        (404, b"", StravaErrorKind.WRONG_ADDRESS),
        (301, b"", StravaErrorKind.WRONG_ADDRESS),
        (201, b"<html>sign in to the Wi-Fi</html>", StravaErrorKind.NOT_STRAVA),
    ],
)
def test_the_answer_to_an_upload_reaches_its_judge(
    wire: Answers, status: int, body: object, expected: StravaErrorKind | UploadState
) -> None:
    """A report, also one in a 400, or the error; each kind of answer has its row in `test_responses`."""
    assert send(wire, (status, body)) is expected


def test_a_limit_that_is_reached_says_when_to_come_back(wire: Answers) -> None:
    """In the header of that name."""
    wire.to("POST /uploads", (429, b"", {"Retry-After": "120"}))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (raised.value.kind, raised.value.retry_after) == (StravaErrorKind.RATE_LIMITED, 120.0)


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, {**PROCESSING, "status": "The created activity has been deleted."}, UploadState.DELETED),
        (200, {**PROCESSING, "id": None}, UploadState.PROCESSING),
        (404, b"", StravaErrorKind.NOT_FOUND),
        (200, b"<html>", StravaErrorKind.NOT_STRAVA),
    ],
)
def test_an_upload_is_asked_for_by_its_number(
    wire: Answers, status: int, answer: object, expected: StravaErrorKind | UploadState
) -> None:
    """Where it is deleted, error and activity id are both null: a poller that tests only those loops for ever."""
    wire.to("GET /uploads/N", (status, answer))
    with strava(wire) as asked:
        try:
            found: object = asked.upload_status(77, token="t").state
        except StravaError as error:
            found = error.kind

    assert found is expected


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (400, refused("RefreshToken", "code", "invalid"), StravaErrorKind.GRANT_REFUSED),
        (401, refused("Application", "", "invalid"), StravaErrorKind.APP_REFUSED),
        (302, b"", StravaErrorKind.WRONG_ADDRESS),
        (200, b"<html>sign in", StravaErrorKind.NOT_STRAVA),
    ],
)
@pytest.mark.parametrize("endpoint", ["token", "revoke"])
def test_the_endpoints_of_the_sign_in_are_judged_alike(
    wire: Answers, endpoint: str, status: int, answer: object, expected: StravaErrorKind
) -> None:
    """A portal neither grants nor revokes: the token would live on, and nobody would try again."""
    wire.to(f"POST /oauth/{endpoint}", (status, answer))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.refresh("r") if endpoint == "token" else asked.revoke("r")

    assert raised.value.kind is expected


@pytest.mark.parametrize(
    ("error", "expected", "sent"),
    [
        (httpx.ConnectError("refused"), StravaErrorKind.UNREACHABLE, False),
        (httpx.ConnectTimeout("silent"), StravaErrorKind.UNREACHABLE, False),
        (httpx.PoolTimeout("busy"), StravaErrorKind.UNREACHABLE, False),
        (httpx.ReadTimeout("silent"), StravaErrorKind.BROKEN_OFF, True),
        (httpx.WriteTimeout("stuck"), StravaErrorKind.BROKEN_OFF, True),
        (httpx.ReadError("reset"), StravaErrorKind.BROKEN_OFF, True),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            StravaErrorKind.BROKEN_OFF,
            True,
        ),
    ],
)
def test_only_what_never_left_is_certain_without_an_answer(
    wire: Answers,
    error: Exception,
    expected: StravaErrorKind,
    sent: bool,
) -> None:
    """A connection that could not be made sent nothing; every other failure may hide a success."""
    wire.to("POST /uploads", error)
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (expected, sent) == (raised.value.kind, raised.value.sent)


def test_an_upload_carries_the_bytes_their_type_and_their_id(wire: Answers) -> None:
    """What arrives is exactly what was hashed, named by its hash, with the token in the header alone."""
    send(wire, (201, PROCESSING))
    request = wire.asked[0]
    form = _form(request)

    assert form["file"].get_payload(decode=True) == b"ride"
    assert form["data_type"].get_payload() == "fit"
    assert form["external_id"].get_payload() == "ab"
    assert request.headers["Authorization"] == "Bearer t"
    assert request.url.query.decode() == ""


def _form(request: httpx.Request) -> dict[str, Message]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + request.content).get_payload()
    return {
        str(part.get_param("name", header="content-disposition")): part
        for part in parts
        if isinstance(part, Message)
    }


def test_a_grant_is_read_with_its_athlete_and_scopes(wire: Answers) -> None:
    """The answer separates the scopes by spaces where it names them at all."""
    wire.to("POST /oauth/token", (200, {**grant(), "scope": "read activity:write"}))
    with strava(wire) as asked:
        got = asked.exchange("c")

    assert (
        got.access_token,
        got.refresh_token,
        got.athlete_id,
        got.display_name,
    ) == ("access-1", "refresh-1", 1001, "Sam Sand")
    assert got.scopes == ("read", "activity:write")


def test_secrets_travel_in_bodies_and_headers_never_in_addresses(wire: Answers) -> None:
    """Addresses end up in logs of proxies."""
    wire.to("POST /oauth/token", (200, grant()))
    wire.to("POST /oauth/revoke", (200, b""))
    with strava(wire) as asked:
        asked.refresh("refresh-secret")
        asked.revoke("refresh-secret")

    assert [request.url.query.decode() for request in wire.asked] == ["", ""]
    assert "Basic" in wire.asked[1].headers["Authorization"]


def test_a_grant_does_not_show_its_tokens(wire: Answers) -> None:
    """A log line with a grant in it holds no secret."""
    wire.to("POST /oauth/token", (200, grant()))
    with strava(wire) as asked:
        assert "access-1" not in repr(asked.exchange("c"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "X-RateLimit-Limit": "200,2000",
                "x-ratelimit-usage": "3,40",
                "X-Readratelimit-Limit": "100,1000",
                "X-ReadRateLimit-Usage": ",",
            },
            RateLimitHeaders((200, 2000), (3, 40), (100, 1000), None),
        ),
        ({}, RateLimitHeaders()),
        ({"X-RateLimit-Usage": "many"}, RateLimitHeaders()),
    ],
)
def test_the_rate_limit_is_read_from_every_answer(
    wire: Answers, headers: dict[str, str], expected: RateLimitHeaders
) -> None:
    """In any case of letters; a lone comma and silence change nothing; a refusal counts, too."""
    heard: list[RateLimitHeaders] = []
    wire.to("POST /uploads", (401, b"", headers))
    with (
        Strava(APP, on_rate_limit=heard.append, transport=wire.transport()) as asked,
        pytest.raises(StravaError),
    ):
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert [expected] == heard


def test_activities_are_listed_with_their_external_ids(wire: Answers) -> None:
    """One page holds 200, enough to find a lost upload or to confirm many."""
    listed = {
        "id": 1,
        "external_id": "ab.fit",
        "start_date": "2026-09-21T12:00:00Z",
        "elapsed_time": 60,
        "name": "x",
    }
    wire.to("GET /athlete/activities", (200, [listed]))
    with strava(wire) as asked:
        found = asked.activities(token="t", after=1, before=2)

    assert [(a.external_id, a.start_time, a.elapsed_s) for a in found] == [("ab.fit", 1_789_992_000.0, 60)]
    assert wire.asked[0].url.params["per_page"] == "200"


def test_the_athlete_is_named(wire: Answers) -> None:
    """By id and name, as the page shows who is connected."""
    wire.to("GET /athlete", (200, {"id": 7, "firstname": "Sam", "lastname": None}))
    with strava(wire) as asked:
        assert asked.athlete(token="t") == (7, "Sam")


def test_consent_is_asked_for_with_the_scopes_and_a_state() -> None:
    """The address holds no secret; `force` asks again for what was unticked before."""
    with Strava(APP) as asked:
        url = httpx.URL(asked.consent_url("s", "http://localhost:1/back", force=True))

    assert "app-secret" not in str(url)
    assert dict(url.params) == {
        "client_id": "12345",
        "redirect_uri": "http://localhost:1/back",
        "response_type": "code",
        "approval_prompt": "force",
        "scope": "read,activity:write,activity:read_all",
        "state": "s",
    }


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends a byte of its answer now and then, and never ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        try:
            peer, _ = listener.accept()
        except OSError:  # nobody came
            return
        with peer:
            peer.recv(65_536)
            while not over.wait(0.02):
                try:
                    peer.sendall(b"H")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


def test_a_dripping_answer_is_cut_off_at_the_deadline(dripping: str) -> None:
    """Httpx has no limit for a whole request: ours ends it, and it is uncertain."""
    settings = replace(APP, api=dripping)
    with Strava(settings, upload_deadline=0.8) as asked, pytest.raises(StravaError) as raised:
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.BROKEN_OFF, True)
    assert "0.8 s" in str(raised.value)


def test_a_connection_that_comes_after_the_deadline_is_ended_at_once() -> None:
    """Finding the address may take any time; the limit of the request holds all the same."""
    ours, other = socket.socketpair()
    alarms, later = Alarms(), threading.Event()
    with ours, other, RequestDeadline(0, alarms) as deadline:
        alarms.set(0, later.set)
        assert later.wait(20)
        deadline.watch(ours)

        assert other.recv(1) == b""


def test_a_handshake_that_never_ends_is_cut_off_at_the_deadline() -> None:
    """The other side takes the connection and says nothing: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = replace(APP, api=f"https://127.0.0.1:{silent.getsockname()[1]}")
        with Strava(settings, upload_deadline=0.3) as asked, pytest.raises(StravaError) as raised:
            asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.UNREACHABLE, False)
    assert "0.3 s" in str(raised.value)


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    """With the kernel's own words, so that a person knows what to look for."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and kept, so that nobody else listens there
        api = f"http://127.0.0.1:{held.getsockname()[1]}"
        with Strava(replace(APP, api=api)) as asked, pytest.raises(StravaError) as raised:
            asked.athlete(token="t")

    assert StravaErrorKind.UNREACHABLE is raised.value.kind
    assert "refused" in str(raised.value)


def test_certificates_are_read_when_a_connection_is_first_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes longer than all else of a start but the modules; those that are none keep nobody from starting."""
    certificates = tmp_path / "ca.pem"
    certificates.write_text("-----BEGIN CERTIFICATE-----\nnone\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    with Strava(APP) as asked, pytest.raises(StravaError) as raised:
        asked.athlete(token="t")

    assert raised.value.kind is StravaErrorKind.UNREACHABLE


@contextlib.contextmanager
def speaking(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server for one connection, which is closed after the answer; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                answer(peer)

        speaker = threading.Thread(target=serve)
        speaker.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        speaker.join()


def _http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_an_answer_that_comes_before_all_is_sent_is_read() -> None:
    """A file that is too large is refused by its head, and no more of it taken; what only says "wait" is no answer."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    refusal = json.dumps(refused("Application", "data", "too large")).encode()

    def refuse(peer: socket.socket) -> None:
        peer.recv(1_000)
        peer.sendall(early + _http(refusal, status="413 Content Too Large"))

    with (
        speaking(refuse) as api,
        Strava(replace(APP, api=api)) as asked,
        pytest.raises(StravaError) as raised,
    ):
        asked.upload(b"ride" * 5_000_000, token="t", external_id="ab", data_type="fit")

    assert raised.value.kind is StravaErrorKind.BAD_FILE


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", StravaErrorKind.NOT_STRAVA),
        (b"\x15\x03\x01\x00\x02\x02\x28", StravaErrorKind.NOT_STRAVA),
        (b'{"id": 77, "status": "HTTP 0.9"}\r\n\r\n', StravaErrorKind.NOT_STRAVA),
        (b"HTTP/1.1 1000 OK\r\n\r\n", StravaErrorKind.NOT_STRAVA),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", StravaErrorKind.NOT_STRAVA),
        (CHUNKED + b"zz\r\n{}", StravaErrorKind.NOT_STRAVA),
        (_http(b"no gzip at all", "Content-Encoding: gzip"), StravaErrorKind.NOT_STRAVA),
        (_http(b"", "Location: http://[::1", status="302 Found"), StravaErrorKind.WRONG_ADDRESS),
        (b"", StravaErrorKind.BROKEN_OFF),
        (b"HTTP/1.1 2", StravaErrorKind.BROKEN_OFF),
        (CHUNKED + b"20\r\n{", StravaErrorKind.BROKEN_OFF),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", StravaErrorKind.BROKEN_OFF),
    ],
)
def test_what_does_not_speak_http_is_not_strava_and_what_ends_early_may_be(
    reply: bytes, kind: StravaErrorKind
) -> None:
    """A file is not to blame for a proxy that answers with anything."""

    def answer(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(reply)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65_536):
            pass

    with (
        speaking(answer) as api,
        Strava(replace(APP, api=api)) as asked,
        pytest.raises(StravaError) as raised,
    ):
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (raised.value.kind, raised.value.sent) == (kind, True)


def test_a_token_that_no_header_can_hold_is_a_failure_like_any_other() -> None:
    """It has been stored so, and the worker has to decide what becomes of its job."""
    with (
        speaking(lambda peer: peer.close()) as api,
        Strava(replace(APP, api=api)) as asked,
        pytest.raises(StravaError) as raised,
    ):
        asked.athlete(token="one\nline more")

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.BROKEN_OFF, False)
