"""How do rows become jobs? A copy of what the ledger knows, never the row itself; and what several questions share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fitferry.core.upload import AfterUpload, Job, Status, WaitingFor
from fitferry.storage.database import fn, tuples
from fitferry.storage.models import ActivityRow, JobRow

FREE: dict[str, Any] = {"claimed_at": None, "claim": None}
ASIDE: dict[str, Any] = {
    "status": Status.SKIPPED,
    "error_code": "dismissed",
    "error_message": "put aside by hand",
    **FREE,
}


def jobs_where(where: Any, *, order: tuple[Any, ...] | None = None, limit: int | None = None) -> list[Job]:
    """The jobs that a condition finds, newest first or in an order, with their activities."""
    query = JobRow.select(JobRow, ActivityRow).join(ActivityRow).where(where)
    query = query.order_by(*(order or (JobRow.id.desc(),)))
    return [_job(row, row.activity) for row in (query.limit(limit) if limit is not None else query)]


def jobs_below(athlete: str, folder: str, where: Any) -> list[int]:
    """The jobs that a condition finds whose files are below a folder."""
    here = inside(ActivityRow.path, folder) & (ActivityRow.athlete == athlete)
    return [row[0] for row in tuples(JobRow.select(JobRow.id).join(ActivityRow).where(here, where))]


def of_athletes(*athletes: str) -> Any:
    """Of these athletes, but not by their index: nearly every activity is theirs, and few jobs are open."""
    return fn.COALESCE(ActivityRow.athlete, "").in_(athletes)


def inside(column: Any, folder: str | Path) -> Any:
    """Whether a path is below a folder, by the path's index."""
    start = os.fsencode(folder).rstrip(b"/") + b"/"
    return (column >= start) & (column < start[:-1] + b"0")


def _job(row: Any, activity: Any) -> Job:
    return Job(
        id=row.id,
        activity_id=activity.id,
        athlete=activity.athlete,
        sha256=activity.sha256,
        path=os.fsdecode(bytes(activity.path)),
        file_sha256=activity.file_sha256,
        member=activity.member,
        size=activity.size,
        data_type=activity.data_type,
        sport=activity.sport,
        sub_sport=activity.sub_sport,
        manufacturer=activity.manufacturer,
        product=activity.product,
        start_time=activity.start_time,
        duration_s=activity.duration_s,
        elapsed_s=activity.elapsed_s,
        distance_m=activity.distance_m,
        ascent_m=activity.ascent_m,
        average_heart_rate=activity.average_heart_rate,
        average_power=activity.average_power,
        serials=tuple(filter(None, activity.serials.split(","))),
        status=Status(row.status),
        own_wait=WaitingFor(row.own_wait) if row.own_wait else None,
        failures=row.failures,
        next_attempt_at=row.next_attempt_at,
        claimed_at=row.claimed_at,
        claim=row.claim or 0,
        tried_at=row.tried_at,
        sent_at=row.sent_at,
        accepted_at=row.accepted_at,
        uncertain=row.uncertain,
        external_id=row.external_id,
        upload_id=row.upload_id,
        looks=row.looks,
        read_failures=row.read_failures,
        strava_activity_id=row.strava_activity_id,
        error_code=row.error_code,
        error_message=row.error_message,
        after_upload_action=AfterUpload(row.after_upload_action) if row.after_upload_action else None,
        compared_at=row.compared_at,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )
