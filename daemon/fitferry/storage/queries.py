"""What the page, the API and the commands list; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable

from fitferry.core.activity import Thumbnail
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.storage import search
from fitferry.storage.database import fn, run, tuples
from fitferry.storage.mapping import IS_HELD, IS_LISTED, IS_OPEN, jobs_where
from fitferry.storage.models import JobRow, ThumbnailRow

_ONE_SCAN = 3600.0
"""Seconds in which what lies in a folder is admitted."""
_OLDEST_OPEN = """
SELECT min(created_at) FROM upload_job INDEXED BY upload_job_start
WHERE status IN ('pending', 'processing') AND start_time < ?
"""
_NEWEST_WAITING = """
SELECT id FROM upload_job INDEXED BY upload_job_start
WHERE status IN ('pending', 'processing') AND NOT (status = 'processing' AND upload_id IS NULL)
ORDER BY start_time DESC, id LIMIT ?
"""
_DONE_SINCE = """
SELECT count(*) FROM upload_job INDEXED BY upload_job_created
WHERE created_at >= ? AND status = 'completed' AND start_time < ?
"""


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
    if text:
        conditions, values = _conditions(status, athlete, before, without_backlog=without_backlog)
        ids = search.found(text, list(sports), conditions, values, limit)
        return jobs_where(JobRow.id.in_(ids)) if ids else []
    where = IS_LISTED if status is None else IS_HELD if status is Status.HELD else JobRow.status == status
    if athlete is not None:
        where &= JobRow.athlete == athlete
    if without_backlog:
        where &= (JobRow.status != Status.HELD) | (fn.COALESCE(JobRow.error_code, "") != ErrorCode.BACKLOG)
    if before is not None:
        where &= JobRow.id < before
    return jobs_where(where, limit=limit)


def _conditions(
    status: Status | None, athlete: str | None, before: int | None, *, without_backlog: bool
) -> tuple[str, list[object]]:
    """The same conditions in SQL of the job `j`."""
    conditions, values = ["j.status <> 'skipped'" if status is None else "j.status = ?"], list[object]()
    values += [] if status is None else [status]
    if athlete is not None:
        conditions, values = [*conditions, "j.athlete = ?"], [*values, athlete]
    if without_backlog:
        conditions = [*conditions, "(j.status <> 'held' OR coalesce(j.error_code, '') <> 'backlog')"]
    if before is not None:
        conditions, values = [*conditions, "j.id < ?"], [*values, before]
    return " AND ".join(conditions), values


def unfinished() -> list[Job]:
    """Every pending and processing job, in the order in which they will be tried."""
    order = (JobRow.next_attempt_at, JobRow.start_time.desc(), JobRow.id)
    return jobs_where(IS_OPEN, order=order)


def under_way(limit: int) -> list[Job]:
    """The pending and processing jobs that people ask for first: what is being sent, then the newest activities."""
    being_sent = IS_OPEN & (JobRow.status == Status.PROCESSING) & JobRow.upload_id.is_null()
    sending = jobs_where(being_sent, order=(JobRow.start_time.desc(), JobRow.id), limit=limit)
    waiting = [job for (job,) in run(_NEWEST_WAITING, limit - len(sending))]
    return sending + jobs_where(JobRow.id.in_(waiting), order=(JobRow.start_time.desc(), JobRow.id))


def starts_since(moment: float) -> list[float]:
    """When the activities began that are on Strava now, from a moment on."""
    rows = run(
        "SELECT a.start_time FROM activity AS a CROSS JOIN upload_job AS j ON j.activity_id = a.id"
        " WHERE a.start_time >= ? AND j.status = ?",
        moment,
        Status.COMPLETED,
    )
    return [start for (start,) in rows]


def import_so_far(started_before: float) -> int:
    """How many old activities were completed of those that came with the ones that are on their way."""
    came = run(_OLDEST_OPEN, started_before)[0][0]
    return 0 if came is None else int(run(_DONE_SINCE, came - _ONE_SCAN, started_before)[0][0])


def thumbnails(activity_ids: Iterable[int]) -> dict[int, Thumbnail]:
    """The thumbnails of some activities, of those that have one."""
    wanted = ThumbnailRow.activity.in_(list(activity_ids))
    found = tuples(
        ThumbnailRow.select(ThumbnailRow.activity, ThumbnailRow.kind, ThumbnailRow.path).where(wanted)
    )
    return {activity_id: Thumbnail(kind, path) for activity_id, kind, path in found}
