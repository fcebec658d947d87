"""What needs a person: each problem's title, what happened, what to do, that it is resolved, and its buttons.

The order of `ProblemCode` is the order of causes: what stands first is shown first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fitferry.core.messages import Message, Param, Template, placeholders, problems


class ProblemCode(StrEnum):
    """What may be wrong, as the status file and the API name it."""

    INTERNAL = "internal"
    NOT_CONNECTED = "not_connected"
    SHARED_ACCOUNT = "shared_account"
    APP_REFUSED = "app_refused"
    APP_INACTIVE = "app_inactive"
    ATHLETE_LIMIT = "athlete_limit"
    WRONG_ADDRESS = "wrong_address"
    CLOCK = "clock"
    FOLDER_UNAVAILABLE = "folder_unavailable"
    UNREADABLE = "unreadable"
    FOLDER_BOUND = "folder_bound"
    NOT_MOVED = "not_moved"
    LINK_IN_ARCHIVE_PATH = "link_in_archive_path"
    EDIT_FAILED = "edit_failed"
    HOOK_FAILED = "hook_failed"
    NO_COPY = "no_copy"
    FILE_GONE = "file_gone"
    UNFINISHED = "unfinished"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    UNREADABLE_TIMES = "unreadable_times"
    ARCHIVE_REFUSED = "archive_refused"
    BACKLOG = "backlog"


HELD_FILES = (
    ProblemCode.FILE_GONE,
    ProblemCode.UNFINISHED,
    ProblemCode.DAMAGED,
    ProblemCode.TOO_LARGE,
    ProblemCode.UNREADABLE_TIMES,
    ProblemCode.ARCHIVE_REFUSED,
)
"""Reasons to hold a file that may be a ride: a job's `error_code` and the problem's code are the same word."""


class ProblemAction(StrEnum):
    """What the page offers to do about a problem."""

    CONNECT = "connect"
    TRY_NOW = "try_now"
    """Ask Strava again at once: else Fitferry does so once an hour."""
    STRAVA_SETTINGS = "strava_settings"
    """The way to strava.com/settings/api."""
    SHOW_FILES = "show_files"
    UPLOAD_ANYWAY = "upload_anyway"
    DISMISS = "dismiss"
    DECIDE_BACKLOG = "decide_backlog"


@dataclass(frozen=True, slots=True)
class ProblemText:
    """What is said of a problem, and what the page offers."""

    title: Template
    what: Template
    advice: Template
    resolved: Template
    actions: tuple[ProblemAction, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know: what, since when, and whose.

    `params`: what its texts name; `variant` chooses among the texts of one code. `subject`: what it is about where
    one athlete may have several: a folder. `latest`: the newest of the jobs that it is about, 0 for none.
    """

    code: ProblemCode
    params: tuple[tuple[str, Param], ...]
    since: float
    athlete: str | None = None
    subject: str = ""
    variant: str = ""
    latest: int = 0

    @property
    def key(self) -> str:
        """The same for the same problem, whatever its numbers are by now."""
        return f"{self.code}/{self.subject or self.athlete or ''}"

    @property
    def title(self) -> Message:
        """A few words, with a capital."""
        return self._filled(self._text.title)

    @property
    def what(self) -> Message:
        """What happened."""
        return self._filled(self._text.what)

    @property
    def advice(self) -> Message:
        """What a person can do."""
        return self._filled(self._text.advice)

    @property
    def message(self) -> Message:
        """What happened, and what a person can do."""
        return problems.WITH_ADVICE(what=self.what, advice=self.advice)

    @property
    def resolved(self) -> Message:
        """That it is resolved."""
        return self._filled(self._text.resolved)

    @property
    def actions(self) -> tuple[ProblemAction, ...]:
        """What the page offers."""
        return self._text.actions

    @property
    def _text(self) -> ProblemText:
        return TEXTS.get((self.code, self.variant)) or TEXTS[self.code, ""]

    def _filled(self, template: Template) -> Message:
        names = placeholders(template.text) | placeholders(template.plural or "")
        known: dict[str, Param] = {"athlete": self.athlete, **dict(self.params)}
        if template.plural:
            names |= {"count"}
        return Message(template.code, tuple((name, known.get(name)) for name in sorted(names)))


def problem(
    code: ProblemCode,
    since: float,
    *,
    athlete: str | None = None,
    subject: str = "",
    variant: str = "",
    latest: int = 0,
    **params: Param,
) -> Problem:
    """A problem with the parameters of its texts."""
    return Problem(code, tuple(sorted(params.items())), since, athlete, subject, variant, latest)


def resolved(key: str) -> Message:
    """That the problem with this key is resolved; also for a code that only another version knows."""
    code, _, about = key.partition("/")
    if code not in set(ProblemCode):
        return problems.RESOLVED()
    return problem(ProblemCode(code), 0.0, athlete=about, folder=about).resolved


def sorted_by_cause(found: list[Problem]) -> list[Problem]:
    """The problems in the order in which they are best solved."""
    order = list(ProblemCode)
    return sorted(found, key=lambda problem: order.index(problem.code))


_CONNECT = (ProblemAction.CONNECT,)
_APP = (ProblemAction.TRY_NOW, ProblemAction.STRAVA_SETTINGS)
_FILE = (ProblemAction.SHOW_FILES, ProblemAction.DISMISS)
_SENDABLE = (ProblemAction.SHOW_FILES, ProblemAction.UPLOAD_ANYWAY, ProblemAction.DISMISS)

TEXTS: Mapping[tuple[ProblemCode, str], ProblemText] = {
    (ProblemCode.INTERNAL, ""): ProblemText(
        problems.INTERNAL_TITLE, problems.INTERNAL, problems.INTERNAL_ADVICE, problems.INTERNAL_RESOLVED
    ),
    (ProblemCode.NOT_CONNECTED, ""): ProblemText(
        problems.NOT_CONNECTED_TITLE,
        problems.NOT_CONNECTED,
        problems.CONNECT_ADVICE,
        problems.CONNECTED_RESOLVED,
        _CONNECT,
    ),
    (ProblemCode.NOT_CONNECTED, "revoked"): ProblemText(
        problems.NOT_CONNECTED_TITLE,
        problems.NOT_CONNECTED_REVOKED,
        problems.CONNECT_ADVICE,
        problems.CONNECTED_RESOLVED,
        _CONNECT,
    ),
    (ProblemCode.NOT_CONNECTED, "scope"): ProblemText(
        problems.NOT_CONNECTED_TITLE,
        problems.NOT_CONNECTED_SCOPE,
        problems.CONNECT_SCOPE_ADVICE,
        problems.CONNECTED_RESOLVED,
        _CONNECT,
    ),
    (ProblemCode.NOT_CONNECTED, "key"): ProblemText(
        problems.NOT_CONNECTED_TITLE,
        problems.NOT_CONNECTED_KEY,
        problems.CONNECT_ADVICE,
        problems.CONNECTED_RESOLVED,
        _CONNECT,
    ),
    (ProblemCode.SHARED_ACCOUNT, ""): ProblemText(
        problems.SHARED_ACCOUNT_TITLE,
        problems.SHARED_ACCOUNT,
        problems.SHARED_ACCOUNT_ADVICE,
        problems.SHARED_ACCOUNT_RESOLVED,
    ),
    (ProblemCode.APP_REFUSED, ""): ProblemText(
        problems.APP_REFUSED_TITLE,
        problems.APP_REFUSED,
        problems.APP_REFUSED_ADVICE,
        problems.APP_RESOLVED,
        _APP,
    ),
    (ProblemCode.APP_INACTIVE, ""): ProblemText(
        problems.APP_INACTIVE_TITLE,
        problems.APP_INACTIVE,
        problems.APP_INACTIVE_ADVICE,
        problems.APP_RESOLVED,
        _APP,
    ),
    (ProblemCode.ATHLETE_LIMIT, ""): ProblemText(
        problems.ATHLETE_LIMIT_TITLE,
        problems.ATHLETE_LIMIT,
        problems.ATHLETE_LIMIT_ADVICE,
        problems.APP_RESOLVED,
        _APP,
    ),
    (ProblemCode.WRONG_ADDRESS, ""): ProblemText(
        problems.WRONG_ADDRESS_TITLE,
        problems.WRONG_ADDRESS,
        problems.WRONG_ADDRESS_ADVICE,
        problems.WRONG_ADDRESS_RESOLVED,
        (ProblemAction.TRY_NOW,),
    ),
    (ProblemCode.CLOCK, ""): ProblemText(
        problems.CLOCK_TITLE, problems.CLOCK, problems.CLOCK_ADVICE, problems.CLOCK_RESOLVED
    ),
    (ProblemCode.FOLDER_UNAVAILABLE, ""): ProblemText(
        problems.FOLDER_UNAVAILABLE_TITLE,
        problems.FOLDER_UNAVAILABLE,
        problems.FOLDER_UNAVAILABLE_ADVICE,
        problems.FOLDER_UNAVAILABLE_RESOLVED,
    ),
    (ProblemCode.FOLDER_UNAVAILABLE, "no_permission"): ProblemText(
        problems.FOLDER_UNAVAILABLE_TITLE,
        problems.FOLDER_UNAVAILABLE,
        problems.FOLDER_CLOSED_ADVICE,
        problems.FOLDER_UNAVAILABLE_RESOLVED,
    ),
    (ProblemCode.UNREADABLE, ""): ProblemText(
        problems.UNREADABLE_TITLE,
        problems.UNREADABLE,
        problems.UNREADABLE_ADVICE,
        problems.UNREADABLE_RESOLVED,
    ),
    (ProblemCode.FOLDER_BOUND, ""): ProblemText(
        problems.FOLDER_BOUND_TITLE,
        problems.FOLDER_BOUND,
        problems.FOLDER_BOUND_ADVICE,
        problems.FOLDER_BOUND_RESOLVED,
    ),
    (ProblemCode.NOT_MOVED, ""): ProblemText(
        problems.NOT_MOVED_TITLE, problems.NOT_MOVED, problems.NOT_MOVED_ADVICE, problems.NOT_MOVED_RESOLVED
    ),
    (ProblemCode.LINK_IN_ARCHIVE_PATH, ""): ProblemText(
        problems.LINK_IN_PATH_TITLE,
        problems.LINK_IN_PATH,
        problems.LINK_IN_PATH_ADVICE,
        problems.NOT_MOVED_RESOLVED,
    ),
    (ProblemCode.NO_COPY, ""): ProblemText(
        problems.NO_COPY_TITLE, problems.NO_COPY, problems.NO_COPY_ADVICE, problems.NO_COPY_RESOLVED
    ),
    (ProblemCode.EDIT_FAILED, ""): ProblemText(
        problems.EDIT_FAILED_TITLE,
        problems.EDIT_FAILED,
        problems.EDIT_FAILED_ADVICE,
        problems.EDIT_FAILED_RESOLVED,
    ),
    (ProblemCode.HOOK_FAILED, ""): ProblemText(
        problems.HOOK_FAILED_TITLE,
        problems.HOOK_FAILED,
        problems.HOOK_FAILED_ADVICE,
        problems.HOOK_FAILED_RESOLVED,
    ),
    (ProblemCode.FILE_GONE, ""): ProblemText(
        problems.FILE_GONE_TITLE,
        problems.FILE_GONE,
        problems.FILE_GONE_ADVICE,
        problems.FILES_RESOLVED,
        _FILE,
    ),
    (ProblemCode.UNFINISHED, ""): ProblemText(
        problems.UNFINISHED_TITLE,
        problems.UNFINISHED,
        problems.UNFINISHED_ADVICE,
        problems.FILES_RESOLVED,
        _SENDABLE,
    ),
    (ProblemCode.DAMAGED, ""): ProblemText(
        problems.DAMAGED_TITLE, problems.DAMAGED, problems.DAMAGED_ADVICE, problems.FILES_RESOLVED, _SENDABLE
    ),
    (ProblemCode.TOO_LARGE, ""): ProblemText(
        problems.TOO_LARGE_TITLE,
        problems.TOO_LARGE,
        problems.TOO_LARGE_ADVICE,
        problems.FILES_RESOLVED,
        _FILE,
    ),
    (ProblemCode.UNREADABLE_TIMES, ""): ProblemText(
        problems.UNREADABLE_TIMES_TITLE,
        problems.UNREADABLE_TIMES,
        problems.UNREADABLE_TIMES_ADVICE,
        problems.FILES_RESOLVED,
        _SENDABLE,
    ),
    (ProblemCode.ARCHIVE_REFUSED, ""): ProblemText(
        problems.ARCHIVE_REFUSED_TITLE,
        problems.ARCHIVE_REFUSED,
        problems.ARCHIVE_REFUSED_ADVICE,
        problems.FILES_RESOLVED,
        _FILE,
    ),
    (ProblemCode.BACKLOG, ""): ProblemText(
        problems.BACKLOG_TITLE,
        problems.BACKLOG,
        problems.BACKLOG_ADVICE,
        problems.BACKLOG_RESOLVED,
        (ProblemAction.DECIDE_BACKLOG,),
    ),
    (ProblemCode.BACKLOG, "dated"): ProblemText(
        problems.BACKLOG_TITLE,
        problems.BACKLOG_DATED,
        problems.BACKLOG_ADVICE,
        problems.BACKLOG_RESOLVED,
        (ProblemAction.DECIDE_BACKLOG,),
    ),
}
