"""Where does each upload stand? What is due, what is on its way, and what a person changes about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitferry.core.upload import OPEN, AfterUpload, Job, Status, WaitingFor
from fitferry.storage.database import Case, fn, tuples, writing
from fitferry.storage.mapping import ASIDE, FREE, inside, jobs_where, of_athletes
from fitferry.storage.models import ActivityRow, JobRow

if TYPE_CHECKING:
    from collections.abc import Iterable


def due(
    now: float,
    limit: int,
    *,
    look: bool,
    fresh_since: float | None,
    connected: Iterable[str],
    readers: Iterable[str],
    probe: bool,
) -> list[int]:
    """The jobs to try next, newest activity first, at most `limit`.

    `look`: whether anything may be read. Without it what is accepted has to wait, and so has what may have arrived,
    where it would be looked for (`readers`). `fresh_since`: only activities that started since then.
    `probe`: the job that waited longest comes first, so that one bad file is not tried again and again.
    """
    query = (
        JobRow.select(JobRow.id)
        .join(ActivityRow)
        .where(
            JobRow.status.in_(OPEN),
            JobRow.claimed_at.is_null(),
            JobRow.next_attempt_at <= now,
            of_athletes(*connected),
        )
    )
    if not look:
        query = query.where(JobRow.upload_id.is_null(), ~(JobRow.uncertain & of_athletes(*readers)))
    if fresh_since is not None:
        query = query.where(ActivityRow.start_time >= fresh_since)
    newest = (ActivityRow.start_time.desc(nulls="LAST"), JobRow.id)
    order = (JobRow.tried_at.asc(nulls="FIRST"), *newest) if probe else newest
    return [row[0] for row in tuples(query.order_by(*order).limit(limit))]


def next_due(now: float, connected: Iterable[str]) -> float | None:
    """When the next job that is not due yet will be; None if there is none."""
    earliest: float | None = (
        JobRow.select(fn.MIN(JobRow.next_attempt_at))
        .join(ActivityRow)
        .where(
            JobRow.status.in_(OPEN),
            JobRow.claimed_at.is_null(),
            JobRow.next_attempt_at > now,
            of_athletes(*connected),
        )
        .scalar()
    )
    return earliest


def any_open(connected: Iterable[str]) -> bool:
    """Whether any job of these athletes is on its way."""
    found = JobRow.select(JobRow.id).join(ActivityRow).where(JobRow.status.in_(OPEN), of_athletes(*connected))
    return bool(tuples(found.limit(1)))


def outstanding() -> int:
    """How many uploads Strava has accepted but not finished."""
    return int(JobRow.select().where(JobRow.status.in_(OPEN), JobRow.upload_id.is_null(False)).count())


def outstanding_of(athlete: str) -> list[Job]:
    """An athlete's accepted uploads that are not finished, newest activity first."""
    where = JobRow.status.in_(OPEN) & JobRow.upload_id.is_null(False) & of_athletes(athlete)
    return jobs_where(where, order=(ActivityRow.start_time.desc(nulls="LAST"),))


def many_wait(athlete: str, started_before: float, many: int) -> bool:
    """Whether more than `many` old activities of an athlete are on their way."""
    old = of_athletes(athlete) & (ActivityRow.start_time < started_before)
    found = JobRow.select(JobRow.id).join(ActivityRow).where(JobRow.status.in_(OPEN), old).limit(many + 1)
    return len(tuples(found)) > many


def count_open(started_before: float) -> int:
    """How many old activities of all athletes are on their way."""
    old = ActivityRow.start_time < started_before
    return int(JobRow.select().join(ActivityRow).where(JobRow.status.in_(OPEN), old).count())


def confirmed(found: dict[int, tuple[int, AfterUpload]], now: float) -> list[int]:
    """Complete accepted uploads that were seen on Strava; those that nobody was working on."""
    done = []
    with writing():
        for job_id, (activity_id, after_upload_action) in found.items():
            where = (JobRow.id == job_id, JobRow.status.in_(OPEN), JobRow.claimed_at.is_null())
            taken = JobRow.update(
                status=Status.COMPLETED,
                own_wait=None,
                uncertain=False,
                strava_activity_id=activity_id,
                error_code=None,
                error_message=None,
                completed_at=now,
                after_upload_action=after_upload_action,
            ).where(*where)
            done += [job_id] if taken.execute() else []
    return done


def counts() -> dict[Status, int]:
    """How many jobs there are in each status."""
    found = dict(tuples(JobRow.select(JobRow.status, fn.COUNT(JobRow.id)).group_by(JobRow.status)))
    return {status: int(found.get(status, 0)) for status in Status}


def get(job_id: int) -> Job | None:
    """One job by its id."""
    return next(iter(jobs_where(JobRow.id == job_id, limit=1)), None)


def of_activity(activity_id: int) -> Job | None:
    """The job of one activity."""
    return next(iter(jobs_where(JobRow.activity == activity_id, limit=1)), None)


def of_bytes(athlete: str, sha256: str) -> Job | None:
    """The job of the activity with these bytes."""
    where = (ActivityRow.athlete == athlete) & (ActivityRow.sha256 == sha256)
    return next(iter(jobs_where(where, limit=1)), None)


def with_status(status: Status, error_code: str | None = None) -> list[Job]:
    """Every job of one status, oldest first; of one reason, if it is named."""
    where = JobRow.status == status
    if error_code is not None:
        where &= JobRow.error_code == error_code
    return jobs_where(where, order=(JobRow.id,))


def finished_after(number: int) -> tuple[list[Job], int]:
    """What was completed or has failed after the upload with this finish number, in order; and the last number."""
    ended = JobRow.status.in_((Status.COMPLETED, Status.FAILED))
    jobs = jobs_where((JobRow.finish_number > number) & ended, order=(JobRow.finish_number,))
    return jobs, max(last_finish_number(), number)


def last_finish_number() -> int:
    """The number of the upload that ended last; 0 for none. Unlike times it never goes back."""
    return int(JobRow.select(fn.MAX(JobRow.finish_number)).scalar() or 0)


def last_completed() -> Job | None:
    """The job that was completed last."""
    # By the index of finish_number: nearly every job is completed.
    done = JobRow.finish_number.is_null(False) & (fn.COALESCE(JobRow.status, "") == Status.COMPLETED)
    jobs = jobs_where(done, order=(JobRow.finish_number.desc(),), limit=1)
    return jobs[0] if jobs else None


def requeue(job_id: int, statuses: Iterable[Status], *, external_id: str | None = None) -> bool:
    """Put a job back into the queue, its count reset; False if it is in none of `statuses`.

    With a fresh `external_id` it is sent as if for the first time.
    """
    fresh: dict[str, Any] = {"status": Status.PENDING, "own_wait": None, "failures": 0, "next_attempt_at": 0}
    fresh |= {"error_code": None, "error_message": None, "completed_at": None, "strava_activity_id": None}
    if external_id is not None:
        fresh |= {
            "external_id": external_id,
            "upload_id": None,
            "uncertain": False,
            "sent_at": None,
            "looks": 0,
            "read_failures": 0,
        }
    else:
        # What may have arrived is looked for as soon as it would have been, and not sooner.
        fresh["next_attempt_at"] = Case(None, [(JobRow.uncertain, JobRow.next_attempt_at)], 0)
        fresh["own_wait"] = Case(None, [(JobRow.uncertain, WaitingFor.CONFIRM)], None)
    fresh |= FREE
    with writing():
        free = JobRow.claimed_at.is_null() | (JobRow.status == Status.HELD)  # a look must not stop a decision
        where = (JobRow.id == job_id, JobRow.status.in_(list(statuses)), free)
        return bool(JobRow.update(**fresh).where(*where).execute())


def requeue_stalled(job_id: int) -> bool:
    """Put an upload that Strava does not finish back into the queue: looked for first, then sent again."""
    return _leave_stalled(
        job_id, status=Status.PENDING, own_wait=WaitingFor.CONFIRM, failures=0, next_attempt_at=0
    )


def dismiss_stalled(job_id: int) -> bool:
    """Dismiss an upload that Strava does not finish; queued again, it is looked for first."""
    return _leave_stalled(job_id, own_wait=None, **ASIDE)


def _leave_stalled(job_id: int, **columns: Any) -> bool:
    fresh = {"error_code": None, "error_message": None, "looks": 0, "read_failures": 0} | FREE | columns
    with writing():
        where = (JobRow.id == job_id, JobRow.status == Status.PROCESSING, JobRow.upload_id.is_null(False))
        free = JobRow.claimed_at.is_null()
        return bool(JobRow.update(upload_id=None, uncertain=True, **fresh).where(*where, free).execute())


def fail_previous_account(athlete: str, now: float) -> None:
    """Conclude what the account has or may have that an athlete was connected to before.

    It cannot be looked for any more. If a person has it sent again, it goes to the account of that day.
    """
    sent = JobRow.upload_id.is_null(False) | JobRow.uncertain
    theirs = JobRow.activity.in_(ActivityRow.select(ActivityRow.id).where(ActivityRow.athlete == athlete))
    with writing():
        JobRow.update(
            status=Status.FAILED,
            own_wait=None,
            uncertain=False,
            upload_id=None,
            sent_at=None,
            looks=0,
            read_failures=0,
            error_code="other_account",
            error_message="this was sent to the Strava account that was connected before: look for it there, "
            "or send it to the one that is connected now",
            completed_at=now,
            **FREE,
        ).where(JobRow.status.in_(OPEN), sent, theirs).execute()


def wait_for_folder(folder: Path, until: float) -> None:
    """Let every job wait whose file is in a folder that is away: one write, however many they are."""
    waits = (JobRow.status == Status.PENDING) & JobRow.claimed_at.is_null() & ~JobRow.uncertain
    here = _in_folder(folder) & waits & (JobRow.next_attempt_at < until)
    words = {"error_code": "file_unreadable", "error_message": "its folder is not there"}
    with writing():
        JobRow.update(own_wait=WaitingFor.FILE, next_attempt_at=until, **words).where(here).execute()


def folder_is_back(folder: str | Path) -> None:
    """Let the jobs be tried now that waited for a folder."""
    waits = (JobRow.status == Status.PENDING) & (JobRow.own_wait == WaitingFor.FILE) & ~JobRow.uncertain
    if JobRow.select(JobRow.id).where(waits).exists():
        with writing():
            JobRow.update(next_attempt_at=0).where(_in_folder(folder) & waits).execute()


def dismiss(job_id: int) -> bool:
    """Put a failed or held job aside; False if it is neither."""
    with writing():
        where = (JobRow.id == job_id, JobRow.status.in_([Status.FAILED, Status.HELD]))
        return bool(JobRow.update(**ASIDE).where(*where).execute())


def retry_now(athlete: str | None = None) -> None:
    """Let the waiting jobs be tried now, after what they waited for has been mended."""
    of_athlete = ActivityRow.select(ActivityRow.id)
    if athlete is not None:
        of_athlete = of_athlete.where(ActivityRow.athlete == athlete)
    waits = JobRow.own_wait.in_([WaitingFor.FILE, WaitingFor.RETRY])
    with writing():
        JobRow.update(next_attempt_at=0).where(
            JobRow.status == Status.PENDING, waits, ~JobRow.uncertain, JobRow.activity.in_(of_athlete)
        ).execute()


def of_file(athlete: str, file_sha256: str) -> list[Job]:
    """The jobs of every activity in one file."""
    return jobs_where((ActivityRow.athlete == athlete) & (ActivityRow.file_sha256 == file_sha256))


def need_file(path: str) -> bool:
    """Whether a job that is not done needs the file at a path."""
    done = JobRow.status.in_([Status.COMPLETED, Status.SKIPPED])
    query = JobRow.select(JobRow.id).join(ActivityRow).where(ActivityRow.path == os.fsencode(path), ~done)
    return bool(tuples(query.limit(1)))


def awaiting_after_upload() -> list[Job]:
    """The completed jobs whose file is still to be archived or deleted."""
    wanted = JobRow.after_upload_action.is_null(False) & JobRow.after_upload_action.in_(
        [AfterUpload.ARCHIVE, AfterUpload.DELETE]
    )
    return jobs_where(wanted, order=(JobRow.id,))


def after_upload_done(job_id: int, done: AfterUpload) -> None:
    """Write down what became of a job's file."""
    with writing():
        JobRow.update(after_upload_action=done).where(JobRow.id == job_id).execute()


def _in_folder(folder: str | Path) -> Any:
    return JobRow.activity.in_(ActivityRow.select(ActivityRow.id).where(inside(ActivityRow.path, folder)))
