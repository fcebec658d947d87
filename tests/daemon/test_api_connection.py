"""The API of a connection: consent, the way back from Strava, what came of it, and its end."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fakes import an_athlete
from fitferry.core.messages import sign_in
from fitferry.storage import accounts
from web_client import Page

pytestmark = pytest.mark.usefixtures("ledger")


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
