"""The meaning of Strava's answers: bytes in, a value or a `StravaError` out. The only judge of them.

Only an answer in Strava's own form (an upload, `message`, `errors`) was given by Strava; gateways, proxies and
captive portals answer with the same status codes (strava-heatmap-envoy issue 3, nakarte issue 335).
(Over 300 lines: one judge.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import msgspec

from fitferry.core.errors import StravaError
from fitferry.core.messages import strava, verbatim
from fitferry.core.strava import (
    Grant,
    ListedActivity,
    RateLimitHeaders,
    StravaErrorKind,
    UploadReport,
    UploadState,
)

_DUPLICATE = re.compile(r"duplicate of\b.*?(?:/activities/|activity\s+)([0-9]+)", re.IGNORECASE | re.DOTALL)
_GRANTS = frozenset({"authorizationcode", "refreshtoken", "requesttoken"})
_UPLOAD_KEYS = frozenset({"id_str", "external_id", "activity_id"})
"""Keys that no other service answers with; one with a status alone is none of Strava's."""
_PROCESSING_FAILED = "there was an error processing"
_DELETED = "has been deleted"
_MAX_ID = 2**63 - 1
"""SQLite's largest integer; Strava's ids are far from it."""
_MAX_TEXT = 500
_MAX_HTML = 5_000
"""Characters of an error text that are read: HTML with a link is some hundred."""
_MAX_TOKEN = 4_096
_MAX_SCOPES = 50

T = TypeVar("T")


class _Athlete(msgspec.Struct):
    id: int
    firstname: str | None = None
    lastname: str | None = None


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str
    expires_at: int
    expires_in: int | None = None
    scope: str | None = None
    athlete: _Athlete | None = None


class _Upload(msgspec.Struct):
    id: int | None = None
    error: str | None = None
    status: str | None = None
    activity_id: int | None = None


class _Activity(msgspec.Struct):
    id: int
    start_date: datetime
    elapsed_time: float = 0
    external_id: str | None = None


class _Edited(msgspec.Struct):
    id: int


class _Detail(msgspec.Struct):
    resource: str | None = None
    field: str | None = None
    code: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    errors: list[_Detail] | None = None
    error: str | None = None


def grant(body: bytes) -> Grant:
    """The tokens in an answer of the token endpoint."""
    token = _decode(body, _Token, sent=True)
    athlete = token.athlete
    sizes = len(token.access_token), len(token.refresh_token)
    numbers = token.expires_at, token.expires_in, athlete.id if athlete else None
    fits = all(0 <= number <= _MAX_ID for number in numbers if number is not None)
    if max(sizes) > _MAX_TOKEN or min(sizes) < 1 or not fits:
        raise _not_strava(sent=True)
    return Grant(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=float(token.expires_at),
        expires_in=None if token.expires_in is None else float(token.expires_in),
        # The answer separates them by spaces, the callback by commas.
        scopes=tuple(re.split(r"[ ,]+", token.scope[:_MAX_HTML].strip())[:_MAX_SCOPES])
        if token.scope
        else (),
        athlete_id=athlete.id if athlete else None,
        display_name=_display_name(athlete) if athlete else None,
    )


def revoked(body: bytes) -> None:
    """Raise NOT_STRAVA unless an answer may be Strava's to a revocation, which says nothing (seen 2026-06)."""
    if body.strip() and not _keys(body) and not _is_empty(body):
        raise _not_strava(sent=True)


def athlete(body: bytes) -> tuple[int, str]:
    """An athlete's id and name."""
    found = _decode(body, _Athlete, sent=False)
    if not 0 <= found.id <= _MAX_ID:
        raise _not_strava(sent=False)
    return found.id, _display_name(found)


def edited_activity(body: bytes) -> None:
    """Raise NOT_STRAVA unless an answer is an activity."""
    _decode(body, _Edited, sent=True)


def activities(body: bytes) -> list[ListedActivity]:
    """The activities of one page of a listing; `id` 0 where Strava's cannot be one."""
    listed = _decode(body, list[_Activity], sent=False)
    return [
        ListedActivity(
            _id(one.id) or 0,
            (one.external_id or "")[:_MAX_TEXT] or None,
            one.start_date.replace(tzinfo=one.start_date.tzinfo or UTC).timestamp(),
            one.elapsed_time,
        )
        for one in listed
    ]


def upload(body: bytes, *, sent: bool) -> UploadReport:
    """Strava's report on an upload. A failed processing has status 200; only the text says what happened.

    `sent`: this answers the upload itself, so that without an id nobody could ask about it.
    """
    if not _is_upload(body):
        raise _not_strava(sent=sent)
    report = _decode(body, _Upload, sent=sent)
    upload_id, status = _id(report.id) or 0, (report.status or "").lower()
    if report.error:
        return _failed_upload(upload_id, report.error)
    activity_id = _id(report.activity_id)
    if activity_id is not None:
        return UploadReport(upload_id, UploadState.READY, activity_id)
    if _DELETED in status:
        return UploadReport(upload_id, UploadState.DELETED, message=_plain(report.status or ""))
    if status.startswith(_PROCESSING_FAILED):
        return UploadReport(upload_id, UploadState.REJECTED, message=_plain(report.status or ""))
    if sent and not upload_id:
        raise StravaError(StravaErrorKind.BROKEN_OFF, strava.NO_UPLOAD_NUMBER(), sent=True)
    return UploadReport(upload_id, UploadState.PROCESSING)


def refused_upload(status: int, body: bytes) -> UploadReport | None:
    """The report in an upload-shaped 400; older servers name duplicates and bad files in this way."""
    error = _error(body)
    if status != HTTPStatus.BAD_REQUEST or error is None or not error.error:
        return None
    return _failed_upload(0, error.error)


def grant_error(status: int, body: bytes) -> StravaError:
    """Why the sign-in endpoints refused: the grant itself, or one of the errors that any request has."""
    error = _error(body)
    named = {(detail.resource or "").lower() for detail in (error.errors or [])} if error else set()
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED} and named & _GRANTS:
        return StravaError(StravaErrorKind.GRANT_REFUSED, strava.GRANT_REFUSED(answer=_said(status, error)))
    return request_error(status, body, "POST")


def request_error(status: int, body: bytes, method: str, retry_after: str = "") -> StravaError:
    """The error in an answer that is no success; `retry_after` is the header of that name."""
    error = _error(body)
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


def rate_limit(headers: Mapping[str, str]) -> RateLimitHeaders:
    """Strava's limits and usage in the headers of an answer."""
    return RateLimitHeaders(
        overall_limit=_pair(headers.get("X-RateLimit-Limit")),
        overall_usage=_pair(headers.get("X-RateLimit-Usage")),
        read_limit=_pair(headers.get("X-ReadRateLimit-Limit")),
        read_usage=_pair(headers.get("X-ReadRateLimit-Usage")),
    )


def date(headers: Mapping[str, str], status: int, body: bytes) -> float | None:
    """Strava's time in epoch seconds, by the Date header of an answer in its own form; None where there is none.

    What a portal or a proxy has for a time says nothing.
    """
    try:
        if not is_strava(status, body):
            return None
        # Always GMT (RFC 9110, section 5.6.7). What a proxy has added behind a comma is not read.
        return parsedate_to_datetime(headers.get("Date", "")).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def is_strava(status: int, body: bytes) -> bool:
    """Whether an answer is in Strava's own form: JSON with what was asked for, or an error that names itself."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return body[:1] in {b"{", b"["} and body.strip() != b"{}"
    return _error(body) is not None


def _classify(status: int, error: _Error | None, body: bytes, method: str) -> StravaErrorKind:  # noqa: PLR0911  a table, one line a row
    """The kind of an answer that is no success, by its status once Strava's own form is there."""
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        return StravaErrorKind.UNAVAILABLE
    if status < HTTPStatus.BAD_REQUEST:  # redirects are never followed: they would take the token along
        return StravaErrorKind.WRONG_ADDRESS
    if error is None and not (_is_empty(body) and _is_believed_empty(status)):
        return StravaErrorKind.NOT_STRAVA
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return StravaErrorKind.RATE_LIMITED
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return StravaErrorKind.NOT_FOUND if method != "POST" else StravaErrorKind.WRONG_ADDRESS
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StravaErrorKind.SERVER_ERROR
    return _classify_refusal(status, error or _Error())


def _classify_refusal(status: int, error: _Error) -> StravaErrorKind:
    """The kind of a 4xx: Strava uses one status for several things; what it names first decides."""
    detail = next(iter(error.errors or []), None)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return StravaErrorKind.BAD_FILE
    if status == HTTPStatus.FORBIDDEN:
        return _classify_forbidden(error, detail)
    if detail is not None and status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return _classify_named(status, detail)
    return StravaErrorKind.TOKEN_REFUSED if status == HTTPStatus.UNAUTHORIZED else StravaErrorKind.REFUSED


def _classify_forbidden(error: _Error, detail: _Detail | None) -> StravaErrorKind:
    resource, field, code = _lower(detail)
    words = f"{error.message or ''} {error.error or ''} {field} {code}".lower()
    if "connected athletes" in words or "athlete capacity" in words or "athlete limit" in words:
        return StravaErrorKind.ATHLETE_LIMIT
    if resource == "application" and code == "inactive":
        return StravaErrorKind.APP_INACTIVE
    return StravaErrorKind.REFUSED


def _classify_named(status: int, detail: _Detail) -> StravaErrorKind:
    resource, field, code = _lower(detail)
    if code == "missing" or field.endswith("_permission"):
        return StravaErrorKind.SCOPE_MISSING
    if resource == "application":
        return StravaErrorKind.APP_REFUSED
    if status == HTTPStatus.UNAUTHORIZED:
        return StravaErrorKind.TOKEN_REFUSED
    return StravaErrorKind.BAD_FILE if resource == "upload" else StravaErrorKind.REFUSED


def _lower(detail: _Detail | None) -> tuple[str, str, str]:
    if detail is None:
        return "", "", ""
    return (detail.resource or "").lower(), (detail.field or "").lower(), (detail.code or "").lower()


def _failed_upload(upload_id: int, text: str) -> UploadReport:
    """Tell a duplicate, in its plain and its HTML form, from a file that Strava cannot use."""
    text = text[:_MAX_HTML]
    if "duplicate of" not in text.lower():
        return UploadReport(upload_id, UploadState.REJECTED, message=_plain(text))
    found = _DUPLICATE.search(text)
    activity_id = _id(int(found[1])) if found else None
    return UploadReport(upload_id, UploadState.DUPLICATE, activity_id, _plain(text))


def _id(number: int | None) -> int | None:
    """An id that can be one; None for 0 and for what no database holds."""
    return number if number is not None and 0 < number <= _MAX_ID else None


def _said(status: int, error: _Error | None) -> str:
    """Strava's own words, short."""
    if error is None:
        return f"HTTP {status}"
    details = ", ".join(
        " ".join(part[:_MAX_TEXT] for part in (one.resource, one.field, one.code) if part)
        for one in (error.errors or [])[:5]
    )
    words = ": ".join(part[:_MAX_HTML] for part in (error.message or error.error, details) if part)
    return f"HTTP {status}" + (f", {_plain(words)}" if words else "")


def _plain(text: str) -> str:
    from html import unescape  # noqa: PLC0415  # its tables take 0.3 MB, and Strava rarely speaks HTML

    return unescape(re.sub(r"<[^<>]*>", "", text[:_MAX_HTML])).strip()[:_MAX_TEXT]


def _display_name(found: _Athlete) -> str:
    names = [name.strip()[:100] for name in (found.firstname, found.lastname) if name and name.strip()]
    return " ".join(names) or f"athlete {found.id}"


def _decode(body: bytes, answer: type[T], *, sent: bool) -> T:
    try:
        return msgspec.json.decode(body, type=answer, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A captive portal, a proxy's own page, or half an answer: behind it may be a success.
        raise _not_strava(sent=sent) from error


def _is_upload(body: bytes) -> bool:
    """Whether an answer has the form of an upload, of which parts may be missing."""
    keys = _keys(body)
    return bool(_UPLOAD_KEYS & keys) or ("id" in keys and bool({"status", "error"} & keys))


def _error(body: bytes) -> _Error | None:
    """The error in an answer; None if it is not in Strava's own form."""
    try:
        error = msgspec.json.decode(body, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    own = error.message is not None or error.errors is not None
    return error if own or (error.error is not None and _is_upload(body)) else None


def _is_empty(body: bytes) -> bool:
    return body.strip() in {b"", b"{}"}


def _is_believed_empty(status: int) -> bool:
    """Whether an answer without content is taken for Strava's: no other speaker shows, and it costs little."""
    return (
        status in {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS}
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _keys(body: bytes) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frozenset()


def _not_strava(*, sent: bool) -> StravaError:
    return StravaError(StravaErrorKind.NOT_STRAVA, strava.NOT_READABLE(), sent=sent)


def _seconds(text: str) -> float | None:
    """The seconds of a Retry-After header, where it has a number."""
    return float(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _pair(value: str | None) -> tuple[int, int] | None:
    """Two numbers with a comma; Strava also sends a lone comma, or nothing."""
    found = re.fullmatch(r"\s*([0-9]{1,12})\s*,\s*([0-9]{1,12})\s*", value or "")
    return (int(found[1]), int(found[2])) if found else None
