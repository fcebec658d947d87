"""Check whether files that are held for their own faults, or because they were gone, are as they were."""

from __future__ import annotations

from fitferry.core.admission_rules import FILE_FAULTS
from fitferry.core.upload import ErrorCode, Status
from fitferry.storage import activities, holds, uploads
from fitferry.system.safe_files import OpenFolder


def recheck(athlete: str, folder: OpenFolder) -> int:
    """Queue what was held because its file was gone and is there again, and drop what is held and gone.

    Returns how many were queued; called by the folder's own thread.
    """
    queued = 0
    for job in holds.jobs_held_below(athlete, folder.path, ErrorCode.FILE_GONE):
        if folder.exists(folder.relative(job.path)):
            queued += uploads.requeue(job.id, [Status.HELD])
    for job in holds.jobs_held_below(athlete, folder.path, *FILE_FAULTS):
        if not folder.exists(folder.relative(job.path)):
            activities.forget_file_faults(job.athlete, job.path)
    return queued
