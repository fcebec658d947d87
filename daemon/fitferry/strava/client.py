"""Client of Strava's API: one request a method; `responses` judges the answers.

Over 300 lines: httpx has one owner.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

import httpcore
import httpx

from fitferry import __version__
from fitferry.core.errors import StravaError
from fitferry.core.messages import Message, strava, system, verbatim
from fitferry.core.strava import Grant, ListedActivity, RateLimitHeaders, StravaErrorKind, UploadReport
from fitferry.strava import error_responses, responses
from fitferry.strava.ready_connection import ReadyConnection
from fitferry.strava.request_deadline import RequestDeadline
from fitferry.system import multipart, network
from fitferry.system.alarms import Alarms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from fitferry.config.schema import StravaSettings

REQUEST_DEADLINE = 30.0
"""Seconds that any request but an upload may take in all; httpx itself has no such limit."""
UPLOAD_DEADLINE = 300.0
"""Seconds that an upload may take in all: 25 MB at less than one megabit a second."""
MAX_ANSWER_BYTES = 8_000_000
"""No answer of Strava's is near this; more is somebody else talking."""
_KINDS = {
    "/oauth/token": "token",
    "/oauth/revoke": "revoke",
    "/athlete/activities": "activities",
    "/athlete": "athlete",
    "/uploads": "upload",
}
PAGE = 200
"""Activities that Strava lists at most in one request."""

_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)
"""What can only happen before the request left; after anything else it may have arrived."""
_ENDS_EARLY = ("Server disconnected", "peer closed connection")
"""How httpcore and h11 begin what they say of an answer that is missing, or is not all there."""


class Strava:
    """Strava's API for one application; safe to share between threads.

    Each method returns the answer as a value, or raises a `StravaError`. `on_rate_limit` takes the limits in each
    answer; `on_request` what was asked, the status or the kind of error, and the seconds it took.
    """

    def __init__(
        self,
        settings: StravaSettings,
        *,
        on_rate_limit: Callable[[RateLimitHeaders], None] = lambda _headers: None,
        on_request: Callable[[str, str, float], None] = lambda _kind, _status, _seconds: None,
        upload_deadline: float = UPLOAD_DEADLINE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._upload_deadline = upload_deadline
        self._on_rate_limit = on_rate_limit
        self._on_request = on_request
        self._alarms = Alarms()
        self._ready: ReadyConnection | None = None
        self._server_clock: tuple[float, float] | None = None
        proxies = {} if transport else _proxies(settings)
        self._client = httpx.Client(
            transport=transport or self._direct(settings, proxied=bool(proxies)),
            mounts=proxies,
            trust_env=False,  # it would end in a traceback where a variable is wrong
            timeout=httpx.Timeout(connect=10, read=60, write=30, pool=5),
            headers={"User-Agent": f"fitferry/{__version__}", "Accept": "application/json"},
            follow_redirects=False,
        )

    def _direct(self, settings: StravaSettings, *, proxied: bool) -> httpx.BaseTransport:
        """The transport without a proxy, which can have a connection to the API opened ahead."""
        trusted, api = _trusted(), urlsplit(settings.api)
        if not proxied and api.hostname is not None:
            port = api.port or (443 if api.scheme == "https" else 80)
            secure = trusted if api.scheme == "https" else None
            self._ready = ReadyConnection(api.hostname, port, secure)
        return DirectTransport(trusted, self._ready)

    def prepare_upload(self) -> None:
        """Open a connection for an upload that is about to come. Returns at once."""
        if self._ready is not None:
            self._ready.prepare()

    def is_prepared(self) -> bool:
        """Whether a connection is open for the next upload, or none can be opened ahead."""
        return self._ready is None or self._ready.is_prepared()

    def server_now(self) -> float | None:
        """The time by Strava's clock, from the last answer that named it; None where none has yet."""
        if self._server_clock is None:
            return None
        named, at = self._server_clock
        return named + time.monotonic() - at

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def consent_url(self, state: str, redirect_uri: str, *, force: bool = False) -> str:
        """Where a browser asks the athlete for consent; `force` asks again for what was granted before."""
        query = {
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "approval_prompt": "force" if force else "auto",
            "scope": ",".join(self._settings.scopes),
            "state": state,
        }
        return f"{self._settings.website}/oauth/authorize?{urlencode(query)}"

    def exchange(self, code: str) -> Grant:
        """The tokens for a code; GRANT_REFUSED where the code is not valid (any more)."""
        return self._grant({"grant_type": "authorization_code", "code": code})

    def refresh(self, refresh_token: str) -> Grant:
        """The next pair of tokens. The old refresh token may be dead from this moment on."""
        return self._grant({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def server_time(self) -> float | None:
        """The time by Strava's clock, asked where its API should be; None where the answer names none.

        The request bears no token, so it counts for no limit. Raises StravaError, WRONG_ADDRESS where no API answers.
        """
        request = self._client.build_request("GET", f"{self._settings.api}/athlete")
        response = self._send(request, REQUEST_DEADLINE)
        status = response.status_code
        if status != HTTPStatus.UNAUTHORIZED or not responses.is_strava(status, response.content):
            raise StravaError(StravaErrorKind.WRONG_ADDRESS, strava.NO_API(answer=f"HTTP {status}"))
        return responses.date(response.headers, status, response.content)

    def revoke(self, token: str) -> None:
        """End the connection at Strava, by either token; a token that is gone already is no fault."""
        auth = httpx.BasicAuth(self._settings.client_id, self._settings.client_secret)
        request = self._client.build_request(
            "POST", f"{self._settings.website}/oauth/revoke", data={"token": token}
        )
        response = self._send(request, REQUEST_DEADLINE, auth=auth)
        if not response.is_success:
            raise error_responses.grant_error(response.status_code, response.content)
        responses.revoked(response.content)

    def upload(
        self,
        body: bytes,
        *,
        token: str,
        external_id: str,
        data_type: str,
        fields: Mapping[str, str] | None = None,
    ) -> UploadReport:
        """Send the bytes of one activity file; `sent` of an error tells whether they may have arrived."""
        values = {"data_type": data_type, "external_id": external_id, **(fields or {})}
        content, content_type = multipart.form(values, f"activity.{data_type}", body)
        request = self._client.build_request(
            "POST",
            f"{self._settings.api}/uploads",
            content=content,
            headers={**_bearer(token), "Content-Type": content_type},
        )
        response = self._send(request, self._upload_deadline)
        if response.is_success:
            return responses.upload(response.content, sent=True)
        report = responses.refused_upload(response.status_code, response.content)
        if report is None:
            raise _error(response)
        return report

    def upload_status(self, upload_id: int, *, token: str) -> UploadReport:
        """The state of an accepted upload; NOT_FOUND where Strava does not know the id."""
        return responses.upload(self._get(f"uploads/{upload_id}", token), sent=False)

    def athlete(self, *, token: str) -> tuple[int, str]:
        """The signed-in athlete's id and name."""
        return responses.athlete(self._get("athlete", token))

    def activities(self, *, token: str, before: float, after: float | None = None) -> list[ListedActivity]:
        """The athlete's activities that started before (and after) a time, newest first, at most PAGE."""
        query = {"before": int(before), "per_page": PAGE}
        if after is not None:
            query["after"] = int(after)
        return responses.activities(self._get("athlete/activities", token, query))

    def edit_activity(self, activity_id: int, fields: Mapping[str, str | bool], *, token: str) -> None:
        """Set fields of an activity; NOT_FOUND where there is none. Strava counts it as a read (seen 2025-10)."""
        request = self._client.build_request(
            "PUT", f"{self._settings.api}/activities/{activity_id}", json=dict(fields), headers=_bearer(token)
        )
        response = self._send(request, REQUEST_DEADLINE)
        if not response.is_success:
            raise _error(response)
        responses.edited_activity(response.content)

    def _grant(self, form: dict[str, str]) -> Grant:
        app = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
        request = self._client.build_request(
            "POST", f"{self._settings.website}/oauth/token", data={**app, **form}
        )
        response = self._send(request, REQUEST_DEADLINE)
        if not response.is_success:
            raise error_responses.grant_error(response.status_code, response.content)
        return responses.grant(response.content)

    def _get(self, path: str, token: str, query: dict[str, int] | None = None) -> bytes:
        request = self._client.build_request(
            "GET", f"{self._settings.api}/{path}", params=query, headers=_bearer(token)
        )
        response = self._send(request, REQUEST_DEADLINE)
        if not response.is_success:
            raise _error(response)
        return response.content

    def _send(self, request: httpx.Request, seconds: float, auth: httpx.Auth | None = None) -> httpx.Response:
        """One request within one deadline, counted."""
        began, kind = time.monotonic(), _kind(request)
        try:
            response = self._sent(request, seconds, auth)
        except StravaError as error:
            self._on_request(kind, error.kind, time.monotonic() - began)
            raise
        self._on_request(kind, str(response.status_code), time.monotonic() - began)
        self._on_rate_limit(responses.rate_limit(response.headers))
        named = responses.date(response.headers, response.status_code, response.content)
        if named is not None:
            self._server_clock = (named, time.monotonic())
        return response

    def _sent(self, request: httpx.Request, seconds: float, auth: httpx.Auth | None) -> httpx.Response:
        """The answer, streamed, so that a body cut off cannot hide the status.

        A connection that was opened ahead may break before any of the body has left: then a fresh one is tried.
        """
        with RequestDeadline(seconds, self._alarms) as deadline:
            request.extensions = {**request.extensions, "trace": deadline.trace}
            try:
                try:
                    return self._answer(request, auth)
                except (httpx.HTTPError, OSError):
                    if not deadline.opened_ahead or deadline.body_began or deadline.over:
                        raise
                    return self._answer(request, auth)
            except _UNSENT as error:
                message = strava.UNREACHABLE(reason=_reason(error, deadline))
                raise StravaError(StravaErrorKind.UNREACHABLE, message) from error
            except (httpx.HTTPError, httpx.StreamError, OSError) as error:
                reason, sent = _reason(error, deadline), request.method == "POST"
                if _is_of_another(error):
                    message = strava.NOT_STRAVA(answer=reason)
                    raise StravaError(StravaErrorKind.NOT_STRAVA, message, sent=sent) from error
                message = strava.BROKEN_OFF(reason=reason)
                raise StravaError(StravaErrorKind.BROKEN_OFF, message, sent=sent) from error

    def _answer(self, request: httpx.Request, auth: httpx.Auth | None) -> httpx.Response:
        response = self._client.send(request, stream=True, auth=auth)
        with contextlib.closing(response):
            _read(response)
        return response


class DirectTransport(httpx.HTTPTransport):
    """HTTP without a proxy, over a fresh connection each time: the other side may close a kept one just as a body leaves."""

    def __init__(self, trusted: ssl.SSLContext, ready: ReadyConnection | None) -> None:
        super().__init__(verify=trusted, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted, max_keepalive_connections=0, network_backend=ready
        )


def _proxies(settings: StravaSettings) -> dict[str, httpx.BaseTransport | None]:
    """The transport through a proxy for each of Strava's hosts that the environment names one for."""
    proxies = {url: network.proxy_of(url, os.environ) for url in (settings.website, settings.api)}
    return {
        f"all://{urlsplit(url).hostname}": httpx.HTTPTransport(
            proxy=proxy, verify=_trusted(), limits=httpx.Limits(max_keepalive_connections=0)
        )
        for url, proxy in proxies.items()
        if proxy is not None
    }


def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: certifi's, or the environment's."""
    named = network.certificates_of(os.environ)
    if named is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(cafile=named)


def _kind(request: httpx.Request) -> str:
    """What a request is for, of a closed set."""
    path = request.url.path
    if request.method == "PUT":
        return "edit"
    for end, kind in _KINDS.items():
        if path.endswith(end):
            return kind
    return "upload_status"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _read(response: httpx.Response) -> None:
    """Read the body into `response.content`, up to a size that no answer of Strava's comes near."""
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            break
    response._content = b"".join(chunks)[:MAX_ANSWER_BYTES]  # noqa: SLF001  where httpx's own read() puts it


def _is_of_another(error: Exception) -> bool:
    """Whether something answered that does not speak HTTP as Strava does; an answer that only ends too early may be Strava's."""
    if isinstance(error, httpx.RemoteProtocolError):
        return not str(error).startswith(_ENDS_EARLY)
    return isinstance(error, httpx.DecodingError)


def _reason(error: Exception, deadline: RequestDeadline) -> Message:
    """What went wrong, without any address in it that might hold a secret."""
    if deadline.over:
        return strava.NO_END(seconds=deadline.seconds)
    cause = error.__cause__.__cause__ if error.__cause__ is not None else None
    if isinstance(cause, OSError) and cause.strerror:
        return system.from_os_error(cause)
    return verbatim(str(error) or type(error).__name__)


def _error(response: httpx.Response) -> StravaError:
    after = response.headers.get("Retry-After", "")
    return error_responses.request_error(
        response.status_code, response.content, response.request.method, after
    )
