"""The shapes of status.json and of the API's answers: what the daemon says, and what its commands read.

Times are UTC in ISO 8601. `text`, `note_text` and `error_text` are a message as data, so that it can be translated.
"""

from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from fitferry.core.messages import Json

UPLOAD_BYTES = 26_000_000
"""What the body of a request with files may have: one activity as large as Strava takes it, or a zip of several."""


def iso(moment: float | None) -> str | None:
    """A time as the API shows it: UTC, ISO 8601, with Z."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class WebJson(TypedDict):
    """Where the page is."""

    host: str
    port: int
    url: str


class ProblemJson(TypedDict):
    code: str
    athlete: str | None
    message: str
    since: str | None
    text: NotRequired[Json]


class AthleteJson(TypedDict):
    """One athlete, and the account that is connected."""

    name: str
    connected: bool
    athlete_id: int | None
    display_name: str | None
    scopes: list[str]


class WindowsJson(TypedDict):
    """One of Strava's limits: of the quarter hour and of the day."""

    limit: list[int]
    usage: list[int]


class RateLimitJson(TypedDict):
    """Strava's limits as last heard; `held_until` where they are used up."""

    overall: WindowsJson
    read: WindowsJson
    held_until: str | None


class ReceivingJson(TypedDict):
    """A file that is still being written; `of` where its head says how large it will be."""

    file: str
    size: int
    of: int | None


class WatchJson(TypedDict):
    """One watched folder; `looked_at`: False until somebody has looked, not there afterwards."""

    folder: str
    athlete: str
    method: str
    available: bool
    looked_at: NotRequired[bool]
    note: NotRequired[str]
    note_text: NotRequired[Json]
    receiving: NotRequired[list[ReceivingJson]]


class ImportJson(TypedDict):
    """How an import of old activities is getting on."""

    waiting: int
    done: int
    done_by: str | None


class JobJson(TypedDict):
    id: int
    activity_id: int
    athlete: str
    file: str
    status: str
    waiting_for: str | None
    strava_activity_id: int | None
    strava_url: str | None
    error_code: str | None
    error_message: str | None
    error_text: NotRequired[Json]
    retry_count: int
    created_at: str | None
    completed_at: str | None
    next_attempt_at: str | None
    sport: str | None
    start_time: str | None
    duration_s: float | None
    distance_m: float | None
    size: int
    sha256: str
    jobs: NotRequired[list[int]]
    """Of a file with several activities: the numbers of all."""


class UploadsJson(TypedDict):
    """A page of the history; `next_before` where there is more."""

    uploads: list[JobJson]
    next_before: NotRequired[int | None]


class BacklogJson(TypedDict):
    """The old activities that wait for a decision."""

    count: int
    oldest: str | None
    newest: str | None
    days: int


class ConsentJson(TypedDict):
    """What came of a consent."""

    outcome: str
    message: str
    text: NotRequired[Json]


class ConsentUrlJson(TypedDict):
    authorization_url: str
    state: str


class LinkJson(TypedDict):
    """A one-time link; `state` where it leads to Strava."""

    url: str
    state: NotRequired[str]


class TokenJson(TypedDict):
    """A named token; `token` itself when it is made."""

    name: str
    can: str
    athlete: str | None
    created_at: str | None
    last_used_at: str | None
    token: NotRequired[str]


class TokensJson(TypedDict):
    tokens: list[TokenJson]


class SessionsEndedJson(TypedDict):
    """How many browsers were signed out."""

    ended: int


class HealthJson(TypedDict):
    """Whether the daemon is well; why not where it is not."""

    status: str
    reason: NotRequired[str]


StatusJson = TypedDict(
    "StatusJson",
    {
        "version": str,
        "pid": int,
        "started_at": str | None,
        "updated_at": str | None,
        "web": WebJson,
        "state": str,
        "problems": list[ProblemJson],
        "athletes": list[AthleteJson],
        "queue": dict[str, int],
        "rate_limit": RateLimitJson,
        "last_upload": JobJson | None,
        "watch": list[WatchJson],
        "import": NotRequired[ImportJson],
    },
)
"""Everything that status.json says."""
