"""The activities: admission of their bytes, where these lie, and the end of what was none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields

from fitferry.core.activity import NewActivity
from fitferry.core.admission_rules import FILE_FAULTS
from fitferry.core.upload import ErrorCode, Status, WaitingFor
from fitferry.storage import follow_ups, seen_files
from fitferry.storage.database import Column, run, write, writing
from fitferry.storage.mapping import IS_SKIPPED, in_folder
from fitferry.storage.models import ActivityRow, JobRow, SeenPathRow, ThumbnailRow
from fitferry.storage.seen_files import File
from fitferry.storage.statements import insert, raw, tuples

_IN_QUESTION = 500
"""Files at most that are asked about in one statement."""
_OTHERS_AT = "SELECT id FROM activity WHERE path = ? AND athlete = ? AND file_sha256 <> ?"
_JOB_OF = """
SELECT j.id FROM activity AS a JOIN upload_job AS j ON j.activity_id = a.id WHERE a.athlete = ? AND a.sha256 = ?
"""


def admit(
    file: File,
    new_activities: Iterable[NewActivity],
    now: float,
    *,
    begin_sending: Callable[[int], None] | None = None,
) -> list[tuple[int, bool]]:
    """Write down a file's activities, their jobs and its path, all or nothing.

    Of each activity the job's id, and whether it is new. `begin_sending`: a new pending job is written as being sent,
    uncertain until its answer; called with its id before the commit.
    """
    with writing():
        seen_files.remember(file)
        return [_take(file, new_activity, now, begin_sending) for new_activity in new_activities]


def has_thumbnail(activity_id: int) -> bool:
    return bool(run("SELECT 1 FROM thumbnail WHERE activity_id = ?", activity_id))


def moved(activity_id: int, path: str) -> None:
    """Write down where an activity's bytes are now."""
    write(ActivityRow.update(path=os.fsencode(path)).where(ActivityRow.id == activity_id))


def came_back(job_id: int, file: File, member: str) -> bool:
    """Queue a job whose file was gone, or was overwritten: its bytes are in this file now."""
    lost = JobRow.error_code.in_([ErrorCode.FILE_GONE, ErrorCode.REPLACED])
    with writing():
        where = (JobRow.id == job_id, JobRow.status.in_([Status.HELD, Status.SKIPPED]), lost)
        back = (
            JobRow.update(status=Status.PENDING, error_code=None, error_message=None).where(*where).execute()
        )
        if back:
            take_from(job_id, file, member)
    return bool(back)


def take_from(job_id: int, file: File, member: str) -> None:
    """Let an activity be read from this file, and be archived or deleted there; not when it is done.

    A file that a command is still to be shown lies where it was.
    """
    not_done = (JobRow.status != Status.COMPLETED) | JobRow.id.in_(follow_ups.jobs_with_owed_hooks())
    free = (JobRow.id == job_id, not_done)
    write(
        ActivityRow.update(
            path=os.fsencode(file.path), file_sha256=file.sha256, member=member, size=file.size
        ).where(ActivityRow.id.in_(JobRow.select(JobRow.activity).where(*free)))
    )


def forget_file_faults(athlete: str, path: str, except_sha256: str = "") -> None:
    """Drop what is held because of a file's own faults: the file has changed, or it is gone."""
    here = [row[0] for row in run(_OTHERS_AT, os.fsencode(path), athlete, except_sha256)]
    if not here:
        return
    held = JobRow.status == Status.HELD
    stale = JobRow.select(JobRow.activity).where(
        JobRow.activity.in_(here), held, JobRow.error_code.in_(FILE_FAULTS)
    )
    _forget([row[0] for row in tuples(stale)], held)


def prune_gone(athlete: str, folder: str, exists: Callable[[str], bool]) -> int:
    """Forget the files below a folder that were no activity and are gone; how many.

    Never what a person or a rule dismissed, nor what was ever sent. `exists`: asks the disk.
    """
    junk = IS_SKIPPED & (JobRow.error_code == ErrorCode.NO_ACTIVITY)
    unsent = JobRow.sent_at.is_null() & JobRow.upload_id.is_null()
    here = (JobRow.athlete == athlete) & in_folder(folder)
    query = JobRow.select(ActivityRow.id, ActivityRow.path, ActivityRow.file_sha256)
    rows = raw(query.join(ActivityRow).where(here, junk, unsent))
    gone = [(row, path, sha256) for row, path, sha256 in rows if not exists(os.fsdecode(path))]
    for start in range(0, len(gone), _IN_QUESTION):
        some = gone[start : start + _IN_QUESTION]
        with writing():
            SeenPathRow.delete().where(SeenPathRow.path.in_([path for _, path, _ in some])).execute()
            elsewhere = SeenPathRow.select(SeenPathRow.sha256).where(
                SeenPathRow.athlete == athlete, SeenPathRow.sha256.in_([sha256 for _, _, sha256 in some])
            )
            known = {row[0] for row in tuples(elsewhere)}
            _forget([row for row, _, sha256 in some if sha256 not in known], junk & unsent)
    return len(gone)


def count_junk(athlete: str, folder: str) -> int:
    """How many files below a folder were no activity."""
    junk = IS_SKIPPED & (JobRow.error_code == ErrorCode.NO_ACTIVITY) & (JobRow.athlete == athlete)
    return int(JobRow.select().where(junk, in_folder(folder)).count())


def _forget(activity_ids: Sequence[int], where: Column) -> None:
    """Delete activities and their jobs, those whose jobs still answer a condition."""
    with writing():
        jobs = JobRow.select(JobRow.activity).where(JobRow.activity.in_(activity_ids), where)
        doomed = [row[0] for row in tuples(jobs)]
        if doomed:
            JobRow.delete().where(JobRow.activity.in_(doomed)).execute()
            ThumbnailRow.delete().where(ThumbnailRow.activity.in_(doomed)).execute()
            ActivityRow.delete().where(ActivityRow.id.in_(doomed)).execute()


def _take(
    file: File, new_activity: NewActivity, now: float, begin_sending: Callable[[int], None] | None
) -> tuple[int, bool]:
    known = _job_of(file.athlete, new_activity.sha256)
    if known is not None:
        return known, False
    admission = new_activity.admission
    doubtful = _is_doubtful(file)
    sent = begin_sending is not None and admission.status is Status.PENDING and not doubtful
    job_id = insert(
        JobRow,
        activity=_insert_activity(file, new_activity, now),
        status=Status.PROCESSING if sent else admission.status,
        tried_at=now if sent else None,
        sent_at=now if sent else None,
        failures=0,
        next_attempt_at=0,
        uncertain=doubtful or sent,
        own_wait=WaitingFor.CONFIRM if doubtful and admission.status is Status.PENDING else None,
        external_id=new_activity.sha256,
        looks=0,
        read_failures=0,
        error_code=admission.error_code,
        error_message=admission.error_message,
        created_at=now,
        age_unproven=admission.age_unproven,
    )
    if sent and begin_sending is not None:
        begin_sending(job_id)
    return job_id, True


def _insert_activity(file: File, new_activity: NewActivity, now: float) -> int:
    facts, thumbnail = new_activity.result.facts, new_activity.thumbnail
    activity_id = insert(
        ActivityRow,
        athlete=file.athlete,
        sha256=new_activity.sha256,
        path=os.fsencode(file.path),
        file_sha256=file.sha256,
        member=new_activity.member,
        size=file.size,
        data_type=new_activity.result.data_type,
        created_at=now,
        **{part.name: getattr(facts, part.name) for part in fields(facts) if part.name != "serials"},
        serials=",".join(facts.serials),
    )
    if thumbnail is not None:
        insert(ThumbnailRow, activity=activity_id, kind=thumbnail.kind, path=thumbnail.path)
    return activity_id


def _is_doubtful(file: File) -> bool:
    """Whether a file was there when the database was lost: it may have been uploaded, and nobody remembers."""
    rows = run("SELECT until FROM doubt")
    return bool(rows) and (file.fingerprint is None or file.fingerprint.ctime_ns < rows[0][0] * 1e9)


def _job_of(athlete: str, sha256: str) -> int | None:
    rows = run(_JOB_OF, athlete, sha256)
    return int(rows[0][0]) if rows else None
