"""Which bytes are known, and where were they seen? Admission and the memory of the folders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fitferry.ledger.tables import ActivityRow, JobRow, SeenFolderRow, SeenPathRow, put, tuples, writing
from fitferry.model import Admission, Inspection, Signature, Status

if TYPE_CHECKING:
    from collections.abc import Sequence


def admit(
    athlete: str,
    path: str,
    sha256: str,
    found: Inspection,
    admission: Admission,
    now: float,
    *,
    size: int,
    signature: Signature | None,
) -> tuple[int, bool]:
    """Write down an activity, its job and its path, all or nothing (D1); the job's id, and whether it is new.

    `signature` is None for a file outside the watched folders: its path is not remembered.
    """
    facts = found.facts
    with writing():
        if signature is not None:
            _remember(athlete, path, sha256, signature)
        known = _job_of(athlete, sha256)
        if known is not None:
            return known, False
        activity_id = ActivityRow.insert(
            athlete=athlete,
            sha256=sha256,
            path=os.fsencode(path),
            size=size,
            data_type=found.data_type,
            kind=facts.kind,
            sport=facts.sport,
            sub_sport=facts.sub_sport,
            start_time=facts.start_time,
            duration_s=facts.duration_s,
            elapsed_s=facts.elapsed_s,
            distance_m=facts.distance_m,
            manufacturer=facts.manufacturer,
            product=facts.product,
            sessions=facts.sessions,
            created_at=now,
        ).execute()
        job_id = JobRow.insert(
            activity=activity_id,
            status=admission.status,
            failures=0,
            next_attempt_at=0,
            uncertain=False,
            external_id=sha256,
            looks=0,
            error_code=admission.error_code,
            error_message=admission.error_message,
            created_at=now,
        ).execute()
    return int(job_id), True


def remember(athlete: str, path: str, sha256: str, signature: Signature) -> None:
    """Write down that these bytes were seen at this path, so that no scan hashes them again."""
    with writing():
        _remember(athlete, path, sha256, signature)


def seen(athlete: str, path: str) -> Signature | None:
    """The signature that a path had when its bytes were last read for this athlete."""
    where = (SeenPathRow.path == os.fsencode(path)) & (SeenPathRow.athlete == athlete)
    row = SeenPathRow.select().where(where).first()
    return Signature(row.size, row.mtime_ns, row.ctime_ns) if row else None


def seen_below(athlete: str, folder: str) -> dict[str, Signature]:
    """The same for every known path below a folder, for a scan."""
    start = os.fsencode(folder.rstrip("/")) + b"/"
    rows = SeenPathRow.select(
        SeenPathRow.path, SeenPathRow.size, SeenPathRow.mtime_ns, SeenPathRow.ctime_ns
    ).where(SeenPathRow.path >= start, SeenPathRow.path < start[:-1] + b"0", SeenPathRow.athlete == athlete)
    return {os.fsdecode(bytes(path)): Signature(*numbers) for path, *numbers in tuples(rows)}


def other_paths(athlete: str, sha256: str) -> Sequence[str]:
    """Every path at which these bytes were seen."""
    rows = SeenPathRow.select(SeenPathRow.path).where(
        SeenPathRow.sha256 == sha256, SeenPathRow.athlete == athlete
    )
    return [os.fsdecode(bytes(path)) for (path,) in tuples(rows)]


def moved(activity_id: int, path: str) -> None:
    """Write down where an activity's bytes are now."""
    with writing():
        ActivityRow.update(path=os.fsencode(path)).where(ActivityRow.id == activity_id).execute()


def came_back(job_id: int, path: str) -> bool:
    """Queue a job that was held because its file was gone: the bytes are at this path now."""
    with writing():
        where = (JobRow.id == job_id, JobRow.status == Status.HELD, JobRow.error_code == "file_gone")
        back = (
            JobRow.update(status=Status.PENDING, error_code=None, error_message=None).where(*where).execute()
        )
        if back:
            activity = JobRow.select(JobRow.activity).where(JobRow.id == job_id)
            ActivityRow.update(path=os.fsencode(path)).where(ActivityRow.id.in_(activity)).execute()
    return bool(back)


def folder_is_known(athlete: str, folder: str) -> bool:
    """Whether a folder has been scanned to its end before."""
    where = (SeenFolderRow.path == os.fsencode(folder)) & (SeenFolderRow.athlete == athlete)
    return bool(SeenFolderRow.select().where(where).exists())


def folder_scanned(athlete: str, folder: str, now: float) -> None:
    """Write down that a folder's first scan has ended."""
    with writing():
        SeenFolderRow.insert(
            path=os.fsencode(folder), athlete=athlete, scanned_at=now
        ).on_conflict_ignore().execute()


def _job_of(athlete: str, sha256: str) -> int | None:
    where = (ActivityRow.athlete == athlete) & (ActivityRow.sha256 == sha256)
    found = tuples(JobRow.select(JobRow.id).join(ActivityRow).where(where))
    return int(found[0][0]) if found else None


def _remember(athlete: str, path: str, sha256: str, signature: Signature) -> None:
    put(
        SeenPathRow,
        path=os.fsencode(path),
        athlete=athlete,
        size=signature.size,
        mtime_ns=signature.mtime_ns,
        ctime_ns=signature.ctime_ns,
        sha256=sha256,
    )
