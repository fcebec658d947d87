"""One attempt to bring a job further: claim it, ask Strava, write down the result.

Over 300 lines: one attempt, read from top to bottom in one place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import structlog

from fitferry import formats
from fitferry.auth.access_tokens import AccessTokens
from fitferry.config.schema import StravaSettings, UploadSettings
from fitferry.core import admission_rules, retry_policy
from fitferry.core import attempt_results as results
from fitferry.core import rate_limit as limits
from fitferry.core import rules as core_rules
from fitferry.core.activity import Sample, Thumbnail
from fitferry.core.breaker import BreakerName
from fitferry.core.errors import ClaimLost, KeyFileError, NotConnected, StravaError
from fitferry.core.messages import strava
from fitferry.core.retry_policy import Action, DecisionContext
from fitferry.core.rules import Rule, upload_fields
from fitferry.core.strava import ListedActivity, StravaErrorKind, UploadReport, UploadState
from fitferry.core.upload import AfterUpload, AttemptResult, Job, Outcome, Status
from fitferry.formats.thumbnail import draw
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.folder_tasks import FolderAway
from fitferry.storage import accounts, activities, attempts, breakers, matches, open_jobs, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.storage.database import DatabaseError
from fitferry.strava import Strava
from fitferry.uploads import bulk_status, existing_activities, requests
from fitferry.uploads.after_upload import Archive, planned_action
from fitferry.uploads.claims import Claims
from fitferry.uploads.source_file import (
    FileChanged,
    FileGone,
    FileUnreadable,
    FileUseless,
    Folders,
    SourceFiles,
)

_NO_ANSWER = frozenset(
    {
        StravaErrorKind.UNREACHABLE,
        StravaErrorKind.UNAVAILABLE,
        StravaErrorKind.NOT_STRAVA,
        StravaErrorKind.WRONG_ADDRESS,
        StravaErrorKind.BROKEN_OFF,
        StravaErrorKind.USED_UP,
    }
)
"""Errors that do not show that Strava itself has answered."""

_MAYBE_THE_FILE = frozenset(
    {StravaErrorKind.SERVER_ERROR, StravaErrorKind.BROKEN_OFF, StravaErrorKind.REFUSED}
)
"""Errors whose cause may be the file that was sent, or an outage."""

_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(slots=True)
class _Attempt:
    """An attempt under way.

    `revision`: the job's row as last read or written. `sent`: the body may have left. `answered`: Strava has answered
    a request, `served`: and not with an error. `token`: the access token that was used last. `is_marked`: that it is
    being sent is written already. `samples`: of an activity that is still to be drawn.
    """

    job: Job
    action: Action
    bulk: bool
    revision: int
    sent: bool = False
    answered: bool = False
    served: bool = False
    token: str = field(default="", repr=False)
    is_marked: bool = False
    body: bytes = field(default=b"", repr=False)
    samples: Sequence[Sample] | None = field(default=None, repr=False)
    thumbnail: Thumbnail | None = None

    def wrote(self, revision: int | None) -> None:
        """Note the row's new revision. Raises ClaimLost if somebody else has decided on the job."""
        if revision is None:
            raise ClaimLost
        self.revision = revision

    def as_written(self) -> Job:
        """The job as the ledger has it now."""
        return replace(self.job, uncertain=True) if self.sent and self.job.upload_id is None else self.job


class UploadWorker:
    """Attempts of all workers; each call is one, on the calling thread."""

    def __init__(
        self,
        strava: Strava,
        tokens: AccessTokens,
        *,
        app: StravaSettings,
        uploads: UploadSettings,
        archives: Iterable[Archive],
        folders: Folders,
        dispatcher: Dispatcher | None = None,
        rules: Iterable[Rule] = (),
        clock: Callable[[], float],
    ) -> None:
        self._strava = strava
        self._tokens = tokens
        self._app = app
        self._settings = uploads
        self._archives = tuple(archives)
        self._folders = folders
        self._dispatcher = dispatcher or Dispatcher()
        self._source_files = SourceFiles(folders, self._archives, self._dispatcher)
        self._rules = tuple(rules)
        self._clock = clock
        self.claims = Claims()
        self._pages = bulk_status.Pages()
        self._last_arrival = 0.0
        self._failing: set[int] = set()
        """The jobs that were not taken since the last upload that was."""
        self._strava_answered = False
        self._unwritten: dict[int, tuple[_Attempt, AttemptResult]] = {}

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
            if job_id not in self._unwritten:
                self.claims.release(job_id)

    def can_send(self, athlete: str, start_time: float | None) -> bool:
        """Whether nothing is in the way of a fresh activity: then it is admitted as being sent, in one commit."""
        now, in_flight = self._clock(), self.claims.count() + self._dispatcher.count_begun()
        return (
            limits.is_fresh(start_time, now)
            and in_flight < self._settings.max_concurrent
            and not breakers.open_breakers()
            and self._has_budget(athlete, start_time, in_flight, sends=True)
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

    def _attempt(self, job: Job, begun: Sequence[Sample] | None = None) -> None:
        """One attempt. `begun`: the samples of an activity whose sending was written as it was admitted."""
        with structlog.contextvars.bound_contextvars(job=job.id, file=job.file, athlete=job.athlete):
            self.claims.take_turn(job.athlete, self._clock())
            attempt = self._begin(job)
            attempt.is_marked, attempt.samples = begun is not None, begun
            try:
                result = self._result(attempt)
                attempt.thumbnail = _drawn(attempt)
            except ClaimLost:
                _log.info("claim_lost", sent=attempt.sent)
            except DatabaseError as error:
                delay, known = self._settings.uncertain_delay, attempt.as_written()
                result = results.database_failed(known, str(error), delay, self._clock())
                self._write_or_keep(attempt, result)
            else:
                self._close_breakers(attempt, result)
                self._write_or_keep(attempt, result)

    def _begin(self, job: Job) -> _Attempt:
        """Choose what to do for a job."""
        now, can_read = self._clock(), accounts.get(job.athlete).can_read
        compare = can_read and existing_activities.is_worth_it(job, now)
        action = retry_policy.next_action(job, self._settings, can_read=can_read, compare=compare)
        return _Attempt(job, action, bulk_status.is_bulk(job, now), job.row_revision)

    def _result(self, attempt: _Attempt) -> AttemptResult:
        """Carry an attempt out, and decide what came of it. Raises ClaimLost, DatabaseError."""
        job = attempt.job
        try:
            outcome = self._carry_out(attempt)
            if isinstance(outcome, AttemptResult):
                return outcome
            return retry_policy.after_report(attempt.job, outcome, self._context(attempt))
        except StravaError as error:
            return self._after_error(attempt, error)
        except (KeyFileError, NotConnected):
            return results.connection_lost(job, None)
        except (ClaimLost, DatabaseError):
            raise
        except Exception:  # noqa: BLE001  # whatever it is, the worker lives on and it counts
            _log.exception("unexpected_error")
            return retry_policy.after_unexpected_error(attempt.as_written(), self._context(attempt))

    def _carry_out(self, attempt: _Attempt) -> UploadReport | AttemptResult:
        """Make the requests of the action that was chosen; what is not on Strava yet is sent."""
        job = attempt.job
        match attempt.action:
            case Action.GIVE_UP:
                return results.given_up(job)
            case Action.LOOK:
                return self._look(attempt)
            case Action.CONFIRM:
                activity_id = requests.find_activity(job, self._list_page(attempt), self._clock())
                if activity_id is not None:
                    return UploadReport(0, UploadState.READY, activity_id)
                if retry_policy.next_action(job, self._settings, can_read=False) is Action.GIVE_UP:
                    return results.given_up(replace(job, uncertain=False))
            case Action.COMPARE:
                activity_id = self._compare(attempt)
                if activity_id is not None:
                    return UploadReport(0, UploadState.DUPLICATE, activity_id)
        attempt.action = Action.SEND
        return self._send(attempt)

    def _look(self, attempt: _Attempt) -> UploadReport:
        """Ask how an accepted upload is getting on; many old ones are found on one page of the list."""
        job = attempt.job
        if attempt.bulk and job.looks <= bulk_status.LOOKS and accounts.get(job.athlete).can_read:
            try:
                return self._look_at_all(attempt)
            except StravaError as error:
                if not retry_policy.can_do_without_list(error):
                    raise
                _log.warning("list_failed", reason=str(error))
        upload_id = job.upload_id or 0
        return self._with_token(attempt, lambda token: self._strava.upload_status(upload_id, token=token))

    def _look_at_all(self, attempt: _Attempt) -> UploadReport:
        """Complete every upload that stands on one page of the athlete's activities."""
        job, now, list_page = attempt.job, self._clock(), self._list_page(attempt)
        activity_id, others = self._pages.find(job, now, lambda before: list_page(before, None))
        after = {
            other.id: (others[other.id], self._planned_action(other, ours=True))
            for other in open_jobs.outstanding_of(job.athlete)
            if other.id in others
        }
        done = stored_uploads.confirmed(after, now)
        if done:
            _log.info("uploads_confirmed", outcome=Outcome.COMPLETED, uploads=len(done))
        state = UploadState.PROCESSING if activity_id is None else UploadState.READY
        return UploadReport(job.upload_id or 0, state, activity_id)

    def _compare(self, attempt: _Attempt) -> int | None:
        """The activity on Strava that an old one is already; one page of the list serves many others, too."""
        job = attempt.job
        try:
            page = self._list_page(attempt)((job.start_time or 0.0) + existing_activities.AROUND, None)
        except StravaError as error:
            if not retry_policy.can_do_without_list(error):
                raise
            _log.warning("compare_failed", reason=str(error))
            existing_activities.give_up(job, self._clock())
            return None
        return existing_activities.compare(job, page, self._clock())

    def _send(self, attempt: _Attempt) -> UploadReport | AttemptResult:
        """Send the file: what the answer comes to is written down with Strava's number for the upload."""
        job = attempt.job
        if job.age_unproven and admission_rules.may_be_old(job.start_time, self._strava_now()):
            return results.old_after_all(job)
        body = self._read_file(job)
        if isinstance(body, AttemptResult):
            return body
        fields = upload_fields(self._rules, core_rules.subject_of(job.athlete, job.file, job))

        def send(token: str) -> UploadReport:
            if not attempt.is_marked:
                attempt.wrote(attempts.mark_sending(job.id, self._clock(), attempt.revision))
            attempt.is_marked, attempt.sent, attempt.body = False, True, body
            return self._strava.upload(
                body, token=token, external_id=job.external_id, data_type=job.data_type, fields=fields
            )

        report = self._with_token(attempt, send)
        now = self._last_arrival = self._clock()
        self._failing.clear()
        upload_id = report.upload_id or None
        attempt.job = replace(job, upload_id=upload_id, accepted_at=now, looks=0, uncertain=False)
        return report

    def _strava_now(self) -> float:
        """The time by Strava's clock, asked for where it was not heard in this run. Raises StravaError."""
        heard = self._strava.server_now()
        if heard is None:
            try:
                heard = self._strava.server_time()
            except StravaError as error:
                if error.kind is not StravaErrorKind.WRONG_ADDRESS:
                    raise  # what answers there in Strava's place will answer to the upload, too
        return self._clock() if heard is None else heard

    def _read_file(self, job: Job) -> bytes | AttemptResult:
        """The bytes of a job, or what it means that they cannot be had."""
        now = self._clock()
        try:
            return self._source_files.read(job)
        except FileChanged:
            return results.file_changed(job)
        except FileGone:
            return results.file_gone(job)
        except FileUseless:
            return results.archive_unreadable(job)
        except FileUnreadable as error:
            return results.file_unreadable(job, error.message, now)
        except FolderAway as away:
            stored_uploads.wait_for_folder(Path(away.folder), now + results.FOLDER_SECONDS)
            return results.folder_away(job, now)

    def _list_page(self, attempt: _Attempt) -> requests.ListPage:
        def list_page(before: float, after: float | None) -> list[ListedActivity]:
            return self._with_token(
                attempt, lambda token: self._strava.activities(token=token, after=after, before=before)
            )

        return list_page

    def _with_token(self, attempt: _Attempt, request: Callable[[str], T]) -> T:
        """Make one request with a fresh token; a second one where Strava refuses the token."""
        try:
            answer = request(self._token(attempt))
        except StravaError as error:
            if not requests.is_mendable(error):
                raise
            answer = request(self._token(attempt, refused=attempt.token))
        attempt.answered = attempt.served = self._strava_answered = True
        return answer

    def _token(self, attempt: _Attempt, refused: str = "") -> str:
        """An access token for the next request, once there is room for it in the rate limit."""
        job, sends, others = attempt.job, attempt.action is Action.SEND, self.claims.count() - 1
        if not self._has_budget(job.athlete, job.start_time, others, sends=sends):
            raise StravaError(StravaErrorKind.USED_UP, strava.USED_UP())
        attempt.token = requests.access_token(self._tokens, job.athlete, self._clock(), refused=refused)
        return attempt.token

    def _has_budget(self, athlete: str, start_time: float | None, in_flight: int, *, sends: bool) -> bool:
        now = self._clock()
        had_share = self.claims.has_had_share(athlete, now)
        return requests.has_budget(start_time, now, in_flight=in_flight, sends=sends, has_had_share=had_share)

    def _after_error(self, attempt: _Attempt, error: StravaError) -> AttemptResult:
        """Decide what an error means; a connection that it ends is ended before there can be a new one."""
        context = self._context(attempt)
        result = retry_policy.after_error(attempt.job, error, attempt.action, context)
        if attempt.action is Action.SEND and error.kind in _MAYBE_THE_FILE:
            self._failing.add(attempt.job.id)
        if error.kind not in _NO_ANSWER:
            attempt.answered = self._strava_answered = True
        if result.auth_problem is not None:
            self._tokens.clear(attempt.job.athlete, result.auth_problem, attempt.token, self._clock())
        return result

    def _close_breakers(self, attempt: _Attempt, result: AttemptResult) -> None:
        """Close the breakers that the attempt as a whole has shown to be needless."""
        opened = result.breaker.name if result.breaker is not None else None
        if attempt.answered and opened is not BreakerName.NETWORK:
            breakers.close(BreakerName.NETWORK)
        if attempt.served and opened is None:
            breakers.close(BreakerName.SETTINGS)

    def _context(self, attempt: _Attempt) -> DecisionContext:
        """Gather what a decision needs beside the job."""
        now, network = self._clock(), breakers.open_breakers().get(BreakerName.NETWORK)
        tried_at = attempt.job.tried_at
        never_answered = network is not None and not self._strava_answered
        return DecisionContext(
            now=now,
            settings=self._settings,
            rate_limit=limits.expire_windows(rate_limits.current(), now),
            outstanding=open_jobs.outstanding(),
            others_succeed=tried_at is not None and self._last_arrival > tried_at,
            others_fail=self._others_fail(attempt.job),
            network_tries=network.tries if network else 0,
            not_strava_since=network.since if network and never_answered else None,
            bulk=attempt.bulk,
        )

    def _others_fail(self, job: Job) -> bool:
        """Whether uploads of other jobs, which are still to be sent, failed since the last one that arrived."""
        others = [stored_uploads.get(job_id) for job_id in list(self._failing - {job.id})]
        return any(other is not None and other.status is Status.PENDING for other in others)

    def _compare_held(self, job: Job) -> None:
        """Look which of the held old activities need no decision, because they are on Strava already."""
        if breakers.seconds_blocked(self._clock()):
            return
        attempt = _Attempt(job, Action.COMPARE, bulk=False, revision=job.row_revision)
        try:
            self._compare(attempt)
            self._close_breakers(attempt, results.unchanged(job, Outcome.HELD))
        except StravaError as error:
            result = self._after_error(attempt, error)
            self._close_breakers(attempt, result)
            self._open_breaker(result)
        except (KeyFileError, NotConnected):
            _log.info("compare_failed", athlete=job.athlete, reason="not connected")
        except DatabaseError:
            matches.compared({job.id: None}, self._clock())  # so little may have room
            raise
        except Exception:  # noqa: BLE001  # whatever it is: taken again, the look would cost a request each time
            _log.exception("unexpected_error")
            existing_activities.give_up(job, self._clock())

    def write_unwritten(self) -> bool:
        """Write the results that could not be written before, and end their claims; whether there were any."""
        unwritten = list(self._unwritten.items())
        for job_id, (attempt, result) in unwritten:
            self._write(attempt, result)
            del self._unwritten[job_id]
            self.claims.release(job_id)
        return bool(unwritten)

    def _write_or_keep(self, attempt: _Attempt, result: AttemptResult) -> None:
        try:
            self._write(attempt, result)
        except DatabaseError:
            self._unwritten[attempt.job.id] = (attempt, result)
            raise

    def _write(self, attempt: _Attempt, result: AttemptResult) -> None:
        """Write a result down, and what it means for all jobs."""
        now, job = self._clock(), attempt.job
        self._open_breaker(result)
        action = None
        if result.status is Status.COMPLETED:
            action = self._planned_action(job, ours=result.outcome is Outcome.COMPLETED)
        if not attempts.record(
            job.id,
            result,
            now,
            attempt.revision,
            accepted_at=job.accepted_at if result.upload_id is not None else None,
            after_upload_action=action,
            thumbnail=attempt.thumbnail,
            log=result.says_more_than(job),
        ):
            _log.info("claim_lost", outcome=result.outcome)
            return
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
        if result.status is Status.COMPLETED:
            self._folders.tidy()

    def _open_breaker(self, result: AttemptResult) -> None:
        if result.breaker is not None:
            breakers.open(result.breaker, self._clock())

    def _planned_action(self, job: Job, *, ours: bool) -> AfterUpload:
        """What is to become of a completed job's file."""
        return planned_action(job, self._settings.after_upload, ours=ours, archives=self._archives)


def _drawn(attempt: _Attempt) -> Thumbnail | None:
    """The thumbnail of an activity that has none yet, where its samples or its bytes are here; no fault costs an upload."""
    try:
        samples = attempt.samples
        if samples is None:
            if not attempt.body or activities.has_thumbnail(attempt.job.activity_id):
                return None
            samples = formats.examine(attempt.body, attempt.job.sha256).result.samples
        return draw(samples)
    except Exception:  # noqa: BLE001  # as the docstring says
        _log.exception("unexpected_error")
        return None
