"""The requests of an attempt: a token for each, room in the rate limit before each, and searches over several pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fitferry.auth.access_tokens import AccessTokens
from fitferry.core import rate_limit as limits
from fitferry.core.errors import RefreshError, StravaError
from fitferry.core.rate_limit import Budget
from fitferry.core.strava import ListedActivity, StravaErrorKind
from fitferry.core.upload import Job
from fitferry.storage import rate_limits
from fitferry.strava.client import PAGE
from fitferry.uploads.existing_activities import AROUND

SEARCH_PAGES = 50
"""More pages of 200 are not searched; nobody has so many activities in two days."""

_MENDABLE = frozenset({StravaErrorKind.TOKEN_REFUSED, StravaErrorKind.APP_REFUSED})
"""What a fresh access token may mend: Strava has named the application for a stale token, too."""

T = TypeVar("T")
ListPage = Callable[[float, float | None], list[ListedActivity]]
"""A page of the athlete's activities, newest first, that started before one time and after another."""


def access_token(tokens: AccessTokens, athlete: str, now: float, *, refused: str = "") -> str:
    """An access token, another one than Strava has `refused`. Raises RefreshError, NotConnected, KeyFileError."""
    try:
        return tokens.get(athlete, now, refused=refused)
    except StravaError as error:
        raise RefreshError(error.kind, error.message, retry_after=error.retry_after) from error


def is_mendable(error: StravaError) -> bool:
    """Whether the same request may succeed with another access token."""
    return not isinstance(error, RefreshError) and error.kind in _MENDABLE


def has_budget(
    start_time: float | None, now: float, *, in_flight: int, sends: bool, has_had_share: bool = False
) -> bool:
    """Whether the remaining limit covers one request for an activity and for every job in flight.

    `in_flight`: the other jobs at work; each makes one request at a time. `has_had_share`: the activity's athlete
    leaves what the backlog leaves.
    """
    budget = limits.budget(rate_limits.current(), now, in_flight)
    fresh = limits.is_fresh(start_time, now) and not has_had_share
    return _left(budget, fresh=fresh, sends=sends) > 0


def find_activity(job: Job, list_page: ListPage, now: float) -> int | None:
    """The activity that an earlier attempt of a job made, found by the external id that it was sent with."""
    middle = job.start_time if job.start_time is not None else (job.sent_at or now)
    after, before = middle - AROUND, middle + AROUND
    for _ in range(SEARCH_PAGES):
        page = list_page(before, after)
        ours = [found.id for found in page if found.id and found.sent_as == job.external_id]
        # Others may have begun in the same second.
        oldest = min((activity.start_time for activity in page), default=before) + 1
        if ours or len(page) < PAGE or oldest >= before:
            return next(iter(ours), None)
        before = oldest
    return None


def _left(budget: Budget, *, fresh: bool, sends: bool) -> int:
    left = budget.send if sends else budget.look
    return left if fresh else min(left, budget.backlog)
