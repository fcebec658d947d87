"""What Strava says: its limits, an upload's state, its tokens, and how a request fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MAX_FILE_BYTES = 25_000_000
"""What Strava takes at most (the figure in common use; its pages name none)."""

WRITE_SCOPE = "activity:write"

READ_SCOPES = frozenset({"activity:read", "activity:read_all"})


class StravaErrorKind(StrEnum):
    """How a request to Strava failed; classified in `strava.error_responses`, decided on in `core.retry_policy`."""

    UNREACHABLE = "unreachable"
    """No name, refused, no route, TLS, connect timeout: nothing was sent."""
    UNAVAILABLE = "unavailable"
    """502, 503, 504."""
    NOT_STRAVA = "not_strava"
    """An answer that is not in Strava's own form: a gateway, a proxy or a captive portal has spoken."""
    SERVER_ERROR = "server_error"
    """500 and every other 5xx."""
    BROKEN_OFF = "broken_off"
    """Read timeout, or the connection broke after sending began."""
    RATE_LIMITED = "rate_limited"
    """429."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105  the name of a fault, not a secret
    """401 naming the access token."""
    SCOPE_MISSING = "scope_missing"
    """401 naming a permission."""
    APP_REFUSED = "app_refused"
    """400 or 401 naming the application: its number or its secret is wrong."""
    APP_INACTIVE = "app_inactive"
    """403: the app's owner has no Strava subscription."""
    ATHLETE_LIMIT = "athlete_limit"
    """403: the app has more athletes than Strava allows it."""
    WRONG_ADDRESS = "wrong_address"
    """3xx, or 404 or 410 for a POST: the API base may be wrong or have moved."""
    NOT_FOUND = "not_found"
    """404 for something that was named by its id."""
    BAD_FILE = "bad_file"
    """Strava says that the file is empty, malformed, unsupported or too large."""
    REFUSED = "refused"
    """Any other 4xx."""
    GRANT_REFUSED = "grant_refused"
    """The code or the refresh token of a sign-in is not valid (any more)."""
    USED_UP = "used_up"
    """Not asked at all: Strava's rate limit leaves no request for it now."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Strava's limits and use as last heard: (quarter hour, day) for all requests and for reads."""

    overall_limit: tuple[int, int] = (200, 2000)
    overall_usage: tuple[int, int] = (0, 0)
    read_limit: tuple[int, int] = (100, 1000)
    read_usage: tuple[int, int] = (0, 0)
    heard_at: float = 0.0


@dataclass(frozen=True, slots=True)
class RateLimitHeaders:
    """What one answer of Strava said of the rate limit; None where it said nothing."""

    overall_limit: tuple[int, int] | None = None
    overall_usage: tuple[int, int] | None = None
    read_limit: tuple[int, int] | None = None
    read_usage: tuple[int, int] | None = None


class UploadState(StrEnum):
    """What Strava says of an upload that it accepted."""

    PROCESSING = "processing"
    READY = "ready"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class UploadReport:
    """Strava's report on one upload; `upload_id` 0 where it names none, `message` its own words where it refused."""

    upload_id: int
    state: UploadState
    activity_id: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What Strava gives for a code or a refresh token; `scopes` and the athlete only where it says them.

    `expires_at` is by Strava's clock, `expires_in` seconds from the answer on.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scopes: tuple[str, ...] = ()
    athlete_id: int | None = None
    display_name: str | None = None
    expires_in: float | None = None


@dataclass(frozen=True, slots=True)
class ListedActivity:
    """One activity as Strava lists it; `external_id` is what its upload was sent with, plus an extension."""

    id: int
    external_id: str | None
    start_time: float
    elapsed_s: float

    @property
    def sent_as(self) -> str:
        """What its upload was sent with: Strava appends the data type, abc becomes abc.fit."""
        return (self.external_id or "").partition(".")[0]
