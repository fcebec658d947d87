"""The activities: admission of their bytes, and what was seen in the folders."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fitferry.core.activity import NewActivity, StatFingerprint
from fitferry.core.admission_rules import FILE_FAULTS
from fitferry.core.upload import ErrorCode, Status, WaitingFor
from fitferry.storage.database import Column, insert, put, raw, run, tuples, writing
from fitferry.storage.mapping import IS_SKIPPED, in_folder
from fitferry.storage.models import ActivityRow, JobRow, SeenFolderRow, SeenPathRow, ThumbnailRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_IN_QUESTION = 500
"""Files at most that are asked about in one statement."""
_SEEN = "SELECT sha256, size, mtime_ns, ctime_ns FROM seen_path WHERE path = ? AND athlete = ?"
_OTHERS_AT = "SELECT id FROM activity WHERE path = ? AND athlete = ? AND file_sha256 <> ?"
_UNREAD = """
SELECT s.path FROM seen_path AS s
WHERE s.athlete = ? AND NOT EXISTS (SELECT 1 FROM activity AS a WHERE a.path = s.path AND a.athlete = s.athlete)
"""
_UNREAD_PATHS = f"{_UNREAD} AND s.path > ? AND s.path < ? ORDER BY s.path LIMIT ?"
_JOB_OF = """
SELECT j.id FROM activity AS a JOIN upload_job AS j ON j.activity_id = a.id WHERE a.athlete = ? AND a.sha256 = ?
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: whose it is, where, the SHA-256 of its bytes, how many.

    `fingerprint` is None for a file outside the watched folders: its path is not remembered.
    """

    athlete: str
    path: str
    sha256: str
    size: int
    fingerprint: StatFingerprint | None


def admit(
    file: File,
    newcomers: Iterable[NewActivity],
    now: float,
    *,
    begin_sending: Callable[[int], None] | None = None,
) -> list[tuple[int, bool]]:
    """Write down a file's activities, their jobs and its path, all or nothing (D1).

    Of each activity the job's id, and whether it is new. `begin_sending`: a new pending job is written as being sent,
    uncertain until its answer (D2); called with its id before the commit.
    """
    with writing():
        if file.fingerprint is not None:
            _remember(file.athlete, file.path, file.sha256, file.fingerprint)
        return [_take(file, new_activity, now, begin_sending) for new_activity in newcomers]


def seen(athlete: str, path: str) -> StatFingerprint | None:
    """The fingerprint that a path had when its bytes were last read for this athlete."""
    row = _seen(athlete, path)
    return StatFingerprint(*row[1:]) if row else None


def seen_at(athlete: str, paths: Sequence[str]) -> dict[str, StatFingerprint]:
    """The same of several paths, for a scan: those that are known."""
    found: dict[str, StatFingerprint] = {}
    for start in range(0, len(paths), _IN_QUESTION):
        some = [os.fsencode(path) for path in paths[start : start + _IN_QUESTION]]
        marks = ",".join("?" * len(some))
        # As text: making the statement would take longer than it runs.
        sql = f"SELECT path, size, mtime_ns, ctime_ns FROM seen_path WHERE athlete = ? AND path IN ({marks})"  # noqa: S608  # marks alone
        for path, size, mtime_ns, ctime_ns in run(sql, athlete, *some):
            found[os.fsdecode(path)] = StatFingerprint(size, mtime_ns, ctime_ns)
    return found


def has_thumbnail(activity_id: int) -> bool:
    """Whether an activity has been drawn."""
    return bool(run("SELECT 1 FROM thumbnail WHERE activity_id = ?", activity_id))


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
    """Let an activity be read from this file; not while somebody works on it, nor when it is done."""
    sending = (JobRow.status == Status.PROCESSING) & JobRow.upload_id.is_null()
    free = (JobRow.id == job_id, ~sending, JobRow.status != Status.COMPLETED)
    with writing():
        ActivityRow.update(
            path=os.fsencode(file.path), file_sha256=file.sha256, member=member, size=file.size
        ).where(ActivityRow.id.in_(JobRow.select(JobRow.activity).where(*free))).execute()


def holds_other_bytes(athlete: str, path: str, sha256: str) -> bool:
    """Whether other bytes were read at a path since; the disk is not asked."""
    row = _seen(athlete, path)
    return row is not None and row[0] != sha256


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


def prune_paths(athlete: str, folder: str, exists: Callable[[str], bool]) -> int:
    """Forget the paths below a folder where nothing is any more, and from which no activity is read; how many.

    Whoever gives one file ever new names would fill the disk with them. `exists`: asks the disk.
    """
    start = os.fsencode(folder).rstrip(b"/") + b"/"
    last, end, count = start, start[:-1] + b"0", 0
    while some := [path for (path,) in run(_UNREAD_PATHS, athlete, last, end, _IN_QUESTION)]:
        last = some[-1]
        gone = [path for path in some if not exists(os.fsdecode(path))]
        with writing():
            count += SeenPathRow.delete().where(SeenPathRow.path.in_(gone)).execute()
    return count


def forget_unread_path(athlete: str, path: str) -> None:
    """Forget a path where nothing is any more, unless an activity is read from there."""
    if run(f"{_UNREAD} AND s.path = ?", athlete, os.fsencode(path)):
        forget_path(path)


def count_junk(athlete: str, folder: str) -> int:
    """How many files below a folder were no activity."""
    junk = IS_SKIPPED & (JobRow.error_code == ErrorCode.NO_ACTIVITY) & (JobRow.athlete == athlete)
    return int(JobRow.select().where(junk, in_folder(folder)).count())


def remember(file: File) -> None:
    """Write down that a file was read, and nothing else of it."""
    if file.fingerprint is not None:
        with writing():
            _remember(file.athlete, file.path, file.sha256, file.fingerprint)


def forget_path(path: str) -> None:
    """Forget what was seen at a path: nothing is there any more."""
    with writing():
        SeenPathRow.delete().where(SeenPathRow.path == os.fsencode(path)).execute()


def _forget(activity_ids: Sequence[int], where: Column) -> None:
    """Delete activities and their jobs, those whose jobs still answer a condition."""
    with writing():
        jobs = JobRow.select(JobRow.activity).where(JobRow.activity.in_(activity_ids), where)
        doomed = [row[0] for row in tuples(jobs)]
        if doomed:
            JobRow.delete().where(JobRow.activity.in_(doomed)).execute()
            ThumbnailRow.delete().where(ThumbnailRow.activity.in_(doomed)).execute()
            ActivityRow.delete().where(ActivityRow.id.in_(doomed)).execute()


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


def _seen(athlete: str, path: str) -> tuple[str, int, int, int] | None:
    """The hash at a path when it was last read, and the size and times of its fingerprint."""
    rows = run(_SEEN, os.fsencode(path), athlete)
    return (rows[0][0], rows[0][1], rows[0][2], rows[0][3]) if rows else None


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
        **{**asdict(facts), "serials": ",".join(facts.serials)},
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


def _remember(athlete: str, path: str, sha256: str, fingerprint: StatFingerprint) -> None:
    put(
        SeenPathRow,
        path=os.fsencode(path),
        athlete=athlete,
        size=fingerprint.size,
        mtime_ns=fingerprint.mtime_ns,
        ctime_ns=fingerprint.ctime_ns,
        sha256=sha256,
    )
