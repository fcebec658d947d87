"""Client of Strava's API: one request a method; `responses` and `error_responses` judge the answers."""

from __future__ import annotations

import base64
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from fitferry.core.errors import StravaError
from fitferry.core.messages import strava
from fitferry.core.strava import Grant, ListedActivity, RateLimitHeaders, StravaErrorKind, UploadReport
from fitferry.strava import error_responses, responses
from fitferry.strava.http_client import Answer, HttpClient, Request, Transport
from fitferry.system import multipart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from fitferry.config.schema import StravaSettings

REQUEST_DEADLINE = 30.0
"""Seconds that any request but an upload may take in all; httpx itself has no such limit."""
UPLOAD_DEADLINE = 300.0
"""Seconds that an upload may take in all: 25 MB at less than one megabit a second."""
PAGE = 200
"""Activities that Strava lists at most in one request."""


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
        transport: Transport | None = None,
    ) -> None:
        self._settings = settings
        self._upload_deadline = upload_deadline
        self._on_rate_limit = on_rate_limit
        self._on_request = on_request
        self._server_clock: tuple[float, float] | None = None
        self._http = HttpClient(settings.website, settings.api, transport)

    def prepare_upload(self) -> None:
        """Open a connection for an upload that is about to come. Returns at once."""
        self._http.prepare()

    def is_prepared(self) -> bool:
        """Whether a connection is open for the next upload, or none can be opened ahead."""
        return self._http.is_prepared()

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
        self._http.close()

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
        answer = self._send("athlete", Request("GET", f"{self._settings.api}/athlete"))
        if answer.status != HTTPStatus.UNAUTHORIZED or not responses.is_strava(answer.status, answer.content):
            raise StravaError(StravaErrorKind.WRONG_ADDRESS, strava.NO_API(answer=f"HTTP {answer.status}"))
        return responses.date(answer.headers, answer.status, answer.content)

    def revoke(self, token: str) -> None:
        """End the connection at Strava, by either token; a token that is gone already is no fault."""
        app = f"{self._settings.client_id}:{self._settings.client_secret}"
        headers = {"Authorization": f"Basic {base64.b64encode(app.encode()).decode()}"}
        url = f"{self._settings.website}/oauth/revoke"
        answer = self._send("revoke", Request("POST", url, headers=headers, form={"token": token}))
        if not answer.is_success:
            raise error_responses.grant_error(answer.status, answer.content)
        responses.revoked(answer.content)

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
        headers = {**_bearer(token), "Content-Type": content_type}
        request = Request("POST", f"{self._settings.api}/uploads", headers=headers, content=content)
        answer = self._send("upload", request, self._upload_deadline)
        if answer.is_success:
            return responses.upload(answer.content, sent=True)
        report = responses.refused_upload(answer.status, answer.content)
        if report is None:
            raise _error(answer, "POST")
        return report

    def upload_status(self, upload_id: int, *, token: str) -> UploadReport:
        """The state of an accepted upload; NOT_FOUND where Strava does not know the id."""
        return responses.upload(self._get("upload_status", f"uploads/{upload_id}", token), sent=False)

    def athlete(self, *, token: str) -> tuple[int, str]:
        """The signed-in athlete's id and name."""
        return responses.athlete(self._get("athlete", "athlete", token))

    def activities(self, *, token: str, before: float, after: float | None = None) -> list[ListedActivity]:
        """The athlete's activities that started before (and after) a time, newest first, at most PAGE."""
        query = {"before": int(before), "per_page": PAGE}
        if after is not None:
            query["after"] = int(after)
        return responses.activities(self._get("activities", "athlete/activities", token, query))

    def edit_activity(self, activity_id: int, fields: Mapping[str, str | bool], *, token: str) -> None:
        """Set fields of an activity; NOT_FOUND where there is none. Strava counts it as a read (seen 2025-10)."""
        url = f"{self._settings.api}/activities/{activity_id}"
        answer = self._send("edit", Request("PUT", url, headers=_bearer(token), json=dict(fields)))
        if not answer.is_success:
            raise _error(answer, "PUT")
        responses.edited_activity(answer.content)

    def _grant(self, form: dict[str, str]) -> Grant:
        app = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
        answer = self._send(
            "token", Request("POST", f"{self._settings.website}/oauth/token", form={**app, **form})
        )
        if not answer.is_success:
            raise error_responses.grant_error(answer.status, answer.content)
        return responses.grant(answer.content)

    def _get(self, kind: str, path: str, token: str, query: dict[str, int] | None = None) -> bytes:
        url = f"{self._settings.api}/{path}"
        answer = self._send(kind, Request("GET", url, headers=_bearer(token), params=query))
        if not answer.is_success:
            raise _error(answer, "GET")
        return answer.content

    def _send(self, kind: str, request: Request, seconds: float = REQUEST_DEADLINE) -> Answer:
        """Send one request, and count it. `kind`: what it is for, of a closed set."""
        began = time.monotonic()
        try:
            answer = self._http.answer_to(request, seconds)
        except StravaError as error:
            self._on_request(kind, error.kind, time.monotonic() - began)
            raise
        self._on_request(kind, str(answer.status), time.monotonic() - began)
        self._on_rate_limit(responses.rate_limit(answer.headers))
        named = responses.date(answer.headers, answer.status, answer.content)
        if named is not None:
            self._server_clock = (named, time.monotonic())
        return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _error(answer: Answer, method: str) -> StravaError:
    retry_after = answer.headers.get("Retry-After", "")
    return error_responses.request_error(answer.status, answer.content, method, retry_after)
