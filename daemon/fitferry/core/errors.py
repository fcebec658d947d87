"""The planned failures; each carries a message for a person: what happened, and what can be done.

FitferryError
├─ SettingsError     config: every wrong setting at once               → exit 78
├─ CannotRun         daemon: locked, port in use, no state folder      → its own exit code
├─ KeyFileError      auth: the key is missing, open to others, or another one
├─ StorageError      storage: the database is newer than this program, or cannot be opened
├─ StravaError       strava: one request failed; `kind` says how
├─ SignInFailed      auth: a consent that did not lead to a connection
├─ NotConnected      auth: nobody has signed in for this athlete
├─ ClaimLost         uploads: the job belongs to another attempt by now
└─ RequestRejected   a person asked for something that cannot be done
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from fitferry.core.messages import Message, verbatim

if TYPE_CHECKING:
    from fitferry.core.strava import StravaErrorKind


class FitferryError(Exception):
    """A planned failure; `message` is fit to be shown, `str()` is its English."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(str(message))


class PlannedOSError(OSError):
    """What Fitferry itself found wrong with a file or a folder, where an error of the system would be as well."""

    def __init__(self, number: int, message: Message, path: str | None = None) -> None:
        self.message = message
        super().__init__(number, str(message), path)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One wrong setting: its key, and what is wrong with it."""

    key: str
    message: Message

    def __str__(self) -> str:
        return str(self.message)


class SettingsError(FitferryError):
    """The settings cannot be used; `problems` holds every one of them."""

    def __init__(self, problems: list[SettingProblem]) -> None:
        self.problems = problems
        super().__init__(verbatim("\n".join(str(problem) for problem in problems)))


class CannotRun(FitferryError):
    """The daemon cannot start; `exit_code` tells systemd whether trying again may help."""

    def __init__(self, message: Message, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class KeyFileError(FitferryError):
    """The key file cannot be used, or does not open what it should."""


class StorageError(FitferryError):
    """The database cannot be used by this version of the program."""


class StravaError(FitferryError):
    """One request to Strava came to nothing.

    `sent`: some of the body had left, so it may have arrived.
    `retry_after`: seconds that Strava asked us to wait, for RATE_LIMITED only; it says so seldom.
    """

    def __init__(
        self, kind: StravaErrorKind, message: Message, *, sent: bool = False, retry_after: float | None = None
    ) -> None:
        self.kind = kind
        self.sent = sent
        self.retry_after = retry_after
        super().__init__(message)


class RefreshError(StravaError):
    """The refresh of an access token came to nothing: no byte of a file was concerned."""


class SignInProblem(StrEnum):
    """Why a consent did not lead to a connection."""

    STATE = "state"
    """Unknown, used already, or older than ten minutes."""
    OTHER_BROWSER = "other_browser"
    REFUSED = "refused"
    """By the person, on Strava's page."""
    SCOPE = "scope"
    CODE = "code"
    ACCOUNT = "account"
    """Another Strava account than the one that this athlete had."""
    TAKEN = "taken"
    """A Strava account that another athlete here has."""
    APP = "app"
    STRAVA = "strava"
    UNREACHABLE = "unreachable"


class SignInFailed(FitferryError):
    """A consent did not lead to a connection; `status` is the HTTP status."""

    def __init__(self, code: SignInProblem, message: Message, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class NotConnected(FitferryError):
    """This athlete has no tokens that could be used."""


class ClaimLost(FitferryError):
    """The job is not this attempt's any more: nothing is sent, and nothing is written."""

    def __init__(self) -> None:
        super().__init__(verbatim("the job belongs to another attempt"))


class RejectionCode(StrEnum):
    """Why a request is rejected, as the API names it; `status`: the HTTP status that goes with it."""

    status: int

    def __new__(cls, code: str, status: int = 400) -> Self:
        member = str.__new__(cls, code)
        member._value_, member.status = code, status
        return member

    BAD_DECISION = "bad_decision"
    BAD_JSON = "bad_json"
    BAD_VALUE = "bad_value"
    EMPTY = "empty"
    NO_ACTIVITY = "no_activity"
    NO_FILE = "no_file"
    UNAUTHORIZED = "unauthorized", 401
    FORBIDDEN = "forbidden", 403
    ORIGIN = "origin", 403
    OTHER_ATHLETE = "other_athlete", 403
    UNKNOWN = "unknown", 404
    UNKNOWN_ATHLETE = "unknown_athlete", 404
    COMPLETED = "completed", 409
    EXISTS = "exists", 409
    IN_FLIGHT = "in_flight", 409
    NAME_TAKEN = "name_taken", 409
    NOT_FAILED = "not_failed", 409
    NOT_REPAIRABLE = "not_repairable", 409
    NOT_WAITING = "not_waiting", 409
    UNREADABLE = "unreadable", 409
    LENGTH = "length", 411
    TOO_LARGE = "too_large", 413
    HOST = "host", 421


class RequestRejected(FitferryError):
    """A person or a program asked for something that cannot be done."""

    def __init__(self, code: RejectionCode, message: Message) -> None:
        self.code = code
        super().__init__(message)

    @property
    def status(self) -> int:
        return self.code.status
