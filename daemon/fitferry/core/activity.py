"""Values of a file: what it holds, how it was admitted, and the folder that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto
from typing import NamedTuple, Protocol

from fitferry.core.messages import Message
from fitferry.core.upload import ErrorCode, Status


class FileKind(StrEnum):
    """What the bytes of a file say of it."""

    ACTIVITY = "activity"
    """Whole, and an activity: it can be sent."""
    NO_ACTIVITY = "no_activity"
    """Nothing for Strava: a course, settings, a workout, an empty file, an unknown format."""
    UNFINISHED = "unfinished"
    """Shorter than it says it is, or still full of zeros: more may come."""
    DAMAGED = "damaged"
    """As long as it says, but the checksum or the structure is wrong."""
    TOO_LARGE = "too_large"
    """More than Strava takes in one upload."""
    UNREADABLE_TIMES = "unreadable_times"
    """A track with times, none of which can be read."""
    ARCHIVE_REFUSED = "archive_refused"
    """An archive, or a member of one, that cannot be unpacked: a password, an unusual method, its bounds."""


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """What a file says of the activity in it; None where it says nothing.

    `kind`, `sport`, `sub_sport`, `manufacturer`, `product`: the FIT profile's lower-case names, or the
    number as text where the profile has no name. `sport` is the first session's; times are seconds,
    distance metres, both summed over all sessions. `duration_s` is timer time, `elapsed_s` has the pauses.
    Heart rate is beats a minute, power watts. `serials`: of the recording device first, then of its sensors.
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
    ascent_m: float | None = None
    average_heart_rate: float | None = None
    average_power: float | None = None
    serials: tuple[str, ...] = ()


class Sample(NamedTuple):
    """One moment of an activity; degrees, beats a minute, watts."""

    latitude: float | None = None
    longitude: float | None = None
    heart_rate: float | None = None
    power: float | None = None


class ThumbnailKind(StrEnum):
    """What is drawn of an activity."""

    ROUTE = "route"
    HEART_RATE = "heart_rate"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An activity drawn small. `path`: an SVG path in a square of 100."""

    kind: ThumbnailKind
    path: str


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What was found out about some bytes.

    `data_type`: Strava's name for the format ("fit"). `reason`: why it is no activity that can be sent. `proven`: the
    format itself shows that nothing is missing; without that a file has to stay the same for a while. `samples`: some
    moments, evenly spread, from which a thumbnail can be drawn.
    """

    kind: FileKind
    data_type: str = ""
    facts: ActivityFacts = ActivityFacts()
    reason: Message | None = None
    proven: bool = False
    samples: tuple[Sample, ...] = ()


class StatResult(Protocol):
    """The part of `os.stat_result` that tells whether a file's content may have changed."""

    @property
    def st_size(self) -> int: ...

    @property
    def st_mtime_ns(self) -> int: ...

    @property
    def st_ctime_ns(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StatFingerprint:
    """What `stat` says of a file's content: if none of it changed, neither did the bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: StatResult) -> StatFingerprint:
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class AdmissionDecision:
    """What a file is admitted as: its first status, and the reason where it is not PENDING.

    `age_unproven`: how old it is, or whether a few old ones need a decision, is judged again when the first scan ends.
    """

    status: Status
    error_code: ErrorCode | None = None
    error_message: Message | None = None
    age_unproven: bool = False


@dataclass(frozen=True, slots=True)
class NewActivity:
    """One activity on its way into the ledger. `member`: its name in an archive of several, else empty."""

    sha256: str
    result: ParseResult
    admission: AdmissionDecision
    member: str = ""
    thumbnail: Thumbnail | None = None


class FileEvent(StrEnum):
    """What an event said of a file."""

    APPEARED = "appeared"
    """It is there: created, linked, or moved in with its folder."""
    WRITTEN = "written"
    """Somebody writes it, and has not closed it."""
    CLOSED = "closed"
    """Its writer has closed it, or it was renamed into place."""


class Stability(IntEnum):
    """How long a file has stayed the same."""

    CLOSED = auto()
    """Its writer has just closed it or renamed it into place."""
    SETTLED = auto()
    """For `settle` seconds."""
    STALLED = auto()
    """For ten minutes: nobody is at it any more."""


class AdmissionResult(StrEnum):
    """What came of looking at a file in a watched folder."""

    ADMITTED = "admitted"
    SENDING = "sending"
    """Admitted, and a worker has it already."""
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
class IncompleteFile:
    """A file on its way: bytes that are there and bytes that there will be, None where it does not say."""

    path: str
    have: int
    want: int | None


class WatchMethod(StrEnum):
    """How changes in a folder are noticed."""

    AUTO = "auto"
    """In the settings only: events where they can be relied on."""
    EVENTS = "events"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a watched folder is doing. `method`: events or poll.

    `reason`: why it is not available. `notes`: what else a person may want to know. `unreadable`: paths.
    `not_moved`: why uploaded files could not be archived or deleted.
    """

    folder: str
    athlete: str
    method: WatchMethod
    available: bool
    reason: Message | None = None
    notes: tuple[Message, ...] = ()
    receiving: tuple[IncompleteFile, ...] = ()
    unreadable: tuple[str, ...] = ()
    not_moved: Message | None = None

    @property
    def is_looked_at(self) -> bool:
        """Whether anybody has looked yet: what is not available has a reason then."""
        return self.available or self.reason is not None
