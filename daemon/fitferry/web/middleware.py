"""Who may ask at all? Host, Origin, the size of bodies, and the headers of every answer, before any route.

DNS rebinding makes any visited page a client of ours; only the Host header tells. Literal addresses are safe:
the Host is then the attacker's name, never an address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

COOKIE = "fitferry_session"
UPLOAD_BYTES = 26_000_000
OTHER_BYTES = 64_000
CALLBACK = "/api/v1/strava/callback"
REFUSAL = "fitferry.refusal"
"""Where the application finds what was refused before it was asked: status, code and words, or None."""
_TOO_LARGE = "the file is larger than the 25 MB that Strava takes"
_UPLOADS = frozenset({"/api/v1/strava/upload", "/do/upload"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_REFERRER = frozenset({"/login", CALLBACK})
"""Where the address holds a secret. Elsewhere `same-origin`: with `no-referrer` browsers send `Origin: null`."""

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


class Guard:
    """The middleware in front of the application."""

    def __init__(
        self, app: Wsgi, *, url: Callable[[], str], hosts: Iterable[str], form_targets: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._url = url
        self._hosts = frozenset(_hostname(host.lower()) for host in hosts)
        self._targets = " ".join(("'self'", *form_targets))

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")

        def guarded(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start(status, [*headers, *self._headers(path, headers)], *rest)

        # The application says it in the language of whoever asks, and does nothing else.
        environ[REFUSAL] = self._refusal(environ, path)
        return self._app(environ, guarded)

    def _refusal(self, environ: Environ, path: str) -> tuple[int, str, str] | None:
        """The status, the code and the words with which a request is refused; None lets it pass."""
        if not self._host_is_ours(environ.get("HTTP_HOST", "")):
            words = "this name is not one of Fitferry's: add it to hosts in [web] if it should be"
            return 421, "host", words
        if environ["REQUEST_METHOD"] not in _SAFE and not self._origin_is_ours(environ, path):
            return 403, "origin", "this request came from another site's page"
        limit = UPLOAD_BYTES if path in _UPLOADS else OTHER_BYTES
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > limit:
            words = _TOO_LARGE if path in _UPLOADS else f"a body may have {limit:,} bytes here"
            return 413, "too_large", words
        if "HTTP_TRANSFER_ENCODING" in environ and environ.get("CONTENT_LENGTH") is None:
            return 411, "length", "a body has to say how long it is"
        return None

    def _host_is_ours(self, host: str) -> bool:
        name = _hostname(host)
        if name is None:
            return False
        return name in {"localhost", _hostname_of_url(self._url())} | self._hosts or _is_address(name)

    def _origin_is_ours(self, environ: Environ, path: str) -> bool:
        """A cookie needs an Origin of ours; a token needs none, but not another site's."""
        origin = environ.get("HTTP_ORIGIN")
        host = environ.get("HTTP_HOST", "").lower()
        ours = {f"http://{host}", f"https://{host}", _origin_of_url(self._url())}
        if origin is not None and origin != "null":
            return origin.lower() in ours
        if path == "/login":
            return True  # the one-time token is the proof; browsers send null from a page without referrer
        if environ.get("HTTP_AUTHORIZATION", "").lower().startswith("bearer "):
            return origin is None
        return cookie(environ) is None

    def _headers(self, path: str, there: list[tuple[str, str]]) -> list[tuple[str, str]]:
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
            f"form-action {self._targets}; frame-ancestors 'none'; base-uri 'none'"
        )
        headers = [
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer" if path in _NO_REFERRER else "same-origin"),
            ("Content-Security-Policy", policy),
        ]
        if not path.startswith("/static/") and not any(name.lower() == "cache-control" for name, _ in there):
            headers.append(("Cache-Control", "no-store"))
        return headers


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


def _hostname_of_url(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _origin_of_url(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return True


def cookie(environ: Environ, name: str = COOKIE) -> str | None:
    """One of a request's cookies, the session's if none is named.

    Taken out by itself: other programs of the same host send theirs along, and some are not even text.
    """
    pairs = (pair.strip().partition("=") for pair in environ.get("HTTP_COOKIE", "").split(";"))
    return next((value for key, _, value in pairs if key == name), None)
