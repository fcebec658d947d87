"""The one judge of what came back: what is not in Strava's own form was not said by Strava."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from fakes import NOW, PROCESSING, READY, refused
from fitferry.core.errors import StravaError
from fitferry.core.strava import StravaErrorKind
from fitferry.strava import responses

HEADERS = {"Date": format_datetime(datetime.fromtimestamp(NOW, UTC), usegmt=True)}
OTHERS = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"5",
    b'"ok"',
    b"<html>sign in</html>",
    b'{"status":"ok"}',
    b'{"status":"blocked","code":403}',
    b'{"error":"login required","url":"http://portal"}',
    b'{"id":7}',
    b'{"type":"about:blank","title":"Unauthorized","status":401}',
    b'{"id":77,"status":"Your acti',
]
"""What gateways, portals and other services say."""


@pytest.mark.parametrize("body", OTHERS)
@pytest.mark.parametrize("sent", [True, False])
def test_the_answer_of_another_service_is_no_report_on_an_upload(body: bytes, sent: bool) -> None:
    """Not even where it has a status: one that is taken for a report would be looked at for half an hour."""
    with pytest.raises(StravaError) as raised:
        responses.upload(body, sent=sent)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, sent)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, json.dumps(READY).encode()),
        (201, json.dumps(PROCESSING).encode()),
        (200, b"[]"),
        (401, json.dumps(refused("Athlete", "access_token", "invalid")).encode()),
        (429, json.dumps(refused("Application", "rate limit", "exceeded")).encode()),
    ],
)
def test_stravas_clock_is_heard_from_its_own_answers(status: int, body: bytes) -> None:
    """Also from a refusal: it needs no token to know the time."""
    assert responses.date(HEADERS, status, body) == NOW
    assert responses.date({}, status, body) is None
    assert responses.date({"Date": "soon"}, status, body) is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/New_York"])
def test_stravas_clock_is_the_same_in_every_time_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """Also where a proxy has added a Date of its own: the two are joined by a comma then, and Strava's is the first."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        twice = {"Date": f"{HEADERS['Date']}, {HEADERS['Date']}"}
        found = [responses.date(headers, 200, b"[]") for headers in (HEADERS, twice)]
    time.tzset()

    assert found == [NOW, NOW]


@pytest.mark.parametrize("status", [200, 302, 401, 403, 503, 511])
@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b"{}"])
def test_the_clock_of_a_portal_is_not_stravas(status: int, body: bytes) -> None:
    """By it old rides would be judged fresh."""
    assert responses.date(HEADERS, status, body) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "27 Nov 2026",
        "Fri, 27 Nov 2026 05:00:00 +99999",
        "Fri, 99 Nov 2026 05:00:00 GMT",
        "x" * 10_000,
    ],
)
def test_a_date_that_is_none_is_no_time(text: str) -> None:
    """And nothing is raised."""
    assert responses.date({"Date": text}, 200, b"[]") is None
