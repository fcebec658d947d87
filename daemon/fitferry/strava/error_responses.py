"""Classification of the answers in which Strava, or somebody in its place, refuses: bytes in, a `StravaError` out."""

from __future__ import annotations

import re
from http import HTTPStatus

from fitferry.core.errors import StravaError
from fitferry.core.messages import strava, verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.strava.answer_forms import (
    MAX_HTML,
    MAX_TEXT,
    ErrorAnswer,
    ErrorDetail,
    error_in,
    is_empty,
    plain,
)

_GRANTS = frozenset({"authorizationcode", "refreshtoken", "requesttoken"})
_OF_OTHER_REQUESTS = frozenset({StravaErrorKind.SCOPE_MISSING, StravaErrorKind.BAD_FILE})
"""What a sign-in endpoint cannot mean: it would end a sign-in, or an upload, that nobody has judged."""


def grant_error(status: int, body: bytes) -> StravaError:
    """Why the sign-in endpoints refused: the grant itself, or one of the errors that any request has."""
    error = error_in(body)
    details = map(_lower, (error.errors or []) if error else [])
    # A form that lost a field on its way, in a gateway, says nothing of the grant.
    judged = {resource for resource, _, code in details if code != "missing"}
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED} and judged & _GRANTS:
        return StravaError(StravaErrorKind.GRANT_REFUSED, strava.GRANT_REFUSED(answer=_said(status, error)))
    fault = request_error(status, body, "POST")
    if fault.kind in _OF_OTHER_REQUESTS:
        return StravaError(StravaErrorKind.REFUSED, fault.message, sent=fault.sent)
    return fault


def request_error(status: int, body: bytes, method: str, retry_after: str = "") -> StravaError:
    """The error in an answer that is no success; `retry_after` is the header of that name."""
    error = error_in(body)
    kind, message = _classify(status, error, body, method), verbatim(_said(status, error))
    if kind is StravaErrorKind.NOT_STRAVA:
        message = strava.NOT_STRAVA(answer=message)
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = strava.SERVER_ERROR(answer=message)
    return StravaError(
        kind,
        message,
        # A 4xx of Strava's is certain; behind a 5xx, or what somebody else has said, the upload may have arrived.
        sent=method == "POST"
        and kind is not StravaErrorKind.RATE_LIMITED
        and (error is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR),
        retry_after=_seconds(retry_after) if kind is StravaErrorKind.RATE_LIMITED else None,
    )


def _classify(status: int, error: ErrorAnswer | None, body: bytes, method: str) -> StravaErrorKind:  # noqa: PLR0911  a table, one line a row
    """The kind of an answer that is no success, by its status once Strava's own form is there."""
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        return StravaErrorKind.UNAVAILABLE
    if status < HTTPStatus.BAD_REQUEST:  # redirects are never followed: they would take the token along
        return StravaErrorKind.WRONG_ADDRESS
    if error is None and not (is_empty(body) and _is_believed_empty(status)):
        return StravaErrorKind.NOT_STRAVA
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return StravaErrorKind.RATE_LIMITED
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return StravaErrorKind.NOT_FOUND if method != "POST" else StravaErrorKind.WRONG_ADDRESS
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StravaErrorKind.SERVER_ERROR
    return _classify_refusal(status, error or ErrorAnswer())


def _classify_refusal(status: int, error: ErrorAnswer) -> StravaErrorKind:
    """The kind of a 4xx: Strava uses one status for several things; what it names first decides."""
    detail = next(iter(error.errors or []), None)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return StravaErrorKind.BAD_FILE
    if status == HTTPStatus.FORBIDDEN:
        return _classify_forbidden(error, detail)
    if detail is not None and status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return _classify_named(status, detail)
    return StravaErrorKind.TOKEN_REFUSED if status == HTTPStatus.UNAUTHORIZED else StravaErrorKind.REFUSED


def _classify_forbidden(error: ErrorAnswer, detail: ErrorDetail | None) -> StravaErrorKind:
    resource, field, code = _lower(detail)
    words = f"{error.message or ''} {error.error or ''} {field} {code}".lower()
    if "connected athletes" in words or "athlete capacity" in words or "athlete limit" in words:
        return StravaErrorKind.ATHLETE_LIMIT
    if resource == "application" and code == "inactive":
        return StravaErrorKind.APP_INACTIVE
    return StravaErrorKind.REFUSED


def _classify_named(status: int, detail: ErrorDetail) -> StravaErrorKind:
    resource, field, code = _lower(detail)
    if code == "missing" or field.endswith("_permission"):
        return StravaErrorKind.SCOPE_MISSING
    if resource == "application":
        return StravaErrorKind.APP_REFUSED
    if status == HTTPStatus.UNAUTHORIZED:
        return StravaErrorKind.TOKEN_REFUSED
    return StravaErrorKind.BAD_FILE if resource == "upload" else StravaErrorKind.REFUSED


def _lower(detail: ErrorDetail | None) -> tuple[str, str, str]:
    if detail is None:
        return "", "", ""
    return (detail.resource or "").lower(), (detail.field or "").lower(), (detail.code or "").lower()


def _said(status: int, error: ErrorAnswer | None) -> str:
    """Strava's own words, short."""
    if error is None:
        return f"HTTP {status}"
    details = ", ".join(
        " ".join(part[:MAX_TEXT] for part in (one.resource, one.field, one.code) if part)
        for one in (error.errors or [])[:5]
    )
    words = ": ".join(part[:MAX_HTML] for part in (error.message or error.error, details) if part)
    return f"HTTP {status}" + (f", {plain(words)}" if words else "")


def _is_believed_empty(status: int) -> bool:
    """Whether an answer without content is taken for Strava's: no other speaker shows, and it costs little."""
    return (
        status in {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS}
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _seconds(text: str) -> float | None:
    """The seconds of a Retry-After header, where it has a number."""
    return float(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
