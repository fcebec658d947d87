"""The upload jobs: one by one, and what a person or a folder changes about them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fitferry.core.messages import uploads as upload_messages
from fitferry.core.upload import AfterUpload, ErrorCode, FileOutcome, Job, Status, WaitingFor
from fitferry.storage import follow_ups
from fitferry.storage.database import Case, Column, fn, run, write, writing
from fitferry.storage.mapping import (
    DECIDED,
    DISMISSED,
    IS_HELD,
    IS_OPEN,
    JobsStatement,
    in_folder,
    job_with,
    jobs_where,
)
from fitferry.storage.models import ActivityRow, JobRow
from fitferry.storage.statements import PARAMETER, tuples

_FINISHED_AFTER = JobsStatement(
    (JobRow.finish_number > PARAMETER)
    & (JobRow.finish_number <= PARAMETER)
    & JobRow.status.in_((Status.COMPLETED, Status.FAILED)),
    order=(JobRow.finish_number,),
)
_LAST_COMPLETED = JobsStatement(
    # By the index of finish_number: nearly every job is completed.
    JobRow.finish_number.is_null(False) & (fn.COALESCE(JobRow.status, "") == Status.COMPLETED),
    order=(JobRow.finish_number.desc(),),
    limit=1,
)
_AWAITING_AFTER_UPLOAD = JobsStatement(
    JobRow.after_upload_action.is_null(False)
    & JobRow.after_upload_action.in_([AfterUpload.ARCHIVE, AfterUpload.DELETE])
    & JobRow.id.not_in(follow_ups.jobs_with_owed_hooks()),
    order=(JobRow.id,),
)


def confirmed(found: dict[int, tuple[int, AfterUpload]], now: float) -> list[int]:
    """Complete accepted uploads that were seen on Strava."""
    done = []
    with writing():
        for job_id, (activity_id, after_upload_action) in found.items():
            where = (JobRow.id == job_id, IS_OPEN, JobRow.upload_id.is_null(False))
            taken = JobRow.update(
                status=Status.COMPLETED,
                own_wait=None,
                uncertain=False,
                strava_activity_id=activity_id,
                error_code=None,
                error_message=None,
                completed_at=now,
                after_upload_action=after_upload_action,
                **DECIDED,
            ).where(*where)
            done += [job_id] if taken.execute() else []
    return done


def counts() -> dict[Status, int]:
    found: dict[str, int] = dict(run("SELECT status, jobs FROM job_count"))
    return {status: found.get(status, 0) for status in Status}


def get(job_id: int) -> Job | None:
    return job_with("j.id = ?", job_id)


def of_activity(activity_id: int) -> Job | None:
    return job_with("j.activity_id = ?", activity_id)


def of_bytes(athlete: str, sha256: str) -> Job | None:
    """The job of the activity with these bytes."""
    return job_with("a.athlete = ? AND a.sha256 = ?", athlete, sha256)


def with_status(status: Status) -> list[Job]:
    """Every job of one status, oldest first."""
    return jobs_where(IS_HELD if status is Status.HELD else JobRow.status == status, order=(JobRow.id,))


def finished_after(number: int) -> tuple[list[Job], int]:
    """What was completed or has failed after the upload with this finish number, in order; and the last number."""
    last = last_finish_number()
    return (_FINISHED_AFTER(number, last), last) if last > number else ([], number)


def last_finish_number() -> int:
    """The number of the upload that ended last; 0 for none. Unlike times it never goes back."""
    return int(run("SELECT max(finish_number) FROM upload_job")[0][0] or 0)


def last_completed() -> Job | None:
    return next(iter(_LAST_COMPLETED()), None)


def requeue(job_id: int, statuses: Iterable[Status], *, external_id: str | None = None) -> bool:
    """Put a job back into the queue, its count reset; False if it is in none of `statuses`.

    With a fresh `external_id` it is sent as if for the first time.
    """
    fresh: dict[str, object] = {"failures": 0, "read_failures": 0, "error_code": None, "error_message": None}
    fresh |= {"completed_at": None, "strava_activity_id": None, **DECIDED}
    if external_id is not None:
        fresh |= {"own_wait": None, "next_attempt_at": 0, "external_id": external_id}
        fresh |= {"upload_id": None, "uncertain": False, "sent_at": None, "looks": 0}
    else:
        # What may have arrived is looked for as soon as it would have been, and not sooner.
        fresh["next_attempt_at"] = Case(None, [(JobRow.uncertain, JobRow.next_attempt_at)], 0)
        fresh["own_wait"] = Case(None, [(JobRow.uncertain, WaitingFor.CONFIRM)], None)
    where = (JobRow.id == job_id, JobRow.status.in_(list(statuses)))
    return bool(write(JobRow.update(status=Status.PENDING, **fresh).where(*where)))


def requeue_stalled(job_id: int) -> bool:
    """Put an upload that Strava does not finish back into the queue: looked for first, then sent again."""
    return _leave_stalled(
        job_id, status=Status.PENDING, own_wait=WaitingFor.CONFIRM, failures=0, next_attempt_at=0
    )


def dismiss_stalled(job_id: int) -> bool:
    """Dismiss an upload that Strava does not finish; queued again, it is looked for first."""
    return _leave_stalled(job_id, own_wait=None, **DISMISSED)


def _leave_stalled(job_id: int, **columns: object) -> bool:
    fresh = {"error_code": None, "error_message": None, "looks": 0, "read_failures": 0} | DECIDED | columns
    where = (JobRow.id == job_id, JobRow.status == Status.PROCESSING, JobRow.upload_id.is_null(False))
    return bool(write(JobRow.update(upload_id=None, uncertain=True, **fresh).where(*where)))


def fail_previous_account(athlete: str, now: float) -> None:
    """Conclude what the account has or may have that an athlete was connected to before.

    It cannot be looked for any more. If a person has it sent again, it goes to the account of that day.
    """
    sent = JobRow.upload_id.is_null(False) | JobRow.uncertain
    write(
        JobRow.update(
            status=Status.FAILED,
            own_wait=None,
            uncertain=False,
            upload_id=None,
            sent_at=None,
            looks=0,
            read_failures=0,
            error_code=ErrorCode.OTHER_ACCOUNT,
            error_message=upload_messages.PREVIOUS_ACCOUNT(),
            completed_at=now,
            **DECIDED,
        ).where(IS_OPEN, sent, _is_of(athlete))
    )


def wait_for_folder(folder: Path, until: float) -> None:
    """Let every job wait whose file is in a folder that is away: one write, however many they are."""
    waits = IS_OPEN & (JobRow.status == Status.PENDING) & ~JobRow.uncertain
    here = waits & (JobRow.next_attempt_at < until) & in_folder(folder)
    words = {"error_code": ErrorCode.FILE_UNREADABLE, "error_message": upload_messages.FOLDER_AWAY()}
    write(JobRow.update(own_wait=WaitingFor.FILE, next_attempt_at=until, **words).where(here))


def folder_is_back(folder: str | Path) -> None:
    """Let the jobs be tried now that waited for a folder."""
    waits = IS_OPEN & (JobRow.status == Status.PENDING) & (JobRow.own_wait == WaitingFor.FILE)
    waits &= ~JobRow.uncertain
    if JobRow.select(JobRow.id).where(waits).exists():
        write(JobRow.update(next_attempt_at=0).where(waits & in_folder(folder)))


def dismiss(job_id: int) -> bool:
    """Dismiss a failed or held job; False if it is neither."""
    where = (JobRow.id == job_id, JobRow.status.in_([Status.FAILED, Status.HELD]))
    return bool(write(JobRow.update(**DISMISSED).where(*where)))


def dismiss_failed() -> None:
    """Dismiss every failed job, in one write."""
    write(JobRow.update(**DISMISSED).where(JobRow.status == Status.FAILED))


def retry_now(athlete: str | None = None) -> None:
    """Let the waiting jobs be tried now, after what they waited for has been mended."""
    waits = IS_OPEN & (JobRow.status == Status.PENDING) & ~JobRow.uncertain
    waits &= JobRow.own_wait.in_([WaitingFor.FILE, WaitingFor.RETRY])
    if athlete is not None:
        waits &= _is_of(athlete)
    write(JobRow.update(next_attempt_at=0).where(waits))


def _is_of(athlete: str) -> Column:
    """Jobs of an athlete, as a condition for which SQLite takes no index: theirs would walk the whole history."""
    return fn.COALESCE(JobRow.athlete, "") == athlete


def of_file(athlete: str, file_sha256: str) -> list[Job]:
    """The jobs of every activity in one file."""
    return jobs_where((ActivityRow.athlete == athlete) & (ActivityRow.file_sha256 == file_sha256))


def need_file(path: str) -> bool:
    """Whether a job that is not done needs the file at a path."""
    done = JobRow.status.in_([Status.COMPLETED, Status.SKIPPED])
    query = JobRow.select(JobRow.id).join(ActivityRow).where(ActivityRow.path == os.fsencode(path), ~done)
    return bool(tuples(query.limit(1))) or follow_ups.need_file(path)


def awaiting_after_upload() -> list[Job]:
    """The completed jobs whose file is still to be archived or deleted, now that no command has to see it first."""
    return _AWAITING_AFTER_UPLOAD()


def after_upload_done(job_id: int, done: AfterUpload | FileOutcome) -> None:
    """Write down what became of a job's file."""
    write(JobRow.update(after_upload_action=done).where(JobRow.id == job_id))
