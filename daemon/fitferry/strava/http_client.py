"""One HTTP request, within one deadline, over a fresh connection. Owns httpcore, together with `ready_connection`."""

from __future__ import annotations

import functools
import os
import ssl
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import certifi
import httpcore

from fitferry import __version__
from fitferry.core.errors import StravaError
from fitferry.core.messages import Message, strava, system, verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.strava.ready_connection import ReadyConnection
from fitferry.strava.request_deadline import RequestDeadline
from fitferry.system import network
from fitferry.system.alarms import Alarms

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER_BYTES = 8_000_000
"""No answer of Strava's is near this; more is somebody else talking."""
_TIMEOUTS = {"connect": 10, "read": 60, "write": 30, "pool": 5}
_HEADERS = {
    "User-Agent": f"fitferry/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_IN_PATH = "/%:@!$&'()*+,;=~"
_UNSENT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
    httpcore.ProxyError,
)
"""What can only happen before the request left; after anything else it may have arrived."""
_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)
_ENDS_EARLY = ("Server disconnected", "peer closed connection")
"""How httpcore and h11 begin what they say of an answer that is missing, or is not all there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers`: by their names in small letters, of several with one name the first."""

    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the request was done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class HttpClient:
    """Requests to a few hosts; safe to share between threads.

    `api`: the address to which a connection can be opened ahead. `others`: those that are asked beside it. `pool`: in
    the place of all connections.
    """

    def __init__(self, api: str, *others: str, pool: httpcore.ConnectionPool | None = None) -> None:
        self._alarms = Alarms()
        self._given = pool
        self._pools: dict[bytes, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()
        proxies = {_url(url).host: network.proxy_of(url, os.environ) for url in (api, *others)}
        self._proxies = {} if pool else {host: proxy for host, proxy in proxies.items() if proxy}
        self._ready: ReadyConnection | None = None
        if not pool and not self._proxies:
            at = _url(api).origin
            trusted = _trusted if at.scheme == b"https" else None
            self._ready = ReadyConnection(at.host.decode(), at.port, trusted)

    def close(self) -> None:
        """Close what is open."""
        for pool in self._pools.values():
            pool.close()

    def prepare(self) -> None:
        """Open a connection to the API ahead. Returns at once."""
        if self._ready is not None:
            self._ready.prepare()

    def is_prepared(self) -> bool:
        """Whether a connection is open for the next request to the API, or none can be opened ahead."""
        return self._ready is None or self._ready.is_prepared()

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float
    ) -> Answer:
        """Make a request. Raises StravaError where no answer comes.

        A connection that was opened ahead may break before any of the body has left: then a fresh one is tried.
        """
        with RequestDeadline(seconds, self._alarms) as deadline:
            try:
                try:
                    return self._answer(method, url, headers, content, deadline)
                except _BROKEN:
                    if not deadline.opened_ahead or deadline.body_began or deadline.over:
                        raise
                    return self._answer(method, url, headers, content, deadline)
            except _UNSENT as error:
                message = strava.UNREACHABLE(reason=_reason(error, deadline))
                raise StravaError(StravaErrorKind.UNREACHABLE, message) from error
            except _BROKEN as error:
                reason, sent = _reason(error, deadline), method == "POST"
                if _is_of_another(error):
                    message = strava.NOT_STRAVA(answer=reason)
                    raise StravaError(StravaErrorKind.NOT_STRAVA, message, sent=sent) from error
                message = strava.BROKEN_OFF(reason=reason)
                raise StravaError(StravaErrorKind.BROKEN_OFF, message, sent=sent) from error

    def _pool(self, host: bytes) -> httpcore.ConnectionPool:
        """The connections to a host, made when they are needed: to read the certificates takes 20 ms."""
        with self._lock:
            if host not in self._pools:
                self._pools[host] = self._given or connections(self._proxies.get(host), self._ready)
            return self._pools[host]

    def _answer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        deadline: RequestDeadline,
    ) -> Answer:
        """One try. The body of the answer is read up to a bound, and a body cut off cannot hide the status."""
        to = _url(url)
        with self._pool(to.host).stream(
            method,
            to,
            headers=[("Host", _host(to)), *_HEADERS.items(), *headers.items()],
            content=content,
            extensions={"timeout": _TIMEOUTS, "trace": deadline.trace},
        ) as response:
            named = {name.decode("ascii").lower(): value for name, value in reversed(response.headers)}
            body = bytearray()
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    break
        texts = {name: value.decode("latin-1") for name, value in named.items()}
        return Answer(method, response.status, texts, bytes(body[:MAX_ANSWER_BYTES]))


def connections(proxy: str | None, ready: ReadyConnection | None) -> httpcore.ConnectionPool:
    """A fresh connection for each request: the other side may close a kept one just as a body leaves."""
    through = None
    if proxy is not None:
        parts = urlsplit(proxy)
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        through = httpcore.Proxy(_url(proxy), auth=auth)
    return httpcore.ConnectionPool(
        _trusted(), proxy=through, max_keepalive_connections=0, network_backend=ready
    )


def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: certifi's, or the environment's."""
    return _trusting(network.certificates_of(os.environ) or certifi.where())


@functools.cache
def _trusting(certificates: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates)


def _url(text: str) -> httpcore.URL:
    """An address as it goes on the wire."""
    parts = urlsplit(text)
    return httpcore.URL(
        scheme=parts.scheme,
        host=(parts.hostname or "").encode("idna"),
        port=parts.port,
        target=quote(parts.path or "/", safe=_IN_PATH) + (f"?{parts.query}" if parts.query else ""),
    )


def _host(to: httpcore.URL) -> str:
    name = to.host.decode()
    name = f"[{name}]" if ":" in name else name
    return name if to.port is None else f"{name}:{to.port}"


def _is_of_another(error: Exception) -> bool:
    """Whether something answered that does not speak HTTP as Strava does; an answer that only ends too early may be Strava's."""
    return isinstance(error, httpcore.RemoteProtocolError) and not str(error).startswith(_ENDS_EARLY)


def _reason(error: Exception, deadline: RequestDeadline) -> Message:
    """What went wrong, without any address in it that might hold a secret."""
    if deadline.over:
        return strava.NO_END(seconds=deadline.seconds)
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return system.from_os_error(cause)
    return verbatim(str(error) or type(error).__name__)
