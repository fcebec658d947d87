"""The open upload jobs: which are due, how many are on their way."""

from __future__ import annotations

import json
from collections.abc import Collection

from fitferry.core.upload import Job
from fitferry.storage.database import run
from fitferry.storage.mapping import IS_OPEN, jobs_where
from fitferry.storage.models import JobRow
from fitferry.storage.statements import raw

_DUE = """
SELECT id FROM upload_job INDEXED BY {index}
WHERE status IN ('pending', 'processing') AND athlete = ? AND next_attempt_at <= ?
    AND (? OR upload_id IS NULL AND NOT (uncertain AND ?)) AND (? IS NULL OR start_time >= ?)
ORDER BY start_time DESC, id LIMIT ?
"""
_NEWEST_DUE, _FEW_DUE = _DUE.format(index="upload_job_due"), _DUE.format(index="upload_job_next")
_LONGEST_WAITING = """
SELECT id FROM upload_job INDEXED BY upload_job_tried
WHERE status IN ('pending', 'processing') AND next_attempt_at <= ?
    AND athlete IN (SELECT value FROM json_each(?))
    AND (? OR upload_id IS NULL AND NOT (uncertain AND athlete IN (SELECT value FROM json_each(?))))
ORDER BY tried_at, start_time DESC, id LIMIT ?
"""
_ARE_DUE = """
SELECT 1 FROM upload_job INDEXED BY upload_job_next
WHERE status IN ('pending', 'processing') AND next_attempt_at <= ? LIMIT ?
"""
_NEXT_DUE = """
SELECT next_attempt_at FROM upload_job INDEXED BY upload_job_next
WHERE status IN ('pending', 'processing') AND next_attempt_at > ?
    AND athlete IN (SELECT value FROM json_each(?))
ORDER BY next_attempt_at LIMIT 1
"""
_COUNT_OPEN = """
SELECT (SELECT coalesce(sum(jobs), 0) FROM job_count WHERE status IN ('pending', 'processing'))
    - (SELECT count(*) FROM upload_job INDEXED BY upload_job_start
       WHERE status IN ('pending', 'processing') AND start_time >= ?)
    - (SELECT count(*) FROM upload_job INDEXED BY upload_job_start
       WHERE status IN ('pending', 'processing') AND start_time IS NULL)
"""
"""All but the few that are not old: an import may be of tens of thousands, and each upload asks."""
_OUTSTANDING = """
SELECT count(*) FROM upload_job WHERE status IN ('pending', 'processing') AND upload_id IS NOT NULL
"""
_MANY = 200
"""From so many due jobs on they are read in the order of their starts, and not sorted."""


def due(
    now: float,
    limit: int,
    *,
    look: bool,
    fresh_since: float | None,
    connected: Collection[str],
    readers: Collection[str],
    probe: bool,
    claimed: Collection[int] = (),
) -> list[int]:
    """The jobs to try next, at most `limit`: athletes take turns, the newest activity of each first.

    `look`: whether anything may be read. Without it what is accepted has to wait, and so has what may have arrived,
    where it would be looked for (`readers`). `fresh_since`: only activities that started since then.
    `probe`: the job that waited longest comes first, so that one bad file is not tried again and again.
    `connected`: in the order of their turns. `claimed`: not these.
    """
    if probe:
        more = limit + len(claimed)
        rows = run(_LONGEST_WAITING, now, _json(connected), look, _json(readers), more)
        return [int(job) for (job,) in rows if job not in claimed][:limit]
    few = len(run(_ARE_DUE, now, _MANY)) < _MANY
    turns = []
    for place, athlete in enumerate(connected):
        given = (athlete, now, look, athlete in readers, fresh_since, fresh_since, limit + len(claimed))
        jobs = [job for (job,) in run(_FEW_DUE if few else _NEWEST_DUE, *given) if job not in claimed]
        turns += [(turn, place, job) for turn, job in enumerate(jobs)]
    return [job for _, _, job in sorted(turns)[:limit]]


def any_due(now: float) -> bool:
    """Whether any job is due, of whomever: one question in place of those that `due` asks."""
    return bool(run(_ARE_DUE, now, 1))


def next_due(now: float, connected: Collection[str]) -> float | None:
    """When the next job that is not due yet will be; None if there is none."""
    rows = run(_NEXT_DUE, now, _json(connected))
    return float(rows[0][0]) if rows else None


def _json(names: Collection[str]) -> str:
    """Names as one parameter, so that the text of a statement does not depend on how many they are."""
    return json.dumps(list(names))


def any_open(connected: Collection[str]) -> bool:
    """Whether any job of these athletes is on its way."""
    where = IS_OPEN & JobRow.athlete.in_(list(connected))
    return bool(raw(JobRow.select(JobRow.id).where(where).limit(1)))


def outstanding() -> int:
    """How many uploads Strava has accepted but not finished."""
    return int(run(_OUTSTANDING)[0][0])


def outstanding_of(athlete: str) -> list[Job]:
    """An athlete's accepted uploads that are not finished, newest activity first."""
    where = IS_OPEN & JobRow.upload_id.is_null(False) & (JobRow.athlete == athlete)
    return jobs_where(where, order=(JobRow.start_time.desc(),))


def many_wait(athlete: str, started_before: float, many: int) -> bool:
    """Whether more than `many` old activities of an athlete are on their way."""
    where = IS_OPEN & (JobRow.athlete == athlete) & (JobRow.start_time < started_before)
    return len(raw(JobRow.select(JobRow.id).where(where).limit(many + 1))) > many


def count_open(started_before: float) -> int:
    """How many old activities of all athletes are on their way."""
    return int(run(_COUNT_OPEN, started_before)[0][0])
