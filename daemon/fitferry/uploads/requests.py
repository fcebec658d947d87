"""The requests of an attempt: a token for each, room in the rate limit before each, and searches over several pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fitferry.auth.access_tokens import AccessTokens
from fitferry.core import rate_limit as limits
from fitferry.core.errors import RefreshError, StravaError
from fitferry.core.messages import strava as strava_said
from fitferry.core.retry_policy import Action
from fitferry.core.strava import ListedActivity, StravaErrorKind, UploadReport
from fitferry.core.upload import Job
from fitferry.storage import rate_limits
from fitferry.strava import Strava
from fitferry.strava.client import PAGE
from fitferry.uploads.attempt import RunningAttempt
from fitferry.uploads.claims import Claims
from fitferry.uploads.existing_activities import AROUND

SEARCH_PAGES = 50
"""More pages of 200 are not searched; nobody has so many activities in two days."""

_MENDABLE = frozenset({StravaErrorKind.TOKEN_REFUSED, StravaErrorKind.APP_REFUSED})
"""What a fresh access token may mend: Strava has named the application for a stale token, too."""

T = TypeVar("T")
ListPage = Callable[[float, float | None], list[ListedActivity]]
"""A page of the athlete's activities, newest first, that started before one time and after another."""


class AttemptRequests:
    """What attempts ask Strava: each request within the budget and with a fresh token.

    All raise StravaError, NotConnected or KeyFileError.
    """

    def __init__(
        self, strava: Strava, tokens: AccessTokens, claims: Claims, clock: Callable[[], float]
    ) -> None:
        self._strava = strava
        self._tokens = tokens
        self._claims = claims
        self._clock = clock

    def ask(self, attempt: RunningAttempt, request: Callable[[str], T]) -> T:
        """Make one request; a second one with another token where Strava refuses the first."""
        answer = with_token(lambda refused: self._token(attempt, refused), request)
        attempt.answered = attempt.served = True
        return answer

    def upload_status(self, attempt: RunningAttempt) -> UploadReport:
        """How an accepted upload is getting on."""
        upload_id = attempt.job.upload_id or 0
        return self.ask(attempt, lambda token: self._strava.upload_status(upload_id, token=token))

    def list_page(
        self, attempt: RunningAttempt, before: float, after: float | None = None
    ) -> list[ListedActivity]:
        """A page of the athlete's activities, see `ListPage`."""
        return self.ask(
            attempt, lambda token: self._strava.activities(token=token, after=after, before=before)
        )

    def strava_now(self) -> float:
        """The time by Strava's clock, asked for where it was not heard in this run."""
        heard = self._strava.server_now()
        if heard is None:
            try:
                heard = self._strava.server_time()
            except StravaError as error:
                if error.kind is not StravaErrorKind.WRONG_ADDRESS:
                    raise  # what answers there in Strava's place will answer to the upload, too
        return self._clock() if heard is None else heard

    def has_budget(self, athlete: str, start_time: float | None, in_flight: int, *, sends: bool) -> bool:
        """Whether an athlete may make one request for an activity, see the function of this name."""
        now = self._clock()
        had_share = self._claims.has_had_share(athlete, now)
        return has_budget(start_time, now, in_flight=in_flight, sends=sends, has_had_share=had_share)

    def _token(self, attempt: RunningAttempt, refused: str) -> str:
        """An access token for the next request, once there is room for it in the rate limit."""
        job, sends, others = attempt.job, attempt.action is Action.SEND, self._claims.count() - 1
        if not self.has_budget(job.athlete, job.start_time, others, sends=sends):
            raise StravaError(StravaErrorKind.USED_UP, strava_said.USED_UP())
        attempt.token = access_token(self._tokens, job.athlete, self._clock(), refused)
        return attempt.token


def with_token(token: Callable[[str], str], request: Callable[[str], T]) -> T:
    """Make one request; a second one with another token where Strava refuses the first.

    `token` gives an access token, another one than the one that was refused.
    """
    first = token("")
    try:
        return request(first)
    except StravaError as error:
        if error.kind not in _MENDABLE:
            raise
    return request(token(first))


def access_token(tokens: AccessTokens, athlete: str, now: float, refused: str) -> str:
    """An access token, another one than Strava has `refused`. Raises RefreshError, NotConnected, KeyFileError."""
    try:
        return tokens.get(athlete, now, refused=refused)
    except StravaError as error:
        raise RefreshError(error.kind, error.message) from error


def has_budget(
    start_time: float | None, now: float, *, in_flight: int, sends: bool, has_had_share: bool
) -> bool:
    """Whether the remaining limit covers one request for an activity and for every job in flight.

    `in_flight`: the other jobs at work; each makes one request at a time. `has_had_share`: the activity's athlete
    leaves what the backlog leaves.
    """
    budget = limits.budget(rate_limits.current(), now, in_flight)
    left = budget.send if sends else budget.look
    if has_had_share or not limits.is_fresh(start_time, now):
        left = min(left, budget.backlog)
    return left > 0


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
