"""What is checked of every request before any route: Host, Origin, who asks, the body's length; and the headers of answers.

DNS rebinding makes any visited page a client of ours; only the Host header tells. Literal addresses are safe:
the Host is then the attacker's name, never an address. Health is answered here, without Flask and without a body.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import Message, web

COOKIE = "fitferry_session"
OTHER_BYTES = 64_000
CALLBACK = "/api/v1/strava/callback"
HEALTH = "/healthz"
IN = "/in/"
"""Programs PUT files below this path."""
REFUSAL = "fitferry.refusal"
"""The key in a request's environ of why it was rejected before the application was asked: RequestRejected or None."""
UPLOAD_PATHS = frozenset({"/api/v1/strava/upload", "/api/v1/activity/upload"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SECRET_PATHS = frozenset({"/login", "/connect", "/push", CALLBACK})
"""Addresses with a secret in them that proves who asks."""
_NO_REFERRER = SECRET_PATHS | {"/setup"}
"""Elsewhere `same-origin`: with `no-referrer` browsers send `Origin: null`."""
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
_HEADER_LENGTHS = {
    "HTTP_ACCEPT_LANGUAGE": 200,
    "HTTP_ACCEPT": 1_000,
    "HTTP_ACCEPT_ENCODING": 1_000,
    "HTTP_ACCEPT_CHARSET": 1_000,
}
"""Longer ones are passed over: a list of 142 kB costs a third of a second to sort. Bytes."""
_SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)

App = TypeVar("App", bound=WSGIApplication)


class RequestFilter(Generic[App]):
    """The middleware in front of the application.

    `may_enter`: says of a request whose Host and Origin fit why it is refused, None if it is not; `signed_in`: whether
    its sender may send large bodies.
    """

    def __init__(
        self,
        app: App,
        *,
        url: Callable[[], str],
        hosts: Iterable[str],
        form_targets: Iterable[str] = (),
        health_error: Callable[[], Message | None],
        may_enter: Callable[[WSGIEnvironment], RequestRejected | None],
    ) -> None:
        self.application = app
        self._url = url
        self._hosts = frozenset(_hostname(_ascii(host)) for host in hosts)
        self._targets = " ".join(("'self'", *form_targets))
        self._health_error = health_error
        self._may_enter = may_enter

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")

        def start_with_headers(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start(status, [*headers, *self._headers(path, headers)], *rest)

        for name, length in _HEADER_LENGTHS.items():
            if len(environ.get(name, "")) > length:
                del environ[name]
        refusal = self._refusal(environ)
        if path == HEALTH and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            return self._health(refusal, environ["REQUEST_METHOD"], start_with_headers)
        # The application says it in the language of whoever asks, and does nothing else.
        environ[REFUSAL] = refusal
        return self.application(environ, start_with_headers)

    def body_limit(self, environ: WSGIEnvironment) -> int:
        """How many bytes of a request's body may be read, judged by its headers alone; 0: it is refused."""
        length = environ.get("CONTENT_LENGTH", "")
        refusal = self._foreign(environ)
        if refusal is None and (not length.isdecimal() or int(length) > OTHER_BYTES):
            refusal = self._refusal({**environ, "CONTENT_LENGTH": length or "0"})
        if refusal is not None:
            return 0
        return UPLOAD_BYTES if _takes_uploads(environ) and self._may_enter(environ) is None else OTHER_BYTES

    def _health(self, refusal: RequestRejected | None, method: str, start: StartResponse) -> Iterable[bytes]:
        status = 200
        answer: dict[str, object] = {"status": "ok"}
        error = self._health_error() if refusal is None else None
        if refusal is not None:
            status = refusal.status
            answer = {"error": {"code": refusal.code, "message": str(refusal.message)}}
        elif error is not None:
            status, answer = 503, {"status": "unhealthy", "reason": str(error)}
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start(f"{status} {HTTPStatus(status).phrase}", headers)
        return [b"" if method == "HEAD" else body]

    def _refusal(self, environ: WSGIEnvironment) -> RequestRejected | None:
        """Why a request is refused; None lets it pass. The order is the contract's: Host, Origin, who, how much."""
        return self._foreign(environ) or self._may_enter(environ) or _too_much(environ)

    def _foreign(self, environ: WSGIEnvironment) -> RequestRejected | None:
        """Why a request is refused that another site makes, or that goes to another name."""
        if not self._host_is_ours(environ.get("HTTP_HOST", "")):
            return RequestRejected(RejectionCode.HOST, web.FOREIGN_HOST())
        wants_change = environ["REQUEST_METHOD"] not in _SAFE
        if (wants_change and not self._origin_is_ours(environ)) or _is_embedded_elsewhere(environ):
            return RequestRejected(RejectionCode.ORIGIN, web.FOREIGN_ORIGIN())
        return None

    def _host_is_ours(self, host: str) -> bool:
        name = _hostname(host)
        if name is None:
            return False
        return name in {"localhost", hostname_of_url(self._url())} | self._hosts or _is_address(name)

    def _origin_is_ours(self, environ: WSGIEnvironment) -> bool:
        """A cookie needs an Origin of ours; a token needs none, but not another site's."""
        origin = environ.get("HTTP_ORIGIN")
        host = environ.get("HTTP_HOST", "").lower()
        ours = {f"http://{host}", f"https://{host}", origin_of_url(self._url())}
        if origin is not None and origin != "null":
            return origin.lower() in ours
        if environ.get("PATH_INFO", "") == "/login":
            return True  # the one-time token is the proof; browsers send null from a page without referrer
        if environ.get("HTTP_AUTHORIZATION", "").lower().startswith(("bearer ", "basic ")):
            return origin is None
        return cookie(environ) is None

    def _headers(self, path: str, there: list[tuple[str, str]]) -> list[tuple[str, str]]:
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
            f"manifest-src 'self'; form-action {self._targets} {origin_of_url(self._url())}; frame-ancestors 'none'; "
            "base-uri 'none'"
        )
        headers = [
            *_SECURITY_HEADERS,
            ("Referrer-Policy", "no-referrer" if path in _NO_REFERRER else "same-origin"),
            ("Content-Security-Policy", policy),
        ]
        if not path.startswith("/static/") and not any(name.lower() == "cache-control" for name, _ in there):
            headers.append(("Cache-Control", "no-store"))
        return headers


def _too_much(environ: WSGIEnvironment) -> RequestRejected | None:
    """Why a body is refused by its announced length."""
    uploads = _takes_uploads(environ)
    limit = UPLOAD_BYTES if uploads else OTHER_BYTES
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > limit:
        return RequestRejected(
            RejectionCode.TOO_LARGE,
            web.UPLOAD_BODY_TOO_LARGE() if uploads else web.BODY_TOO_LARGE(count=limit),
        )
    if "HTTP_TRANSFER_ENCODING" in environ and environ.get("CONTENT_LENGTH") is None:
        return RequestRejected(RejectionCode.LENGTH, web.LENGTH_MISSING())
    return None


def _takes_uploads(environ: WSGIEnvironment) -> bool:
    path = environ.get("PATH_INFO", "")
    return path in UPLOAD_PATHS or path == "/do/upload" or path.startswith(IN)


def _is_embedded_elsewhere(environ: WSGIEnvironment) -> bool:
    """Whether another site's page loads this as a part of itself: an image, a script, a frame, a fetch."""
    if environ.get("HTTP_SEC_FETCH_SITE") not in _FOREIGN_SITES:
        return False
    navigates = environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
    return not navigates or environ.get("HTTP_SEC_FETCH_DEST", "document") != "document"


def _hostname(host: str) -> str | None:
    """The name in a Host header, without its port; None for what is no host."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.path or parts.query or parts.username:
        return None
    return parts.hostname.rstrip(".")


def hostname_of_url(url: str) -> str:
    """The host in an address, as a browser asks for it, without a dot at its end; empty where there is none."""
    return _ascii(urlsplit(url).hostname or "").rstrip(".")


def origin_of_url(url: str) -> str:
    """The origin of an address, as browsers send it: in lower case and ASCII, without a port that goes without saying."""
    parts = urlsplit(url)
    place = _ascii(parts.netloc.rpartition("@")[2]).removesuffix(
        {"http": ":80", "https": ":443"}[parts.scheme]
    )
    return f"{parts.scheme}://{place}"


def _ascii(host: str) -> str:
    """A host with or without its port in lower case, and a name in other letters as browsers write it."""
    lower = host.lower()
    return lower if lower.isascii() else lower.encode("idna").decode()


def is_at_url(environ: WSGIEnvironment, url: str) -> bool:
    """Whether the browser that asks has `url`'s own host in its address bar, so that a cookie set now comes back there."""
    if environ.get("HTTP_ORIGIN", "").lower() == origin_of_url(url):
        return True  # also behind a proxy that asks under a name of its own
    return _hostname(environ.get("HTTP_HOST", "").lower()) == hostname_of_url(url)


def is_loopback(name: str) -> bool:
    """Whether a host's name is this machine itself, wherever it is asked."""
    return name in {"localhost", "::1"} or name.startswith("127.")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def cookie(environ: WSGIEnvironment, name: str = COOKIE) -> str | None:
    """One of a request's cookies, the session's if none is named.

    Taken out by itself: other programs of the same host send theirs along, and some are not even text.
    """
    pairs = (pair.strip().partition("=") for pair in environ.get("HTTP_COOKIE", "").split(";"))
    return next((value for key, _, value in pairs if key == name), None)
