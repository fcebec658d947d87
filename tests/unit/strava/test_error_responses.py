"""What an error of Strava's means, and what is no answer of Strava's at all."""

from __future__ import annotations

import pytest

from fakes import body_of, refused
from fitferry.core.strava import StravaErrorKind
from fitferry.strava import error_responses

GATEWAY = (400, 401, 403, 404, 407, 408, 410, 413, 422, 429, 451, 500)
PAGES = (b"<html>blocked</html>", b"blocked", b'"blocked"', b"[]", b'{"error": "blocked"}', b'{"detail": 1}')


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (301, b"", StravaErrorKind.WRONG_ADDRESS),
        (399, b"", StravaErrorKind.WRONG_ADDRESS),
        (400, refused("Application", "client_id", "invalid"), StravaErrorKind.APP_REFUSED),
        (400, refused("Upload", "data", "empty"), StravaErrorKind.BAD_FILE),
        (400, refused("upload", "data", "empty"), StravaErrorKind.BAD_FILE),
        (400, refused("Activity", "name", "invalid"), StravaErrorKind.REFUSED),
        (400, refused("Athlete", "activity:write_permission", "invalid"), StravaErrorKind.SCOPE_MISSING),
        (400, refused("Athlete", "Write", "Missing"), StravaErrorKind.SCOPE_MISSING),
        (400, {"message": "Bad Request"}, StravaErrorKind.REFUSED),
        (400, {"message": "Bad Request", "errors": []}, StravaErrorKind.REFUSED),
        (400, {"errors": [{}]}, StravaErrorKind.REFUSED),
        (401, refused("Athlete", "access_token", "invalid"), StravaErrorKind.TOKEN_REFUSED),
        (401, refused("Upload", "data", "empty"), StravaErrorKind.TOKEN_REFUSED),
        (401, {"message": "Authorization Error"}, StravaErrorKind.TOKEN_REFUSED),
        (401, refused("AccessToken", "activity:write_permission", "missing"), StravaErrorKind.SCOPE_MISSING),
        (401, refused("Application", "", "invalid"), StravaErrorKind.APP_REFUSED),
        (402, refused("Application", "", "invalid"), StravaErrorKind.REFUSED),
        (403, refused("Application", "Status", "Inactive", "Forbidden"), StravaErrorKind.APP_INACTIVE),
        (403, refused("Application", "Status", "Invalid"), StravaErrorKind.REFUSED),
        (403, refused("Activity", "Status", "Inactive"), StravaErrorKind.REFUSED),
        (403, {"message": "Limit of connected athletes exceeded"}, StravaErrorKind.ATHLETE_LIMIT),
        (403, {"message": "The athlete limit is reached"}, StravaErrorKind.ATHLETE_LIMIT),
        (403, refused("Application", "Athlete Capacity", "exceeded"), StravaErrorKind.ATHLETE_LIMIT),
        (403, {"error": "connected athletes", "activity_id": None}, StravaErrorKind.ATHLETE_LIMIT),
        (403, {"message": "Forbidden"}, StravaErrorKind.REFUSED),
        (404, b"", StravaErrorKind.WRONG_ADDRESS),
        (410, {"message": "Gone"}, StravaErrorKind.WRONG_ADDRESS),
        (413, refused("Application", "data", "too large"), StravaErrorKind.BAD_FILE),
        (418, {"message": "I am a teapot"}, StravaErrorKind.REFUSED),
        (429, refused("Application", "rate limit", "exceeded"), StravaErrorKind.RATE_LIMITED),
        (429, b" {}\n", StravaErrorKind.RATE_LIMITED),
        (500, {"message": "error"}, StravaErrorKind.SERVER_ERROR),
        (500, b"", StravaErrorKind.SERVER_ERROR),
        (501, b"<html>", StravaErrorKind.NOT_STRAVA),
        (502, b"<html>", StravaErrorKind.UNAVAILABLE),
        (503, b"", StravaErrorKind.UNAVAILABLE),
        (504, {"message": "error"}, StravaErrorKind.UNAVAILABLE),
        (599, b"", StravaErrorKind.SERVER_ERROR),
        *((status, b"", StravaErrorKind.NOT_STRAVA) for status in (400, 401, 403, 410, 413, 451)),
        *((status, page, StravaErrorKind.NOT_STRAVA) for status in GATEWAY for page in PAGES),
    ],
)
def test_every_refusal_of_an_upload_has_its_kind(
    status: int, answer: object, expected: StravaErrorKind
) -> None:
    """By the status and by what the body names first; in any case of letters."""
    assert error_responses.request_error(status, body_of(answer), "POST").kind is expected


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    ("status", "body"), [(404, b""), (404, b'{"message": "x"}'), (410, b'{"message": "x"}')]
)
def test_an_unknown_id_is_told_from_a_wrong_address(method: str, status: int, body: bytes) -> None:
    """For what was named by its id a 404 speaks of the id; for a POST it speaks of the address."""
    assert error_responses.request_error(status, body, method).kind is StravaErrorKind.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "answer", "method", "sent"),
    [
        (400, {"message": "error"}, "POST", False),
        (499, {"message": "error"}, "POST", False),
        (499, {"message": "error"}, "GET", False),
        (400, b"<html>", "POST", True),
        (400, b"<html>", "GET", False),
        (302, b"", "POST", True),
        (429, {"message": "error"}, "POST", False),
        (429, b"", "POST", False),
        (500, {"message": "error"}, "POST", True),
        (500, {"message": "error"}, "GET", False),
        (503, b"", "POST", True),
    ],
)
def test_only_a_4xx_of_strava_proves_that_nothing_arrived(
    status: int, answer: object, method: str, sent: bool
) -> None:
    """Behind a server's error, or behind somebody else's answer, the upload may have arrived; a limit takes none."""
    assert error_responses.request_error(status, body_of(answer), method).sent is sent


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (400, {"message": "Bad <b>Request</b> &amp; more "}, "HTTP 400, Bad Request & more"),
        (400, refused("Upload", "data", "empty"), "HTTP 400, Bad Request: Upload data empty"),
        (400, {"errors": [{"resource": "A", "code": "b"}, {"field": "c"}]}, "HTTP 400, A b, c"),
        (400, {"errors": [{"code": str(n)} for n in range(9)]}, "HTTP 400, 0, 1, 2, 3, 4"),
        (400, {"errors": [{"code": "x" * 501}]}, "HTTP 400, " + "x" * 500),
        (400, {"message": "x" * 501}, "HTTP 400, " + "x" * 500),
        (400, {"message": "<" + "x" * 4_997 + ">y&amp;"}, "HTTP 400, y"),
        (400, {"message": ""}, "HTTP 400"),
        (403, {"error": "no", "activity_id": None}, "HTTP 403, no"),
        (500, {"message": "error"}, "Strava had an error of its own (HTTP 500, error)"),
        (503, b"", "Strava had an error of its own (HTTP 503)"),
        (400, b"<html>", "something that is not Strava answered (HTTP 400)"),
        (501, b"<html>", "something that is not Strava answered (HTTP 501)"),
    ],
)
def test_an_error_says_what_strava_said_and_no_more(status: int, answer: object, said: str) -> None:
    """Plain words, no HTML, at most 500 characters; whose error it is, where it is the server's or a stranger's."""
    assert str(error_responses.request_error(status, body_of(answer), "POST")) == said


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("9" * 9, 999_999_999.0),
        ("9" * 10, None),
    ],
)
def test_only_a_rate_limit_says_when_to_come_back(header: str, seconds: float | None) -> None:
    """In a number that can be one; with any other status it is not Strava's to say."""
    limited, unavailable = (
        error_responses.request_error(status, b"", "POST", header) for status in (429, 503)
    )

    assert (limited.retry_after, unavailable.retry_after) == (seconds, None)
    assert error_responses.request_error(429, b"", "POST").retry_after is None


@pytest.mark.parametrize("resource", ["AuthorizationCode", "RefreshToken", "requesttoken"])
@pytest.mark.parametrize("status", [400, 401])
def test_a_dead_grant_is_told_from_a_wrong_app(resource: str, status: int) -> None:
    """Only the resource that Strava names tells whether the athlete or the settings are at fault."""
    error = error_responses.grant_error(status, body_of(refused(resource, "code", "invalid")))

    assert (error.kind, error.sent) == (StravaErrorKind.GRANT_REFUSED, False)
    assert str(error) == (
        f"Strava no longer accepts this sign-in (HTTP {status}, Bad Request: {resource} code invalid)"
    )


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (401, refused("Application", "", "invalid"), StravaErrorKind.APP_REFUSED),
        (403, refused("RefreshToken", "code", "invalid"), StravaErrorKind.REFUSED),
        (400, {"message": "Bad Request"}, StravaErrorKind.REFUSED),
        (400, refused("RefreshToken", "refresh_token", "missing"), StravaErrorKind.REFUSED),
        (400, refused("Application", "client_id", "Missing"), StravaErrorKind.REFUSED),
        (401, refused("Athlete", "activity:write_permission", "invalid"), StravaErrorKind.REFUSED),
        (413, {"message": "too large"}, StravaErrorKind.REFUSED),
        (407, {"message": "proxy"}, StravaErrorKind.REFUSED),
        (451, {"error": "blocked"}, StravaErrorKind.NOT_STRAVA),
        (400, {"error": "invalid_grant"}, StravaErrorKind.NOT_STRAVA),
        (503, refused("RefreshToken", "code", "invalid"), StravaErrorKind.UNAVAILABLE),
        (302, b"", StravaErrorKind.WRONG_ADDRESS),
        *((status, b"<html>blocked</html>", StravaErrorKind.NOT_STRAVA) for status in GATEWAY),
    ],
)
def test_no_gateway_and_no_other_status_ends_a_grant(
    status: int, answer: object, kind: StravaErrorKind
) -> None:
    """The sign-in is Strava's to end. What failed here went to a POST."""
    error = error_responses.grant_error(status, body_of(answer))

    assert error.kind is kind
    assert error.sent is (kind not in {StravaErrorKind.APP_REFUSED, StravaErrorKind.REFUSED})
