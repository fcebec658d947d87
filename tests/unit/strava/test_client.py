"""Strava's client and its judgement of answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser
from types import SimpleNamespace

import httpx
import pytest

from fakes import APP, PROCESSING, READY, Answers, grant, refused, strava
from fitferry.core.errors import StravaError
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind, UploadState
from fitferry.strava import Strava, responses
from fitferry.strava.request_deadline import RequestDeadline
from fitferry.system.alarms import Alarms

TOKEN_REFUSED = refused("Athlete", "access_token", "invalid", "Authorization Error")


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


GATEWAY = (400, 401, 403, 404, 407, 408, 410, 413, 422, 429, 451, 500)
PAGES = (b"<html>blocked</html>", b"blocked", b'"blocked"', b"[]", b'{"error": "blocked"}', b'{"detail": 1}')


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, PROCESSING, UploadState.PROCESSING),
        (200, READY, UploadState.READY),
        (201, {**PROCESSING, "error": "ab.fit duplicate of activity 99"}, UploadState.DUPLICATE),
        (201, b"<html>sign in to the Wi-Fi</html>", StravaErrorKind.NOT_STRAVA),
        (201, {"id": "seven"}, StravaErrorKind.NOT_STRAVA),
        (201, b'{"id": 77, "err', StravaErrorKind.NOT_STRAVA),
        (201, b"", StravaErrorKind.NOT_STRAVA),
        (301, b"", StravaErrorKind.WRONG_ADDRESS),
        (400, refused("Application", "client_id", "invalid"), StravaErrorKind.APP_REFUSED),
        (400, refused("Upload", "data", "empty"), StravaErrorKind.BAD_FILE),
        (400, refused("upload", "data", "empty"), StravaErrorKind.BAD_FILE),
        (400, {**PROCESSING, "error": "ab.fit duplicate of activity 99"}, UploadState.DUPLICATE),
        (400, {**PROCESSING, "error": "Time information is missing from file."}, UploadState.REJECTED),
        (400, {"message": "Bad Request"}, StravaErrorKind.REFUSED),
        *((status, page, StravaErrorKind.NOT_STRAVA) for status in GATEWAY for page in PAGES),
        (401, TOKEN_REFUSED, StravaErrorKind.TOKEN_REFUSED),
        (401, {"message": "Authorization Error"}, StravaErrorKind.TOKEN_REFUSED),
        (401, refused("AccessToken", "activity:write_permission", "missing"), StravaErrorKind.SCOPE_MISSING),
        (401, refused("Application", "", "invalid"), StravaErrorKind.APP_REFUSED),
        (403, refused("Application", "Status", "Inactive", "Forbidden"), StravaErrorKind.APP_INACTIVE),
        (403, refused("Activity", "athlete", "invalid"), StravaErrorKind.REFUSED),
        (403, {"message": "Limit of connected athletes exceeded"}, StravaErrorKind.ATHLETE_LIMIT),
        (403, refused("Application", "athlete capacity", "exceeded"), StravaErrorKind.ATHLETE_LIMIT),
        (404, b"", StravaErrorKind.WRONG_ADDRESS),
        (410, {"message": "Gone"}, StravaErrorKind.WRONG_ADDRESS),
        (413, refused("Upload", "data", "too large"), StravaErrorKind.BAD_FILE),
        (418, {"message": "I am a teapot"}, StravaErrorKind.REFUSED),
        (429, refused("Application", "rate limit", "exceeded"), StravaErrorKind.RATE_LIMITED),
        (500, {"message": "error"}, StravaErrorKind.SERVER_ERROR),
        (502, b"<html>", StravaErrorKind.UNAVAILABLE),
        (503, b"", StravaErrorKind.UNAVAILABLE),
        (504, b"", StravaErrorKind.UNAVAILABLE),
        (599, b"", StravaErrorKind.SERVER_ERROR),
    ],
)
def test_every_answer_to_an_upload_has_its_meaning(
    wire: Answers, status: int, body: object, expected: StravaErrorKind | UploadState
) -> None:
    """The statuses and bodies that were seen of Strava, and what each of them means."""
    assert expected is send(wire, (status, body))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": None, "error": "ab.fit duplicate of activity 99"}, (0, UploadState.DUPLICATE, 99)),
        ({"id": None, "error": "Time information is missing."}, (0, UploadState.REJECTED, None)),
        ({"id": 0, "error": "The file is malformed."}, (0, UploadState.REJECTED, None)),
        (
            {"id": "77", "status": "Your activity is still being processed."},
            (77, UploadState.PROCESSING, None),
        ),
        ({"id": 77, "status": "Processing (0 errors so far)"}, (77, UploadState.PROCESSING, None)),
        (
            {"id": 77, "status": "There was an error processing your activity."},
            (77, UploadState.REJECTED, None),
        ),
        ({"id": 77, "status": "x", "activity_id": 0}, (77, UploadState.PROCESSING, None)),
        ({"id": 77, "status": "x", "activity_id": 10**22}, (77, UploadState.PROCESSING, None)),
        (
            {"id": 77, "error": "duplicate of <a href='/activities/12345678901234567890123'>x</a>"},
            (77, UploadState.DUPLICATE, None),
        ),
    ],
)
def test_an_odd_report_is_read_leniently_and_judged_exactly(
    wire: Answers, body: object, expected: tuple[int, UploadState, int | None]
) -> None:
    """Ids that are none, ids that no database holds, and words that only look like others."""
    wire.to("POST /uploads", (201, body))
    with strava(wire) as asked:
        report = asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (report.upload_id, report.state, report.activity_id) == expected


@pytest.mark.parametrize("upload_id", [None, 0, 10**22])
def test_an_upload_without_a_number_may_have_arrived(wire: Answers, upload_id: int | None) -> None:
    """Nobody could ask about it: it counts, and is looked for."""
    wire.to("POST /uploads", (201, {**PROCESSING, "id": upload_id}))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.BROKEN_OFF, True)


HUGE = [
    b'{"id": ' + b"9" * 5_000 + b"}",
    b'{"x": ' + b"[" * 3_000_000,
    b"[" * 3_000_000,
    b'{"id": 1e400}',
    b'{"error": "duplicate of ' + b"<" * 7_000_000 + b'"}',
    b'{"message": "' + b"duplicate of " * 500_000 + b'"}',
]


@pytest.mark.parametrize("body", HUGE, ids=range(len(HUGE)))
@pytest.mark.parametrize("status", [200, 401])
def test_an_answer_of_any_size_is_one_planned_error(wire: Answers, status: int, body: bytes) -> None:
    """Numbers beyond all bounds, millions of brackets, megabytes of words: on every endpoint, and quickly."""
    for request in (
        "POST /uploads",
        "GET /uploads/N",
        "GET /athlete",
        "GET /athlete/activities",
        "POST /oauth/token",
    ):
        wire.to(request, (status, body))
    with strava(wire) as asked:
        for ask in (
            lambda: asked.upload(b"ride", token="t", external_id="ab", data_type="fit"),
            lambda: asked.upload_status(77, token="t"),
            lambda: asked.athlete(token="t"),
            lambda: asked.activities(token="t", before=2),
            lambda: asked.refresh("r"),
        ):
            with pytest.raises(StravaError) as raised:
                ask()
            assert len(str(raised.value)) < 1_000


def test_a_name_of_megabytes_is_cut(wire: Answers) -> None:
    """The page and the database get what a person can read."""
    wire.to("GET /athlete", (200, {"id": 7, "firstname": "S" * 7_000_000, "lastname": "x"}))
    with strava(wire) as asked:
        assert asked.athlete(token="t") == (7, "S" * 100 + " x")


@pytest.mark.parametrize(
    "token",
    [
        {"access_token": "a" * 5_000},
        {"refresh_token": ""},
        {"expires_at": 10**30},
        {"expires_in": -(10**30)},
        {"athlete": {"id": 10**22}},
    ],
)
def test_a_grant_that_cannot_be_one_is_a_planned_error(wire: Answers, token: dict[str, object]) -> None:
    """What no database holds and no header carries."""
    wire.to("POST /oauth/token", (200, {**grant(), **token}))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.refresh("r")

    assert raised.value.kind is StravaErrorKind.NOT_STRAVA


@pytest.mark.parametrize("status", [302, *GATEWAY])
def test_a_gateway_at_the_token_endpoint_refuses_no_grant(wire: Answers, status: int) -> None:
    """The sign-in is Strava's to end."""
    wire.to("POST /oauth/token", (status, b"<html>blocked</html>"))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.refresh("r")

    assert raised.value.kind in {StravaErrorKind.NOT_STRAVA, StravaErrorKind.WRONG_ADDRESS}


def test_limits_beyond_all_bounds_are_not_read(wire: Answers) -> None:
    """Neither in the headers of the limits, nor in Retry-After."""
    heard: list[RateLimitHeaders] = []
    headers = {
        "X-RateLimit-Limit": "9" * 30 + ",1",
        "X-RateLimit-Usage": "1," + "9" * 5_000,
        "Retry-After": "9" * 400,
    }
    wire.to("POST /uploads", (429, b"", headers))
    with (
        Strava(APP, on_rate_limit=heard.append, transport=wire.transport()) as asked,
        pytest.raises(StravaError) as raised,
    ):
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (heard, raised.value.retry_after) == ([RateLimitHeaders()], None)


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


@pytest.mark.parametrize(("status", "sent"), [(400, False), (429, False), (500, True), (503, True)])
def test_a_4xx_is_certain_and_a_5xx_is_not(wire: Answers, status: int, sent: bool) -> None:
    """Behind a server's error the upload may have arrived; it is called Strava's own."""
    wire.to("POST /uploads", (status, b'{"message": "error"}'))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    words = f"HTTP {status}, error"
    assert sent == raised.value.sent
    assert str(raised.value) == (f"Strava had an error of its own ({words})" if sent else words)


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


@pytest.mark.parametrize(
    ("words", "activity_id"),
    [
        ("ab.fit duplicate of activity 99", 99),
        ("ab.fit duplicate of <a href='/activities/99' target='_blank'>Ride of 2024</a>", 99),
        ("AB.FIT DUPLICATE OF ACTIVITY 99", 99),
        ("ab.fit duplicate of something else", None),
    ],
)
def test_a_duplicate_names_the_activity_in_both_forms(words: str, activity_id: int | None) -> None:
    """The id stands in plain words or in a link; the title in the link is the athlete's own text."""
    report = responses._failed_upload(77, words)

    assert (UploadState.DUPLICATE, activity_id) == (report.state, report.activity_id)


def test_the_status_that_says_deleted_ends_the_looking(wire: Answers) -> None:
    """Then error and activity id are both null, and a poller that tests only those loops for ever."""
    deleted = {**PROCESSING, "status": "The created activity has been deleted."}
    wire.to("GET /uploads/N", (200, deleted))

    with strava(wire) as asked:
        assert UploadState.DELETED is asked.upload_status(77, token="t").state


def test_an_unknown_upload_id_is_told_from_a_wrong_address(wire: Answers) -> None:
    """A 404 for what was named by its id speaks of the id; for a POST it speaks of the address."""
    wire.to("GET /uploads/N", (404, b""))
    with strava(wire) as asked, pytest.raises(StravaError) as raised:
        asked.upload_status(77, token="t")

    assert StravaErrorKind.NOT_FOUND is raised.value.kind


@pytest.mark.parametrize("resource", ["AuthorizationCode", "RefreshToken", "RequestToken"])
def test_a_dead_grant_is_told_from_a_wrong_app(wire: Answers, resource: str) -> None:
    """Only the resource that Strava names tells whether the athlete or the settings are at fault."""
    wire.to(
        "POST /oauth/token",
        (400, refused(resource, "code", "invalid")),
        (401, refused("Application", "", "invalid")),
    )
    faults = []
    with strava(wire) as asked:
        for _ in range(2):
            with pytest.raises(StravaError) as raised:
                asked.refresh("r")
            faults.append(raised.value.kind)

    assert faults == [StravaErrorKind.GRANT_REFUSED, StravaErrorKind.APP_REFUSED]


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
        peer, _ = listener.accept()
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
    thread.join()
    listener.close()


def test_a_dripping_answer_is_cut_off_at_the_deadline(dripping: str) -> None:
    """Httpx has no limit for a whole request: ours ends it, and it is uncertain."""
    settings = replace(APP, api=dripping)
    with Strava(settings, upload_deadline=0.2) as asked, pytest.raises(StravaError) as raised:
        asked.upload(b"ride", token="t", external_id="ab", data_type="fit")

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.BROKEN_OFF, True)
    assert "0.2 s" in str(raised.value)


def test_a_connection_that_comes_after_the_deadline_is_ended_at_once() -> None:
    """Finding the address may take any time; the limit of the request holds all the same."""
    ours, other = socket.socketpair()
    alarms, later = Alarms(), threading.Event()
    with ours, other, RequestDeadline(0, alarms) as deadline:
        alarms.set(0, later.set)
        assert later.wait(20)
        stream = SimpleNamespace(get_extra_info=lambda _name: ours)
        deadline.trace("connection.connect_tcp.complete", {"return_value": stream})

        assert other.recv(1) == b""


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    """With the kernel's own words, so that a person knows what to look for."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and kept, so that nobody else listens there
        api = f"http://127.0.0.1:{held.getsockname()[1]}"
        with Strava(replace(APP, api=api)) as asked, pytest.raises(StravaError) as raised:
            asked.athlete(token="t")

    assert StravaErrorKind.UNREACHABLE is raised.value.kind
    assert "refused" in str(raised.value)


def _http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


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
        (_http(b"", "Location: http://[::1", status="302 Found"), StravaErrorKind.NOT_STRAVA),
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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(reply)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65_536):
                    pass

        speaker = threading.Thread(target=answer)
        speaker.start()
        with Strava(replace(APP, api=address)) as asked, pytest.raises(StravaError) as raised:
            asked.upload(b"ride", token="t", external_id="ab", data_type="fit")
        speaker.join()

    assert (raised.value.kind, raised.value.sent) == (kind, True)


@pytest.mark.parametrize(
    ("body", "done"),
    [(b"", True), (b"{}", True), (b'{"access_token": "a"}', True), (b"<html>sign in", False)],
)
def test_a_portal_does_not_revoke(wire: Answers, body: bytes, done: bool) -> None:
    """The token would live on, and nobody would try again."""
    wire.to("POST /oauth/revoke", (200, body))
    with strava(wire) as asked:
        if done:
            asked.revoke("t")
        else:
            with pytest.raises(StravaError) as raised:
                asked.revoke("t")
            assert raised.value.kind is StravaErrorKind.NOT_STRAVA
