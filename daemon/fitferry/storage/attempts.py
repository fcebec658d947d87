"""What an attempt writes of its job: each write names the row's revision, and raises it.

Whoever else decides on a job (a person, a bulk confirmation, a new account) raises the revision, too: then what the
attempt writes is refused. Who works on a job is kept in memory (`uploads.claims`).
"""

from __future__ import annotations

from dataclasses import fields

from fitferry.core.activity import Thumbnail
from fitferry.core.upload import AfterUpload, Attempt, AttemptResult, Outcome, Status, WaitingFor
from fitferry.storage import rate_limits
from fitferry.storage.database import fn, run, write, writing
from fitferry.storage.mapping import DECIDED, IS_OPEN
from fitferry.storage.models import JobRow
from fitferry.storage.statements import update

_AHEAD_OR_LATE = """
SELECT
    EXISTS (SELECT 1 FROM upload_job INDEXED BY upload_job_accepted
        WHERE status IN ('pending', 'processing') AND upload_id IS NOT NULL AND accepted_at > ?1),
    EXISTS (SELECT 1 FROM upload_job INDEXED BY upload_job_tried
        WHERE status IN ('pending', 'processing') AND tried_at > ?1),
    EXISTS (SELECT 1 FROM upload_job INDEXED BY upload_job_next
        WHERE status IN ('pending', 'processing') AND next_attempt_at > ?2)
"""
_DRAWN = """
INSERT OR REPLACE INTO thumbnail (activity_id, kind, path) SELECT activity_id, ?, ? FROM upload_job WHERE id = ?
"""
_LOG = """
INSERT INTO upload_attempt (job_id, number, at, outcome, message)
SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4 FROM upload_attempt WHERE job_id = ?1
"""
_OF_JOB = "SELECT number, at, outcome, message FROM upload_attempt WHERE job_id = ? ORDER BY number"
_RESULT_COLUMNS = [field.name for field in fields(AttemptResult) if hasattr(JobRow, field.name)]
"""The rest of a result is not about its job alone."""


def mark_sending(job_id: int, now: float, revision: int) -> int | None:
    """Write down that the body goes out now: from here on the upload is uncertain until its answer.

    The row's new revision; None if somebody else has decided on the job: then nothing may be sent.
    """
    return _write(job_id, revision, status=Status.PROCESSING, tried_at=now, sent_at=now, uncertain=True)


def record(
    job_id: int,
    result: AttemptResult,
    now: float,
    revision: int,
    *,
    accepted_at: float | None = None,
    after_upload_action: AfterUpload | None = None,
    log: bool = True,
    thumbnail: Thumbnail | None = None,
) -> bool:
    """Write down the result of an attempt, Strava's id of the upload with it; False if somebody else has decided.

    `accepted_at`: when Strava took the file. `after_upload_action`: what is to become of it, once the job is completed.
    `thumbnail`: the activity's, drawn since. `log`: keep it among the last attempts, too.
    """
    done = result.status in {Status.COMPLETED, Status.FAILED}
    with writing():
        new_revision = _write(
            job_id,
            revision,
            **{name: getattr(result, name) for name in _RESULT_COLUMNS},
            tried_at=now,
            accepted_at=accepted_at,
            completed_at=now if done else None,
            after_upload_action=after_upload_action,
        )
        if thumbnail is not None:
            run(_DRAWN, thumbnail.kind, thumbnail.path, job_id)
        if log and new_revision is not None:
            _log(job_id, result, now)
    return new_revision is not None


def release_interrupted(longest: float, quarantine: float, now: float) -> int:
    """At a start: let every job go that was being sent when the process died; how many there were.

    What had been sent without an answer waits `quarantine` seconds from its sending, and is looked for then.
    """
    sending = (IS_OPEN, JobRow.status == Status.PROCESSING, JobRow.upload_id.is_null())
    since = fn.MAX(JobRow.next_attempt_at, fn.COALESCE(JobRow.sent_at, now) + quarantine)
    waits = JobRow.update(own_wait=WaitingFor.CONFIRM, next_attempt_at=fn.MIN(since, now + quarantine))
    with writing():
        waits.where(*sending, JobRow.uncertain).execute()
        released = JobRow.update(status=Status.PENDING, **DECIDED).where(*sending).execute()
        _clamp(longest, now)
    return int(released)


def clamp(longest: float, first_look: float, now: float) -> None:
    """Let no job wait longer than `longest` seconds from now: the clock may have jumped back.

    An upload that was accepted at a time to come is looked at after `first_look` seconds. A job that was tried then
    counts as tried now: else another one would be every probe of a breaker, until the clock has come so far again.
    """
    is_ahead, was_tried_ahead, is_late = run(_AHEAD_OR_LATE, now, now + longest)[0]
    if is_ahead:
        ahead = (IS_OPEN, JobRow.upload_id.is_null(False), JobRow.accepted_at > now)
        write(JobRow.update(accepted_at=now, next_attempt_at=now + first_look).where(*ahead))
    if was_tried_ahead:
        write(JobRow.update(tried_at=now).where(IS_OPEN, JobRow.tried_at > now))
    if is_late:
        _clamp(longest, now)


def _write(job_id: int, revision: int, **columns: object) -> int | None:
    with writing():
        rate_limits.write()
        columns["row_revision"] = revision + 1
        written = update(JobRow, "id = ? AND row_revision = ?", job_id, revision, **columns)
    return revision + 1 if written else None


def of_job(job_id: int) -> list[Attempt]:
    """The last attempts of one upload, in order."""
    return [
        Attempt(number, at, Outcome(outcome), JobRow.error_message.python_value(text))
        for number, at, outcome, text in run(_OF_JOB, job_id)
    ]


def _log(job_id: int, result: AttemptResult, now: float) -> None:
    """Keep how an attempt ended; a trigger drops all but the last 20."""
    reason = result.reason
    run(_LOG, job_id, now, result.outcome.value, reason.to_json() if reason else None)


def _clamp(longest: float, now: float) -> None:
    late = (IS_OPEN, JobRow.next_attempt_at > now + longest)
    write(JobRow.update(next_attempt_at=now + longest).where(*late))
