"""What a request's body and query say. Raises RequestRejected for what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeAlias, TypeVar

from flask import request

from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import Json, web
from fitferry.core.upload import Status
from fitferry.web.current import web_context

MAX_ID = 2**63 - 1
"""The largest number that SQLite can look for."""
ACTIVITY = f"<int(max={MAX_ID}):activity_id>"
"""An activity's number in an address."""
Body: TypeAlias = Mapping[str, Json]
Choice = TypeVar("Choice", bound=StrEnum)


def json_body() -> Body:
    """The body's JSON object; empty where there is no body."""
    if not request.get_data(cache=True):
        return {}
    try:
        body: Json = request.get_json(silent=True, force=True)
    except RecursionError:  # thousands of brackets
        body = None
    if not isinstance(body, dict):
        raise RequestRejected(RejectionCode.BAD_JSON, web.BODY_NO_OBJECT())
    return body


def text(body: Body, name: str) -> str | None:
    """A text of the body, None where it is not there."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestRejected(RejectionCode.BAD_VALUE, web.WANTS_TEXT(name=name))
    return value


def flag(body: Body, name: str) -> bool:
    """A flag of the body, false where it is not there."""
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise RequestRejected(RejectionCode.BAD_VALUE, web.WANTS_FLAG(name=name))
    return value


def job_ids(body: Body, name: str) -> list[int]:
    """The numbers of one or several jobs."""
    value = body.get(name)
    if not isinstance(value, list) or not value:
        raise RequestRejected(RejectionCode.BAD_VALUE, web.WANTS_NUMBERS(name=name))
    found = []
    for job_id in value:
        if not isinstance(job_id, int) or isinstance(job_id, bool):
            raise RequestRejected(RejectionCode.BAD_VALUE, web.WANTS_NUMBERS(name=name))
        if abs(job_id) > MAX_ID:
            raise RequestRejected(RejectionCode.UNKNOWN, web.UNKNOWN_JOB(id=str(job_id)))
        found.append(job_id)
    return found


def day(body: Body, name: str) -> date | None:
    """A day of the body, None where it is not there."""
    value = body.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise RequestRejected(RejectionCode.BAD_VALUE, web.WANTS_DAY()) from error


def query_number(name: str, *, high: int = MAX_ID) -> int | None:
    """A number of the query, None where it is not there or empty."""
    given = request.args.get(name)
    if not given:
        return None
    if not given.isdecimal() or len(given) > len(str(MAX_ID)) or not 1 <= int(given) <= high:
        raise RequestRejected(RejectionCode.BAD_VALUE, web.WANTS_RANGE(name=name, low=1, high=high))
    return int(given)


def query_status() -> Status | None:
    """The status that is asked for, None for any."""
    given = request.args.get("status")
    return one_of(Status, given, "status") if given else None


def one_of(kind: type[Choice], given: str, name: str) -> Choice:
    try:
        return kind(given)
    except ValueError as error:
        problem = web.WANTS_ONE_OF(name=name, choices=", ".join(kind))
        raise RequestRejected(RejectionCode.BAD_VALUE, problem) from error


def known_athlete(name: str | None) -> str:
    """An athlete of the settings; without a name `me`, or else the first."""
    names = web_context().settings.athletes
    return required_athlete(name or ("me" if "me" in names else names[0]))


def required_athlete(name: str) -> str:
    """An athlete of the settings, where no other may take the place of none."""
    if name not in web_context().settings.athletes:
        raise RequestRejected(RejectionCode.UNKNOWN_ATHLETE, web.UNKNOWN_ATHLETE(name=name))
    return name
