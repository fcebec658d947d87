"""One page of the athlete's activities tells of many uploads at once whether they are done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import (
    NOW,
    READY,
    UPLOADS,
    a_job,
    accepted,
    strava,
    the,
)
from fitferry.core import rate_limit
from fitferry.core.strava import ListedActivity
from fitferry.core.upload import AfterUpload, Job, Status
from fitferry.monitoring import status
from fitferry.storage import breakers, uploads
from fitferry.uploads import bulk_status
from worker_bench import Bench

pytestmark = pytest.mark.usefixtures("ledger")
LIST, LOOK, SEND = "GET /athlete/activities", "GET /uploads/N", "POST /uploads"
MANY, LOOKS = 50, 2
OLD = NOW - 3 * 86_400.0  # not fresh, and not so old that it would be compared first


class Desk(Bench):
    """An athlete with many old uploads on their way."""

    def accepted(self, count: int = MANY) -> list[Job]:
        """So many old activities, all accepted by Strava."""
        made = []
        for number in range(count):
            job = a_job(self.folder / f"{number}.fit", f"{number}".encode(), start=OLD - number * 60)
            accepted(job.id, 1000 + job.id, NOW)
            made.append(the(job.id))
        return made


def listed(*there: Job) -> list[dict[str, Any]]:
    """Strava's list with these in it."""
    return [
        {
            "id": 900 + job.id,
            "external_id": f"{job.external_id}.fit",
            "start_date": "2026-09-18T12:00:00Z",
            "elapsed_time": 60,
        }
        for job in there
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk whose athlete may be read."""
    return Desk(tmp_path)


def test_one_page_completes_all_that_stand_on_it(desk: Desk) -> None:
    """A thousand uploads cost a dozen reads, not a thousand."""
    made = desk.accepted()
    desk.wire.to(LIST, (200, listed(*made[:-3])))
    desk.clock.forward(7)
    desk.attempt(made[0].id)

    assert desk.took == [7.0] * (MANY - 3)
    assert uploads.counts()[Status.COMPLETED] == MANY - 3
    assert the(made[5].id).strava_activity_id == 900 + made[5].id
    assert (desk.wire.count(LIST), desk.wire.count(LOOK)) == (1, 0)


def test_files_of_uploads_that_a_page_completed_are_archived_like_all_others(desk: Desk) -> None:
    """Strava took exactly these bytes from us."""
    archiving = replace(UPLOADS, after_upload=AfterUpload.ARCHIVE)
    desk.attempt = desk.worker(strava(desk.wire), archiving)
    made = desk.accepted()
    desk.wire.to(LIST, (200, listed(*made)))
    desk.attempt(made[0].id)

    assert len(list((desk.folder / "uploaded").iterdir())) == MANY


def test_what_is_missing_from_two_pages_is_asked_for_by_its_id(desk: Desk) -> None:
    """It may be a duplicate of something else, or refused: only its own status says so."""
    made = desk.accepted()
    desk.wire.to(LIST, (200, []))
    for _ in range(LOOKS + 2):
        desk.attempt(made[0].id)
        desk.clock.now = max(desk.clock.now, the(made[0].id).next_attempt_at)

    assert (desk.wire.count(LIST), desk.wire.count(LOOK)) == (LOOKS + 1, 1)
    assert the(made[0].id).status is Status.COMPLETED


def test_workers_that_were_woken_together_share_a_page(desk: Desk) -> None:
    """Not one each."""
    made = desk.accepted()
    desk.wire.to(LIST, (200, []))
    for job in made[:3]:
        desk.attempt(job.id)

    assert desk.wire.count(LIST) == 1


def test_a_few_uploads_are_looked_at_one_by_one(desk: Desk) -> None:
    """The rate limit lasts for that, and it is faster."""
    made = desk.accepted(40)
    desk.attempt(made[0].id)

    assert (desk.wire.count(LIST), desk.wire.count(LOOK)) == (0, 1)


def test_without_the_permission_each_is_asked_for_by_its_id(tmp_path: Path) -> None:
    """Later than usual, when processing is over for certain."""
    desk = Desk(tmp_path, "read,activity:write")
    made = desk.accepted()
    desk.wire.to(LOOK, (200, {**READY, "activity_id": None, "status": "still being processed"}))
    desk.attempt(made[0].id)

    assert desk.wire.count(LIST) == 0
    assert the(made[0].id).next_attempt_at >= NOW + 4 * UPLOADS.check_delays[-1]


@pytest.mark.parametrize("answer", [(404, {}), (500, {}), (400, {"message": "Bad Request"})])
def test_a_list_that_is_not_given_is_done_without(desk: Desk, answer: tuple[int, object]) -> None:
    """Then the upload is asked for by its id."""
    made = desk.accepted()
    desk.wire.to(LIST, answer)
    desk.attempt(made[0].id)

    assert the(made[0].id).status is Status.COMPLETED
    assert not breakers.open_breakers()


def test_todays_ride_is_looked_at_soon_whatever_else_is_on_its_way(desk: Desk) -> None:
    """People wait for it."""
    desk.accepted()
    fresh = a_job(desk.folder / "today.fit", b"today")
    desk.wire.to(
        SEND, (201, {**READY, "activity_id": None, "status": "Your activity is still being processed."})
    )
    desk.attempt(fresh.id)

    assert the(fresh.id).next_attempt_at == NOW + 2


def test_the_status_says_when_an_import_will_be_done(desk: Desk) -> None:
    """And nothing of the kind where there is none."""
    process = status.Process(1, NOW, "127.0.0.1", 8480, "http://localhost:8480", ())
    assert status.snapshot(["me"], process, NOW).history_import is None
    desk.accepted()
    progress = status.snapshot(["me"], process, NOW).history_import

    assert progress is not None
    assert progress.waiting == MANY
    assert progress.done_by > NOW


def test_the_page_begins_a_day_after_the_newest_that_waits(desk: Desk) -> None:
    """Whichever of them is looked at first."""
    made = desk.accepted()
    desk.attempt(made[7].id)

    assert float(desk.wire.asked[0].url.params["before"]) == OLD + 86_400


def test_only_many_old_ones_are_looked_at_together(desk: Desk) -> None:
    """A fresh one is looked at alone, and so is an old one among many fresh ones."""
    border = NOW - rate_limit.FRESH_SECONDS
    for number in range(MANY):
        fresh = a_job(desk.folder / f"new{number}.fit", b"new%d" % number, start=border)
    for number in range(40):
        old = a_job(desk.folder / f"{number}.fit", b"%d" % number, start=border - 1)
    assert not bulk_status.is_bulk(old, NOW)

    a_job(desk.folder / "one_more.fit", b"one more", start=border - 1)
    assert bulk_status.is_bulk(old, NOW)
    assert not bulk_status.is_bulk(fresh, NOW)


def test_a_page_serves_for_half_a_minute(desk: Desk) -> None:
    """Also after a clock has jumped back it is asked for anew; each athlete has one. What has no number is not there."""
    first, second = desk.accepted(2)
    pages = bulk_status.Pages()
    asked: list[float] = []

    def ask(before: float) -> list[ListedActivity]:
        asked.append(before)
        return [
            ListedActivity(0, f"{first.external_id}.fit", OLD, 60),
            ListedActivity(9, f"{second.external_id}.fit", OLD, 60),
        ]

    found = [pages.find(first, NOW + later, ask) for later in (0, 29.9, 30, 29)]

    assert found == [(None, {second.id: 9})] * 4
    assert asked == [OLD + 86_400] * 3
    assert pages.find(second, NOW + 29, ask) == (9, {})
    assert pages.find(replace(first, athlete="you"), NOW, ask) == (None, {})
    assert asked[3:] == [NOW + 86_400]
