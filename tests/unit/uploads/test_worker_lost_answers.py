"""An upload whose answer was lost is looked for, and sent again only where it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from fakes import (
    NOW,
    PROCESSING,
    a_job,
    an_athlete,
    the,
)
from fitferry.core.messages import uploads as uploads_said
from fitferry.core.upload import Status, WaitingFor
from ledger_statements import failing
from worker_bench import Bench


def test_a_lost_answer_is_looked_up_and_found(bench: Bench) -> None:
    """With a read scope nothing is sent twice: the activity carries our external id."""
    job = bench.job()
    bench.wire.to("POST /uploads", httpx.ReadTimeout("silent"))
    lost = bench.try_(job)
    listed = {
        "id": 4242,
        "external_id": f"{job.sha256}.fit",
        "start_date": "2026-09-21T12:00:00Z",
        "elapsed_time": 1,
    }
    bench.wire.to("GET /athlete/activities", (200, [{**listed, "id": 1, "external_id": "other.fit"}, listed]))
    assert (lost.uncertain, lost.own_wait, lost.next_attempt_at) == (True, WaitingFor.CONFIRM, NOW + 60)
    done = bench.later(lost)

    assert (done.status, done.strava_activity_id) == (Status.COMPLETED, 4242)
    assert bench.wire.count("POST /uploads") == 1


def test_a_lost_answer_is_found_behind_hundreds_of_other_activities(bench: Bench) -> None:
    """A club's account, or a storm: the list has pages, and all of them are looked through."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("late"))
    lost = bench.try_(bench.job())
    page = [
        {
            "id": n,
            "external_id": f"other{n}.fit",
            "start_date": f"2026-09-21T{n // 60:02}:{n % 60:02}:00Z",
            "elapsed_time": 1,
        }
        for n in range(200)
    ]
    ours = {
        "id": 4242,
        "external_id": f"{lost.external_id}.fit",
        "start_date": "2026-09-20T23:00:00Z",
        "elapsed_time": 1,
    }
    bench.wire.to("GET /athlete/activities", (200, page), (200, [ours]))

    assert bench.later(lost).strava_activity_id == 4242
    assert [request.method for request in bench.wire.asked] == ["POST", "GET", "GET"]


def test_a_lost_upload_is_sent_again_under_the_same_id(bench: Bench) -> None:
    """What is not found was not accepted; if it was after all, Strava answers that it is a duplicate."""
    bench.wire.to("POST /uploads", httpx.ReadError("reset"), (201, PROCESSING))
    bench.later(bench.try_(bench.job()))
    first, second = (request for request in bench.wire.asked if request.url.path.endswith("/uploads"))

    assert bench.wire.count("GET /athlete/activities") == 1
    assert _external_id(first) == _external_id(second)


def _external_id(request: httpx.Request) -> bytes:
    return request.content.split(b'name="external_id"', 1)[1].split(b"--", 1)[0]


def test_without_a_read_scope_an_uncertain_upload_is_sent_after_the_wait(bench: Bench) -> None:
    """Nobody may look, so the same bytes go out with the same id, and Strava tells."""
    an_athlete(bench.tokens, scopes="read,activity:write")
    bench.wire.to("POST /uploads", httpx.ReadError("reset"), (201, PROCESSING))
    bench.later(bench.try_(bench.job()))

    assert (bench.wire.count("GET /athlete/activities"), bench.wire.count("POST /uploads")) == (0, 2)


def test_an_upload_without_a_number_is_sent_five_times_at_most(bench: Bench) -> None:
    """Without an id nobody can ask about it: each time counts."""
    bench.wire.to("POST /uploads", (201, {**PROCESSING, "id": None}))
    job = bench.job()
    for _ in range(60):
        bench.later(job)

    assert (the(job.id).status, bench.wire.count("POST /uploads")) == (Status.FAILED, 5)


def test_a_refusal_without_a_number_is_final(bench: Bench) -> None:
    """Strava says what is wrong with the file, and names no upload."""
    bench.wire.to("POST /uploads", (201, {**PROCESSING, "id": None, "error": "The file is malformed."}))
    job = bench.try_(bench.job())

    assert (job.status, job.error_code, job.upload_id) == (Status.FAILED, "rejected", None)


def test_the_last_look_saves_an_uncertain_job_from_failing(bench: Bench) -> None:
    """Every answer was lost, and the last upload had arrived."""
    job = bench.job()
    bench.wire.to("POST /uploads", (500, b""))
    for _ in range(5):
        bench.later(job)
    assert the(job.id).status == Status.PENDING
    listed = {
        "id": 4242,
        "external_id": f"{job.sha256}.fit",
        "start_date": "2026-09-21T12:00:00Z",
        "elapsed_time": 1,
    }
    bench.wire.to("GET /athlete/activities", (200, [listed]))

    assert bench.later(job).status == Status.COMPLETED


def test_that_a_file_changed_after_it_may_have_arrived_is_said(
    bench: Bench, ride: Callable[..., bytes]
) -> None:
    """Its bytes are gone, so it can only be looked for on Strava by a person."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("silent"))
    job = bench.job()
    assert bench.try_(job).uncertain
    (bench.folder / "a.fit").write_bytes(ride())
    old = bench.later(job)

    assert (old.status, old.error_code) == (Status.SKIPPED, "replaced")
    assert old.error_message is not None
    assert old.error_message.code == uploads_said.FILE_CHANGED_AFTER.code


def test_a_surprise_while_a_lost_answer_is_looked_for_drops_no_doubt(bench: Bench) -> None:
    """Nothing was sent this time, but it may have arrived before."""
    bench.wire.to("POST /uploads", (500, b""))
    job = bench.try_(bench.job())
    bench.wire.to("GET /athlete/activities", ZeroDivisionError("a bug"))
    job = bench.later(job)

    assert (job.error_code, job.uncertain, job.own_wait) == ("surprise", True, WaitingFor.CONFIRM)


def test_what_was_accepted_is_certain_also_where_nothing_more_can_be_read(bench: Bench) -> None:
    """It has Strava's number: whatever was doubted before, it is looked at and not looked for."""
    job = a_job(bench.folder / "old.fit", b"old", start=NOW - 30 * 86_400)
    bench.wire.to("POST /uploads", httpx.ReadTimeout("no answer"), (201, PROCESSING))
    assert bench.try_(job).uncertain
    with failing(
        lambda statement: "upload_id IS NOT NULL" in statement and bench.wire.count("POST /uploads") == 2
    ):
        bench.clock.now = the(job.id).next_attempt_at + 600
        bench.try_(job)

    assert (the(job.id).upload_id, the(job.id).uncertain, the(job.id).own_wait) == (
        77,
        False,
        WaitingFor.RETRY,
    )
    assert bench.wire.count("POST /uploads") == 2


def test_a_404_for_every_upload_ends_in_failed(bench: Bench) -> None:
    """Strava takes the file and never knows it: each time counts, with a wait before the next."""
    bench.wire.to("GET /uploads/N", (404, {}))
    job = bench.job()
    for _ in range(60):
        bench.later(job)

    assert (the(job.id).status, the(job.id).error_code) == (Status.FAILED, "upload_unknown")
    assert bench.wire.count("POST /uploads") == 5


def test_a_lost_answer_is_looked_for_within_a_day_of_the_start(bench: Bench) -> None:
    """On both sides, for time zones; the whole list of years is not walked through."""
    bench.wire.to("POST /uploads", httpx.ReadTimeout("late"))
    lost = bench.try_(bench.job())
    bench.later(lost)
    asked = bench.wire.asked[1].url.params
    start = lost.start_time or 0

    assert (float(asked["after"]), float(asked["before"])) == (start - 86_400, start + 86_400)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("scopes", "uncertain"),
    [("read,activity:write,activity:read_all", False), ("read,activity:write", True)],
)
def test_what_was_looked_for_before_it_was_given_up_did_not_arrive(
    tmp_path: Path, scopes: str, *, uncertain: bool
) -> None:
    """Where nobody may look, it stays uncertain: the file is not sent twice without a look by a person."""
    bench = Bench(tmp_path, scopes)
    bench.wire.to("POST /uploads", httpx.ReadTimeout("no answer"))
    job = bench.job()
    while the(job.id).status is not Status.FAILED:
        bench.later(job)

    assert the(job.id).uncertain is uncertain
    last = bench.wire.asked[-1]
    assert (last.method, last.url.path.endswith("/athlete/activities")) == (
        ("POST", False) if uncertain else ("GET", True)
    )
