"""Old activities that are looked for on Strava before they are sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from fitferry.core.messages import uploads as upload_messages
from fitferry.core.upload import AfterUpload, ErrorCode, Job, Status
from fitferry.storage.database import SQL, Column, fn, write, writing
from fitferry.storage.mapping import DECIDED, IS_HELD, IS_UNCOMPARED, JobsStatement, jobs_below, jobs_where
from fitferry.storage.models import ActivityRow, JobRow
from fitferry.storage.statements import PARAMETER, tuples


def to_compare(athletes: Iterable[str], started_before: float, claimed: Collection[int] = ()) -> list[Job]:
    """The newest held old activity of each athlete that was not looked for on Strava yet; `claimed`: not these."""
    without = json.dumps(list(claimed))
    return [job for athlete in athletes for job in _TO_COMPARE(athlete, started_before, without)]


def put_off(job_id: int, tries: int, until: float) -> None:
    """Let a held activity be looked for later, and all others of its athlete with it."""
    write(
        JobRow.update(read_failures=tries, next_attempt_at=until).where(
            JobRow.id == job_id, JobRow.status == Status.HELD
        )
    )


def put_off_so_far(athlete: str) -> tuple[int, float]:
    """How often an athlete's held activities were looked for in vain, and until when they are not again."""
    query = JobRow.select(fn.MAX(JobRow.read_failures), fn.MAX(JobRow.next_attempt_at)).join(ActivityRow)
    tries, until = tuples(query.where(_uncompared(athlete), JobRow.status == Status.HELD))[0]
    return tries or 0, until or 0.0


def many_uncompared(athlete: str, started_before: float, many: int) -> bool:
    """Whether more than `many` old activities of an athlete were not looked for on Strava yet."""
    where = _uncompared(athlete) & (JobRow.start_time < started_before)
    return len(tuples(JobRow.select(JobRow.id).join(ActivityRow).where(where).limit(many + 1))) > many


def uncompared(athlete: str, since: float, until: float) -> list[Job]:
    """The activities of a span of time that were not looked for on Strava yet."""
    span = (JobRow.start_time >= since) & (JobRow.start_time <= until)
    return jobs_where(_uncompared(athlete) & span)


def compared(found: dict[int, int | None], now: float) -> None:
    """Write down what a look at Strava's list showed: of each job the activity there, or None.

    What is there is completed without being sent, unless somebody has begun to send it meanwhile.
    """
    there: dict[str, object] = {
        "status": Status.COMPLETED,
        "own_wait": None,
        "completed_at": now,
        "error_code": ErrorCode.DUPLICATE,
        "error_message": upload_messages.ALREADY_ON_STRAVA(),
        "after_upload_action": AfterUpload.KEEP,
        **DECIDED,
    }
    with writing():
        JobRow.update(compared_at=now).where(JobRow.id.in_(list(found))).execute()
        for job_id, activity_id in found.items():
            if activity_id is not None:
                waits = JobRow.status.in_([Status.HELD, Status.PENDING])
                done = JobRow.update(strava_activity_id=activity_id, **there)
                done.where(JobRow.id == job_id, waits).execute()


def found_below(athlete: str, folder: str) -> list[int]:
    """The jobs whose files are below a folder and that were found on Strava without being sent."""
    unsent = JobRow.compared_at.is_null(False) & JobRow.sent_at.is_null()
    return jobs_below(athlete, folder, unsent & (JobRow.status == Status.COMPLETED))


def _uncompared(athlete: str | Column) -> Column:
    """Old activities that the backlog holds or that wait to be sent for the first time."""
    held = IS_HELD & (JobRow.error_code == ErrorCode.BACKLOG)
    waits = (JobRow.status == SQL("'pending'")) & JobRow.sent_at.is_null()
    unasked = JobRow.external_id == ActivityRow.sha256  # what somebody sends again goes out whatever is there
    return (JobRow.athlete == athlete) & IS_UNCOMPARED & (held | waits) & unasked


_TO_COMPARE = JobsStatement(
    _uncompared(PARAMETER)
    & (JobRow.start_time < PARAMETER)
    & IS_HELD
    & JobRow.id.not_in(SQL("(SELECT value FROM json_each(?))", PARAMETER.params)),
    order=(JobRow.start_time.desc(),),
    limit=1,
)
