"""Whether a request may be made, and the search for what an earlier attempt has made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from fakes import NOW, READY, Answers, Clock, a_job, an_athlete, grant, refused, strava, tokens
from fitferry.core.errors import RefreshError, StravaError
from fitferry.core.retry_policy import Action
from fitferry.core.strava import ListedActivity, RateLimitHeaders, StravaErrorKind
from fitferry.storage import rate_limits
from fitferry.strava.client import PAGE
from fitferry.uploads import requests
from fitferry.uploads.attempt import RunningAttempt
from fitferry.uploads.claims import Claims
from fitferry.uploads.requests import AttemptRequests

pytestmark = pytest.mark.usefixtures("ledger")
DAY = 86_400.0


@pytest.mark.parametrize(
    ("used", "in_flight", "may"), [(198, 0, True), (199, 0, True), (199, 1, False), (200, 0, False)]
)
def test_the_last_request_may_be_made_and_none_behind_it(used: int, in_flight: int, *, may: bool) -> None:
    """Each other job at work keeps one."""
    rate_limits.update(RateLimitHeaders((200, 2000), (used, 300), (100, 1000), (10, 10)), NOW)

    assert requests.has_budget(NOW - 3600, NOW, in_flight=in_flight, sends=True, has_had_share=False) is may


@pytest.mark.parametrize(
    ("start", "share", "sends", "left", "may"),
    [
        (NOW - 2 * DAY, False, True, (1, 0), True),
        (NOW - 2 * DAY, False, True, (0, 9), False),
        (NOW - 2 * DAY, False, False, (1, 1), True),
        (NOW - 2 * DAY, False, False, (9, 0), False),
        (NOW - 2 * DAY, True, True, (2, 9), False),
        (NOW - 2 * DAY, True, True, (3, 9), True),
        (NOW - 2 * DAY - 1, False, True, (2, 9), False),
        (NOW - 2 * DAY - 1, False, True, (3, 9), True),
        (NOW - 2 * DAY - 1, False, False, (9, 0), False),
        (None, False, True, (2, 9), False),
        (None, False, True, (3, 9), True),
    ],
)
def test_fresh_rides_may_use_all_that_is_left_and_others_leave_a_reserve(
    start: float | None, share: bool, sends: bool, left: tuple[int, int], *, may: bool
) -> None:
    """So does an athlete who has had a share; only what sends needs no read."""
    send, look = left
    rate_limits.update(RateLimitHeaders((200, 2000), (200 - send, 300), (100, 1000), (100 - look, 10)), NOW)

    assert requests.has_budget(start, NOW, in_flight=0, sends=sends, has_had_share=share) is may


class Desk:
    """An athlete's attempt, and Strava's side of the wire."""

    def __init__(self, folder: Path, action: Action = Action.SEND) -> None:
        self.wire, self.claims, self.clock = Answers(), Claims(), Clock()
        self.client = strava(self.wire)
        self.tokens = tokens(self.client)
        an_athlete(self.tokens)
        self.requests = AttemptRequests(self.client, self.tokens, self.claims, self.clock)
        job = replace(a_job(folder / "a.fit"), upload_id=77)
        self.claims.take(job.id)
        self.attempt = RunningAttempt(job, action)
        self.wire.to("GET /uploads/N", (200, READY))
        self.wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))

    def headers(self) -> list[str]:
        """What each request was authorized with."""
        return [asked.headers.get("Authorization", "") for asked in self.wire.asked]


def test_an_answer_without_an_error_was_given_and_served(tmp_path: Path) -> None:
    """By the upload's number, with the athlete's token, which the attempt remembers."""
    desk = Desk(tmp_path)
    assert desk.requests.upload_status(desk.attempt).activity_id == 4242

    assert (desk.attempt.answered, desk.attempt.served, desk.attempt.token) == (True, True, "access-1")
    assert desk.headers() == ["Bearer access-1"]
    assert desk.wire.asked[0].url.path.endswith("/uploads/77")


REFUSED_TOKEN = (401, refused("Athlete", "access_token", "invalid"))
REFUSED_APP = (401, refused("Application", "", "invalid"))


@pytest.mark.parametrize("refusal", [REFUSED_TOKEN, REFUSED_APP])
def test_a_request_whose_token_was_refused_is_made_once_more_with_another(
    tmp_path: Path, refusal: tuple[int, object]
) -> None:
    """Strava has named the application for a stale token, too. A second refusal is the error."""
    desk = Desk(tmp_path)
    desk.wire.to("GET /uploads/N", refusal, (200, READY))
    desk.requests.upload_status(desk.attempt)
    assert desk.headers() == ["Bearer access-1", "", "Bearer access-2"]
    assert desk.attempt.token == "access-2"
    desk.wire.to("GET /uploads/N", refusal)
    with pytest.raises(StravaError):
        desk.requests.upload_status(desk.attempt)
    assert desk.wire.count("GET /uploads/N") == 4


def test_any_other_error_is_not_asked_for_twice(tmp_path: Path) -> None:
    """A second request may be the one too many."""
    desk = Desk(tmp_path)
    desk.wire.to("GET /uploads/N", (500, {"message": "error"}))
    with pytest.raises(StravaError):
        desk.requests.upload_status(desk.attempt)

    assert (len(desk.wire.asked), desk.attempt.answered, desk.attempt.served) == (1, False, False)


def test_a_refresh_that_fails_is_no_error_of_the_request(tmp_path: Path) -> None:
    """No byte of a file was concerned. It is not mended by another refresh."""
    desk = Desk(tmp_path)
    desk.wire.to("GET /uploads/N", REFUSED_TOKEN)
    desk.wire.to("POST /oauth/token", REFUSED_APP)
    with pytest.raises(RefreshError) as raised:
        desk.requests.upload_status(desk.attempt)

    assert raised.value.kind is StravaErrorKind.APP_REFUSED
    assert desk.wire.count("POST /oauth/token") == 1


@pytest.mark.parametrize(
    ("action", "others", "left", "asked"),
    [
        (Action.SEND, 0, (1, 0), True),
        (Action.SEND, 0, (0, 1), False),
        (Action.SEND, 1, (1, 9), False),
        (Action.SEND, 1, (2, 9), True),
        (Action.LOOK, 0, (9, 1), True),
        (Action.LOOK, 0, (9, 0), False),
        (Action.LOOK, 1, (9, 1), False),
    ],
)
def test_nothing_is_asked_without_room_for_it_and_for_all_others_at_work(
    tmp_path: Path, action: Action, others: int, left: tuple[int, int], *, asked: bool
) -> None:
    """The attempt's own claim takes no room."""
    desk = Desk(tmp_path, action)
    for job_id in range(901, 901 + others):
        desk.claims.take(job_id)
    send, look = left
    rate_limits.update(RateLimitHeaders((200, 2000), (200 - send, 300), (100, 1000), (100 - look, 10)), NOW)
    kind: StravaErrorKind | None = None
    try:
        desk.requests.upload_status(desk.attempt)
    except StravaError as error:
        kind = error.kind

    assert (kind, len(desk.wire.asked)) == ((None, 1) if asked else (StravaErrorKind.USED_UP, 0))


def test_who_has_had_a_share_is_asked_to_leave_a_reserve(tmp_path: Path) -> None:
    """Where there are others."""
    desk = Desk(tmp_path)
    rate_limits.update(RateLimitHeaders((200, 2000), (198, 300), (100, 1000), (10, 10)), NOW)
    assert desk.requests.has_budget("me", NOW, 0, sends=True)
    desk.claims.take_turn("you", NOW)
    for _ in range(20):
        desk.claims.take_turn("me", NOW)

    assert not desk.requests.has_budget("me", NOW, 0, sends=True)
    assert desk.requests.has_budget("you", NOW, 0, sends=True)
    assert not desk.requests.has_budget("you", NOW, 2, sends=True)


def test_a_page_is_asked_for_between_two_times(tmp_path: Path) -> None:
    """Or before one."""
    desk = Desk(tmp_path)
    desk.wire.to("GET /athlete/activities", (200, []))
    desk.requests.list_page(desk.attempt, 200.0, 100.0)
    desk.requests.list_page(desk.attempt, 200.0)
    between, before = (dict(asked.url.params) for asked in desk.wire.asked)

    assert (between["before"], between["after"], before["before"], "after" in before) == (
        "200",
        "100",
        "200",
        False,
    )
    assert desk.headers() == ["Bearer access-1"] * 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            (401, refused("Athlete", "access_token", "invalid"), {"Date": "Mon, 21 Sep 2026 12:00:00 GMT"}),
            1_789_992_000,
        ),
        ((401, refused("Athlete", "access_token", "invalid")), NOW),
        ((404, b""), NOW),
    ],
)
def test_stravas_time_is_asked_for_where_it_was_not_heard(
    tmp_path: Path, answer: tuple[object, ...], expected: float
) -> None:
    """An address that is wrong, or an answer without a date, leaves our own clock; what was heard is not asked again."""
    desk = Desk(tmp_path)
    desk.wire.to("GET /athlete", answer)
    assert desk.requests.strava_now() == pytest.approx(expected, abs=60)
    asked = desk.wire.count("GET /athlete")
    desk.requests.strava_now()
    assert (asked, desk.wire.count("GET /athlete")) == (1, 1 if expected != NOW else 2)


def test_whoever_answers_in_stravas_place_will_answer_to_the_upload_too(tmp_path: Path) -> None:
    """The attempt ends here."""
    desk = Desk(tmp_path)
    desk.wire.to("GET /athlete", httpx.ConnectError("refused"))
    with pytest.raises(StravaError) as raised:
        desk.requests.strava_now()

    assert raised.value.kind is StravaErrorKind.UNREACHABLE


def test_only_an_activity_that_has_a_number_is_found(tmp_path: Path) -> None:
    """And only the one that was sent under the job's id."""
    job = a_job(tmp_path / "a.fit")
    ours, start = f"{job.external_id}.fit", job.start_time or 0
    others = [ListedActivity(0, ours, start, 1), ListedActivity(7, "other.fit", start, 1)]
    found = ListedActivity(8, ours, start, 1)

    assert requests.find_activity(job, lambda _before, _after: others, NOW) is None
    assert requests.find_activity(job, lambda _before, _after: [*others, found], NOW) == 8


@pytest.mark.parametrize(
    ("start", "sent_at", "middle"),
    [(NOW - 3600, NOW - 60, NOW - 3600), (None, NOW - 60, NOW - 60), (None, None, NOW)],
)
def test_the_search_is_about_the_start_or_the_sending(
    tmp_path: Path, start: float | None, sent_at: float | None, middle: float
) -> None:
    """A file without a start became an activity of the moment at which it was sent."""
    asked: list[tuple[float, float | None]] = []
    job = replace(a_job(tmp_path / "a.fit", start=start), sent_at=sent_at)

    def empty_page(before: float, after: float | None) -> list[ListedActivity]:
        asked.append((before, after))
        return []

    requests.find_activity(job, empty_page, NOW)

    assert asked == [(middle + DAY, middle - DAY)]


def test_the_search_goes_on_with_the_second_of_the_last_one_listed(tmp_path: Path) -> None:
    """Others may have begun in it; it ends where a page brings nothing older."""
    asked: list[float] = []

    def full_page(before: float, _after: float | None) -> list[ListedActivity]:
        asked.append(before)
        oldest = max(before - 100, NOW - 250)
        newest = ListedActivity(1, "other.fit", before - 1, 1)
        return [newest] * (PAGE - 1) + [ListedActivity(1, "other.fit", oldest, 1)]

    job = a_job(tmp_path / "a.fit", start=NOW - DAY)
    requests.find_activity(job, full_page, NOW)

    assert asked == [NOW, NOW - 99, NOW - 198, NOW - 249]
