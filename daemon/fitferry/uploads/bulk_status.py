"""Status of many accepted uploads at once: one page of the athlete's activities confirms up to 200."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from fitferry.core import rate_limit as limits
from fitferry.core.strava import ListedActivity
from fitferry.core.upload import Job
from fitferry.storage import open_jobs
from fitferry.uploads.existing_activities import AROUND

MANY = 40
"""So many old activities on their way may be looked at one by one: the rate limit lasts for that."""
PAGE_SECONDS = 30.0
"""Seconds for which one fetched page is shared by all workers."""
LOOKS = 2
"""An upload that was missing from so many pages is asked for by its id: it may be a duplicate, or refused."""


class _Page(NamedTuple):
    asked_at: float
    activities: dict[str, int]


class Pages:
    """The latest page of each athlete."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, _Page] = {}

    def find(
        self, job: Job, now: float, ask: Callable[[float], list[ListedActivity]]
    ) -> tuple[int | None, dict[int, int]]:
        """The activity of a job, and those of all others on the page, by their jobs' ids. `ask(before)` lists."""
        with self._lock:
            page = self._pages.get(job.athlete)
            waiting = open_jobs.outstanding_of(job.athlete)
            if page is None or not 0 <= now - page.asked_at < PAGE_SECONDS:
                newest = max((other.start_time or 0.0 for other in waiting), default=now)
                page = _Page(now, {ride.sent_as: ride.id for ride in ask(newest + AROUND) if ride.id})
                self._pages[job.athlete] = page
        listed = page.activities
        found = {other.id: listed[other.external_id] for other in waiting if other.external_id in listed}
        return found.pop(job.id, None), found


def is_bulk(job: Job, now: float) -> bool:
    """Whether a job is one of many old activities on their way."""
    old = job.start_time is not None and job.start_time < now - limits.FRESH_SECONDS
    return old and open_jobs.many_wait(job.athlete, now - limits.FRESH_SECONDS, MANY)
