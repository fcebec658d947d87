"""What does an answer of Strava's mean? The only judge of them; bytes in, a value or a `StravaError` out."""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from typing import TYPE_CHECKING, TypeVar

import msgspec

from fitferry.core.errors import StravaError
from fitferry.core.strava import (
    Grant,
    ListedActivity,
    RateLimitHeaders,
    StravaErrorKind,
    UploadReport,
    UploadState,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_DUPLICATE = re.compile(r"duplicate of\b.*?(?:/activities/|activity\s+)(\d+)", re.IGNORECASE | re.DOTALL)
_GRANTS = frozenset({"AuthorizationCode", "RefreshToken", "RequestToken"})

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
    id: int
    error: str | None = None
    status: str | None = None
    activity_id: int | None = None


class _Activity(msgspec.Struct):
    id: int
    start_date: datetime
    elapsed_time: float = 0
    external_id: str | None = None


class _Detail(msgspec.Struct):
    resource: str | None = None
    field: str | None = None
    code: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    errors: list[_Detail] = []
    error: str | None = None


def grant(body: bytes) -> Grant:
    """The tokens in an answer of the token endpoint."""
    token = _decode(body, _Token, sent=True)
    return Grant(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=float(token.expires_at),
        expires_in=None if token.expires_in is None else float(token.expires_in),
        # The answer separates them by spaces, the callback by commas.
        scopes=tuple(re.split(r"[ ,]+", token.scope.strip())) if token.scope else (),
        athlete_id=token.athlete.id if token.athlete else None,
        display_name=_display_name(token.athlete) if token.athlete else None,
    )


def athlete(body: bytes) -> tuple[int, str]:
    """An athlete's id and name."""
    found = _decode(body, _Athlete, sent=False)
    return found.id, _display_name(found)


def activities(body: bytes) -> list[ListedActivity]:
    """The activities of one page of a listing."""
    listed = _decode(body, list[_Activity], sent=False)
    return [ListedActivity(a.id, a.external_id, a.start_date.timestamp(), a.elapsed_time) for a in listed]


def upload(body: bytes, *, sent: bool) -> UploadReport:
    """Strava's word on an upload. A failed processing has status 200; only the words say what happened."""
    report = _decode(body, _Upload, sent=sent)
    if report.error:
        return _failed_upload(report.id, report.error)
    if report.activity_id is not None:
        return UploadReport(report.id, UploadState.READY, report.activity_id)
    status = report.status or ""
    if "deleted" in status.lower():
        return UploadReport(report.id, UploadState.DELETED, message=status)
    if "error" in status.lower():
        return UploadReport(report.id, UploadState.REJECTED, message=status)
    return UploadReport(report.id, UploadState.PROCESSING)


def refused_upload(status: int, body: bytes) -> UploadReport | None:
    """What an upload-shaped 400 says; older servers report duplicates and bad files in this way."""
    words = _error(body).error if status == 400 else None
    return _failed_upload(0, words) if words else None


def grant_fault(status: int, body: bytes) -> StravaError:
    """Why the sign-in endpoints refused: the grant itself, or one of the faults that any request has."""
    named = {detail.resource for detail in _error(body).errors}
    if status in {400, 401} and named & _GRANTS:
        return StravaError(
            StravaErrorKind.GRANT_REFUSED, f"Strava no longer accepts this sign-in ({_said(status, body)})"
        )
    return fault(status, body, "POST")


def fault(status: int, body: bytes, method: str, retry_after: str = "") -> StravaError:
    """What an answer that is no success means; `retry_after` is the header of that name."""
    kind, said = _classify(status, _error(body), method), _said(status, body)
    return StravaError(
        kind,
        f"Strava had a fault of its own ({said})" if status >= 500 else said,
        # A parsed 3xx or 4xx is certain; behind a 5xx the upload may have arrived all the same.
        sent=method == "POST" and status >= 500,
        retry_after=float(retry_after)
        if kind is StravaErrorKind.RATE_LIMITED and retry_after.isdecimal()
        else None,
    )


def allowance(headers: Mapping[str, str]) -> RateLimitHeaders:
    """What the headers of an answer say of Strava's limits."""
    return RateLimitHeaders(
        overall_limit=_pair(headers.get("X-RateLimit-Limit")),
        overall_usage=_pair(headers.get("X-RateLimit-Usage")),
        read_limit=_pair(headers.get("X-ReadRateLimit-Limit")),
        read_usage=_pair(headers.get("X-ReadRateLimit-Usage")),
    )


def _classify(status: int, error: _Error, method: str) -> StravaErrorKind:  # noqa: PLR0911  a table, one line a row
    match status:
        case 502 | 503 | 504:
            return StravaErrorKind.UNAVAILABLE
        case 429:
            return StravaErrorKind.RATE_LIMITED
        case 400 | 401 | 403 if error.errors:
            return _classify_named(status, error.errors[0])
        case 401:
            return StravaErrorKind.TOKEN_REFUSED
        case 413:
            return StravaErrorKind.BAD_FILE
        case 404 | 410 if method == "GET":
            return StravaErrorKind.NOT_FOUND
        case 404 | 410:
            return StravaErrorKind.WRONG_ADDRESS
        case _ if status >= 500:
            return StravaErrorKind.SERVER_ERROR
        case _ if status < 400:  # redirects are never followed: they would take the token along
            return StravaErrorKind.WRONG_ADDRESS
        case _:
            return StravaErrorKind.REFUSED


def _classify_named(status: int, detail: _Detail) -> StravaErrorKind:
    """Strava uses one status for several things; what it names decides."""
    field, code = (detail.field or "").lower(), (detail.code or "").lower()
    if status == 403:
        inactive = detail.resource == "Application" and code == "inactive"
        return StravaErrorKind.APP_INACTIVE if inactive else StravaErrorKind.REFUSED
    if code == "missing" or field.endswith("_permission"):
        return StravaErrorKind.SCOPE_MISSING
    if detail.resource == "Application":
        return StravaErrorKind.APP_REFUSED
    if status == 401:
        return StravaErrorKind.TOKEN_REFUSED
    return StravaErrorKind.BAD_FILE if detail.resource == "Upload" else StravaErrorKind.REFUSED


def _failed_upload(upload_id: int, words: str) -> UploadReport:
    """Tell a duplicate, in its plain and its HTML form, from a file that Strava cannot use."""
    if "duplicate of" not in words.lower():
        return UploadReport(upload_id, UploadState.REJECTED, message=_plain(words))
    found = _DUPLICATE.search(words)
    return UploadReport(upload_id, UploadState.DUPLICATE, int(found[1]) if found else None, _plain(words))


def _said(status: int, body: bytes) -> str:
    """Strava's own words, short."""
    error = _error(body)
    details = ", ".join(" ".join(filter(None, (d.resource, d.field, d.code))) for d in error.errors)
    words = _plain(": ".join(filter(None, (error.message or error.error, details))))
    return f"HTTP {status}" + (f", {words}" if words else "")


def _plain(words: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", words)).strip()[:500]


def _display_name(found: _Athlete) -> str:
    return " ".join(filter(None, (found.firstname, found.lastname))) or f"athlete {found.id}"


def _decode(body: bytes, answer: type[T], *, sent: bool) -> T:
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # A captive portal, a proxy's own page, or half an answer: behind it may be a success.
        raise StravaError(
            StravaErrorKind.UNAVAILABLE, "something that is not Strava answered", sent=sent
        ) from error


def _error(body: bytes) -> _Error:
    try:
        return msgspec.json.decode(body, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()


def _pair(value: str | None) -> tuple[int, int] | None:
    """Two numbers with a comma; Strava also sends a lone comma, or nothing."""
    found = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", value or "")
    return (int(found[1]), int(found[2])) if found else None
