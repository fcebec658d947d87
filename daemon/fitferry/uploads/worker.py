"""One attempt to bring a job further: claim it, ask Strava, write down the result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from fitferry.auth.access_tokens import AccessTokens
from fitferry.config.schema import UploadSettings
from fitferry.core import admission_rules, retry_policy, retry_results
from fitferry.core import attempt_results as results
from fitferry.core import rate_limit as limits
from fitferry.core.activity import Sample
from fitferry.core.errors import ClaimLost, KeyFileError, NotConnected, StravaError
from fitferry.core.retry_policy import Action
from fitferry.core.rules import Rule, Subject, upload_fields
from fitferry.core.strava import UploadReport
from fitferry.core.upload import AttemptResult, Job, Outcome, Status
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.folder_tasks import FolderAway
from fitferry.storage import accounts, attempts, breakers, matches, open_jobs, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.storage.database import DatabaseError
from fitferry.strava import Strava
from fitferry.uploads import bulk_status, existing_activities, source_file
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.attempt import RunningAttempt
from fitferry.uploads.claims import Claims
from fitferry.uploads.requests import AttemptRequests, find_activity
from fitferry.uploads.result_writer import ResultWriter
from fitferry.uploads.source_file import Folders, SourceFiles
from fitferry.uploads.strava_health import StravaHealth

_log = structlog.get_logger()


class UploadWorker:
    """Attempts of all workers; each call is one, on the calling thread."""

    def __init__(
        self,
        strava: Strava,
        tokens: AccessTokens,
        *,
        uploads: UploadSettings,
        archives: Sequence[Archive],
        folders: Folders,
        dispatcher: Dispatcher | None = None,
        rules: Iterable[Rule] = (),
        took: Callable[[float], None] = lambda _seconds: None,
        clock: Callable[[], float],
    ) -> None:
        self._strava = strava
        self._tokens = tokens
        self._settings = uploads
        self._dispatcher = dispatcher or Dispatcher()
        self._source_files = SourceFiles(folders, archives, self._dispatcher)
        self._rules = tuple(rules)
        self._clock = clock
        self.claims = Claims()
        self._requests = AttemptRequests(strava, tokens, self.claims, clock)
        self._health = StravaHealth(uploads, clock)
        self._pages = bulk_status.Pages()
        self._results = ResultWriter(
            self.claims, self._health, uploads, archives, on_completed=folders.tidy, took=took, clock=clock
        )

    def __call__(self, job_id: int) -> None:
        """Try one job, if it is due and no breaker is in the way.

        1. Take the claim: nobody else works on the job until its result is written.
        2. Read the job; pass the breakers, perhaps as the one probe of a half-open one. What was admitted as being
           sent, see `can_send`, has passed them.
        3. Choose the action.
        4. Carry it out: each request lies between two writes.
        5. Decide what the answer, or the error, means.
        6. Write the result down, and what it means for all jobs.
        """
        if not self.claims.take(job_id):
            return
        try:
            job = stored_uploads.get(job_id)
            begun = self._dispatcher.take_begun(job_id)
            if job is not None and job.is_being_sent and begun is not None:
                self._attempt(job.before_sending(), begun)
            elif job is not None and job.status is Status.HELD:
                self._compare_held(job)
            elif job is not None and job.is_due(self._clock()):
                with breakers.passing(self._clock) as passed:
                    if passed:
                        self._attempt(job)
        finally:
            if not self._results.is_kept(job_id):
                self.claims.release(job_id)

    def can_send(self, athlete: str, start_time: float | None) -> bool:
        """Whether nothing is in the way of a fresh activity: then it is admitted as being sent, in one commit."""
        now, in_flight = self._clock(), self.claims.count() + self._dispatcher.count_begun()
        return (
            limits.is_fresh(start_time, now)
            and in_flight < self._settings.max_concurrent
            and not breakers.open_breakers()
            and self._requests.has_budget(athlete, start_time, in_flight, sends=True)
            and self._tokens.has_valid(athlete, now)
        )

    def prepare_upload(self) -> None:
        """Open a connection for a file that is being written, where it could be sent. Returns at once."""
        if self._strava.is_prepared():
            return
        with contextlib.suppress(DatabaseError):
            budget = limits.budget(rate_limits.current(), self._clock(), self.claims.count())
            if budget.send and accounts.with_tokens() and not breakers.open_breakers():
                self._strava.prepare_upload()

    def write_unwritten(self) -> bool:
        """Write the results that could not be written before, and end their claims; whether there were any."""
        return self._results.write_unwritten()

    def _attempt(self, job: Job, begun: Sequence[Sample] | None = None) -> None:
        """One attempt. `begun`: the samples of an activity whose sending was written as it was admitted."""
        with structlog.contextvars.bound_contextvars(job=job.id, file=job.file, athlete=job.athlete):
            self.claims.take_turn(job.athlete, self._clock())
            attempt = self._begin(job)
            attempt.is_marked, attempt.samples = begun is not None, begun
            try:
                result = self._result(attempt)
            except ClaimLost:
                _log.info("claim_lost", sent=attempt.sent)
                return
            except DatabaseError as error:
                delay, known = self._settings.uncertain_delay, attempt.as_written()
                result = results.database_failed(known, str(error), delay, self._clock())
            else:
                attempt.draw_thumbnail()
            self._results.write(attempt, result)

    def _begin(self, job: Job) -> RunningAttempt:
        """Choose what to do for a job."""
        now, can_read = self._clock(), accounts.get(job.athlete).can_read
        compare = can_read and existing_activities.is_worth_it(job, now)
        action = retry_policy.next_action(job, self._settings, can_read=can_read, compare=compare)
        return RunningAttempt(job, action, bulk=bulk_status.is_bulk(job, now))

    def _result(self, attempt: RunningAttempt) -> AttemptResult:
        """Carry an attempt out, and decide what came of it. Raises ClaimLost, DatabaseError."""
        job = attempt.job
        try:
            outcome = self._carry_out(attempt)
            if isinstance(outcome, AttemptResult):
                return outcome
            return retry_policy.after_report(attempt.job, outcome, self._health.context(attempt))
        except StravaError as error:
            return self._after_error(attempt, error)
        except (KeyFileError, NotConnected):
            return results.connection_lost(job, None)
        except (ClaimLost, DatabaseError):
            raise
        except Exception:  # noqa: BLE001  # whatever it is, the worker lives on and it counts
            _log.exception("unexpected_error")
            return retry_policy.after_unexpected_error(attempt.as_written(), self._health.context(attempt))

    def _carry_out(self, attempt: RunningAttempt) -> UploadReport | AttemptResult:
        """Make the requests of the action that was chosen; what is not on Strava yet is sent."""
        job = attempt.job
        match attempt.action:
            case Action.GIVE_UP:
                return results.given_up(job)
            case Action.LOOK:
                return self._look(attempt)
            case Action.CONFIRM:
                list_page = partial(self._requests.list_page, attempt)
                activity_id = find_activity(job, list_page, self._clock())
                if activity_id is not None:
                    return results.completed(job, activity_id)
                if retry_policy.next_action(job, self._settings, can_read=False) is Action.GIVE_UP:
                    return results.given_up(replace(job, uncertain=False))
            case Action.COMPARE:
                activity_id = self._compare(attempt)
                if activity_id is not None:
                    return results.duplicate(job, activity_id)
        attempt.action = Action.SEND
        return self._send(attempt)

    def _look(self, attempt: RunningAttempt) -> UploadReport | AttemptResult:
        """Ask how an accepted upload is getting on; many old ones are found on one page of the list."""
        job = attempt.job
        if attempt.bulk and job.looks <= bulk_status.LOOKS and accounts.get(job.athlete).can_read:
            try:
                return self._look_at_all(attempt)
            except StravaError as error:
                if not retry_policy.can_do_without_list(error):
                    raise
                _log.warning("list_failed", reason=str(error))
        return self._requests.upload_status(attempt)

    def _look_at_all(self, attempt: RunningAttempt) -> AttemptResult:
        """Complete every upload that stands on one page of the athlete's activities."""
        job, now = attempt.job, self._clock()
        activity_id, others = self._pages.find(job, now, partial(self._requests.list_page, attempt))
        found = {one.id: one for one in open_jobs.outstanding_of(job.athlete) if one.id in others}
        after = {
            one.id: (others[one.id], self._results.planned_action(one, ours=True)) for one in found.values()
        }
        done = stored_uploads.confirmed(after, now)
        for job_id in done:
            self._results.measure(found[job_id], now)
        if done:
            _log.info("uploads_confirmed", outcome=Outcome.COMPLETED, uploads=len(done))
        if activity_id is None:
            return retry_results.still_processing(job, self._health.context(attempt))
        return results.completed(job, activity_id)

    def _compare(self, attempt: RunningAttempt) -> int | None:
        """The activity on Strava that an old one is already; one page of the list serves many others, too."""
        job = attempt.job
        try:
            page = self._requests.list_page(attempt, (job.start_time or 0.0) + existing_activities.AROUND)
        except StravaError as error:
            if not retry_policy.can_do_without_list(error):
                raise
            _log.warning("compare_failed", reason=str(error))
            existing_activities.give_up(job, self._clock())
            return None
        return existing_activities.compare(job, page, self._clock())

    def _send(self, attempt: RunningAttempt) -> UploadReport | AttemptResult:
        """Send the file: what the answer comes to is written down with Strava's number for the upload."""
        job = attempt.job
        if job.age_unproven and admission_rules.may_be_old(job.start_time, self._requests.strava_now()):
            return results.old_after_all(job)
        body = self._read_file(job)
        if isinstance(body, AttemptResult):
            return body
        fields = upload_fields(self._rules, Subject(job.athlete, job.file, job))

        def send(token: str) -> UploadReport:
            if not attempt.is_marked:
                attempt.wrote(attempts.mark_sending(job.id, self._clock(), attempt.revision))
            attempt.is_marked, attempt.sent, attempt.body = False, True, body
            return self._strava.upload(
                body, token=token, external_id=job.external_id, data_type=job.data_type, fields=fields
            )

        report = self._requests.ask(attempt, send)
        now = self._clock()
        self._health.note_arrival(now)
        upload_id = report.upload_id or None
        attempt.job = replace(job, upload_id=upload_id, accepted_at=now, looks=0, uncertain=False)
        return report

    def _read_file(self, job: Job) -> bytes | AttemptResult:
        """The bytes of a job, or what it means that they cannot be had."""
        now = self._clock()
        try:
            return self._source_files.read(job)
        except source_file.FileChanged:
            return results.file_changed(job)
        except source_file.FileGone:
            return results.file_gone(job)
        except source_file.FileUseless:
            return results.archive_unreadable(job)
        except source_file.FileUnreadable as error:
            return results.file_unreadable(job, error.message, now)
        except FolderAway as away:
            stored_uploads.wait_for_folder(Path(away.folder), now + results.FOLDER_SECONDS)
            return results.folder_away(job, now)

    def _after_error(self, attempt: RunningAttempt, error: StravaError) -> AttemptResult:
        """Decide what an error means; a connection that it ends is ended before there can be a new one."""
        context = self._health.context(attempt)
        result = retry_policy.after_error(attempt.job, error, attempt.action, context)
        self._health.note_error(attempt, error)
        if result.auth_problem is not None:
            self._tokens.clear(attempt.job.athlete, result.auth_problem, attempt.token, self._clock())
        return result

    def _compare_held(self, job: Job) -> None:
        """Look which of the held old activities need no decision, because they are on Strava already."""
        if breakers.seconds_blocked(self._clock()):
            return
        attempt = RunningAttempt(job, Action.COMPARE)
        try:
            self._compare(attempt)
            self._health.update_breakers(attempt, results.unchanged(job, Outcome.HELD))
        except StravaError as error:
            self._health.update_breakers(attempt, self._after_error(attempt, error))
        except (KeyFileError, NotConnected):
            _log.info("compare_failed", athlete=job.athlete, reason="not connected")
        except DatabaseError:
            matches.compared({job.id: None}, self._clock())  # so little may have room
            raise
        except Exception:  # noqa: BLE001  # whatever it is: taken again, the look would cost a request each time
            _log.exception("unexpected_error")
            existing_activities.give_up(job, self._clock())
