"""The API of uploads: files that are handed over, the history, and decisions."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from fakes import NOW, sending
from fitferry.core.upload import Status
from fitferry.storage import uploads
from web_client import Page, set_status

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]


def test_a_file_is_queued_by_a_post(page: Page, ride: Ride) -> None:
    """With everything that the API says of a job."""
    answer = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(ride()), "my ride.fit")})
    job = answer.json or {}

    assert answer.status_code == 202
    assert {
        "id", "activity_id", "athlete", "file", "status", "waiting_for", "strava_activity_id", "strava_url",
        "error_code", "error_message", "retry_count", "created_at", "completed_at", "next_attempt_at", "sport",
        "start_time", "duration_s", "distance_m", "size", "sha256",
    } == set(job)  # fmt: skip
    assert (
        job["athlete"],
        job["status"],
        job["waiting_for"],
        job["sport"],
        job["start_time"],
        job["duration_s"],
        job["distance_m"],
    ) == ("me", "pending", "connection", "cycling", "2026-09-21T12:00:00Z", 30.0, 1000.0)
    assert job["file"] == "my ride.fit"
    assert page.calls[:1] == ["wake"]
    (kept,) = (page.folder / "state" / "spool").glob("*/*")
    assert ride() == kept.read_bytes()


def test_a_file_with_a_wrong_checksum_is_taken_by_hand(page: Page, ride: Ride) -> None:
    """Strava takes some of them; a person may insist."""
    body = ride()[:-1] + b"\0"

    assert (
        page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(body), "a.fit")}).status_code
        == 202
    )


def test_a_held_file_is_queued_by_uploading_it(page: Page, ride: Ride) -> None:
    """It is the same activity, and keeps its place in the folder."""
    first = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(ride()), "a.fit")}).json or {}
    set_status(uploads.get(first["id"]) or page.job(), Status.HELD, error_code="since")
    again = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(ride()), "b.fit")}).json or {}

    assert (first["id"], "pending") == (again["id"], again["status"])
    assert len(list((page.folder / "state" / "spool").iterdir())) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 400),
        ({"file": (io.BytesIO(b""), "a.fit")}, 400),
        ({"file": (io.BytesIO(b"<html>"), "a.fit")}, 400),
        ({"file": (io.BytesIO(b"<html>"), "a.fit"), "athlete": "nobody"}, 404),
    ],
)
def test_what_cannot_be_an_activity_is_refused_with_the_reason(
    page: Page, data: dict[str, Any], status: int
) -> None:
    """And nothing of it is kept."""
    answer = page.api("POST", "/api/v1/strava/upload", data=data, content_type="multipart/form-data")

    assert status == answer.status_code
    assert (answer.json or {})["error"]["message"]
    assert not list((page.folder / "state").rglob("*.fit"))


@pytest.mark.parametrize(
    ("status", "code", "body", "expected"),
    [
        (Status.FAILED, "rejected", None, 202),
        (Status.HELD, "since", {}, 202),
        (Status.SKIPPED, "dismissed", None, 202),
        (Status.SKIPPED, "no_activity", None, 202),
        (Status.PENDING, None, None, 202),
        (Status.COMPLETED, None, None, 409),
        (Status.COMPLETED, None, {"again": True}, 202),
        (Status.COMPLETED, None, {"again": "yes"}, 400),
        (Status.COMPLETED, None, [], 400),
    ],
)
def test_a_known_activity_is_queued_where_that_makes_sense(
    page: Page, status: Status, code: str | None, body: object, expected: int
) -> None:
    """What is done or in flight is a conflict; `again` lifts the one of what is done."""
    job = page.job()
    set_status(job, status, error_code=code)
    answer = page.api(
        "POST", f"/api/v1/strava/upload/{job.activity_id}", **({} if body is None else {"json": body})
    )

    assert expected == answer.status_code
    assert (expected == 202) == ("id" in (answer.json or {}))


def test_an_activity_in_flight_is_a_conflict_and_an_unknown_one_is_not_found(page: Page) -> None:
    """Nothing is sent twice at once."""
    job = page.job()
    sending(job.id, NOW)

    assert page.api("POST", f"/api/v1/strava/upload/{job.activity_id}").status_code == 409
    assert page.api("POST", "/api/v1/strava/upload/999").status_code == 404


def test_failed_and_held_jobs_are_put_aside(page: Page) -> None:
    """Others are not."""
    job = page.job()
    assert page.api("POST", f"/api/v1/strava/dismiss/{job.activity_id}").status_code == 409
    set_status(job, Status.FAILED)
    dismissed = page.api("POST", f"/api/v1/strava/dismiss/{job.activity_id}")

    assert (dismissed.status_code, (dismissed.json or {})["status"]) == (200, "skipped")
    assert page.api("POST", "/api/v1/strava/dismiss/999").status_code == 404


def test_the_backlog_is_decided(page: Page) -> None:
    """All, none, or since a day."""
    old = page.job()
    set_status(old, Status.HELD, error_code="backlog")
    shown = page.api("GET", "/api/v1/strava/backlog").json or {}
    assert (shown["count"], shown["days"]) == (1, 1)
    for wrong in ({}, {"decision": "since"}, {"decision": "some"}, {"decision": "since", "date": "soon"}):
        assert page.api("POST", "/api/v1/strava/backlog", json=wrong).status_code == 400
    assert (
        page.api(
            "POST", "/api/v1/strava/backlog", json={"decision": "since", "date": "2026-01-01"}
        ).status_code
        == 200
    )

    assert (uploads.get(old.id) or old).status == Status.PENDING


def test_the_history_is_listed_in_pages(page: Page) -> None:
    """Newest first, filtered, with the id to go on from."""
    for number in range(3):
        page.job(f"{number}.fit", b"%d" % number)
    first = page.api("GET", "/api/v1/strava/uploads?limit=2").json or {}
    rest = page.api("GET", f"/api/v1/strava/uploads?limit=2&before={first['next_before']}").json or {}

    assert ([job["id"] for job in first["uploads"]], first["next_before"]) == ([3, 2], 2)
    assert ([job["id"] for job in rest["uploads"]], rest["next_before"]) == ([1], None)
    assert (page.api("GET", "/api/v1/strava/uploads?status=failed").json or {})["uploads"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=-1", "status=done"])
def test_a_wrong_filter_is_said_so(page: Page, query: str) -> None:
    """Never a traceback, never an empty page."""
    assert page.api("GET", f"/api/v1/strava/uploads?{query}").status_code == 400
    assert page.api("GET", "/api/v1/strava/uploads?athlete=nobody").status_code == 404


def test_what_is_pending_is_listed_in_its_order(page: Page) -> None:
    """With what each waits for."""
    page.job("a.fit", b"a")
    job = page.job("b.fit", b"b")
    set_status(job, Status.COMPLETED)
    shown = page.api("GET", "/api/v1/strava/uploads/pending").json or {}

    assert (
        [one["id"] for one in shown["uploads"]],
        shown["next_before"],
        shown["uploads"][0]["waiting_for"],
    ) == ([1], None, "connection")


def test_a_sport_without_a_name_is_unknown(page: Page, ride: Ride) -> None:
    """Rules may go by its number; to programs it is none of the FIT profile's names."""
    for number, name in ((2, "cycling"), (200, None)):
        body = ride(sport=number, serial=number)
        answer = page.api("POST", "/api/v1/strava/upload", data={"file": (io.BytesIO(body), "a.fit")})
        assert (answer.json or {})["sport"] == name


def test_failed_jobs_are_retried_by_their_ids(page: Page) -> None:
    """Or all of them at once."""
    job = page.job()
    assert page.api("POST", "/api/v1/strava/retry", json={"jobs": [job.id]}).status_code == 409
    set_status(job, Status.FAILED, failures=5)
    assert ((page.api("GET", "/api/v1/strava/uploads").json or {})["uploads"][0])["retry_count"] == 4
    assert len((page.api("POST", "/api/v1/strava/retry", json={"failed": True}).json or {})["uploads"]) == 1

    assert ((uploads.get(job.id) or job).status, (uploads.get(job.id) or job).failures) == (Status.PENDING, 0)
    assert page.api("POST", "/api/v1/strava/retry", json={"jobs": ["1"]}).status_code == 400
