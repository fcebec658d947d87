"""What the page, the API and the commands list; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable

from fitferry.core.activity import Thumbnail, ThumbnailKind
from fitferry.core.upload import Job, Status
from fitferry.storage import search
from fitferry.storage.database import run
from fitferry.storage.mapping import IS_HELD, IS_LISTED, IS_OPEN, jobs_where
from fitferry.storage.models import JobRow, ThumbnailRow
from fitferry.storage.statements import tuples

_ONE_SCAN = 3600.0
"""Seconds in which what lies in a folder is admitted."""
_OLDEST_OPEN = """
SELECT created_at FROM upload_job WHERE id = (SELECT min(id) FROM (
    SELECT (SELECT id FROM upload_job WHERE status = 'pending' AND start_time < ? ORDER BY id LIMIT 1) AS id
    UNION ALL
    SELECT (SELECT id FROM upload_job WHERE status = 'processing' AND start_time < ? ORDER BY id LIMIT 1)))
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

_DAY = "coalesce(j.start_time, j.created_at)"
"""When an activity was; where nobody knows, when it came."""
_ON_THE_PAGE = """
FROM upload_job AS j INDEXED BY upload_job_by_day
WHERE j.status <> 'skipped' AND (j.status <> 'held' OR coalesce(j.error_code, '') <> 'backlog')
"""
_BY_DAY = f"""
SELECT j.id {_ON_THE_PAGE} AND {_DAY} <= ?1 AND ({_DAY}, j.id) < (?1, ?2) ORDER BY {_DAY} DESC, j.id DESC LIMIT ?3
"""  # words of ours
_DISTANCES = f"""
SELECT {_DAY}, (SELECT distance_m FROM activity WHERE id = j.activity_id) {_ON_THE_PAGE}
    AND {_DAY} >= ? AND {_DAY} < ? ORDER BY {_DAY} DESC, j.id DESC LIMIT ?
"""  # noqa: S608  # words of ours


def listed_by_day(*, before: int | None = None, limit: int = 50) -> list[Job]:
    """The jobs in the order of their activities' days, newest first, without old activities that wait for a decision.

    `before`: further down than this one.
    """
    rows = run(f"SELECT {_DAY}, j.id FROM upload_job AS j WHERE j.id = ?", before)  # noqa: S608  # words of ours
    day, job_id = rows[0] if rows else (float("inf"), 0)
    ids = [found for (found,) in run(_BY_DAY, day, job_id, limit)]
    places = {found: place for place, found in enumerate(ids)}
    return sorted(jobs_where(JobRow.id.in_(ids)), key=lambda job: places[job.id]) if ids else []


def distances_by_day(since: float, until: float, limit: int) -> list[tuple[float, float]]:
    """When each activity of that list was between two moments, and how far in metres; so many at most."""
    return [(day, distance or 0.0) for day, distance in run(_DISTANCES, since, until, limit)]


def listed(
    *,
    status: Status | None = None,
    athlete: str | None = None,
    text: str = "",
    sports: Iterable[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[Job]:
    """The jobs, newest first; `skipped` only when asked for.

    `text`: what the name of the file or of the sport holds; `sports`: these, too. `before`: below this id.
    """
    if text:
        conditions, values = _conditions(status, athlete, before)
        wanted = (text, list(sports), conditions, values, limit)
        ids = search.found_among(status, *wanted) if status is not None else None
        ids = search.found(*wanted) if ids is None else ids
        return jobs_where(JobRow.id.in_(ids)) if ids else []
    where = IS_LISTED if status is None else IS_HELD if status is Status.HELD else JobRow.status == status
    if athlete is not None:
        where &= JobRow.athlete == athlete
    if before is not None:
        where &= JobRow.id < before
    return jobs_where(where, limit=limit)


def _conditions(status: Status | None, athlete: str | None, before: int | None) -> tuple[str, list[object]]:
    """The same conditions in SQL of the job `j`."""
    asked = {"j.status = ?": status, "j.athlete = ?": athlete, "j.id < ?": before}
    given = {condition: value for condition, value in asked.items() if value is not None}
    listed_alone = ["j.status <> 'skipped'"] if status is None else []
    return " AND ".join([*listed_alone, *given]), list(given.values())


def unfinished() -> list[Job]:
    """Every pending and processing job, in the order in which they will be tried."""
    order = (JobRow.next_attempt_at, JobRow.start_time.desc(), JobRow.id)
    return jobs_where(IS_OPEN, order=order)


def under_way(limit: int) -> list[Job]:
    """The pending and processing jobs that people ask for first: what is being sent, then the newest activities."""
    being_sent = IS_OPEN & (JobRow.status == Status.PROCESSING) & JobRow.upload_id.is_null()
    sending = jobs_where(being_sent, order=(JobRow.start_time.desc(), JobRow.id), limit=limit)
    waiting = [job for (job,) in run(_NEWEST_WAITING, limit - len(sending))]
    if not waiting:
        return sending
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
    came = run(_OLDEST_OPEN, started_before, started_before)
    return int(run(_DONE_SINCE, came[0][0] - _ONE_SCAN, started_before)[0][0]) if came else 0


def thumbnails(activity_ids: Iterable[int]) -> dict[int, Thumbnail]:
    """The thumbnails of some activities, of those that have one."""
    ids = list(activity_ids)
    if not ids:
        return {}
    found = tuples(
        ThumbnailRow.select(ThumbnailRow.activity, ThumbnailRow.kind, ThumbnailRow.path).where(
            ThumbnailRow.activity.in_(ids)
        )
    )
    return {activity_id: Thumbnail(ThumbnailKind(kind), path) for activity_id, kind, path in found}
