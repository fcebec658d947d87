"""The meaning of Strava's answers: bytes in, a value or a `StravaError` out.

With `error_responses` the only judge of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from fitferry.core.errors import StravaError
from fitferry.core.messages import strava
from fitferry.core.strava import (
    Grant,
    ListedActivity,
    RateLimitHeaders,
    StravaErrorKind,
    UploadReport,
    UploadState,
)
from fitferry.strava.answer_forms import (
    MAX_HTML,
    MAX_TEXT,
    ActivityAnswer,
    AthleteAnswer,
    EditedAnswer,
    TokenAnswer,
    UploadAnswer,
    converted,
    decode,
    error_in,
    is_empty,
    is_upload,
    keys_of,
    not_strava,
    plain,
)

_DUPLICATE = re.compile(r"duplicate of\b.*?(?:/activities/|activity\s+)([0-9]+)", re.IGNORECASE | re.DOTALL)
_PROCESSING_FAILED = "there was an error processing"
_DELETED = "has been deleted"
_MAX_ID = 2**63 - 1
"""SQLite's largest integer; Strava's ids are far from it."""
_MAX_TOKEN = 4_096
_MAX_SCOPES = 50


def grant(body: bytes) -> Grant:
    """The tokens in an answer of the token endpoint; what is said about them only where it can be read.

    A pair that does not say when it ends has to be refreshed before its next use.
    """
    token = decode(body, TokenAnswer, sent=True)
    sizes = len(token.access_token), len(token.refresh_token)
    if max(sizes) > _MAX_TOKEN or min(sizes) < 1:
        raise not_strava(sent=True)
    found = converted(token.athlete, AthleteAnswer)
    if found is not None and not 0 <= found.id <= _MAX_ID:
        found = None
    scope = token.scope[:MAX_HTML].strip() if isinstance(token.scope, str) else ""
    return Grant(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=_seconds(token.expires_at) or 0.0,
        expires_in=_seconds(token.expires_in),
        # The answer separates them by spaces, the callback by commas.
        scopes=tuple(re.split(r"[ ,]+", scope)[:_MAX_SCOPES]) if scope else (),
        athlete_id=found.id if found else None,
        display_name=_display_name(found) if found else None,
    )


def revoked(body: bytes) -> None:
    """Raise NOT_STRAVA unless an answer may be Strava's to a revocation, which says nothing (seen 2026-06)."""
    if body.strip() and not keys_of(body) and not is_empty(body):
        raise not_strava(sent=True)


def athlete(body: bytes) -> tuple[int, str]:
    """An athlete's id and name."""
    found = decode(body, AthleteAnswer, sent=False)
    if not 0 <= found.id <= _MAX_ID:
        raise not_strava(sent=False)
    return found.id, _display_name(found)


def edited_activity(body: bytes) -> None:
    """Raise NOT_STRAVA unless an answer is an activity."""
    decode(body, EditedAnswer, sent=True)


def activities(body: bytes) -> list[ListedActivity]:
    """The activities of one page of a listing; `id` 0 where Strava's cannot be one."""
    listed = decode(body, list[ActivityAnswer], sent=False)
    return [
        ListedActivity(
            _id(one.id) or 0,
            (one.external_id or "")[:MAX_TEXT] or None,
            one.start_date.replace(tzinfo=one.start_date.tzinfo or UTC).timestamp(),
            one.elapsed_time or 0,
        )
        for one in listed
    ]


def upload(body: bytes, *, sent: bool) -> UploadReport:
    """Strava's report on an upload. A failed processing has status 200; only the text says what happened.

    `sent`: this answers the upload itself, so that without an id nobody could ask about it.
    """
    if not is_upload(body):
        raise not_strava(sent=sent)
    report = decode(body, UploadAnswer, sent=sent)
    upload_id, status = _id(report.id) or 0, (report.status or "").lower()
    if report.error:
        return _failed_upload(upload_id, report.error)
    activity_id = _id(report.activity_id)
    if activity_id is not None:
        return UploadReport(upload_id, UploadState.READY, activity_id)
    if _DELETED in status:
        return UploadReport(upload_id, UploadState.DELETED, message=plain(report.status or ""))
    if status.startswith(_PROCESSING_FAILED):
        return UploadReport(upload_id, UploadState.REJECTED, message=plain(report.status or ""))
    if sent and not upload_id:
        raise StravaError(StravaErrorKind.BROKEN_OFF, strava.NO_UPLOAD_NUMBER(), sent=True)
    return UploadReport(upload_id, UploadState.PROCESSING)


def refused_upload(status: int, body: bytes) -> UploadReport | None:
    """The report in an upload-shaped 400; older servers name duplicates and bad files in this way."""
    error = error_in(body)
    if status != HTTPStatus.BAD_REQUEST or error is None or not error.error:
        return None
    return _failed_upload(0, error.error)


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
    return error_in(body) is not None


def _failed_upload(upload_id: int, text: str) -> UploadReport:
    """Tell a duplicate, in its plain and its HTML form, from a file that Strava cannot use."""
    text = text[:MAX_HTML]
    if "duplicate of" not in text.lower():
        return UploadReport(upload_id, UploadState.REJECTED, message=plain(text))
    found = _DUPLICATE.search(text)
    activity_id = _id(int(found[1])) if found else None
    return UploadReport(upload_id, UploadState.DUPLICATE, activity_id, plain(text))


def _id(number: int | None) -> int | None:
    """An id that can be one; None for 0 and for what no database holds."""
    return number if number is not None and 0 < number <= _MAX_ID else None


def _seconds(value: object) -> float | None:
    """A number of seconds that can be one."""
    found = converted(value, float)
    return found if found is not None and 0 <= found <= float(_MAX_ID) else None


def _display_name(found: AthleteAnswer) -> str:
    names = [name.strip()[:100] for name in (found.firstname, found.lastname) if name and name.strip()]
    return " ".join(names) or f"athlete {found.id}"


def _pair(value: str | None) -> tuple[int, int] | None:
    """Two numbers with a comma; Strava also sends a lone comma, or nothing."""
    found = re.fullmatch(r"\s*([0-9]{1,12})\s*,\s*([0-9]{1,12})\s*", value or "")
    return (int(found[1]), int(found[2])) if found else None
