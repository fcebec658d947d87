"""Decision what becomes of a file once its activities are on Strava: kept, archived or deleted. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fitferry.core.upload import AfterUpload, FileOutcome, Job, Status

_OPEN = frozenset({Status.PENDING, Status.PROCESSING, Status.HELD, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Archive:
    """A watched folder, and where its uploaded files are moved to."""

    folder: Path
    archive: Path


def planned_action(job: Job, wanted: AfterUpload, *, ours: bool, archives: Iterable[Archive]) -> AfterUpload:
    """What is to be done with a completed job's file. `ours`: Strava took these bytes from us.

    What is on Strava by another road may be another recording of the same ride: its file is kept.
    """
    if not ours or wanted is AfterUpload.KEEP or archive_of(job.path, archives) is None:
        return AfterUpload.KEEP
    return wanted


def innermost(path: str, archives: Iterable[Archive]) -> Archive | None:
    """The innermost watched folder that holds a path."""
    holders = [where for where in archives if Path(path).is_relative_to(where.folder)]
    return max(holders, key=lambda where: len(where.folder.parts), default=None)


def archive_of(path: str, archives: Iterable[Archive]) -> Archive | None:
    """The innermost watched folder that holds a path; none for what is archived already."""
    inner = innermost(path, archives)
    return inner if inner is not None and not is_archived(path, [inner]) else None


def is_archived(path: str, archives: Iterable[Archive]) -> bool:
    return any(Path(path).is_relative_to(where.archive) for where in archives)


def action_now(
    job: Job, siblings: Iterable[Job], known_elsewhere: Iterable[Job]
) -> AfterUpload | FileOutcome | None:
    """What may be done with a file now; None while an activity in it is not done.

    `siblings`: the jobs of every activity in the file. `known_elsewhere`: those that were admitted from another file,
    of which this one may be the last copy.
    """
    inside = [*siblings, *known_elsewhere]
    if any(other.status in _OPEN for other in inside):
        return None
    agreed = all(other.after_upload_action is job.after_upload_action for other in siblings)
    ours = all(other.status is Status.COMPLETED and other.error_code is None for other in inside)
    return job.after_upload_action if agreed and ours else AfterUpload.KEEP
