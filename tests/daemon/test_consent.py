"""Consent in a browser: it begins where it was meant, and ends only where it began."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client, TestResponse

from fitferry.storage import accounts
from fitferry.web.security_log import BURST, BoundedLog
from web_client import HOST, ORIGIN, Page

pytestmark = pytest.mark.usefixtures("ledger")
CALLBACK = "/api/v1/strava/callback"


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """A page, and a browser that is signed in."""
    page = Page(tmp_path)
    page.sign_in()
    return page


def state_in(answer: TestResponse) -> str:
    """The state in the address of Strava's consent page."""
    return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]


def come_back(client: Client, state: str, host: str = HOST) -> TestResponse:
    """What Strava's consent page leads a browser back to."""
    query = {"state": state, "code": "c", "scope": "read,activity:write"}
    return client.get(CALLBACK, query_string=query, base_url=f"http://{host}")


def begun(page: Page) -> str:
    """The state of a consent that the page's button began."""
    answer = page.ask("POST", "/do/connect", headers={"Origin": ORIGIN}, data={"athlete": "me"})
    assert urlsplit(answer.headers["Location"]).hostname == "www.strava.example"
    return state_in(answer)


def test_a_consent_ends_in_the_browser_in_which_it_began(page: Page) -> None:
    """The cookie that says so is gone afterwards."""
    answer = come_back(page.browser, begun(page))

    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert accounts.get("me").connected


def test_a_look_at_the_callback_uses_nothing_up(page: Page) -> None:
    """Whatever asks for the headers alone, such as a scanner of links."""
    state = begun(page)
    query = {"state": state, "code": "c", "scope": "read,activity:write"}
    looked = page.browser.head(CALLBACK, query_string=query, base_url=ORIGIN)

    assert (looked.status_code, come_back(page.browser, state).status_code) == (200, 200)


def test_a_seen_state_is_no_use_to_anybody_else(page: Page) -> None:
    """Else an attacker's code would connect the attacker's account; the state stays good where it began."""
    state = begun(page)
    answer = come_back(Client(page.app), state)

    assert answer.status_code == 400
    assert "began in another browser" in answer.text
    assert "<button" in answer.text
    assert "fitferry connect --paste" in answer.text
    assert not accounts.get("me").connected
    assert come_back(page.browser, state).status_code == 200


def test_the_cookie_is_one_for_each_state(page: Page) -> None:
    """Two consents that are under way at once do not disturb each other."""
    first, second = begun(page), begun(page)

    assert come_back(page.browser, first).status_code == 200
    assert come_back(page.browser, second).status_code == 200


def test_a_state_that_a_program_began_is_bound_to_no_browser(page: Page) -> None:
    """The command prints the address, and somebody opens it anywhere."""
    state = state_in(page.api("GET", "/api/v1/strava/auth"))

    assert come_back(Client(page.app), state).status_code == 200


def test_a_page_under_another_name_leads_to_the_url_first(page: Page) -> None:
    """A cookie of the one would not come back to the other."""
    browser = Client(page.app)
    page.browser = browser
    token = page.api("POST", "/api/v1/login-link").get_json()["url"].split("token=")[1]
    base = "http://localhost:8480"
    browser.post("/login", data={"token": token}, base_url=base)
    first = browser.post("/do/connect", data={"athlete": "me"}, base_url=base, headers={"Origin": base})

    assert first.headers["Location"].startswith(f"{ORIGIN}/connect?token=")
    second = browser.get(first.headers["Location"].removeprefix(ORIGIN), base_url=ORIGIN)
    assert "HttpOnly" in second.headers["Set-Cookie"]
    assert "SameSite=Lax" in second.headers["Set-Cookie"]
    assert "Max-Age=600" in second.headers["Set-Cookie"]
    assert come_back(browser, state_in(second)).status_code == 200


def test_the_link_of_connect_is_used_up_by_a_connection_and_not_by_a_preview(page: Page) -> None:
    """And what came of it can be asked for."""
    made = page.api("POST", "/api/v1/strava/connect-link", json={"athlete": "me"})
    link, state = made.get_json()["url"], made.get_json()["state"]
    path, browser = link.removeprefix(ORIGIN), Client(page.app)

    def outcome() -> str:
        return str(page.api("GET", f"/api/v1/strava/auth/outcome?state={state}").get_json()["outcome"])

    assert (made.status_code, Client(page.app).get(path, base_url=ORIGIN).status_code) == (201, 302)
    assert outcome() == "waiting"
    assert come_back(browser, state).status_code == 400  # the link itself is no state
    assert come_back(browser, state_in(browser.get(path, base_url=ORIGIN))).status_code == 200
    assert outcome() == "connected"
    assert browser.get(path, base_url=ORIGIN).status_code == 400


def test_a_link_of_connect_is_good_for_ten_minutes(page: Page) -> None:
    """As long as a consent."""
    link = page.api("POST", "/api/v1/strava/connect-link").get_json()["url"]
    page.clock.forward(600)

    assert page.ask("GET", link.removeprefix(ORIGIN)).status_code == 400


@pytest.mark.parametrize(
    ("fetch_site", "status"),
    [("same-origin", 302), ("none", 302), ("cross-site", 403), ("same-site", 403), ("odd", 403), (None, 200)],
)
def test_another_site_cannot_begin_a_consent(page: Page, fetch_site: str | None, status: int) -> None:
    """Where the browser does not say who leads it here, a person has to press a button."""
    headers = {"Sec-Fetch-Site": fetch_site} if fetch_site else {}
    answer = page.ask("GET", "/api/v1/strava/auth?athlete=me", headers=headers)

    assert status == answer.status_code
    if status == 200:
        assert answer.text.count("<form") == 1
        assert 'method="post"' in answer.text


@pytest.mark.parametrize(
    ("mode", "dest", "status"),
    [
        ("no-cors", "image", 403),
        ("cors", "empty", 403),
        ("navigate", "iframe", 403),
        ("navigate", "document", 200),
    ],
)
def test_another_site_embeds_nothing_of_the_page(page: Page, mode: str, dest: str, status: int) -> None:
    """No status, image, script or frame tells it anything; a link to the page works."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}

    assert status == page.ask("GET", "/", headers=headers).status_code


def test_an_address_that_ends_the_consent_can_be_pasted_where_it_began(page: Page) -> None:
    """For a page whose url is not within the browser's reach."""
    data = {"athlete": "me", "paste": "1"}
    state = state_in(page.ask("POST", "/do/connect", headers={"Origin": ORIGIN}, data=data))
    address = f"http://127.0.0.1:8480{CALLBACK}?state={state}&code=c&scope=read,activity:write"

    for wrong in ("http://[::1", "", "no address"):
        answer = page.ask("POST", "/do/paste", headers={"Origin": ORIGIN}, data={"address": wrong})
        assert answer.status_code == 400
    answer = page.ask("POST", "/do/paste", headers={"Origin": ORIGIN}, data={"address": address})
    assert answer.status_code == 200


def test_two_thousand_refused_callbacks_leave_a_bounded_trace() -> None:
    """The first ones with everything, then their number."""
    now = [0.0]
    log = BoundedLog(clock=lambda: now[0])
    with capture_logs() as lines:
        for _ in range(2_000):
            log.log("sign_in", outcome="refused", code="state")
        now[0] = 61.0
        log.log("sign_in", outcome="refused", code="state")

    assert len(lines) == BURST + 3
    assert [line["outcome"] for line in lines[-2:]] == ["suppressed", "refused"]
    assert lines[-2]["count"] == 2_000 - BURST


def test_sign_ins_and_refused_ones_are_logged(page: Page) -> None:
    """With who asked and why it was refused, and without any secret."""
    peer = {"REMOTE_ADDR": "192.0.2.7"}
    with capture_logs() as lines:
        page.ask("POST", "/login", data={"api_token": "wrong-secret"}, environ_overrides=peer)
        page.ask("GET", CALLBACK, query_string={"state": "made-up"}, environ_overrides=peer)
        page.ask("POST", "/logout", headers={"Origin": ORIGIN}, environ_overrides=peer)

    assert [(line["event"], line["outcome"], line.get("by") or line.get("code")) for line in lines] == [
        ("sign_in", "refused", "api_token"),
        ("sign_in", "refused", "state"),
        ("session_ended", "ok", None),
    ]
    assert {line["peer"] for line in lines} == {"192.0.2.7"}
    assert "wrong-secret" not in str(lines)
