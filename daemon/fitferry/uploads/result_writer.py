"""Results of attempts, written to the ledger; what it does not take is kept in memory, with the job's claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from fitferry.config.schema import UploadSettings
from fitferry.core.upload import AfterUpload, AttemptResult, Job, Outcome, Status
from fitferry.storage import attempts, uploads
from fitferry.storage.database import DatabaseError
from fitferry.uploads.after_upload import Archive, planned_action
from fitferry.uploads.attempt import RunningAttempt
from fitferry.uploads.claims import Claims
from fitferry.uploads.strava_health import StravaHealth

_log = structlog.get_logger()


class ResultWriter:
    """Writes what attempts came to.

    `on_completed` is called once a job is completed and a file may be tidied away. `took`: is told how many seconds
    Strava took over an upload.
    """

    def __init__(
        self,
        claims: Claims,
        health: StravaHealth,
        settings: UploadSettings,
        archives: Iterable[Archive],
        *,
        on_completed: Callable[[], object],
        took: Callable[[float], None] = lambda _seconds: None,
        clock: Callable[[], float],
    ) -> None:
        self._claims = claims
        self._health = health
        self._settings = settings
        self._archives = tuple(archives)
        self._on_completed = on_completed
        self._took = took
        self._clock = clock
        self._unwritten: dict[int, tuple[RunningAttempt, AttemptResult]] = {}

    def write(self, attempt: RunningAttempt, result: AttemptResult) -> None:
        """Write a result down, and what it means for all jobs; it is kept where DatabaseError is raised."""
        try:
            self._write(attempt, result)
        except DatabaseError:
            self._unwritten[attempt.job.id] = (attempt, result)
            raise

    def write_unwritten(self) -> bool:
        """Write what could not be written before, and end those claims; whether there was anything."""
        unwritten = list(self._unwritten.items())
        for job_id, (attempt, result) in unwritten:
            self._write(attempt, result)
            del self._unwritten[job_id]
            self._claims.release(job_id)
        return bool(unwritten)

    def is_kept(self, job_id: int) -> bool:
        """Whether a job's result is still to be written: until then nobody else may work on it."""
        return job_id in self._unwritten

    def measure(self, job: Job, now: float) -> None:
        """Note how long Strava took over an upload that is completed now."""
        if job.upload_id is not None and job.accepted_at is not None:
            self._took(now - job.accepted_at)

    def planned_action(self, job: Job, *, ours: bool) -> AfterUpload:
        """What is to become of a completed job's file. `ours`: Strava took these bytes from us."""
        return planned_action(job, self._settings.after_upload, ours=ours, archives=self._archives)

    def _write(self, attempt: RunningAttempt, result: AttemptResult) -> None:
        self._health.update_breakers(attempt, result)
        now, job = self._clock(), attempt.job
        completed = result.status is Status.COMPLETED
        written = attempts.record(
            job.id,
            result,
            now,
            attempt.revision,
            accepted_at=job.accepted_at if result.upload_id is not None else None,
            after_upload_action=(
                self.planned_action(job, ours=result.outcome is Outcome.COMPLETED) if completed else None
            ),
            thumbnail=attempt.thumbnail,
            log=result.says_more_than(job),
        )
        if not written:
            _log.info("claim_lost", outcome=result.outcome)
            return
        _log_result(result, now)
        if completed:
            self.measure(job, now)
            if uploads.awaiting_after_upload():
                self._on_completed()


def _log_result(result: AttemptResult, now: float) -> None:
    log = _log.warning if result.outcome in {Outcome.FAILED, Outcome.RETRY} else _log.info
    if result.outcome is Outcome.PROCESSING:
        log = _log.debug  # a look that changed nothing
    log(
        "upload_attempt",
        outcome=result.outcome,
        waiting_for=result.breaker.name if result.breaker else result.own_wait,
        next_in=round(max(0.0, result.next_attempt_at - now), 1) or None,
        strava_activity_id=result.strava_activity_id,
        reason=result.reason,
    )
