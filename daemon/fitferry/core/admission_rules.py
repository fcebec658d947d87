"""Decision what a file is admitted as: queued, held for a person's word, or skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from fitferry.core.activity import AdmissionDecision, FileKind, ParseResult
from fitferry.core.messages import uploads
from fitferry.core.rules import Rule, Subject, skipped_by
from fitferry.core.upload import ErrorCode, Status

OLD_SECONDS = 7 * 86_400.0
"""An activity that started longer ago may be one of many that were there before Fitferry was."""
FUTURE_SECONDS = 86_400.0
"""An activity that starts later than this from now shows that a clock is wrong, ours or the device's."""
FILE_FAULTS = (
    ErrorCode.UNFINISHED,
    ErrorCode.DAMAGED,
    ErrorCode.TOO_LARGE,
    ErrorCode.UNREADABLE_TIMES,
    ErrorCode.ARCHIVE_REFUSED,
)
"""Error codes of held jobs whose file itself has to be mended, replaced or deleted."""
REPAIRABLE = frozenset({ErrorCode.UNFINISHED, ErrorCode.DAMAGED})
"""Those of which, in a FIT file, what is there can be made whole."""


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """What the settings say of new files. `since`: a local day; `rules`: the metadata rules, one may say `skip`."""

    auto_upload: bool = True
    since: date | None = None
    rules: tuple[Rule, ...] = ()


def decide(
    found: ParseResult, settings: AdmissionRules, *, old: bool = False, clock_unknown: bool = False
) -> AdmissionDecision:
    """Decide what a file is admitted as. `old`: nobody has said yet what is to become of old activities.

    `clock_unknown`: that was judged by our clock alone, which may be wrong by weeks.
    """
    match found.kind:
        case FileKind.NO_ACTIVITY:
            return AdmissionDecision(
                Status.SKIPPED, ErrorCode.NO_ACTIVITY, uploads.NO_ACTIVITY(reason=found.reason)
            )
        case FileKind.ACTIVITY:
            return _decide_activity(found, settings, old=old, clock_unknown=clock_unknown)
        case _:
            return AdmissionDecision(Status.HELD, ErrorCode(found.kind), found.reason)


def skipped_by_rule(
    found: ParseResult, athlete: str, name: str, rules: Iterable[Rule]
) -> AdmissionDecision | None:
    """Decision of a rule that an activity is not to be uploaded; None without one. `name`: of its file."""
    if found.kind is not FileKind.ACTIVITY:
        return None
    number = skipped_by(rules, Subject(athlete, name, found.facts))
    if number is None:
        return None
    return AdmissionDecision(Status.SKIPPED, ErrorCode.RULE, uploads.SKIPPED_BY_RULE(rule=number))


def is_old(start_time: float | None, modified_at: float | None, now: float) -> bool:
    """Whether an activity started long ago, or in a future that shows a wrong clock.

    `modified_at`: when its file was written, which stands in where the activity does not say when it started.
    """
    started = modified_at if start_time is None else start_time
    return started is not None and not now - OLD_SECONDS <= started <= now + FUTURE_SECONDS


def may_be_old(start_time: float | None, now: float) -> bool:
    """The same by a clock that is right, for what a wrong one has judged; what does not say when it started may be."""
    return start_time is None or is_old(start_time, None, now)


def held_as_old() -> AdmissionDecision:
    """Decision on an activity that was there before Fitferry."""
    return AdmissionDecision(Status.HELD, ErrorCode.BACKLOG, uploads.BEFORE_FITFERRY())


def held_by_since(since: date) -> AdmissionDecision:
    """Decision on an activity that started before `since`."""
    return AdmissionDecision(Status.HELD, ErrorCode.SINCE, uploads.BEFORE_SINCE(since=since.isoformat()))


def starts_before(start_time: float | None, since: date | None) -> bool:
    """Whether an activity started before a local day began; one that does not say when did not."""
    if since is None or start_time is None:
        return False
    return start_time < midnight(since)


def midnight(day: date) -> float:
    """Epoch seconds at which a local day begins."""
    return datetime(day.year, day.month, day.day).astimezone().timestamp()


def _decide_activity(
    found: ParseResult, settings: AdmissionRules, *, old: bool, clock_unknown: bool
) -> AdmissionDecision:
    if settings.since is not None and starts_before(found.facts.start_time, settings.since):
        return held_by_since(settings.since)
    if not settings.auto_upload:
        return AdmissionDecision(Status.HELD, ErrorCode.AUTO_UPLOAD, uploads.AUTO_UPLOAD_OFF())
    if old and settings.since is None:
        return replace(held_as_old(), age_unproven=True)
    return AdmissionDecision(Status.PENDING, age_unproven=clock_unknown and settings.since is None)
