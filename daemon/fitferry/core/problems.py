"""What needs a person: each problem's title, what happened, what to do, that it is resolved, and its buttons.

The order of `ProblemCode` is the order of causes: what stands first is shown first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fitferry.core.admission_rules import FILE_FAULTS
from fitferry.core.messages import Message, Param, Template, placeholders, problems
from fitferry.core.messages.problems import ProblemText
from fitferry.core.upload import ErrorCode


class ProblemCode(StrEnum):
    """What may be wrong, as the status file and the API name it."""

    INTERNAL = "internal"
    NOT_CONNECTED = "not_connected"
    SHARED_ACCOUNT = "shared_account"
    APP_REFUSED = "app_refused"
    APP_INACTIVE = "app_inactive"
    ATHLETE_LIMIT = "athlete_limit"
    WRONG_ADDRESS = "wrong_address"
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


HELD_FILES = (ErrorCode.FILE_GONE, *FILE_FAULTS)
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
class Problem:
    """Something that a person should know: what, since when, and whose.

    `params`: what its texts name; `variant` chooses among the texts of one code. `subject`: what it is about where
    one athlete may have several: a folder. `latest`: the newest of the jobs that it is about, 0 for none.
    """

    code: ProblemCode
    params: tuple[tuple[str, Param], ...]
    since: float
    athlete: str | None
    subject: str
    variant: str
    latest: int

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
        return ACTIONS.get(self.code, ())

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
    return Problem(code, tuple(sorted(params.items())), since, athlete, subject, variant, latest)


def resolved(key: str) -> Message:
    """That the problem with this key is resolved; also for a code that only another version knows."""
    code, _, about = key.partition("/")
    if code not in set(ProblemCode):
        return problems.RESOLVED()
    return problem(ProblemCode(code), 0.0, athlete=about, folder=about).resolved


def sorted_by_cause(found: Iterable[Problem]) -> list[Problem]:
    """The problems in the order in which they are best solved."""
    order = list(ProblemCode)
    return sorted(found, key=lambda problem: order.index(problem.code))


TEXTS: Mapping[tuple[ProblemCode, str], ProblemText] = {
    **{(code, ""): getattr(problems, code.name) for code in ProblemCode},
    (ProblemCode.NOT_CONNECTED, "revoked"): problems.NOT_CONNECTED_REVOKED,
    (ProblemCode.NOT_CONNECTED, "scope"): problems.NOT_CONNECTED_SCOPE,
    (ProblemCode.NOT_CONNECTED, "key"): problems.NOT_CONNECTED_KEY,
    (ProblemCode.FOLDER_UNAVAILABLE, "no_permission"): problems.FOLDER_UNAVAILABLE_NO_PERMISSION,
    (ProblemCode.BACKLOG, "dated"): problems.BACKLOG_DATED,
}
"""By code and variant; the texts of a code have its name."""
_APP = (ProblemAction.TRY_NOW, ProblemAction.STRAVA_SETTINGS)
_FILE = (ProblemAction.SHOW_FILES, ProblemAction.DISMISS)
_SENDABLE = (ProblemAction.SHOW_FILES, ProblemAction.UPLOAD_ANYWAY, ProblemAction.DISMISS)
ACTIONS: Mapping[ProblemCode, tuple[ProblemAction, ...]] = {
    ProblemCode.NOT_CONNECTED: (ProblemAction.CONNECT,),
    ProblemCode.APP_REFUSED: _APP,
    ProblemCode.APP_INACTIVE: _APP,
    ProblemCode.ATHLETE_LIMIT: _APP,
    ProblemCode.WRONG_ADDRESS: (ProblemAction.TRY_NOW,),
    ProblemCode.FILE_GONE: _FILE,
    ProblemCode.UNFINISHED: _SENDABLE,
    ProblemCode.DAMAGED: _SENDABLE,
    ProblemCode.TOO_LARGE: _FILE,
    ProblemCode.UNREADABLE_TIMES: _SENDABLE,
    ProblemCode.ARCHIVE_REFUSED: _FILE,
    ProblemCode.BACKLOG: (ProblemAction.DECIDE_BACKLOG,),
}
"""What the page offers, where it offers something."""
