"""What is refused before any route: names, origins, lengths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import verbatim
from fitferry.web.middleware import COOKIE, REFUSAL, RequestFilter

URL = "https://Rides.example:8443"
ANSWERED = b"answered"


def nothing(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
    """An application that only says that it was asked."""
    return [ANSWERED]


def filtered(may_enter: RequestRejected | None = None, url: str = URL) -> RequestFilter[Any]:
    """The middleware of a page at URL, which has another name, too."""
    return RequestFilter(
        nothing,
        url=lambda: url,
        hosts=("Nas.Home",),
        health_error=lambda: None,
        may_enter=lambda _environ: may_enter,
    )


def request(
    method: str = "GET", path: str = "/", host: str = "rides.example", **headers: str
) -> dict[str, Any]:
    """A request as WSGI gives it; headers by their names there."""
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host, **headers}


def refused(environ: dict[str, Any], url: str = URL) -> str | None:
    """The code for which a request is refused."""
    assert list(filtered(url=url)(environ, lambda *_: None)) == [ANSWERED]  # type: ignore[arg-type]  # no body is written
    refusal = environ[REFUSAL]
    return None if refusal is None else refusal.code.value


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("rides.example", None),
        ("RIDES.EXAMPLE:8443", None),
        ("rides.example.", None),
        ("nas.home", None),
        ("NAS.home:80", None),
        ("localhost:8080", None),
        ("192.168.1.2:8080", None),
        ("[::1]:8080", None),
        ("[fe80::1%eth0]", None),
        ("[fe80::1%25eth0]:8080", None),
        ("evil.example", "host"),
        ("rides.example.evil.example", "host"),
        ("user@rides.example", "host"),
        ("rides.example:port", "host"),
        ("rides.example/path", "host"),
        ("[::1", "host"),
        ("", "host"),
    ],
)
def test_a_page_answers_to_its_own_names_and_to_addresses(host: str, code: str | None) -> None:
    """In whatever case, with a port, a last dot, or the zone of an address of this link; to no other name."""
    assert refused(request(host=host)) == code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"HTTP_ORIGIN": "https://rides.example:8443"}, None),
        ({"HTTP_ORIGIN": "HTTPS://RIDES.example:8443"}, None),
        ({"HTTP_ORIGIN": "http://nas.home:8080"}, None),
        ({"HTTP_ORIGIN": "HTTP://Nas.Home:8080"}, None),
        ({"HTTP_ORIGIN": "https://nas.home:8080"}, None),
        ({"HTTP_ORIGIN": "http://nas.home"}, "origin"),
        ({"HTTP_ORIGIN": "https://evil.example"}, "origin"),
        ({"HTTP_ORIGIN": "https://evil.example", "HTTP_AUTHORIZATION": "Bearer x"}, "origin"),
        ({"HTTP_ORIGIN": "null"}, None),
        ({"HTTP_ORIGIN": "null", "HTTP_COOKIE": f"{COOKIE}=x"}, "origin"),
        ({"HTTP_ORIGIN": "null", "HTTP_AUTHORIZATION": "Bearer x"}, "origin"),
        ({"HTTP_AUTHORIZATION": "Bearer x", "HTTP_COOKIE": f"{COOKIE}=x"}, None),
        ({"HTTP_AUTHORIZATION": "BASIC x", "HTTP_COOKIE": f"{COOKIE}=x"}, None),
        ({"HTTP_COOKIE": f"{COOKIE}=x"}, "origin"),
        ({"HTTP_COOKIE": "other=x"}, None),
        ({}, None),
    ],
)
def test_only_our_own_pages_change_anything_with_a_cookie(headers: dict[str, str], code: str | None) -> None:
    """Their Origin is compared in lower case; a program's token needs none, but not another site's."""
    environ = request("POST", "/do/retry", "Nas.Home:8080", **headers)

    assert refused(environ) == code
    assert refused(request("GET", "/", "nas.home:8080", **headers)) is None


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("https://Rides.example:443", "rides.example", "https://rides.example"),
        ("http://rides.example:80", "rides.example:80", "http://rides.example"),
        ("https://me:secret@rides.example", "rides.example", "https://rides.example"),
        ("http://Rides.example.:8480", "rides.example.:8480", "http://rides.example.:8480"),
        ("https://HÖHE.example", "xn--hhe-sna.example", "https://xn--hhe-sna.example"),
        ("http://[::1]:8480", "[::1]:8480", "http://[::1]:8480"),
    ],
)
def test_an_address_is_known_as_browsers_write_it(url: str, host: str, origin: str) -> None:
    """However the setting spells it; a proxy may ask for the page under a name of its own."""
    assert refused(request(host=host), url) is None
    assert refused(request("POST", "/do/retry", "127.0.0.1:8480", HTTP_ORIGIN=origin), url) is None


def test_a_one_time_link_needs_no_origin() -> None:
    """Browsers send null from a page without referrer; the token in it is the proof."""
    assert refused(request("POST", "/login", HTTP_ORIGIN="null", HTTP_COOKIE=f"{COOKIE}=old")) is None


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/do/retry", {"CONTENT_LENGTH": "64000"}, None),
        ("/do/retry", {"CONTENT_LENGTH": "64001"}, "too_large"),
        ("/do/upload", {"CONTENT_LENGTH": "26000000"}, None),
        ("/in/a.fit", {"CONTENT_LENGTH": "26000000"}, None),
        ("/do/upload", {"CONTENT_LENGTH": "26000001"}, "too_large"),
        ("/do/retry", {"CONTENT_LENGTH": "-1"}, "too_large"),
        ("/do/retry", {"CONTENT_LENGTH": "+1"}, "too_large"),
        ("/do/retry", {"CONTENT_LENGTH": "1_0"}, "too_large"),
        ("/do/retry", {"CONTENT_LENGTH": "²"}, "too_large"),
        ("/do/retry", {"CONTENT_LENGTH": "ten"}, "too_large"),
        ("/do/retry", {"CONTENT_LENGTH": ""}, None),
        ("/do/retry", {}, None),
        ("/do/retry", {"HTTP_TRANSFER_ENCODING": "chunked"}, "length"),
        ("/do/retry", {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "10"}, None),
    ],
)
def test_a_body_says_in_digits_how_long_it_is(path: str, headers: dict[str, str], code: str | None) -> None:
    """What comes in pieces has been counted by the server, which says its length then."""
    assert refused(request("POST", path, **headers)) == code


WHO = RequestRejected(RejectionCode.UNAUTHORIZED, verbatim("sign in"))


@pytest.mark.parametrize(
    ("path", "may_enter", "headers", "limit"),
    [
        ("/do/upload", None, {"CONTENT_LENGTH": "10"}, 26_000_000),
        ("/do/upload", WHO, {"CONTENT_LENGTH": "10"}, 64_000),
        ("/do/retry", None, {"CONTENT_LENGTH": "64000"}, 64_000),
        ("/do/retry", None, {"CONTENT_LENGTH": "64001"}, 0),
        ("/do/upload", WHO, {"CONTENT_LENGTH": "64001"}, 0),
        ("/do/upload", None, {"CONTENT_LENGTH": "26000001"}, 0),
        ("/do/upload", None, {"CONTENT_LENGTH": "ten"}, 0),
        ("/do/upload", None, {"HTTP_TRANSFER_ENCODING": "chunked"}, 26_000_000),
        ("/do/upload", None, {"CONTENT_LENGTH": "10", "HTTP_ORIGIN": "https://evil.example"}, 0),
    ],
)
def test_a_body_is_read_as_far_as_its_headers_permit(
    path: str, may_enter: RequestRejected | None, headers: dict[str, str], limit: int
) -> None:
    """Large ones of those who are signed in, and to where files go; nothing of what is refused anyway."""
    assert filtered(may_enter).body_limit(request("POST", path, **headers)) == limit
