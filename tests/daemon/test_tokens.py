"""Named tokens: each does one thing; and the ways by which programs bring files with them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from fitferry.auth.oauth import digest
from fitferry.monitoring import status_json
from web_client import HOST, ORIGIN, Page

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]
READABLE = ["/api/v1/status", "/api/v1/strava/uploads", "/api/v1/strava/uploads/pending", "/metrics"]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """A page for two athletes."""
    return Page(tmp_path, '[[watch]]\nfolder = "/more"\nathlete = "sam"\n')


def make(page: Page, can: str, **given: str) -> str:
    """The secret of a new token."""
    answer = page.api("POST", "/api/v1/tokens", json={"name": can, "can": can, **given})
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["token"])


def ask(page: Page, method: str, path: str, token: str, **given: Any) -> TestResponse:
    """One request with a token."""
    return Client(page.app).open(
        path, method=method, base_url=ORIGIN, headers={"Authorization": f"Bearer {token}"}, **given
    )


def test_a_read_token_reads_and_nothing_else(page: Page) -> None:
    """All else is forbidden, not unknown."""
    token = make(page, "read")

    assert [ask(page, "GET", path, token).status_code for path in READABLE] == [200] * len(READABLE)
    for method, path in (
        ("GET", "/"),
        ("GET", "/api/v1/tokens"),
        ("GET", "/api/v1/strava/auth"),
        ("POST", "/api/v1/status"),
        ("POST", "/api/v1/strava/retry"),
        ("POST", "/api/v1/login-link"),
        ("POST", "/api/v1/tokens"),
        ("POST", "/api/v1/strava/upload"),
        ("PUT", "/in/a.fit"),
    ):
        assert ask(page, method, path, token, data=b"").status_code == 403, path


def test_an_upload_token_brings_files_and_nothing_else(page: Page, ride: Ride) -> None:
    """By three addresses, for its own athlete."""
    token = make(page, "upload", athlete="sam")
    put = ask(page, "PUT", "/in/ride.fit", token, data=ride())
    posted = ask(page, "POST", "/api/v1/activity/upload", token, data={"file": (io.BytesIO(ride()), "b.fit")})
    strava = ask(page, "POST", "/api/v1/strava/upload", token, data={"file": (io.BytesIO(ride()), "c.fit")})

    assert [put.status_code, posted.status_code, strava.status_code] == [202, 202, 202]
    assert put.get_json()["athlete"] == "sam"
    assert put.get_json()["file"] == "ride.fit"
    assert put.get_json()["id"] == posted.get_json()["id"] == strava.get_json()["id"]
    other = {"file": (io.BytesIO(ride()), "b.fit"), "athlete": "me"}
    assert ask(page, "POST", "/api/v1/strava/upload", token, data=other).status_code == 403
    for path in (*READABLE, "/", "/api/v1/strava/status"):
        assert ask(page, "GET", path, token).status_code == 403, path
    assert ask(page, "POST", "/api/v1/strava/upload/1", token).status_code == 403


def test_a_file_is_put_with_a_password_as_well(page: Page, ride: Ride) -> None:
    """What sends files often knows nothing but user and password; elsewhere that is no sign-in."""
    token = make(page, "upload")
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    client = Client(page.app)

    assert client.put("/in/a.fit", data=ride(), base_url=ORIGIN, headers=headers).status_code == 202
    assert client.get("/api/v1/status", base_url=ORIGIN, headers=headers).status_code == 401


def test_without_a_token_a_password_is_asked_for(page: Page) -> None:
    """And an unknown one is no other case."""
    client = Client(page.app)
    answer = client.put("/in/a.fit", data=b"x", base_url=ORIGIN)

    assert (answer.status_code, answer.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert answer.get_json()["error"]["code"] == "unauthorized"
    for odd in ("Basic", "Basic !!!", "Basic /w==", "Bearer", "Bearer \xff", "Digest x"):
        wrong = client.put("/in/a.fit", data=b"x", base_url=ORIGIN, headers={"Authorization": odd})
        assert wrong.status_code == 401


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"<html>", 400), (b"x" * 25_500_000, 413)])
def test_what_cannot_be_an_activity_is_refused(page: Page, body: bytes, status: int) -> None:
    """With the reason."""
    answer = ask(page, "PUT", "/in/a.fit", make(page, "upload"), data=body)

    assert status == answer.status_code
    assert answer.get_json()["error"]["message"]


def test_a_revoked_token_is_unknown(page: Page) -> None:
    """At once; its name is free again."""
    token = make(page, "read")
    listed = page.api("GET", "/api/v1/tokens").get_json()["tokens"]
    assert page.api("POST", "/api/v1/tokens/revoke", json={"name": "read"}).status_code == 200

    assert [(one["name"], one["can"], one["athlete"]) for one in listed] == [("read", "read", None)]
    assert "token" not in listed[0]
    assert ask(page, "GET", "/api/v1/status", token).status_code == 401
    assert page.api("POST", "/api/v1/tokens/revoke", json={"name": "read"}).status_code == 404
    make(page, "read")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"name": "a", "can": "write"}, 400),
        ({"name": "a"}, 400),
        ({"can": "read"}, 400),
        ({"name": "a\n", "can": "read"}, 400),
        ({"name": "x" * 41, "can": "read"}, 400),
        ({"name": "a", "can": "upload", "athlete": "nobody"}, 404),
        ({"name": "a", "can": "upload", "athlete": ""}, 404),
        ({"name": "taken", "can": "read"}, 409),
    ],
)
def test_what_no_token_can_be_is_refused(page: Page, given: dict[str, str], status: int) -> None:
    """Before anything is kept."""
    page.api("POST", "/api/v1/tokens", json={"name": "taken", "can": "read"})

    assert status == page.api("POST", "/api/v1/tokens", json=given).status_code
    assert len(page.api("GET", "/api/v1/tokens").get_json()["tokens"]) == 1


def test_a_token_is_kept_as_a_digest(page: Page) -> None:
    """Who reads the database can use none."""
    token = make(page, "upload")
    kept = b"".join(path.read_bytes() for path in page.folder.rglob("*") if path.is_file())

    assert token.encode() not in kept
    assert digest(token).encode() in kept


def test_the_status_over_http_is_the_one_of_the_file(page: Page) -> None:
    """Every field."""
    assert page.api("GET", "/api/v1/status").get_json() == status_json.to_json(page.snapshot())


def test_every_session_can_be_ended(page: Page) -> None:
    """By one request; links that were made before are over, too."""
    page.sign_in()
    link = page.api("POST", "/api/v1/login-link").get_json()["url"].split("token=")[1]
    answer = page.api("POST", "/api/v1/sessions/end")

    assert answer.get_json() == {"ended": 1}
    assert page.ask("GET", "/").status_code == 401
    assert page.ask("POST", "/login", data={"token": link}).status_code == 400


def test_a_button_ends_every_session(page: Page) -> None:
    """This browser's, too."""
    page.sign_in()
    page.ask("POST", "/do/sessions/end", headers={"Origin": ORIGIN})

    assert page.ask("GET", "/").status_code == 401


def test_a_new_api_token_ends_the_sessions_of_the_old_one(page: Page) -> None:
    """The same one after a restart does not."""
    page.sign_in()
    host = HOST.split(":", maxsplit=1)[0]
    session = page.browser.get_cookie("fitferry_session", domain=host)
    assert session is not None

    for api_token, status in ((page.context.api_token, 200), ("another", 401)):
        page.context = replace(page.context, api_token=api_token)
        page.restart()
        page.browser.set_cookie("fitferry_session", session.value, domain=host)
        assert status == page.ask("GET", "/").status_code
