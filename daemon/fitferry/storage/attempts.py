"""Who works on a job, and what comes of it? Claims (D2), and what their holders write (D3, D4).

`number` is everywhere the claim's own: whoever names another one writes nothing (any more).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fitferry.core.upload import AfterUpload, AttemptResult, Job, Status, WaitingFor
from fitferry.storage import uploads
from fitferry.storage.database import fn, run, tuples, writing
from fitferry.storage.mapping import FREE, IS_OPEN
from fitferry.storage.models import JobRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


_LATE = """
SELECT 1 FROM upload_job INDEXED BY upload_job_next
WHERE status IN ('pending', 'processing') AND next_attempt_at > ? LIMIT 1
"""


def claim(job_id: int, now: float, number: int = 0) -> Job | None:
    """Take a job for one attempt (D2); None if it is not due, or somebody else has it."""
    with writing():
        taken = (
            JobRow.update(claimed_at=now, claim=number, tried_at=now, status=Status.PROCESSING)
            .where(
                JobRow.id == job_id,
                IS_OPEN,
                JobRow.claimed_at.is_null(),
                JobRow.next_attempt_at <= now,
            )
            .execute()
        )
        return uploads.get(job_id) if taken else None


def claim_to_compare(job_id: int, now: float, number: int = 0) -> Job | None:
    """Take a held old activity, to look for it on Strava; None if somebody else has it."""
    with writing():
        where = (JobRow.id == job_id, JobRow.status == Status.HELD, JobRow.claimed_at.is_null())
        taken = JobRow.update(claimed_at=now, claim=number).where(*where).execute()
        return uploads.get(job_id) if taken else None


def mark_sending(job_id: int, now: float, number: int = 0) -> bool:
    """Write down that the body goes out now: from here on the upload is uncertain until its answer.

    False if the claim is not ours any more: then nothing may be sent.
    """
    return _update(job_id, number, sent_at=now, uncertain=True)


def accepted(job_id: int, upload_id: int, now: float, number: int = 0) -> bool:
    """Write down Strava's id of the upload (D3): the file is never sent again."""
    return _update(
        job_id, number, upload_id=upload_id, accepted_at=now, uncertain=False, looks=0, read_failures=0
    )


def record(
    job_id: int,
    step: AttemptResult,
    now: float,
    number: int = 0,
    *,
    after_upload_action: AfterUpload | None = None,
) -> bool:
    """Write down what an attempt came to (D4), and let the job go; False if it was not ours any more.

    `after_upload_action`: what is to become of the file, once the job is completed.
    """
    done = step.status in {Status.COMPLETED, Status.FAILED}
    with writing():
        written = JobRow.update(
            status=step.status,
            own_wait=step.own_wait,
            failures=step.failures,
            next_attempt_at=step.next_attempt_at,
            uncertain=step.uncertain,
            upload_id=step.upload_id,
            looks=step.looks,
            read_failures=step.read_failures,
            strava_activity_id=step.strava_activity_id,
            error_code=step.error_code,
            error_message=step.error_message,
            completed_at=now if done else None,
            after_upload_action=after_upload_action,
            **FREE,
        ).where(*_mine(job_id, number))
        return bool(written.execute())


def release(job_id: int, number: int = 0) -> None:
    """Let a claimed job go as it was, for an attempt that did not begin."""
    with writing():
        _released(*_mine(job_id, number))


def release_all(longest: float, quarantine: float, now: float) -> int:
    """Let every claim of a dead process go; how many there were."""
    with writing():
        released = _let_go(quarantine, now, JobRow.claimed_at.is_null(False))
        _clamped(longest, now)
    return released


def release_orphaned(held: Callable[[], Collection[int]], quarantine: float, now: float) -> int:
    """Let the claims go whose numbers nobody holds: a worker lost them when the database failed; how many."""
    claimed = {
        number for (number,) in tuples(JobRow.select(JobRow.claim).where(JobRow.claimed_at.is_null(False)))
    }
    strays = claimed.difference(held())  # in this order: a claim is held before it is written
    if not strays:
        return 0
    with writing():
        return _let_go(quarantine, now, JobRow.claim.in_(list(strays)))


def clamp(longest: float, now: float) -> None:
    """Let no job wait longer than `longest` seconds from now: the clock may have jumped back."""
    if run(_LATE, now + longest):
        with writing():
            _clamped(longest, now)


def in_flight() -> int:
    """How many jobs are being worked on."""
    return int(JobRow.select().where(JobRow.claimed_at.is_null(False)).count())


def _mine(job_id: int, number: int) -> tuple[Any, ...]:
    return JobRow.id == job_id, JobRow.claimed_at.is_null(False), JobRow.claim == number


def _update(job_id: int, number: int, **columns: Any) -> bool:
    with writing():
        return bool(JobRow.update(**columns).where(*_mine(job_id, number)).execute())


def _let_go(quarantine: float, now: float, *where: Any) -> int:
    """Release claims whose attempts came to nothing that was written down.

    What had been sent without an answer waits `quarantine` seconds from its sending, and is looked for then.
    """
    unanswered = (IS_OPEN, JobRow.uncertain, JobRow.upload_id.is_null())
    since = fn.MAX(JobRow.next_attempt_at, fn.COALESCE(JobRow.sent_at, now) + quarantine)
    waits = JobRow.update(own_wait=WaitingFor.CONFIRM, next_attempt_at=fn.MIN(since, now + quarantine))
    waits.where(*where, *unanswered).execute()
    return _released(*where)


def _released(*where: Any) -> int:
    accepted = JobRow.upload_id.is_null(False)
    is_open = IS_OPEN
    freed = JobRow.update(status=Status.PENDING, **FREE).where(*where, is_open, ~accepted).execute()
    looked = JobRow.update(status=Status.PROCESSING, own_wait=WaitingFor.PROCESSING, **FREE)
    freed += looked.where(*where, is_open, accepted).execute()
    JobRow.update(**FREE).where(*where).execute()
    return int(freed)


def _clamped(longest: float, now: float) -> None:
    JobRow.update(next_attempt_at=now + longest).where(
        IS_OPEN, JobRow.next_attempt_at > now + longest
    ).execute()
