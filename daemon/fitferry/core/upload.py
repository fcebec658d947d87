"""Values of an upload: its job, states, what it waits for, the result of an attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from fitferry.core.breaker import BreakerTrip
from fitferry.core.filenames import shown
from fitferry.core.messages import Message, uploads
from fitferry.core.strava import READ_SCOPES, StravaErrorKind


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
    WaitingFor.CONNECTION: uploads.WAITING_CONNECTION(),
    WaitingFor.RATE_LIMIT: uploads.WAITING_RATE_LIMIT(),
    WaitingFor.NETWORK: uploads.WAITING_NETWORK(),
    WaitingFor.SETTINGS: uploads.WAITING_SETTINGS(),
    WaitingFor.FILE: uploads.WAITING_FILE(),
    WaitingFor.CONFIRM: uploads.WAITING_CONFIRM(),
    WaitingFor.RETRY: uploads.WAITING_RETRY(),
    WaitingFor.PROCESSING: uploads.WAITING_PROCESSING(),
}
"""The same for people."""


class AfterUpload(StrEnum):
    """What is done with a file that Strava took."""

    KEEP = "keep"
    ARCHIVE = "archive"
    DELETE = "delete"


class FileOutcome(StrEnum):
    """What became of a file that was not kept."""

    ARCHIVED = "archived"
    DELETED = "deleted"
    GONE = "gone"
    """Somebody else took it away first."""


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


class ErrorCode(StrEnum):
    """Why a job is not plainly on its way, as the API names it; kinds of `StravaError` are codes of jobs, too."""

    DUPLICATE = "duplicate"
    """On Strava already: the one code of a completed job."""
    REJECTED = "rejected"
    DELETED = "deleted"
    UPLOAD_UNKNOWN = "upload_unknown"
    OTHER_ACCOUNT = "other_account"
    """Sent to the account that was connected before."""
    UNEXPECTED = "surprise"
    DATABASE = "database"
    FILE_UNREADABLE = "file_unreadable"
    REPLACED = "replaced"
    """The file holds other bytes by now."""
    UNPACK = "unpack"
    NO_ACTIVITY = "no_activity"
    RULE = "rule"
    DISMISSED = "dismissed"
    SINCE = "since"
    AUTO_UPLOAD = "auto_upload"
    BACKLOG = "backlog"
    """Found by a first scan, and not known to be old or fresh before Strava's clock was heard."""
    FILE_GONE = "file_gone"
    UNFINISHED = "unfinished"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    UNREADABLE_TIMES = "unreadable_times"
    ARCHIVE_REFUSED = "archive_refused"


class UnknownErrorCode(str):
    """A code that another version has stored, and that this one does not know: it is kept and shown as it is."""

    __slots__ = ()


JobErrorCode: TypeAlias = ErrorCode | StravaErrorKind | UnknownErrorCode


class AuthProblem(StrEnum):
    """Why an athlete's tokens cannot be used any more."""

    REVOKED = "revoked"
    SCOPE = "scope"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Job:
    """One upload and the activity it is about: a copy of what the ledger knows, never the row itself.

    `looks`: answers that an accepted upload was still being processed; `read_failures`: questions about the job in a
    row that got no answer.
    `row_revision`: raised by each decision on the job, and by each write of an attempt.
    `age_unproven`: a folder's first scan has found it, and judges it again at its end, by Strava's clock.
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
    own_wait: WaitingFor | None
    failures: int
    next_attempt_at: float
    row_revision: int
    tried_at: float | None
    sent_at: float | None
    accepted_at: float | None
    uncertain: bool
    external_id: str
    upload_id: int | None
    looks: int
    read_failures: int
    strava_activity_id: int | None
    error_code: JobErrorCode | None
    error_message: Message | None
    after_upload_action: AfterUpload | FileOutcome | None
    compared_at: float | None
    created_at: float
    completed_at: float | None
    ascent_m: float | None
    average_heart_rate: float | None
    average_power: float | None
    serials: tuple[str, ...]
    age_unproven: bool

    @property
    def retry_count(self) -> int:
        """Retries begun: a failure that still waits for its retry is not one."""
        waits = self.status in {Status.PENDING, Status.FAILED}
        return max(self.failures - 1, 0) if waits else self.failures

    def is_due(self, now: float) -> bool:
        return self.status in OPEN and self.next_attempt_at <= now

    def before_sending(self) -> Job:
        """The job as it would be had its first sending not begun."""
        return replace(self, status=Status.PENDING, uncertain=False, tried_at=None, sent_at=None)

    @property
    def is_being_sent(self) -> bool:
        """Whether its body is on its way to Strava, and there is no answer yet."""
        return self.status is Status.PROCESSING and self.upload_id is None

    @property
    def strava_url(self) -> str | None:
        number = self.strava_activity_id
        return f"https://www.strava.com/activities/{number}" if number else None

    @property
    def file(self) -> str:
        """The file's name, for people; undecodable bytes are replaced."""
        name = shown(self.path)
        return f"{name}/{self.member}" if self.member else name


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Result of one attempt: the job's new column values, and effects on all jobs.

    `read_failures`: questions in a row that got no answer. `breaker`: a wait that all jobs share from now on.
    `auth_problem`: why this athlete has to connect again.
    """

    outcome: Outcome
    status: Status
    own_wait: WaitingFor | None = None
    next_attempt_at: float = 0.0
    failures: int = 0
    uncertain: bool = False
    upload_id: int | None = None
    looks: int = 0
    read_failures: int = 0
    strava_activity_id: int | None = None
    error_code: JobErrorCode | None = None
    error_message: Message | None = None
    breaker: BreakerTrip | None = None
    auth_problem: AuthProblem | None = None

    @property
    def reason(self) -> Message | None:
        """Why the attempt did not succeed."""
        if self.breaker is not None:
            return self.breaker.message
        return None if self.outcome in {Outcome.ACCEPTED, Outcome.COMPLETED} else self.error_message

    def says_more_than(self, job: Job) -> bool:
        """Whether it is worth keeping: not a look that changed nothing, nor a wait in which nothing was asked."""
        if self.outcome is Outcome.WAITING:
            return self.breaker is not None or self.error_message != job.error_message
        return self.outcome is not Outcome.PROCESSING


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the last attempts of an upload: its number, when its outcome was known, and why it did not succeed."""

    number: int
    at: float
    outcome: Outcome
    message: Message | None


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
    trouble: AuthProblem | None = None
    trouble_since: float | None = None

    @property
    def can_read(self) -> bool:
        """Whether activities can be listed, so that a lost answer can be looked up."""
        return self.connected and bool(READ_SCOPES.intersection(self.scopes))


@dataclass(frozen=True, slots=True)
class Backlog:
    """The old activities that wait for a decision: how many, from when to when, and how long they will take.

    `since`: when the first of them was found.
    """

    count: int
    oldest: float | None
    newest: float | None
    days: int
    since: float
