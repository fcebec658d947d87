"""The one judge of what came back: what is not in Strava's own form was not said by Strava."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from fakes import NOW, PROCESSING, READY, body_of, grant, refused
from fitferry.core.errors import StravaError
from fitferry.core.strava import ListedActivity, RateLimitHeaders, StravaErrorKind, UploadReport, UploadState
from fitferry.strava import error_responses, responses

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
    b'{"id":"seven","status":"Your activity is ready."}',
]
"""What gateways, portals and other services say."""
HUGE = [
    b'{"id": ' + b"9" * 5_000 + b"}",
    b'{"x": ' + b"[" * 3_000_000,
    b"[" * 3_000_000,
    b'{"id": 1e400}',
    b'{"error": "duplicate of ' + b"<" * 7_000_000 + b'"}',
    b'{"message": "' + b"duplicate of " * 500_000 + b'"}',
]
MAX_ID = 2**63 - 1


def uploaded(answer: object, *, sent: bool = True) -> UploadReport:
    """Strava's report in a success."""
    return responses.upload(body_of(answer), sent=sent)


# --- reports on uploads ---


@pytest.mark.parametrize("body", OTHERS)
@pytest.mark.parametrize("sent", [True, False])
def test_the_answer_of_another_service_is_no_report_on_an_upload(body: bytes, sent: bool) -> None:
    """Not even where it has a status: one that is taken for a report would be looked at for half an hour."""
    with pytest.raises(StravaError) as raised:
        responses.upload(body, sent=sent)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, sent)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (PROCESSING, UploadReport(77, UploadState.PROCESSING)),
        (READY, UploadReport(77, UploadState.READY, 4242)),
        ({"id": "77", "status": "Still being processed."}, UploadReport(77, UploadState.PROCESSING)),
        ({"id": 77, "status": "Processing (0 errors so far)"}, UploadReport(77, UploadState.PROCESSING)),
        ({"id": 77, "activity_id": 0}, UploadReport(77, UploadState.PROCESSING)),
        ({"id": 77, "activity_id": -1}, UploadReport(77, UploadState.PROCESSING)),
        ({"id": 77, "activity_id": 1}, UploadReport(77, UploadState.READY, 1)),
        ({"id": MAX_ID, "activity_id": MAX_ID}, UploadReport(MAX_ID, UploadState.READY, MAX_ID)),
        ({"id": 77, "activity_id": MAX_ID + 1}, UploadReport(77, UploadState.PROCESSING)),
        ({"id": None, "error": "No time."}, UploadReport(0, UploadState.REJECTED, message="No time.")),
        (
            {"id": 77, "status": "<i>There was an error processing your activity.</i>"},
            UploadReport(77, UploadState.PROCESSING),
        ),
        (
            {"id": 77, "status": "There was an error processing <i>it</i>."},
            UploadReport(77, UploadState.REJECTED, message="There was an error processing it."),
        ),
        (
            {**PROCESSING, "status": "The created activity Has Been Deleted."},
            UploadReport(77, UploadState.DELETED, message="The created activity Has Been Deleted."),
        ),
    ],
)
def test_a_report_is_read_leniently_and_judged_exactly(answer: object, expected: UploadReport) -> None:
    """A failed processing has status 200, too: only the text tells; ids that can be none are none."""
    assert uploaded(answer) == expected


@pytest.mark.parametrize(
    ("text", "activity_id", "plain"),
    [
        ("ab.fit duplicate of activity 99", 99, None),
        ("AB.FIT DUPLICATE OF ACTIVITY 99", 99, None),
        (
            "ab.fit duplicate of <a href='/activities/99' target='_blank'>Ride of 2024</a>",
            99,
            "ab.fit duplicate of Ride of 2024",
        ),
        ("ab.fit duplicate of\nactivity 99", 99, None),
        ("ab.fit duplicate of something else", None, None),
        ("ab.fit duplicate of activity 12345678901234567890123", None, None),
    ],
)
def test_a_duplicate_names_the_activity_in_both_forms(
    text: str, activity_id: int | None, plain: str | None
) -> None:
    """The id stands in plain words or in a link; the title in the link is the athlete's own text."""
    expected = UploadReport(77, UploadState.DUPLICATE, activity_id, plain or text)

    assert uploaded({**PROCESSING, "error": text}) == expected


@pytest.mark.parametrize("upload_id", [None, 0, -5, 10**22])
def test_an_upload_without_a_number_may_have_arrived(upload_id: int | None) -> None:
    """Nobody could ask about it: it counts, and is looked for. Asked for by its number, it has none to lose."""
    answer = {**PROCESSING, "id": upload_id}
    with pytest.raises(StravaError) as raised:
        uploaded(answer)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.BROKEN_OFF, True)
    assert str(raised.value) == "Strava took the upload without giving it a number"
    assert uploaded(answer, sent=False) == UploadReport(0, UploadState.PROCESSING)


@pytest.mark.parametrize(
    "answer", [{"id_str": "7"}, {"external_id": None}, {"activity_id": None}, {"id": 7, "error": None}]
)
def test_half_an_upload_is_one_still(answer: object) -> None:
    """By any key that no other service answers with; an id counts with a status or an error beside it."""
    assert uploaded(answer, sent=False).state is UploadState.PROCESSING


def test_older_servers_name_duplicates_and_bad_files_in_a_400() -> None:
    """In the form of an upload; with any other status, or without its error, it is a refusal as all others."""
    duplicate = body_of({**PROCESSING, "error": "ab.fit duplicate of activity 99"})
    rejected = body_of({**PROCESSING, "error": "Time information is missing from file."})

    assert responses.refused_upload(400, duplicate) == UploadReport(
        0, UploadState.DUPLICATE, 99, "ab.fit duplicate of activity 99"
    )
    assert responses.refused_upload(400, rejected) == UploadReport(
        0, UploadState.REJECTED, message="Time information is missing from file."
    )
    assert responses.refused_upload(401, duplicate) is None
    for other in (b"<html>", b'{"message": "x"}', b'{"error": "blocked"}', body_of(PROCESSING)):
        assert responses.refused_upload(400, other) is None


# --- sign-in ---


def test_a_grant_is_read_with_its_athlete_and_scopes() -> None:
    """A refresh names neither."""
    got = responses.grant(body_of({**grant(), "scope": " read,activity:write  x"}))
    bare = responses.grant(body_of({"access_token": "a", "refresh_token": "r", "expires_at": 5}))

    assert (got.access_token, got.refresh_token, got.expires_at, got.expires_in) == (
        "access-1",
        "refresh-1",
        NOW + 21_600,
        21_600.0,
    )
    assert (got.athlete_id, got.display_name, got.scopes) == (
        1001,
        "Sam Sand",
        ("read", "activity:write", "x"),
    )
    assert (bare.expires_in, bare.scopes, bare.athlete_id, bare.display_name) == (None, (), None, None)


@pytest.mark.parametrize(
    ("said", "expires_at", "expires_in", "athlete_id"),
    [
        ({"expires_at": str(NOW)}, NOW, 21_600.0, 1001),
        ({"expires_at": "tomorrow"}, 0.0, 21_600.0, 1001),
        ({"expires_at": NOW + 0.5, "expires_in": "60"}, NOW + 0.5, 60.0, 1001),
        ({"expires_at": None, "expires_in": None}, 0.0, None, 1001),
        ({"expires_in": "six hours"}, NOW + 21_600, None, 1001),
        ({"athlete": None}, NOW + 21_600, 21_600.0, None),
        ({"athlete": []}, NOW + 21_600, 21_600.0, None),
        ({"athlete": {"firstname": "Sam"}}, NOW + 21_600, 21_600.0, None),
        ({"athlete": {"id": 7, "firstname": 7}}, NOW + 21_600, 21_600.0, None),
        ({"expires_at": -1, "expires_in": -1}, 0.0, None, 1001),
        ({"expires_at": "nan", "expires_in": 10**40}, 0.0, None, 1001),
        ({"athlete": {"id": MAX_ID + 1}}, NOW + 21_600, 21_600.0, None),
        ({"athlete": {"id": -1}}, NOW + 21_600, 21_600.0, None),
        ({"scope": ["read"], "token_type": 1}, NOW + 21_600, 21_600.0, 1001),
    ],
)
def test_no_field_beside_the_tokens_loses_a_pair(
    said: dict[str, object], expires_at: float, expires_in: float | None, athlete_id: int | None
) -> None:
    """The old pair is dead once a new one was made, so that a new one is kept whatever else is said of it."""
    got = responses.grant(body_of({**grant(), **said}))

    assert (got.access_token, got.refresh_token, got.scopes) == ("access-1", "refresh-1", ())
    assert (got.expires_at, got.expires_in, got.athlete_id) == (expires_at, expires_in, athlete_id)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>sign in</html>", b'{"status": "ok"}', b'{"access_token": 5}']
)
def test_what_has_no_tokens_is_none_of_stravas(body: bytes) -> None:
    """A portal answers anything with 200."""
    with pytest.raises(StravaError) as raised:
        responses.grant(body)

    assert raised.value.kind is StravaErrorKind.NOT_STRAVA


def test_no_more_scopes_are_read_than_anybody_has() -> None:
    """Fifty; the text may be as long as an answer."""
    assert len(responses.grant(body_of({**grant(), "scope": "s " * 100})).scopes) == 50
    assert responses.grant(body_of({**grant(), "scope": "s" * 5_001})).scopes == ("s" * 5_000,)


@pytest.mark.parametrize(
    ("said", "expires_at", "expires_in", "athlete_id"),
    [
        ({"access_token": "a" * 4_096, "refresh_token": "r"}, NOW + 21_600, 21_600, 1001),
        ({"expires_at": 0, "expires_in": 0}, 0, 0, 1001),
        ({"expires_at": MAX_ID, "expires_in": MAX_ID}, float(MAX_ID), float(MAX_ID), 1001),
        ({"athlete": {"id": MAX_ID}}, NOW + 21_600, 21_600, MAX_ID),
        ({"athlete": {"id": 0}}, NOW + 21_600, 21_600, 0),
    ],
)
def test_a_grant_at_its_bounds_is_one(
    said: dict[str, object], expires_at: float, expires_in: float, athlete_id: int
) -> None:
    """What a header can carry and a database hold, and nothing of it is lost."""
    got = responses.grant(body_of({**grant(), **said}))

    assert (got.expires_at, got.expires_in, got.athlete_id) == (expires_at, expires_in, athlete_id)


@pytest.mark.parametrize(
    "token",
    [
        {"access_token": "a" * 4_097},
        {"refresh_token": "r" * 4_097},
        {"access_token": ""},
        {"refresh_token": ""},
        {"refresh_token": None},
    ],
)
def test_a_grant_whose_tokens_are_beyond_their_bounds_is_none(token: dict[str, object]) -> None:
    """What no header carries; the code may be used up all the same."""
    with pytest.raises(StravaError) as raised:
        responses.grant(body_of({**grant(), **token}))

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, True)


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b' {"access_token": "a"}'])
def test_strava_says_nothing_to_a_revocation(body: bytes) -> None:
    """Or names what is revoked."""
    responses.revoked(body)


@pytest.mark.parametrize("body", [b"<html>sign in", b"ok", b"[1]"])
def test_a_portal_does_not_revoke(body: bytes) -> None:
    """The token would live on, and nobody would try again."""
    with pytest.raises(StravaError) as raised:
        responses.revoked(body)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, True)


# --- athletes and activities ---


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"id": 7, "firstname": "Sam", "lastname": None}, (7, "Sam")),
        ({"id": 7, "firstname": " Sam ", "lastname": "Sand"}, (7, "Sam Sand")),
        ({"id": 7, "firstname": " ", "lastname": ""}, (7, "athlete 7")),
        ({"id": 0, "firstname": "S" * 101, "lastname": "x"}, (0, "S" * 100 + " x")),
        ({"id": MAX_ID}, (MAX_ID, f"athlete {MAX_ID}")),
    ],
)
def test_an_athlete_is_named(answer: object, expected: tuple[int, str]) -> None:
    """In what a person can read; by the number where there is no name."""
    assert responses.athlete(body_of(answer)) == expected


@pytest.mark.parametrize("body", [b'{"id": -1}', b'{"id": 9223372036854775808}', b'{"name": "x"}', b"<html>"])
def test_what_has_no_number_is_no_athlete(body: bytes) -> None:
    """Nothing was sent that could have arrived."""
    with pytest.raises(StravaError) as raised:
        responses.athlete(body)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, False)


def test_an_edit_is_answered_by_the_activity() -> None:
    """Anything else is not Strava's: the edit may or may not be made."""
    responses.edited_activity(b'{"id": 7, "name": "x"}')
    with pytest.raises(StravaError) as raised:
        responses.edited_activity(b'{"status": "ok"}')

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, True)


def test_activities_are_listed_with_what_tells_them_apart() -> None:
    """Where a listing is odd, each field is none by itself; a time without a zone is UTC."""
    named = {"id": 1, "external_id": "ab.fit", "start_date": "2026-09-21T12:00:00Z", "elapsed_time": 60.5}
    odd = {"id": MAX_ID + 1, "external_id": "", "start_date": "0001-01-01T00:00:00", "elapsed_time": None}
    long = {"id": 3, "external_id": "x" * 501, "start_date": "1970-01-01T00:01:00Z", "elapsed_time": 1}

    assert responses.activities(body_of([named, odd, long])) == [
        ListedActivity(1, "ab.fit", 1_789_992_000.0, 60.5),
        ListedActivity(0, None, -62_135_596_800.0, 0),
        ListedActivity(3, "x" * 500, 60.0, 1),
    ]
    with pytest.raises(StravaError) as raised:
        responses.activities(b'{"id": 1}')
    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.NOT_STRAVA, False)


@pytest.mark.parametrize("body", HUGE, ids=range(len(HUGE)))
def test_an_answer_of_any_size_is_one_planned_error(body: bytes) -> None:
    """Numbers beyond all bounds, millions of brackets, megabytes of words: of every kind of answer, and quickly."""
    for read in (
        lambda: responses.upload(body, sent=True),
        lambda: responses.athlete(body),
        lambda: responses.activities(body),
        lambda: responses.grant(body),
    ):
        with pytest.raises(StravaError):
            read()
    assert len(str(error_responses.request_error(401, body, "POST"))) < 1_000
    assert responses.date(HEADERS, 401, body) in {None, NOW}


# --- headers ---


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "X-RateLimit-Limit": "200,2000",
                "x-ratelimit-usage": "3,40",
                "X-Readratelimit-Limit": " 100 , 1000 ",
                "X-ReadRateLimit-Usage": ",",
            },
            RateLimitHeaders((200, 2000), (3, 40), (100, 1000), None),
        ),
        ({"X-ReadRateLimit-Usage": "1,2"}, RateLimitHeaders(read_usage=(1, 2))),
        ({}, RateLimitHeaders()),
        ({"X-RateLimit-Usage": "many"}, RateLimitHeaders()),
        ({"X-RateLimit-Limit": "1,2,3"}, RateLimitHeaders()),
        ({"X-RateLimit-Limit": "9" * 13 + ",1"}, RateLimitHeaders()),
        ({"X-RateLimit-Usage": "1," + "9" * 5_000}, RateLimitHeaders()),
    ],
)
def test_the_rate_limit_is_two_numbers(headers: dict[str, str], expected: RateLimitHeaders) -> None:
    """In any case of letters; a lone comma, silence and numbers beyond all bounds change nothing."""
    assert responses.rate_limit(httpx.Headers(headers)) == expected


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, json.dumps(READY).encode()),
        (201, json.dumps(PROCESSING).encode()),
        (299, b"[]"),
        (200, b'{"x":1}'),
        (400, json.dumps({**PROCESSING, "error": "duplicate of"}).encode()),
        (401, json.dumps(refused("Athlete", "access_token", "invalid")).encode()),
        (429, json.dumps(refused("Application", "rate limit", "exceeded")).encode()),
    ],
)
def test_stravas_clock_is_heard_from_its_own_answers(status: int, body: bytes) -> None:
    """Also from a refusal: it needs no token to know the time."""
    assert responses.is_strava(status, body)
    assert responses.date(HEADERS, status, body) == NOW
    assert responses.date({}, status, body) is None
    assert responses.date({"Date": "soon"}, status, body) is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/New_York"])
def test_stravas_clock_is_the_same_in_every_time_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """Also where a proxy has added a Date of its own: the two are joined by a comma then, and Strava's is the first."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        twice = {"Date": f"{HEADERS['Date']}, Tue, 01 Jan 2030 00:00:00 +0900"}
        found = [responses.date(headers, 200, b"[]") for headers in (HEADERS, twice)]
    time.tzset()

    assert found == [NOW, NOW]


@pytest.mark.parametrize("status", [199, 200, 300, 302, 401, 403, 503, 511])
@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b"{}"])
def test_the_clock_of_a_portal_is_not_stravas(status: int, body: bytes) -> None:
    """By it old rides would be judged fresh."""
    assert responses.date(HEADERS, status, body) is None


@pytest.mark.parametrize("status", [199, 300, 404])
def test_what_was_asked_for_comes_with_a_success_alone(status: int) -> None:
    """With any other status an answer has to name itself an error."""
    assert not responses.is_strava(status, b'{"id": 7, "status": "ready"}')


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
