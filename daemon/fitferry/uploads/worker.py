"""What does one attempt do? Claim (D2), ask Strava once, write down what came of it (D3, D4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog

from fitferry.auth.access_tokens import AccessTokens
from fitferry.config import StravaSettings, UploadSettings
from fitferry.core import filenames, retry_policy
from fitferry.core.errors import ClaimLost, KeyFileError, NotConnected, StravaError
from fitferry.core.retry_policy import Action
from fitferry.core.rules import Rule
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AfterUpload, AttemptResult, BreakerName, Job, Outcome, Status
from fitferry.storage import attempts, breakers, matches
from fitferry.storage import uploads as stored_uploads
from fitferry.storage.database import DatabaseError
from fitferry.strava import Strava
from fitferry.uploads import existing_activities
from fitferry.uploads.after_upload import Archive, apply_all_after_uploads, planned_action
from fitferry.uploads.claims import Claims
from fitferry.uploads.requests import RequestStage, StravaRequests

_REACHED = frozenset(StravaErrorKind) - {
    StravaErrorKind.UNREACHABLE,
    StravaErrorKind.UNAVAILABLE,
    StravaErrorKind.BROKEN_OFF,
    StravaErrorKind.USED_UP,
}

_log = structlog.get_logger()


class UploadWorker:
    """One attempt a call, on whichever worker was rung."""

    def __init__(
        self,
        strava: Strava,
        tokens: AccessTokens,
        *,
        app: StravaSettings,
        uploads: UploadSettings,
        archives: Iterable[Archive],
        rules: Iterable[Rule] = (),
        clock: Callable[[], float],
    ) -> None:
        self._uploads = uploads
        self._archives = tuple(archives)
        self._clock = clock
        self._tokens = tokens
        self._asking = StravaRequests(
            strava, tokens, app=app, uploads=uploads, archives=self._archives, rules=rules, clock=clock
        )
        self.after_upload_error: str | None = None
        """Why an uploaded file could not be archived or deleted; None if all could."""
        self._one_at_a_time = threading.Lock()
        self._unwritten: dict[int, tuple[Job, AttemptResult]] = {}
        self._claims = Claims()

    def __call__(self, job_id: int) -> None:
        """Try one job, if it is due and nothing is in the way."""
        before = stored_uploads.get(job_id)
        if before is not None and before.status is Status.HELD:
            self._compare_held(job_id)
            return
        probed = self._pass_gates(self._clock())
        if before is not None and probed is not None:
            with self._claims.one() as number:
                job = attempts.claim(job_id, self._clock(), number)
                if job is not None:
                    self._attempt(job, RequestStage(before.tried_at))
        # Gates that this attempt could neither open nor keep shut are the next job's to try.
        breakers.release_probe(probed or [], self._clock())

    def _attempt(self, job: Job, stage: RequestStage) -> None:
        with structlog.contextvars.bound_contextvars(job=job.id, file=job.file, athlete=job.athlete):
            try:
                step = self._tried(job, stage)
            except ClaimLost:
                _log.error("claim lost", sent=stage.sent)
            else:
                self._write_down(job, step)

    def _pass_gates(self, now: float) -> list[BreakerName] | None:
        """The shut gates whose one probe this attempt is; None if one of them lets nobody through now."""
        open_breakers = breakers.open_breakers()
        if any(breaker.until > now for breaker in open_breakers.values()):
            return None
        breakers.close(BreakerName.RATE_LIMIT)
        probed: list[BreakerName] = [name for name in open_breakers if name is not BreakerName.RATE_LIMIT]
        if all(breakers.take_probe(name, now, retry_policy.PROBE_CAP) for name in probed):
            return probed
        return None

    def _tried(self, job: Job, stage: RequestStage) -> AttemptResult:
        """What the attempt came to, also where an exception that nobody planned ended it."""
        try:
            return self._judged(job, stage)
        except ClaimLost:
            raise
        except DatabaseError as error:
            return retry_policy.ledger_failed(job, str(error), self._uploads, self._clock(), sent=stage.sent)
        except Exception:  # noqa: BLE001  # whatever it is, the worker lives on and it counts
            _log.exception("surprise")
            return retry_policy.after_unexpected_error(job, self._asking.around(stage), sent=stage.sent)

    def _judged(self, job: Job, stage: RequestStage) -> AttemptResult:
        try:
            return self._asking.carry_out(job, stage)
        except StravaError as fault:
            step = self._after_fault(job, fault, stage)
            if fault.fault in _REACHED and (step.shut is None or step.shut.name is not BreakerName.NETWORK):
                breakers.close(BreakerName.NETWORK)
            return step
        except (KeyFileError, NotConnected):
            return retry_policy.lost_connection(job, None)

    def _after_fault(self, job: Job, fault: StravaError, stage: RequestStage) -> AttemptResult:
        """What a fault means for the job; a connection that it ends is ended at once, before there is a new one."""
        step = retry_policy.after_fault(job, fault, stage.at, self._asking.around(stage))
        if step.trouble is not None:
            self._tokens.clear(job.athlete, step.trouble, stage.token, self._clock())
        return step

    def _compare_held(self, job_id: int) -> None:
        """Look which of the held old activities need no decision, because they are on Strava already."""
        now = self._clock()
        if any(breaker.until > now for breaker in breakers.open_breakers().values()):
            return
        with self._claims.one() as number:
            job = attempts.claim_to_compare(job_id, now, number)
            if job is not None:
                self._compare(job)

    def _compare(self, job: Job) -> None:
        stage = RequestStage(None, Action.COMPARE)
        try:
            self._asking.compare(job, stage)
        except StravaError as fault:
            self._share(self._after_fault(job, fault, stage))
        except (KeyFileError, NotConnected):
            _log.info("cannot compare", athlete=job.athlete, reason="not connected")
        except DatabaseError:
            matches.compared({job.id: None}, self._clock())  # so little may have room
            raise
        except Exception:  # noqa: BLE001  # whatever it is: taken again, the look would cost a request each time
            _log.exception("surprise")
            existing_activities.give_up(job, self._clock())
        finally:
            attempts.release(job.id, job.claim)

    def write_unwritten(self) -> None:
        """Write down what could not be written when it was known, and let go of what nobody works on any more."""
        for job, step in list(self._unwritten.values()):
            self._record(job, step)
            del self._unwritten[job.id]
        strays = attempts.release_orphaned(self._held, self._uploads.uncertain_delay, self._clock())
        if strays:
            _log.warning("lost claims released", uploads=strays)

    def _held(self) -> set[int]:
        """The claims that are worked on, or whose outcome is still to be written."""
        working = self._claims.held()
        return {*working, *(job.claim for job, _ in list(self._unwritten.values()))}

    def _write_down(self, job: Job, step: AttemptResult) -> None:
        try:
            self._record(job, step)
        except DatabaseError:
            self._unwritten[job.id] = (job, step)
            raise

    def _record(self, job: Job, step: AttemptResult) -> None:
        now = self._clock()
        self._share(step)
        if not attempts.record(job.id, step, now, job.claim, after_upload_action=self._intended(job, step)):
            _log.error("claim lost", outcome=step.outcome)
            return
        reason = step.shut.message if step.shut else step.error_message
        log = _log.warning if step.outcome in {Outcome.FAILED, Outcome.RETRY} else _log.info
        log(
            "attempted",
            outcome=step.outcome,
            waiting_for=step.shut.name if step.shut else step.own_wait,
            next_in=round(max(0.0, step.next_attempt_at - now), 1) or None,
            strava_activity_id=step.strava_activity_id,
            reason=str(reason) if reason else None,
        )
        if step.status is Status.COMPLETED:
            self.apply_after_upload()

    def _share(self, step: AttemptResult) -> None:
        """Write down what an attempt means for all other jobs."""
        if step.shut is not None:
            breakers.shut(step.shut)

    def _intended(self, job: Job, step: AttemptResult) -> AfterUpload | None:
        """What is to become of the file; None while the job is not completed."""
        if step.status is not Status.COMPLETED:
            return None
        ours = step.outcome is Outcome.COMPLETED
        wanted = AfterUpload(self._uploads.after_upload)
        return planned_action(job, wanted, ours=ours, archives=self._archives)

    def apply_after_upload(self) -> None:
        """Archive or delete what is to be, also what was left undone before; `keep` ends that."""
        try:
            with self._one_at_a_time:
                keep = AfterUpload(self._uploads.after_upload) is AfterUpload.KEEP
                apply_all_after_uploads(self._archives, keep=keep)
        except OSError as error:
            if self.after_upload_error is None:
                _log.warning("cannot put away", path=error.filename, reason=error.strerror)
            self.after_upload_error = f"{error.strerror or error}: {filenames.shown(error.filename or '')}"
        else:
            self.after_upload_error = None
