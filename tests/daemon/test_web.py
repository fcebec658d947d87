"""Who may ask the page and the API what, from where, and what everybody gets."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from werkzeug.test import Client

from fakes import NOW
from fitferry import __version__
from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.core.messages import verbatim
from fitferry.core.upload import Status
from fitferry.storage import uploads
from fitferry.web.credentials import make_login_link
from fitferry.web.middleware import COOKIE, OTHER_BYTES
from web_client import BEARER, HOST, ORIGIN, TOKEN, Page, set_status

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]
EVIL = "http://evil.example"


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


def test_a_bug_is_an_answer_without_a_traceback(page: Page) -> None:
    """The log has it; the answer names nothing of it."""

    def stumble() -> None:
        raise ZeroDivisionError("division by zero")

    page.rotate_keys = stumble
    with capture_logs() as logs:
        answer = page.api("POST", "/api/v1/keys/rotate")

    assert (answer.status_code, (answer.json or {})["error"]["code"]) == (500, "internal")
    assert "division" not in answer.text
    assert [log["event"] for log in logs] == ["unexpected_error"]


def test_the_key_is_changed_by_a_post(page: Page) -> None:
    """As `fitferry keys rotate` asks for it."""
    assert page.api("POST", "/api/v1/keys/rotate").status_code == 200
    assert page.calls == ["rotated"]
