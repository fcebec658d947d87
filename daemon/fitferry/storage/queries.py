"""What happened, and what goes on? What the page, the API and the commands list; nothing is changed here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from fitferry.core.activity import Thumbnail
from fitferry.core.upload import OPEN, Job, Status
from fitferry.storage.database import fn, function, tuples
from fitferry.storage.mapping import jobs_where
from fitferry.storage.models import ActivityRow, JobRow, ThumbnailRow

_ONE_SCAN = 3600.0
"""Seconds in which what lies in a folder is admitted."""


def listed(
    *,
    status: Status | None = None,
    athlete: str | None = None,
    text: str = "",
    sports: Iterable[str] = (),
    without_backlog: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[Job]:
    """The jobs, newest first; `skipped` only when asked for.

    `text`: what the name of the file or of the sport holds; `sports`: these, too. `without_backlog`: leave out
    what waits for a word on the old activities. `before`: below this id.
    """
    where = JobRow.status != Status.SKIPPED if status is None else JobRow.status == status
    if athlete is not None:
        where &= ActivityRow.athlete == athlete
    if text:
        named = fn.names(ActivityRow.path, ActivityRow.member, ActivityRow.sport)
        where &= (fn.INSTR(named, plain(text)) > 0) | ActivityRow.sport.in_(list(sports))
    if without_backlog:
        where &= (JobRow.status != Status.HELD) | (fn.COALESCE(JobRow.error_code, "") != "backlog")
    if before is not None:
        where &= JobRow.id < before
    return jobs_where(where, limit=limit)


def plain(text: str) -> str:
    """A text as it is compared: without capitals, and each letter in one piece, whatever wrote it (macOS does not)."""
    return unicodedata.normalize("NFC", text.casefold())


@function
def names(path: bytes, member: str, sport: str | None) -> str:
    """By what an activity is found."""
    name = path.rsplit(b"/", 1)[-1].decode("utf-8", "replace")
    return plain(f"{name} {member} {(sport or '').replace('_', ' ')}")


def unfinished() -> list[Job]:
    """Every pending and processing job, in the order in which they will be tried."""
    order = (JobRow.next_attempt_at, ActivityRow.start_time.desc(nulls="LAST"), JobRow.id)
    return jobs_where(JobRow.status.in_(OPEN), order=order)


def under_way(limit: int) -> list[Job]:
    """The pending and processing jobs that people ask for first: what is being sent, then the newest activities."""
    order = (JobRow.claimed_at.asc(nulls="LAST"), ActivityRow.start_time.desc(nulls="LAST"), JobRow.id)
    return jobs_where(JobRow.status.in_(OPEN), order=order, limit=limit)


def starts_since(moment: float) -> list[float]:
    """When the activities began that are on Strava now, from a moment on."""
    on_strava = JobRow.select(ActivityRow.start_time).join(ActivityRow)
    found = on_strava.where(ActivityRow.start_time >= moment, JobRow.status == Status.COMPLETED)
    return [row[0] for row in tuples(found)]


def import_so_far(started_before: float) -> int:
    """How many old activities were completed of those that came with the ones that are on their way."""
    old = ActivityRow.start_time < started_before
    came = (
        JobRow.select(fn.MIN(JobRow.created_at))
        .join(ActivityRow)
        .where(JobRow.status.in_(OPEN), old)
        .scalar()
    )
    if came is None:
        return 0
    done = JobRow.completed_at.is_null(False) & (JobRow.created_at >= came - _ONE_SCAN)
    return int(JobRow.select().join(ActivityRow).where(done, old).count())


def thumbnails(activity_ids: Iterable[int]) -> dict[int, Thumbnail]:
    """The sketches of some activities, of those that have one."""
    wanted = ThumbnailRow.activity.in_(list(activity_ids))
    found = tuples(
        ThumbnailRow.select(ThumbnailRow.activity, ThumbnailRow.kind, ThumbnailRow.path).where(wanted)
    )
    return {activity_id: Thumbnail(kind, path) for activity_id, kind, path in found}
