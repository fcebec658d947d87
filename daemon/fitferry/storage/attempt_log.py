"""The last attempts of each upload: when, how they ended, and why."""

from __future__ import annotations

from fitferry.core.upload import Attempt, AttemptResult, Outcome
from fitferry.storage.database import run
from fitferry.storage.models import JobRow

_ADD = """
INSERT INTO upload_attempt (job_id, number, at, outcome, message)
SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4 FROM upload_attempt WHERE job_id = ?1
"""
_OF_JOB = "SELECT number, at, outcome, message FROM upload_attempt WHERE job_id = ? ORDER BY number"


def add(job_id: int, result: AttemptResult, now: float) -> None:
    """Keep how an attempt ended, within the transaction that writes its result; a trigger drops all but the last 20."""
    reason = result.reason
    run(_ADD, job_id, now, result.outcome.value, reason.to_json() if reason else None)


def of_job(job_id: int) -> list[Attempt]:
    """The last attempts of one upload, in order."""
    return [
        Attempt(number, at, Outcome(outcome), JobRow.error_message.python_value(text))
        for number, at, outcome, text in run(_OF_JOB, job_id)
    ]
