"""One ride: what it was, what happened to it, what was sent, and the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fitferry.core import rules
from fitferry.core.filenames import shown
from fitferry.core.follow_up import FollowUp, FollowUpKind, FollowUpState
from fitferry.core.messages import Message, verbatim, web
from fitferry.core.upload import Attempt, Job, Outcome, Status
from fitferry.monitoring.status import job_views
from fitferry.storage import attempts, follow_ups, queries
from fitferry.web.context import WebContext
from fitferry.web.language import ViewerLocale
from fitferry.web.rides import ride_of
from fitferry.web.titles import sport_of

Happened = tuple[float | None, Message, str, str]
"""When it was, what it was, its glyph and its colour."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `day`: where it is another than that of the step before."""

    day: str
    time: str
    text: str
    glyph: str
    tone: str


def details(context: WebContext, locale: ViewerLocale, job: Job) -> dict[str, object]:
    (view,) = job_views([job], context.clock())
    thumbnail = queries.thumbnails([job.activity_id]).get(job.activity_id)
    return {
        "job": job,
        "ride": ride_of(context, locale, view, thumbnail),
        "started": locale.day_and_times(job.start_time, job.elapsed_s) if job.start_time else "",
        "figures": _figures(locale, job),
        "steps": list(_steps(context, locale, job)),
        "sent": _sent(context, locale, job),
        "folder": shown(str(Path(job.path).parent), whole=True),
        "device": " ".join(filter(None, (job.manufacturer, job.product))).replace("_", " "),
    }


def _figures(locale: ViewerLocale, job: Job) -> list[tuple[str, str]]:
    found = [
        (locale.of(web.DISTANCE()), locale.distance(job.distance_m)),
        (locale.of(web.MOVING_TIME()), locale.duration(job.duration_s)),
        (locale.of(web.ELAPSED_TIME()), locale.duration(job.elapsed_s)),
        (locale.of(web.CLIMB()), f"{locale.number(job.ascent_m)} m" if job.ascent_m else ""),
        (
            locale.of(web.HEART_RATE()),
            locale.number(job.average_heart_rate) if job.average_heart_rate else "",
        ),
        (locale.of(web.POWER_LABEL()), f"{locale.number(job.average_power)} W" if job.average_power else ""),
    ]
    return [(name, value) for name, value in found if value]


def _steps(context: WebContext, locale: ViewerLocale, job: Job) -> list[Step]:
    """What the ledger knows of a ride's way, in order."""
    by_folder = any(Path(job.path).is_relative_to(watch.folder) for watch in context.settings.watch)
    folder = shown(str(Path(job.path).parent), whole=True)
    came = web.CAME_BY_FOLDER(folder=folder) if by_folder else web.CAME_BY_HAND()
    found: list[Happened] = [(job.created_at, came, "down", "soft")]
    log = attempts.of_job(job.id)
    found += [_attempt_step(job, attempt) for attempt in log]
    found += _steps_beside(job, log)
    found += [_follow_up_step(follow_up) for follow_up in follow_ups.of_job(job.id)]
    steps, day = list[Step](), ""
    for moment, message, glyph, tone in found:
        before, day = day, locale.weekday_of(moment) if moment else day
        time = locale.second_of(moment) if moment else ""
        steps.append(Step(day if day != before else "", time, locale.render(message), glyph, tone))
    return steps


def _attempt_step(job: Job, attempt: Attempt) -> Happened:
    number, reason = attempt.number, attempt.message or verbatim(attempt.outcome.value)
    match attempt.outcome:
        case Outcome.ACCEPTED | Outcome.PROCESSING:
            return attempt.at, web.TRY_ACCEPTED(number=number), "up", "soft"
        case Outcome.COMPLETED:
            is_last = job.completed_at == attempt.at and job.strava_activity_id is not None
            done = (
                web.ON_STRAVA(number=str(job.strava_activity_id)) if is_last else web.TRY_DONE(number=number)
            )
            return attempt.at, done, "ok", "good"
        case Outcome.DUPLICATE:
            return attempt.at, web.TRY_ENDED(number=number, reason=reason), "twice", "good"
        case Outcome.FAILED | Outcome.RETRY:
            return attempt.at, web.TRY_ENDED(number=number, reason=reason), "cross", "bad"
        case Outcome.WAITING | Outcome.HELD | Outcome.SKIPPED:
            return attempt.at, web.TRY_ENDED(number=number, reason=reason), "pause", "wait"


def _steps_beside(job: Job, log: list[Attempt]) -> Iterator[Happened]:
    """What happened beside attempts, or before they were kept."""
    last, reason = log[-1] if log else None, job.error_message
    if job.sent_at is not None and (last is None or job.sent_at > last.at):
        yield job.sent_at, web.SENT(), "up", "soft"
    if job.accepted_at is not None and last is None:
        yield job.accepted_at, web.ACCEPTED(), "up", "soft"
    if job.status is Status.COMPLETED:
        if last is None or last.outcome not in {Outcome.COMPLETED, Outcome.DUPLICATE}:
            number = str(job.strava_activity_id or "")
            ended = web.STOPPED(reason=reason) if reason and not number else web.ON_STRAVA(number=number)
            yield job.completed_at, ended, "ok", "good"
    elif reason is not None and (last is None or reason != last.message):
        tone = "bad" if job.status is Status.FAILED else "wait"
        tried = web.TRIED_WITHOUT(count=job.failures, reason=reason)
        message = tried if job.failures and job.status is not Status.SKIPPED else web.STOPPED(reason=reason)
        yield job.completed_at or job.tried_at, message, "pause", tone


def _follow_up_step(follow_up: FollowUp) -> Happened:
    """What followed the upload, or is to follow it: an edit on Strava, the command of the settings."""
    edit = follow_up.kind is FollowUpKind.EDIT
    if follow_up.state is FollowUpState.DONE:
        return follow_up.finished_at, web.EDITED() if edit else web.HOOK_RAN(), "ok", "good"
    if follow_up.state is FollowUpState.GIVEN_UP:
        failed = web.EDIT_GIVEN_UP if edit else web.HOOK_GIVEN_UP
        return follow_up.finished_at, failed(reason=follow_up.message), "cross", "bad"
    return None, web.EDIT_OWED() if edit else web.HOOK_OWED(), "pause", "wait"


def _sent(context: WebContext, locale: ViewerLocale, job: Job) -> list[tuple[str, str]]:
    """What goes to Strava beside the file, by the rules of today."""
    subject = rules.Subject(job.athlete, job.file, job)
    fields = rules.upload_fields(context.settings.rules, subject)
    names = {
        "name": locale.of(web.NAME_LABEL()),
        "description": locale.of(web.DESCRIPTION()),
        "sport_type": locale.of(web.SPORT_LABEL()),
        "trainer": locale.of(web.TRAINER()),
        "commute": locale.of(web.COMMUTE()),
    }
    found = [
        (names.get(field, field), locale.of(web.YES_LABEL()) if value == "1" else value)
        for field, value in fields.items()
    ]
    if "sport_type" not in fields:
        sport = locale.of(sport_of(job))
        found.append((locale.of(web.SPORT_LABEL()), locale.of(web.SPORT_OF_FILE(sport=sport))))
    found += [
        (field, str(value)) for field, value in rules.edit_fields(context.settings.rules, subject).items()
    ]
    return [*found, (locale.of(web.SENT_AS()), job.external_id)]
