"""The page and the API."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from fakes import NOW, an_athlete, recorded, sending
from fitferry import __version__
from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.core.messages import sign_in, verbatim
from fitferry.core.upload import AttemptResult, Job, Outcome, Status
from fitferry.storage import accounts, uploads
from fitferry.web.credentials import make_login_link
from fitferry.web.middleware import COOKIE, OTHER_BYTES
from web_client import BEARER, HOST, ORIGIN, TOKEN, Page

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]
EVIL = "http://evil.example"


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """A page; nobody is signed in."""
    return Page(tmp_path)


def set_status(job: Job, status: Status, **step: Any) -> None:
    """Let an attempt have come to this."""
    recorded(job.id, AttemptResult(Outcome.FAILED, status, **step), NOW)


# Who may ask


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8480", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:8480", 200),
        ("192.168.1.7", 200),
        ("[::1]:8480", 200),
        ("[fd00::7]", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("a b", 421),
        ("localhost:port", 421),
        ("user@localhost", 421),
        ("127.0.0.1%00.evil.example", 421),
        ("[fe80::1%25eth0]:8480", 200),
    ],
)
def test_only_our_own_names_are_answered(page: Page, host: str, status: int) -> None:
    """DNS rebinding turns any page into a client of ours; only the Host tells."""
    answer = page.ask("GET", "/healthz", host=host)

    assert status == answer.status_code
    assert status == 200 or "hosts in [web]" in answer.text


def test_further_names_come_from_the_settings(tmp_path: Path) -> None:
    """The host of url, and hosts."""
    page = Page(tmp_path, '[web]\nurl = "https://rides.example"\nhosts = ["nas.local"]\n')

    assert [
        page.ask("GET", "/healthz", host=host).status_code
        for host in ("rides.example", "NAS.local:8480", "nas")
    ] == [200, 200, 421]


ORIGINS = [None, "null", ORIGIN, f"https://{HOST}", EVIL, "http://localhost:9999"]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("credentials", ["cookie", "bearer", "both", "none"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/login-link"), ("GET", "/api/v1/strava/status")]
)
def test_who_may_do_what_from_where(
    page: Page, method: str, path: str, credentials: str, origin: str | None
) -> None:
    """A cookie needs an Origin of ours; a token needs none, but not another site's; looking needs neither."""
    headers = {
        **({"Origin": origin} if origin else {}),
        **(BEARER if credentials in {"bearer", "both"} else {}),
    }
    if credentials in {"cookie", "both"}:
        page.sign_in()
    answer = page.ask(method, path, headers=headers)

    foreign = origin in {EVIL, "http://localhost:9999"}
    own = origin in {ORIGIN, f"https://{HOST}"}
    if method == "GET":
        expected = 401 if credentials == "none" else 200
    elif (
        foreign
        or (credentials == "cookie" and not own)
        or (credentials in {"bearer", "both"} and origin == "null")
    ):
        expected = 403
    else:
        expected = 401 if credentials == "none" else 201
    if credentials == "both" and origin == "null":
        expected = 403 if method == "POST" else 200
    assert expected == answer.status_code


def test_every_answer_has_the_headers_that_keep_browsers_in_check(page: Page) -> None:
    """Also the refusals, and the errors."""
    for path, host in (("/", HOST), ("/healthz", HOST), ("/nowhere", HOST), ("/", "evil.example")):
        headers = page.ask("GET", path, host=host).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
    for path in ("/login", "/api/v1/strava/callback"):
        assert page.ask("GET", path).headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "size", "expected"),
    [
        ("/api/v1/strava/disconnect", OTHER_BYTES + 1, 413),
        ("/login", OTHER_BYTES + 1, 413),
        ("/api/v1/strava/upload", UPLOAD_BYTES + 1, 413),
        ("/api/v1/strava/upload", OTHER_BYTES + 1, 400),
    ],
)
def test_bodies_are_capped_before_they_are_read(page: Page, path: str, size: int, expected: int) -> None:
    """By what they announce; uploads may be larger."""
    body = io.BytesIO(b"x" * min(size, 100_000))
    answer = page.api("POST", path, input_stream=body, environ_overrides={"CONTENT_LENGTH": str(size)})

    assert expected == answer.status_code


# Signing in


def test_a_stranger_gets_a_form_or_an_error(page: Page) -> None:
    """The page says how to sign in; the API speaks JSON."""
    assert (page.ask("GET", "/").status_code, "fitferry login" in page.ask("GET", "/").text) == (401, True)
    answer = page.ask("GET", "/api/v1/strava/uploads")
    assert (answer.status_code, (answer.json or {})["error"]["code"]) == (401, "unauthorized")
    assert page.ask("GET", "/metrics").status_code == 401
    assert page.api("GET", "/", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert page.ask("GET", "/static/fitferry.css").status_code == 200


def test_a_login_link_signs_in_once(page: Page) -> None:
    """Looking at it burns nothing: messengers fetch previews."""
    token = make_login_link(page.context).split("token=")[1]
    assert page.ask("GET", f"/login?token={token}").text.count("<form") == 1
    assert page.ask("GET", f"/login?token={token}").text.count("<form") == 1
    answer = page.ask("POST", "/login", data={"token": token}, headers={"Origin": "null"})
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Max-Age={90 * 86_400}" in cookie
    assert page.ask("GET", "/").status_code == 200

    assert Client(page.app).post("/login", data={"token": token}, base_url=ORIGIN).status_code == 400


def test_a_login_link_is_over_after_ten_minutes(page: Page) -> None:
    """It says so, and how to get another."""
    token = make_login_link(page.context).split("token=")[1]
    page.clock.forward(600)

    assert page.ask("GET", f"/login?token={token}").status_code == 400
    assert page.ask("POST", "/login", data={"token": token}).status_code == 400
    assert "fitferry login" in page.ask("GET", f"/login?token={token}").text


def test_another_sites_form_cannot_sign_a_browser_in(page: Page) -> None:
    """Nor use the link up."""
    token = make_login_link(page.context).split("token=")[1]

    assert page.ask("POST", "/login", data={"token": token}, headers={"Origin": EVIL}).status_code == 403
    assert page.ask("POST", "/login", data={"token": token}).status_code == 303


def test_the_api_token_signs_in_too(page: Page) -> None:
    """A wrong one does not."""
    assert page.ask("POST", "/login", data={"api_token": "wrong"}).status_code == 400
    assert page.ask("POST", "/login", data={"api_token": f" {TOKEN}\n"}).status_code == 303
    assert page.ask("GET", "/").status_code == 200


def test_a_session_lasts_ninety_days_from_its_last_use(page: Page) -> None:
    """And ends when the browser is signed out."""
    page.sign_in()
    page.clock.forward(80 * 86_400)
    assert COOKIE in page.ask("GET", "/").headers["Set-Cookie"]
    page.clock.forward(80 * 86_400)
    assert page.ask("GET", "/").status_code == 200
    page.ask("POST", "/logout", headers={"Origin": ORIGIN})

    assert page.ask("GET", "/").status_code == 401


# Connecting


def test_consent_is_a_redirect_or_json(page: Page) -> None:
    """As the client prefers."""
    redirect = page.api("GET", "/api/v1/strava/auth?athlete=me")
    as_json = page.api("GET", "/api/v1/strava/auth", headers={"Accept": "application/json"})

    assert (
        redirect.status_code,
        urlsplit(redirect.headers["Location"]).hostname,
    ) == (302, "www.strava.example")
    assert (as_json.json or {})["authorization_url"].startswith("https://www.strava.example/oauth/authorize?")
    assert page.api("GET", "/api/v1/strava/auth?athlete=nobody").status_code == 404


def state_of(page: Page, athlete: str = "me") -> str:
    """A state that Strava would send back."""
    answer = page.api("GET", f"/api/v1/strava/auth?athlete={athlete}")
    return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]


CALLBACKS: list[tuple[dict[str, str], object, int, str]] = [
    ({}, None, 200, "connected"),
    ({"error": "access_denied", "code": "", "scope": ""}, None, 400, "refused"),
    ({"scope": "read"}, None, 400, "scope"),
    ({"state": "made-up"}, None, 400, "state"),
    (
        {},
        (400, {"errors": [{"resource": "AuthorizationCode", "field": "code", "code": "invalid"}]}),
        400,
        "code",
    ),
    ({}, (401, {"errors": [{"resource": "Application", "field": "", "code": "invalid"}]}), 400, "app"),
    ({}, httpx.ConnectError("no route"), 502, "unreachable"),
]


@pytest.mark.parametrize(
    ("changed", "answer", "status", "outcome"), CALLBACKS, ids=[one[3] for one in CALLBACKS]
)
def test_each_end_of_a_consent_has_its_page(
    page: Page, changed: dict[str, str], answer: object, status: int, outcome: str
) -> None:
    """In plain words with what to do; without a sign-in, because Strava's page comes back in any browser."""
    if answer is not None:
        page.wire.to("POST /oauth/token", answer)
    query = {"state": state_of(page), "code": "c", "scope": "read,activity:write", **changed}
    found = page.ask("GET", "/api/v1/strava/callback", query_string=query)

    assert status == found.status_code
    assert ("<h1>Connected" in found.text) == (outcome == "connected")
    assert "callback.js" in found.text
    assert query["state"] not in found.text


def test_the_callback_speaks_json_to_the_command_that_pasted(page: Page) -> None:
    """And what came of it can be asked for."""
    state = state_of(page)
    waiting = page.api("GET", f"/api/v1/strava/auth/outcome?state={state}").json
    query = {"state": state, "code": "c", "scope": "read,activity:write"}
    done = page.api(
        "GET", "/api/v1/strava/callback", query_string=query, headers={"Accept": "application/json"}
    ).json
    outcome = page.api("GET", f"/api/v1/strava/auth/outcome?state={state}").json

    assert (waiting or {})["outcome"] == "waiting"
    assert (done or {})["outcome"] == "connected"
    assert outcome == {"outcome": "connected", "message": "Sam Sand"}
    assert page.calls == ["connected"]


def test_a_command_is_told_of_a_refusal_as_data_too(page: Page) -> None:
    """So that it can say it in the person's language: in the answer, and when it asks for the outcome."""
    query = {"state": state_of(page), "error": "access_denied"}
    headers = {"Accept": "application/json", "Fitferry-Messages": "codes"}
    answers = [
        page.api("GET", "/api/v1/strava/callback", query_string=query, headers=headers),
        page.api("GET", f"/api/v1/strava/auth/outcome?state={query['state']}", headers=headers),
    ]

    refused = sign_in.CONSENT_REFUSED(answer="access_denied")
    assert [answer.get_json() for answer in answers] == [
        {"outcome": "refused", "message": str(refused), "text": refused.to_values()}
    ] * 2


def test_another_account_is_refused(page: Page) -> None:
    """Somebody else's browser."""
    accounts.connect("me", 2002, "Rae", ["read"], b"sealed")
    query = {"state": state_of(page), "code": "c", "scope": "read,activity:write"}
    found = page.ask("GET", "/api/v1/strava/callback", query_string=query)

    assert found.status_code == 400
    assert "another Strava account" in found.text


def test_the_connection_is_shown_and_ended(page: Page) -> None:
    """`connected` is true when all are."""
    an_athlete(page.tokens)
    shown = page.api("GET", "/api/v1/strava/status").json or {}
    assert (shown["connected"], shown["athletes"][0]["display_name"]) == (True, "Sam Sand")
    assert page.api("POST", "/api/v1/strava/disconnect", json={"athlete": "me"}).status_code == 200
    assert not (page.api("GET", "/api/v1/strava/status").json or {})["connected"]

    assert page.api("POST", "/api/v1/strava/disconnect", json={"athlete": "nobody"}).status_code == 404


# Uploads


def test_a_file_is_queued_by_a_post(page: Page, ride: Ride) -> None:
    """With everything that the API says of a job."""
    answer = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(ride()), "my ride.fit")})
    job = answer.json or {}

    assert answer.status_code == 202
    assert {
        "id", "activity_id", "athlete", "file", "status", "waiting_for", "strava_activity_id", "strava_url",
        "error_code", "error_message", "retry_count", "created_at", "completed_at", "next_attempt_at", "sport",
        "start_time", "duration_s", "distance_m", "size", "sha256",
    } == set(job)  # fmt: skip
    assert (
        job["athlete"],
        job["status"],
        job["waiting_for"],
        job["sport"],
        job["start_time"],
        job["duration_s"],
        job["distance_m"],
    ) == ("me", "pending", "connection", "cycling", "2026-09-21T12:00:00Z", 30.0, 1000.0)
    assert job["file"] == "my ride.fit"
    assert page.calls[:1] == ["wake"]
    (kept,) = (page.folder / "state" / "spool").glob("*/*")
    assert ride() == kept.read_bytes()


def test_a_file_with_a_wrong_checksum_is_taken_by_hand(page: Page, ride: Ride) -> None:
    """Strava takes some of them; a person may insist."""
    body = ride()[:-1] + b"\0"

    assert (
        page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(body), "a.fit")}).status_code
        == 202
    )


def test_a_held_file_is_queued_by_uploading_it(page: Page, ride: Ride) -> None:
    """It is the same activity, and keeps its place in the folder."""
    first = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(ride()), "a.fit")}).json or {}
    set_status(uploads.get(first["id"]) or page.job(), Status.HELD, error_code="since")
    again = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(ride()), "b.fit")}).json or {}

    assert (first["id"], "pending") == (again["id"], again["status"])
    assert len(list((page.folder / "state" / "spool").iterdir())) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 400),
        ({"file": (io.BytesIO(b""), "a.fit")}, 400),
        ({"file": (io.BytesIO(b"<html>"), "a.fit")}, 400),
        ({"file": (io.BytesIO(b"<html>"), "a.fit"), "athlete": "nobody"}, 404),
    ],
)
def test_what_cannot_be_an_activity_is_refused_with_the_reason(
    page: Page, data: dict[str, Any], status: int
) -> None:
    """And nothing of it is kept."""
    answer = page.api("POST", "/api/v1/strava/upload", data=data, content_type="multipart/form-data")

    assert status == answer.status_code
    assert (answer.json or {})["error"]["message"]
    assert not list((page.folder / "state").rglob("*.fit"))


@pytest.mark.parametrize(
    ("status", "code", "body", "expected"),
    [
        (Status.FAILED, "rejected", None, 202),
        (Status.HELD, "since", {}, 202),
        (Status.SKIPPED, "dismissed", None, 202),
        (Status.SKIPPED, "no_activity", None, 202),
        (Status.PENDING, None, None, 202),
        (Status.COMPLETED, None, None, 409),
        (Status.COMPLETED, None, {"again": True}, 202),
        (Status.COMPLETED, None, {"again": "yes"}, 400),
        (Status.COMPLETED, None, [], 400),
    ],
)
def test_a_known_activity_is_queued_where_that_makes_sense(
    page: Page, status: Status, code: str | None, body: object, expected: int
) -> None:
    """What is done or in flight is a conflict; `again` lifts the one of what is done."""
    job = page.job()
    set_status(job, status, error_code=code)
    answer = page.api(
        "POST", f"/api/v1/strava/upload/{job.activity_id}", **({} if body is None else {"json": body})
    )

    assert expected == answer.status_code
    assert (expected == 202) == ("id" in (answer.json or {}))


def test_an_activity_in_flight_is_a_conflict_and_an_unknown_one_is_not_found(page: Page) -> None:
    """Nothing is sent twice at once."""
    job = page.job()
    sending(job.id, NOW)

    assert page.api("POST", f"/api/v1/strava/upload/{job.activity_id}").status_code == 409
    assert page.api("POST", "/api/v1/strava/upload/999").status_code == 404


def test_failed_and_held_jobs_are_put_aside(page: Page) -> None:
    """Others are not."""
    job = page.job()
    assert page.api("POST", f"/api/v1/strava/dismiss/{job.activity_id}").status_code == 409
    set_status(job, Status.FAILED)
    dismissed = page.api("POST", f"/api/v1/strava/dismiss/{job.activity_id}")

    assert (dismissed.status_code, (dismissed.json or {})["status"]) == (200, "skipped")
    assert page.api("POST", "/api/v1/strava/dismiss/999").status_code == 404


def test_the_backlog_is_decided(page: Page) -> None:
    """All, none, or since a day."""
    old = page.job()
    set_status(old, Status.HELD, error_code="backlog")
    shown = page.api("GET", "/api/v1/strava/backlog").json or {}
    assert (shown["count"], shown["days"]) == (1, 1)
    for wrong in ({}, {"decision": "since"}, {"decision": "some"}, {"decision": "since", "date": "soon"}):
        assert page.api("POST", "/api/v1/strava/backlog", json=wrong).status_code == 400
    assert (
        page.api(
            "POST", "/api/v1/strava/backlog", json={"decision": "since", "date": "2026-01-01"}
        ).status_code
        == 200
    )

    assert (uploads.get(old.id) or old).status == Status.PENDING


def test_the_history_is_listed_in_pages(page: Page) -> None:
    """Newest first, filtered, with the id to go on from."""
    for number in range(3):
        page.job(f"{number}.fit", b"%d" % number)
    first = page.api("GET", "/api/v1/strava/uploads?limit=2").json or {}
    rest = page.api("GET", f"/api/v1/strava/uploads?limit=2&before={first['next_before']}").json or {}

    assert ([job["id"] for job in first["uploads"]], first["next_before"]) == ([3, 2], 2)
    assert ([job["id"] for job in rest["uploads"]], rest["next_before"]) == ([1], None)
    assert (page.api("GET", "/api/v1/strava/uploads?status=failed").json or {})["uploads"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=-1", "status=done"])
def test_a_wrong_filter_is_said_so(page: Page, query: str) -> None:
    """Never a traceback, never an empty page."""
    assert page.api("GET", f"/api/v1/strava/uploads?{query}").status_code == 400
    assert page.api("GET", "/api/v1/strava/uploads?athlete=nobody").status_code == 404


def test_what_is_pending_is_listed_in_its_order(page: Page) -> None:
    """With what each waits for."""
    page.job("a.fit", b"a")
    job = page.job("b.fit", b"b")
    set_status(job, Status.COMPLETED)
    shown = page.api("GET", "/api/v1/strava/uploads/pending").json or {}

    assert (
        [one["id"] for one in shown["uploads"]],
        shown["next_before"],
        shown["uploads"][0]["waiting_for"],
    ) == ([1], None, "connection")


def test_a_sport_without_a_name_is_unknown(page: Page, ride: Ride) -> None:
    """Rules may go by its number; to programs it is none of the FIT profile's names."""
    for number, name in ((2, "cycling"), (200, None)):
        body = ride(sport=number, serial=number)
        answer = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(body), "a.fit")})
        assert (answer.json or {})["sport"] == name


def test_failed_jobs_are_retried_by_their_ids(page: Page) -> None:
    """Or all of them at once."""
    job = page.job()
    assert page.api("POST", "/api/v1/strava/retry", json={"jobs": [job.id]}).status_code == 409
    set_status(job, Status.FAILED, failures=5)
    assert ((page.api("GET", "/api/v1/strava/uploads").json or {})["uploads"][0])["retry_count"] == 4
    assert len((page.api("POST", "/api/v1/strava/retry", json={"failed": True}).json or {})["uploads"]) == 1

    assert ((uploads.get(job.id) or job).status, (uploads.get(job.id) or job).failures) == (Status.PENDING, 0)
    assert page.api("POST", "/api/v1/strava/retry", json={"jobs": ["1"]}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nowhere", 404),
        ("PUT", "/api/v1/strava/status", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v1//strava/status", 404),
        ("OPTIONS", "/api/v1/status", 404),
    ],
)
def test_what_is_not_there_is_an_error_in_json(page: Page, method: str, path: str, status: int) -> None:
    """Everywhere below /api/."""
    answer = page.api(method, path)

    assert (status, {"code", "message"}) == (answer.status_code, set((answer.json or {})["error"]))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"/api/v1/strava/upload/{2**63}", None, 404),
        ("POST", f"/api/v1/strava/dismiss/{10**30}", None, 404),
        ("POST", "/api/v1/strava/retry", f'{{"jobs": [{10**20}]}}', 404),
        ("POST", "/api/v1/strava/disconnect", "[" * 30_000, 400),
        ("POST", "/api/v1/strava/backlog", '{"decision": "since", "date": "0001-01-01"}', 400),
        ("POST", "/api/v1/strava/backlog", '{"decision": "all", "date": null}', 200),
        ("POST", "/api/v1/strava/backlog", '{"decision": "since", "date": null}', 400),
        ("POST", "/api/v1/strava/upload/1", '{"again": null}', 404),
        ("GET", "/api/v1/strava/uploads?status=&athlete=&limit=&before=", None, 200),
    ],
)
def test_odd_values_are_no_surprise(
    page: Page, method: str, path: str, body: str | None, status: int
) -> None:
    """Numbers that SQLite cannot count, days that no clock can, brackets without end; null is nothing at all."""
    assert status == page.api(method, path, data=body).status_code


@pytest.mark.parametrize(
    "neighbour", ['x={"k":1}', "a[b]=1", "y=a b", "novalue", "n:m=1", "z=\xe9", "z=\xff\xfe", ""]
)
def test_the_cookies_of_other_programs_sign_nobody_out(page: Page, neighbour: str) -> None:
    """A host's cookies go to every port of it, and a NAS has many pages."""
    page.sign_in()
    session = page.browser.get_cookie(COOKIE, domain="127.0.0.1")
    assert session is not None
    cookies = f"{neighbour}; {COOKIE}={session.value}"
    client = Client(page.app, use_cookies=False)

    assert client.get("/", base_url=ORIGIN, headers={"Cookie": cookies}).status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("application/json, text/plain, */*", 200),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 302),
        ("*/*", 302),
        ("", 302),
    ],
)
def test_programs_get_json_and_browsers_are_led_on(page: Page, accept: str, status: int) -> None:
    """By what they say that they would rather have."""
    assert status == page.api("GET", "/api/v1/strava/auth", headers={"Accept": accept}).status_code


def test_further_names_may_be_given_with_their_port(tmp_path: Path) -> None:
    """As they stand in a browser's address bar."""
    page = Page(tmp_path, '[web]\nhosts = ["nas:8480", "Pi."]')

    assert page.ask("GET", "/healthz", host="nas:8480").status_code == 200
    assert page.ask("GET", "/healthz", host="pi").status_code == 200


def test_an_error_is_data_as_well_for_whoever_wants_that(page: Page) -> None:
    """The commands translate it; all others get exactly code and message."""
    plain = page.api("GET", "/api/v1/nowhere").get_json()["error"]
    both = page.api("GET", "/api/v1/nowhere", headers={"Fitferry-Messages": "codes"}).get_json()["error"]

    assert both == {**plain, "text": {"code": "nothing_here", "params": {}}}


# For people and for monitors


def test_health_is_open_to_all_and_says_what_is_wrong(page: Page) -> None:
    """A container's check has no token."""
    assert (
        page.ask("GET", "/healthz").status_code,
        page.ask("GET", "/healthz").json,
    ) == (200, {"status": "ok"})
    page.ill = "an upload worker has ended"

    assert page.ask("GET", "/healthz").status_code == 503


def test_the_metrics_are_prometheus_text(page: Page) -> None:
    """Of the snapshot, and of what was counted; they parse."""
    page.metrics.asked("upload", "201", 0.3)
    page.metrics.completed(3)
    job = page.job("done.fit")
    set_status(job, Status.COMPLETED, strava_activity_id=1)
    answer = page.api("GET", "/metrics")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }

    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert found["fitferry_jobs", "completed"] == 1
    assert found["fitferry_strava_requests_left", "read", "day"] == 1000
    assert found["fitferry_strava_requests_total", "upload", "201"] == 1
    assert found["fitferry_upload_seconds_sum",] == 0.3
    assert found["fitferry_processing_seconds_bucket", "4.0"] == 1
    assert found["fitferry_last_upload_timestamp_seconds",] == NOW
    assert found["fitferry_watch_available", "/rides", "events"] == 1
    assert found["fitferry_build_info", __version__] == 1
    assert [name for name, *_ in found if name.endswith("_created")] == []


def test_the_page_shows_problems_first_then_the_history(page: Page) -> None:
    """With the buttons that each of them needs."""
    failed, done = page.job("failed.fit", b"f"), page.job("done.fit", b"d")
    set_status(failed, Status.FAILED, error_message=verbatim("Strava cannot use the file"))
    set_status(done, Status.COMPLETED, strava_activity_id=4242)
    page.sign_in()
    text = page.ask("GET", "/").text

    assert text.index("Connect Strava first") < text.index('id="history"')
    assert "Connect with Strava" in text
    assert "Strava cannot use the file" in text
    assert f'action="/do/retry/{failed.activity_id}"' in text
    assert 'href="https://www.strava.com/activities/4242"' in text
    assert "View on Strava" in text


def test_names_with_html_in_them_are_shown_as_text(page: Page) -> None:
    """A file's name is somebody else's text."""
    page.job("<script>alert(1)<.fit")
    page.sign_in()
    text = page.ask("GET", "/").text

    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)&lt;.fit" in text


def test_the_buttons_do_what_they_say(page: Page, ride: Ride) -> None:
    """And come back to the page with a word."""
    job = page.job()
    set_status(job, Status.FAILED)
    page.sign_in()
    own = {"Origin": ORIGIN}
    assert page.ask("POST", f"/do/upload/{job.activity_id}", headers=own).status_code == 303
    assert (uploads.get(job.id) or job).status == Status.PENDING
    set_status(job, Status.FAILED)
    assert page.ask("POST", f"/do/dismiss/{job.activity_id}", headers=own).status_code == 303
    data = {"file": (io.BytesIO(ride()), "new.fit")}
    location = page.ask("POST", "/do/upload", headers=own, data=data).headers["Location"]
    connect = page.ask("POST", "/do/connect", headers=own, data={"athlete": "me"}).headers["Location"]

    assert location == "/?done=queued"
    assert connect.startswith("https://www.strava.example/oauth/authorize?")
    assert page.ask("POST", "/do/upload", headers=own).status_code == 400
    assert page.ask("POST", "/do/connect", headers=own, data={"athlete": "x"}).status_code == 404


def test_a_bug_is_a_page_without_a_traceback(page: Page) -> None:
    """The log has it; the answer names nothing of it."""

    def stumble() -> None:
        raise ZeroDivisionError("division by zero")

    page.rotate_keys = stumble
    answer = page.api("POST", "/api/v1/keys/rotate")

    assert (answer.status_code, (answer.json or {})["error"]["code"]) == (500, "internal")
    assert "division" not in answer.text


def test_the_key_is_changed_by_a_post(page: Page) -> None:
    """As `fitferry keys rotate` asks for it."""
    assert page.api("POST", "/api/v1/keys/rotate").status_code == 200
    assert page.calls == ["rotated"]
