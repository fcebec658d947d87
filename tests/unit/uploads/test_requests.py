"""Whether a request may be made, and the search for what an earlier attempt has made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import NOW, a_job
from fitferry.core.strava import ListedActivity, RateLimitHeaders
from fitferry.storage import rate_limits
from fitferry.strava.client import PAGE
from fitferry.uploads import requests

pytestmark = pytest.mark.usefixtures("ledger")
DAY = 86_400.0


@pytest.mark.parametrize(
    ("used", "in_flight", "may"), [(198, 0, True), (199, 0, True), (199, 1, False), (200, 0, False)]
)
def test_the_last_request_may_be_made_and_none_behind_it(used: int, in_flight: int, *, may: bool) -> None:
    """Each other job at work keeps one."""
    rate_limits.update(RateLimitHeaders((200, 2000), (used, 300), (100, 1000), (10, 10)), NOW)

    assert requests.has_budget(NOW - 3600, NOW, in_flight=in_flight, sends=True) is may


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
        return [ListedActivity(1, "other.fit", oldest, 1)] * PAGE

    job = a_job(tmp_path / "a.fit", start=NOW - DAY)
    requests.find_activity(job, full_page, NOW)

    assert asked == [NOW, NOW - 99, NOW - 198, NOW - 249]
