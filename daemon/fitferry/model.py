"""Which values and states exist? No input or output, no decisions.

Times are seconds since 1970 in UTC (`float`), wherever they are kept or compared.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

MAX_FILE_BYTES = 25_000_000
"""What Strava takes at most (the figure in common use; its pages name none)."""

WRITE_SCOPE = "activity:write"
READ_SCOPES = frozenset({"activity:read", "activity:read_all"})


class Status(StrEnum):
    """Where a job stands, as the API and the page name it."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    HELD = "held"
    SKIPPED = "skipped"


OPEN = (Status.PENDING, Status.PROCESSING)
"""Not done yet, and nobody has to do anything for it."""


class WaitingFor(StrEnum):
    """What an unfinished job waits for."""

    CONNECTION = "connection"
    RATE_LIMIT = "rate_limit"
    NETWORK = "network"
    SETTINGS = "settings"
    FILE = "file"
    CONFIRM = "confirm"
    RETRY = "retry"
    PROCESSING = "processing"


WAITS = {
    WaitingFor.CONNECTION: "waits for the connection to Strava",
    WaitingFor.RATE_LIMIT: "waits for Strava's limit",
    WaitingFor.NETWORK: "waits for Strava to be reachable",
    WaitingFor.SETTINGS: "waits for the settings to be mended",
    WaitingFor.FILE: "waits for the file",
    WaitingFor.CONFIRM: "may have arrived, will be looked for",
    WaitingFor.RETRY: "waits for the next try",
    WaitingFor.PROCESSING: "Strava is processing it",
}
"""The same for people."""


class AfterUpload(StrEnum):
    """What is to become of a file after its upload, and what became of it."""

    KEEP = "keep"
    ARCHIVE = "archive"
    DELETE = "delete"
    ARCHIVED = "archived"
    DELETED = "deleted"
    GONE = "gone"
    """Somebody else took it away first."""


class Verdict(StrEnum):
    """What the bytes of a file say of it."""

    ACTIVITY = "activity"
    """Whole, and an activity: it can be sent."""
    OTHER = "other"
    """Whole, but a course, settings, a workout …: nothing for Strava."""
    UNFINISHED = "unfinished"
    """Shorter than it says it is, or still full of zeros: more may come."""
    DAMAGED = "damaged"
    """As long as it says, but the checksum or the messages are wrong."""
    UNKNOWN = "unknown"
    """No format that Fitferry knows."""


class Fault(StrEnum):
    """How a request to Strava came to nothing; judged in `strava`, decided on in `policy`."""

    UNREACHABLE = "unreachable"
    """No name, refused, no route, TLS, connect timeout: nothing was sent."""
    UNAVAILABLE = "unavailable"
    """502, 503, 504, or nonsense where JSON should be."""
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
    WRONG_ADDRESS = "wrong_address"
    """3xx, or 404 or 410 for a POST: the API base is wrong or has moved."""
    NOT_FOUND = "not_found"
    """404 for something that was named by its id."""
    BAD_FILE = "bad_file"
    """Strava says that the file is empty, malformed, unsupported or too large."""
    REFUSED = "refused"
    """Any other 4xx."""
    GRANT_REFUSED = "grant_refused"
    """The code or the refresh token of a sign-in is not valid (any more)."""
    USED_UP = "used_up"
    """Not asked at all: Strava's allowance has no room for it now."""


class Outcome(StrEnum):
    """How an attempt ended, for the log."""

    ACCEPTED = "accepted"
    PROCESSING = "processing"
    COMPLETED = "completed"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    RETRY = "retry"
    WAITING = "waiting"
    HELD = "held"
    SKIPPED = "skipped"


class Trouble(StrEnum):
    """Why an athlete's tokens cannot be used any more."""

    REVOKED = "revoked"
    SCOPE = "scope"
    KEY = "key"


class GateName(StrEnum):
    """A wait that all jobs share."""

    NETWORK = "network"
    RATE_LIMIT = "rate_limit"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of the activity in it; None where it says nothing.

    `kind`, `sport`, `sub_sport`, `manufacturer`, `product`: the FIT profile's lower-case names, or the
    number as text where the profile has no name. `sport` is the first session's; times are seconds,
    distance metres, both summed over all sessions. `duration_s` is timer time, `elapsed_s` has the pauses.
    """

    kind: str | None = None
    sport: str | None = None
    sub_sport: str | None = None
    start_time: float | None = None
    duration_s: float | None = None
    elapsed_s: float | None = None
    distance_m: float | None = None
    manufacturer: str | None = None
    product: str | None = None
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Sketch:
    """An activity drawn small. `kind`: route, heart_rate or power. `path`: an SVG path in a square of 100."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about some bytes.

    `data_type`: Strava's name for the format ("fit"). `reason`: a sentence for a person, empty for an
    activity. `have`, `want`: bytes there and bytes announced, for what is UNFINISHED and says its length.
    `proven`: the format itself shows that nothing is missing; without that a file has to stay the same for a
    while.
    """

    verdict: Verdict
    data_type: str = ""
    facts: Facts = Facts()
    reason: str = ""
    have: int = 0
    want: int | None = None
    proven: bool = True
    sketch: Sketch | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What `stat` says of a file's content: if none of it changed, neither did the bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Signature:
        """The signature in the answer of `os.stat`."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a file is admitted as: its first status, and the reason where it is not PENDING."""

    status: Status
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One activity on its way into the ledger. `member`: its name in an archive of several, else empty."""

    sha256: str
    found: Inspection
    admission: Admission
    member: str = ""


class Sign(StrEnum):
    """What an event said of a file."""

    APPEARED = "appeared"
    """It is there: created, linked, or moved in with its folder."""
    WRITTEN = "written"
    """Somebody writes it, and has not closed it."""
    CLOSED = "closed"
    """Its writer has closed it, or it was renamed into place."""


class Stillness(IntEnum):
    """How long a file has stayed the same."""

    CLOSED = 0
    """Its writer has just closed it or renamed it into place."""
    SETTLED = 1
    """For `settle` seconds."""
    STALLED = 2
    """For ten minutes: nobody is at it any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One upload and the activity it is about: a copy of what the ledger knows, never the row itself.

    `claim`: the number of the claim that it was read under, 0 for none.
    """

    id: int
    activity_id: int
    athlete: str
    sha256: str
    path: str
    file_sha256: str
    member: str
    size: int
    data_type: str
    sport: str | None
    sub_sport: str | None
    manufacturer: str | None
    product: str | None
    start_time: float | None
    duration_s: float | None
    elapsed_s: float | None
    distance_m: float | None
    status: Status
    waits_for: WaitingFor | None
    failures: int
    next_attempt_at: float
    claimed_at: float | None
    claim: int
    tried_at: float | None
    sent_at: float | None
    accepted_at: float | None
    uncertain: bool
    external_id: str
    upload_id: int | None
    looks: int
    strava_activity_id: int | None
    error_code: str | None
    error_message: str | None
    after_done: AfterUpload | None
    compared_at: float | None
    created_at: float
    completed_at: float | None

    @property
    def retry_count(self) -> int:
        """Retries begun: a failure that still waits for its retry is not one."""
        waits = self.claimed_at is None and self.status in {Status.PENDING, Status.FAILED}
        return max(self.failures - 1, 0) if waits else self.failures

    @property
    def file(self) -> str:
        """The file's name, for people; undecodable bytes are replaced."""
        name = os.fsencode(self.path.rsplit("/", 1)[-1]).decode("utf-8", "replace")
        return f"{name}/{self.member}" if self.member else name


@dataclass(frozen=True, slots=True)
class Step:
    """What an attempt came to: what the ledger is to write of the job, and what follows for all.

    `shut`: a wait that all jobs share from now on.
    `trouble`: why this athlete has to connect again.
    """

    outcome: Outcome
    status: Status
    waits_for: WaitingFor | None = None
    next_attempt_at: float = 0.0
    failures: int = 0
    uncertain: bool = False
    upload_id: int | None = None
    looks: int = 0
    strava_activity_id: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    shut: Gate | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A wait that all jobs share: shut until `until`, then one job may try."""

    name: GateName
    until: float
    since: float
    tries: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Athlete:
    """One athlete of the settings and what is known of the account behind the name.

    `trouble`: why the tokens cannot be used any more (`revoked`, `scope`, `key`), None while all is well.
    """

    name: str
    connected: bool
    athlete_id: int | None = None
    display_name: str | None = None
    scopes: tuple[str, ...] = ()
    trouble: Trouble | None = None
    trouble_since: float | None = None

    @property
    def can_read(self) -> bool:
        """Whether activities can be listed, so that a lost answer can be looked up."""
        return self.connected and bool(READ_SCOPES.intersection(self.scopes))


@dataclass(frozen=True, slots=True)
class Allowance:
    """Strava's limits and use as last heard: (quarter hour, day) for all requests and for reads."""

    overall_limit: tuple[int, int] = (200, 2000)
    overall_usage: tuple[int, int] = (0, 0)
    read_limit: tuple[int, int] = (100, 1000)
    read_usage: tuple[int, int] = (0, 0)
    heard_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one answer of Strava said of the allowance; None where it said nothing."""

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
    """Strava's word on one upload: `message` holds its own words where it refused."""

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
        return (self.external_id or "").split(".", 1)[0]


class Arrival(StrEnum):
    """What came of looking at a file in a watched folder."""

    ADMITTED = "admitted"
    KNOWN = "known"
    """Its bytes were admitted before, under this name or another."""
    SKIPPED = "skipped"
    HELD = "held"
    UNFINISHED = "unfinished"
    """More may come; nothing was written down."""
    UNSETTLED = "unsettled"
    """It looks whole, but only its staying the same will show that it is; nothing was written down."""
    CHANGED = "changed"
    """It changed while it was read."""
    GONE = "gone"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, order=True)
class Receiving:
    """A file on its way: bytes that are there and bytes that there will be, None where it does not say."""

    path: str
    have: int
    want: int | None


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a watched folder is doing. `method`: events or poll.

    `reason`: why it is not available. `note`: what else a person may want to know. `unreadable`: paths.
    """

    folder: str
    athlete: str
    method: str
    available: bool
    reason: str = ""
    note: str = ""
    receiving: tuple[Receiving, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """The old activities that wait for a decision: how many, from when to when, and how long they will take.

    `since`: when the first of them was found.
    """

    count: int
    oldest: float | None
    newest: float | None
    days: int
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know: `code` of a closed set, a sentence, and since when.

    `subject`: what it is about, where several may have the same: a folder.
    """

    code: str
    message: str
    since: float
    athlete: str | None = None
    subject: str = ""
