"""HTTP to Strava: one request over one connection, within a deadline for all of it. Owns httpx."""

from __future__ import annotations

import contextlib
import functools
import os
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from fitferry import __version__
from fitferry.core.errors import StravaError
from fitferry.core.messages import Message, strava, system, verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.strava.direct_transport import DirectTransport
from fitferry.strava.ready_connection import ReadyConnection
from fitferry.strava.request_deadline import RequestDeadline
from fitferry.system import network
from fitferry.system.alarms import Alarms

if TYPE_CHECKING:
    from collections.abc import Mapping

Transport = httpx.BaseTransport
_HEADERS = {
    "User-Agent": f"fitferry/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
_TIMEOUTS = httpx.Timeout(connect=10, read=60, write=30, pool=5).as_dict()
MAX_ANSWER_BYTES = 8_000_000
"""No answer of Strava's is near this; more is somebody else talking."""

_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)
"""What can only happen before the request left; after anything else it may have arrived."""
_FAILED = (httpx.HTTPError, httpx.StreamError, OSError)
_ENDS_EARLY = ("Server disconnected", "peer closed connection")
"""How h11 and `direct_transport` begin what they say of an answer that is missing, or is not all there."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `form`, `json` or `content` is the body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, int] | None = None
    form: Mapping[str, str] | None = None
    json: object = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `content`: up to a size that no answer of Strava's comes near."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether what was asked for was done."""
        return 200 <= self.status < 300  # noqa: PLR2004  # HTTP's 2xx


class HttpClient:
    """Requests to Strava's `website` and `api`; safe to share between threads.

    By httpx's transports: its client would keep cookies, and prepare redirections that nobody follows.
    """

    def __init__(self, website: str, api: str, transport: Transport | None = None) -> None:
        self._alarms = Alarms()
        self._ready: ReadyConnection | None = None
        self._proxied = {} if transport else _proxies(website, api)
        self._transport = transport or self._direct(api, proxied=bool(self._proxied))

    def _direct(self, api: str, *, proxied: bool) -> httpx.BaseTransport:
        """The transport without a proxy, which can have a connection to the API opened ahead."""
        trusted, address = functools.partial(_trusted, network.certificates_of(os.environ)), urlsplit(api)
        if not proxied and address.hostname is not None:
            port = address.port or (443 if address.scheme == "https" else 80)
            secure = trusted if address.scheme == "https" else None
            self._ready = ReadyConnection(address.hostname, port, secure)
        return DirectTransport(trusted, self._ready)

    def prepare(self) -> None:
        """Open a connection to the API ahead of a request. Returns at once."""
        if self._ready is not None:
            self._ready.prepare()

    def is_prepared(self) -> bool:
        """Whether a connection is open for the next request, or none can be opened ahead."""
        return self._ready is None or self._ready.is_prepared()

    def close(self) -> None:
        """Close all connections."""
        for transport in (self._transport, *self._proxied.values()):
            transport.close()

    def answer_to(self, asked: Request, seconds: float) -> Answer:
        """The answer to a request. Raises StravaError where there is none, which says whether it may have arrived.

        A connection that was opened ahead may break before any of the body has left: then a fresh one is tried.
        """
        with RequestDeadline(seconds, self._alarms) as deadline:
            request = httpx.Request(
                asked.method,
                asked.url,
                headers={**_HEADERS, **asked.headers},
                params=asked.params,
                data=asked.form,
                json=asked.json,
                content=asked.content,
                extensions={"timeout": _TIMEOUTS, "trace": deadline.trace, "deadline": deadline},
            )
            try:
                try:
                    return self._answer(request)
                except _FAILED:
                    if not deadline.opened_ahead or deadline.body_began or deadline.over:
                        raise
                    return self._answer(request)
            except _UNSENT as error:
                message = strava.UNREACHABLE(reason=_reason(error, deadline))
                raise StravaError(StravaErrorKind.UNREACHABLE, message) from error
            except _FAILED as error:
                reason, sent = _reason(error, deadline), request.method == "POST"
                if _is_of_another(error):
                    message = strava.NOT_STRAVA(answer=reason)
                    raise StravaError(StravaErrorKind.NOT_STRAVA, message, sent=sent) from error
                message = strava.BROKEN_OFF(reason=reason)
                raise StravaError(StravaErrorKind.BROKEN_OFF, message, sent=sent) from error

    def _answer(self, request: httpx.Request) -> Answer:
        """The answer, streamed, so that a body cut off cannot hide the status."""
        transport = self._proxied.get(request.url.host, self._transport)
        with contextlib.closing(transport.handle_request(request)) as response:
            response.request = request
            return Answer(response.status_code, response.headers, _read(response))


def _proxies(website: str, api: str) -> dict[str, Transport]:
    """By host: the transport through a proxy, for each of Strava's that the environment names one for."""
    proxies = {url: network.proxy_of(url, os.environ) for url in (website, api)}
    certificates, fresh = network.certificates_of(os.environ), httpx.Limits(max_keepalive_connections=0)
    return {
        httpx.URL(url).host: httpx.HTTPTransport(proxy=proxy, verify=_trusted(certificates), limits=fresh)
        for url, proxy in proxies.items()
        if proxy is not None
    }


@functools.cache
def _trusted(named: str | None) -> ssl.SSLContext:
    """The certificates that are trusted: certifi's, or those of a file; read once, which takes 30 ms."""
    context = ssl.create_default_context(cafile=named) if named else httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _read(response: httpx.Response) -> bytes:
    """The body, up to a size that no answer of Strava's comes near."""
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            break
    return b"".join(chunks)[:MAX_ANSWER_BYTES]


def _is_of_another(error: Exception) -> bool:
    """Whether something answered that does not speak HTTP as Strava does; an answer that only ends too early may be Strava's."""
    if isinstance(error, httpx.RemoteProtocolError):
        return not str(error).startswith(_ENDS_EARLY)
    return isinstance(error, httpx.DecodingError)


def _reason(error: Exception, deadline: RequestDeadline) -> Message:
    """What went wrong, without any address in it that might hold a secret."""
    if deadline.over:
        return strava.NO_END(seconds=deadline.seconds)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return system.from_os_error(cause)
        cause = cause.__cause__
    return verbatim(str(error) or type(error).__name__)
