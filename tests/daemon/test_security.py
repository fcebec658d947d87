"""Who may ask for what: every address, with every kind of caller, against the rules in words."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from werkzeug.test import Client

from fakes import the
from fitferry.auth.oauth import digest
from fitferry.storage import sessions
from fitferry.web.middleware import COOKIE
from web_client import BEARER, HOST, ORIGIN, Page
from web_fuzz import odd_requests

pytestmark = pytest.mark.usefixtures("ledger")
HOSTS = {HOST: True, "192.168.1.7:8480": True, "evil.example": False, "localhost.evil.example": False}
ORIGINS = {
    None: "none",
    "null": "none",
    f"http://{HOST}": "ours",
    "http://evil.example": "foreign",
    "http://localhost:1": "foreign",
}
OPEN = {"/healthz", "/login", "/connect", "/api/v1/strava/callback"}
CALLERS = ("nobody", "cookie", "bearer", "wrong bearer", "stale cookie")


def addresses(page: Page) -> list[tuple[str, str]]:
    """Every method and path that there is."""
    found = [("GET", "/healthz")]  # answered before the application is asked
    for rule in page.flask().url_map.iter_rules():
        path = (
            re.sub(r"<int[^>]*>", "1", str(rule))
            .replace("<path:filename>", "fitferry.css")
            .replace("<path:name>", "a.fit")
        )
        found += [(method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(found)


def refusal(method: str, path: str, host: str, origin: str | None, caller: str) -> int | None:
    """The status of a refusal, by the rules; None where the request is let through."""
    if not HOSTS[host]:
        return 421
    if method in {"POST", "PUT"} and not origin_fits(path, origin, caller):
        return 403
    if path == "/push":
        return 401  # the token in its address is the proof, and here there is none
    if path in OPEN or path.startswith("/static/") or caller in {"cookie", "bearer"}:
        return None
    return 401


def origin_fits(path: str, origin: str | None, caller: str) -> bool:
    """Another site's never; a cookie needs ours; a token none, but no hidden one; the link of /login is its own proof."""
    kind = ORIGINS[origin]
    if kind != "none" or path == "/login":
        return kind != "foreign"
    return "cookie" not in caller and not (origin == "null" and "bearer" in caller)


def session(page: Page) -> str:
    """The cookie of a browser that is signed in."""
    digest_of_today = digest(page.context.api_token)
    if not sessions.session_is_good(digest("session"), page.clock()):  # signing out is an address, too
        sessions.add_session(digest("session"), page.clock(), api_token=digest_of_today)
    return "session"


def test_every_address_asks_who_is_there(tmp_path: Path) -> None:
    """Method x Host x Origin x cookie x bearer: refused exactly where the rules say so, and with their status."""
    page = Page(tmp_path)
    wrong, count = [], 0
    for (method, path), host, origin, caller in itertools.product(addresses(page), HOSTS, ORIGINS, CALLERS):
        headers = {"Host": host, **({"Origin": origin} if origin else {})}
        if "cookie" in caller:
            headers["Cookie"] = f"{COOKIE}={session(page) if caller == 'cookie' else 'of-yesterday'}"
        if "bearer" in caller:
            headers |= BEARER if caller == "bearer" else {"Authorization": "Bearer wrong"}
        client = Client(page.app, use_cookies=False)
        with client.open(path, method=method, base_url=ORIGIN, headers=headers) as answer:
            status = answer.status_code if answer.status_code in {401, 403, 421} else None
        expected = refusal(method, path, host, origin, caller)
        if status != expected:
            wrong.append((method, path, host, origin, caller, status, expected))
        count += 1

    assert wrong == []
    assert count > 2_000


def test_only_questions_are_open_to_get(tmp_path: Path) -> None:
    """What changes something is a POST; a GET by a signed-in browser leaves the ledger as it was."""
    page = Page(tmp_path)
    job = page.job()
    page.sign_in()
    for method, path in addresses(page):
        if method == "GET" and path != "/api/v1/strava/auth":  # it writes down whom it sends to Strava
            page.ask("GET", path).close()

    assert the(job.id) == job
    assert page.calls == []


def test_no_odd_request_is_a_surprise(tmp_path: Path) -> None:
    """Five hundred of them; bench/page_fuzz.py makes two hundred thousand."""
    page = Page(tmp_path)
    page.job()
    wrong = [request for request in odd_requests(500, seed=7) if page.odd(request) in {500, 501, 504}]

    assert wrong == []
