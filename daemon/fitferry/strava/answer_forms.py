"""The forms of Strava's answers, and whether bytes have one.

Only an answer in Strava's own form (an upload, `message`, `errors`) was given by Strava; gateways, proxies and
captive portals answer with the same status codes (strava-heatmap-envoy issue 3, nakarte issue 335).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeVar

import msgspec

from fitferry.core.errors import StravaError
from fitferry.core.messages import strava
from fitferry.core.strava import StravaErrorKind

_UPLOAD_KEYS = frozenset({"id_str", "external_id", "activity_id"})
"""Keys that no other service answers with; one with a status alone is none of Strava's."""
MAX_TEXT = 500
MAX_HTML = 5_000
"""Characters of an error text that are read: HTML with a link is some hundred."""
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


class AthleteAnswer(msgspec.Struct):
    """An athlete, of whom only the id is sure to be there."""

    id: int
    firstname: str | None = None
    lastname: str | None = None


class TokenAnswer(msgspec.Struct):
    """Tokens; the athlete is named at the sign-in only.

    Only the tokens have to have their type: the old pair is dead by now, so that for no other field a new one is lost.
    """

    access_token: str
    refresh_token: str
    expires_at: object = None
    expires_in: object = None
    scope: object = None
    athlete: object = None


class UploadAnswer(msgspec.Struct):
    """An upload's state."""

    id: int | None = None
    error: str | None = None
    status: str | None = None
    activity_id: int | None = None


class ActivityAnswer(msgspec.Struct):
    """One activity of a listing."""

    id: int
    start_date: datetime
    elapsed_time: float | None = None
    external_id: str | None = None


class EditedAnswer(msgspec.Struct):
    """An activity that was edited."""

    id: int


class ErrorDetail(msgspec.Struct):
    """What an error is about."""

    resource: str | None = None
    field: str | None = None
    code: str | None = None


class ErrorAnswer(msgspec.Struct):
    """An error; `error` is a failed upload's."""

    message: str | None = None
    errors: list[ErrorDetail] | None = None
    error: str | None = None


def decode(body: bytes, answer: type[T], *, sent: bool) -> T:
    """An answer as a value. Raises NOT_STRAVA, which says by `sent` whether something may have been done."""
    try:
        return msgspec.json.decode(body, type=answer, strict=False)
    except _UNREADABLE as error:
        # A captive portal, a proxy's own page, or half an answer: behind it may be a success.
        raise not_strava(sent=sent) from error


def converted(value: object, form: type[T]) -> T | None:
    """A part of an answer as a value, None where it has another form."""
    try:
        return msgspec.convert(value, form, strict=False)
    except msgspec.ValidationError:
        return None


def is_upload(body: bytes) -> bool:
    """Whether an answer has the form of an upload, of which parts may be missing."""
    keys = keys_of(body)
    return bool(_UPLOAD_KEYS & keys) or ("id" in keys and bool({"status", "error"} & keys))


def error_in(body: bytes) -> ErrorAnswer | None:
    """The error in an answer; None if it is not in Strava's own form."""
    try:
        error = msgspec.json.decode(body, type=ErrorAnswer)
    except _UNREADABLE:
        return None
    own = error.message is not None or error.errors is not None
    return error if own or (error.error is not None and is_upload(body)) else None


def is_empty(body: bytes) -> bool:
    """Whether an answer says nothing."""
    return body.strip() in {b"", b"{}"}


def keys_of(body: bytes) -> frozenset[str]:
    """The keys of an answer; none where it is no object."""
    try:
        return frozenset(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    except _UNREADABLE:
        return frozenset()


def not_strava(*, sent: bool) -> StravaError:
    """The error of an answer that is not in Strava's form."""
    return StravaError(StravaErrorKind.NOT_STRAVA, strava.NOT_READABLE(), sent=sent)


def plain(text: str) -> str:
    """A text without the HTML that it may have, cut to its bound."""
    from html import unescape  # noqa: PLC0415  # its tables take 0.3 MB, and Strava rarely speaks HTML

    return unescape(re.sub(r"<[^<>]*>", "", text[:MAX_HTML])).strip()[:MAX_TEXT]
