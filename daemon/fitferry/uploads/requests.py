"""What is asked of Strava in one attempt, and what does its answer mean for the job? Every request of the pipeline.

Each lies between two writes: what is about to be sent, and what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import structlog

from fitferry.auth.access_tokens import AccessTokens
from fitferry.config import StravaSettings, UploadSettings
from fitferry.core import rate_limit as allowances
from fitferry.core import retry_policy
from fitferry.core import rules as core_rules
from fitferry.core.errors import ClaimLost, StravaError
from fitferry.core.retry_policy import Action, DecisionContext
from fitferry.core.rules import Rule, upload_fields
from fitferry.core.strava import ListedActivity, StravaErrorKind
from fitferry.core.upload import AfterUpload, AttemptResult, BreakerName, Job, Outcome
from fitferry.storage import accounts, attempts, breakers, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.strava import Strava
from fitferry.strava.client import PAGE
from fitferry.uploads import bulk_status, existing_activities, source_file
from fitferry.uploads.after_upload import Archive, planned_action

SEARCH_PAGES = 50
"""More pages of 200 are not looked through; nobody has so many activities in two days."""

_MENDABLE = frozenset({StravaErrorKind.TOKEN_REFUSED, StravaErrorKind.APP_REFUSED})
"""What a fresh access token may mend: Strava has named the application for a stale token, too."""

_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(slots=True)
class RequestStage:
    """How far an attempt has come, for the judgement of what goes wrong in it; `token`: what it asks with."""

    tried_before: float | None
    at: Action = Action.CONFIRM
    sent: bool = False
    bulk: bool = False
    token: str = field(default="", repr=False)


class StravaRequests:
    """What the attempts of all workers ask."""

    def __init__(
        self,
        strava: Strava,
        tokens: AccessTokens,
        *,
        app: StravaSettings,
        uploads: UploadSettings,
        archives: Iterable[Archive],
        rules: Iterable[Rule],
        clock: Callable[[], float],
    ) -> None:
        self._rules = tuple(rules)
        self._strava = strava
        self._tokens = tokens
        self._app = app
        self._uploads = uploads
        self._archives = tuple(archives)
        self._clock = clock
        self._pages = bulk_status.Pages()
        self._last_sent = 0.0

    def carry_out(self, job: Job, stage: RequestStage) -> AttemptResult:
        """The move that is due for a job. Raises StravaFault, KeyProblem, NotConnected, ClaimLost, DatabaseError."""
        now, can_read = self._clock(), accounts.get(job.athlete).can_read
        old = can_read and existing_activities.is_worth_it(job, now)
        stage.at = retry_policy.move(job, self._uploads, can_read=can_read, old=old)
        stage.bulk = bulk_status.is_bulk(job, now)
        match stage.at:
            case Action.GIVE_UP:
                return retry_policy.given_up(job)
            case Action.LOOK:
                return self._look(job, stage)
            case Action.CONFIRM:
                found = self._find(job, stage)
                step = retry_policy.after_confirm(job, found, self.around(stage))
                if step is not None:
                    return step
            case Action.COMPARE:
                step = retry_policy.after_compare(job, self.compare(job, stage))
                if step is not None:
                    return step
        stage.at = Action.SEND
        return self._send(job, stage)

    def compare(self, job: Job, stage: RequestStage) -> int | None:
        """The activity on Strava that an old one is already; one page of the list serves many others, too."""
        before = (job.start_time or 0.0) + existing_activities.AROUND
        try:
            page = self._list(job, stage, before)
        except StravaError as fault:
            if not retry_policy.can_do_without(fault, stage.at):
                raise
            _log.warning("cannot compare", athlete=job.athlete, reason=str(fault))
            existing_activities.give_up(job, self._clock())
            return None
        return existing_activities.settle(job, page, self._clock())

    def around(self, stage: RequestStage) -> DecisionContext:
        """What a decision has to know beside the job."""
        now = self._clock()
        open_breakers = breakers.open_breakers()
        network = open_breakers.get(BreakerName.NETWORK)
        return DecisionContext(
            now=now,
            uploads=self._uploads,
            allowance=allowances.expire_windows(rate_limits.allowance(), now),
            outstanding=stored_uploads.outstanding(),
            others_succeed=stage.tried_before is not None and self._last_sent > stage.tried_before,
            breaker_tries=network.tries if network else 0,
            bulk=stage.bulk,
        )

    def _look(self, job: Job, stage: RequestStage) -> AttemptResult:
        upload_id = job.upload_id or 0
        if stage.bulk and job.looks <= bulk_status.LOOKS and accounts.get(job.athlete).can_read:
            try:
                return self._look_at_all(job, stage)
            except StravaError as fault:
                if not retry_policy.can_do_without(fault, stage.at):
                    raise
                _log.warning("cannot list", athlete=job.athlete, reason=str(fault))
        report = self._with_token(
            job, lambda token: self._strava.upload_status(upload_id, token=token), stage
        )
        return retry_policy.after_report(job, report, self.around(stage))

    def _look_at_all(self, job: Job, stage: RequestStage) -> AttemptResult:
        """One page of the athlete's activities instead of a look at each upload."""
        now = self._clock()
        activity_id, others = self._pages.find(job, now, lambda before: self._list(job, stage, before))
        wanted = AfterUpload(self._uploads.after_upload)
        after = {
            one.id: (others[one.id], planned_action(one, wanted, ours=True, archives=self._archives))
            for one in stored_uploads.outstanding_of(job.athlete)
            if one.id in others
        }
        done = stored_uploads.confirmed(after, now)
        if done:
            _log.info("confirmed", outcome=Outcome.COMPLETED, athlete=job.athlete, uploads=len(done))
        if activity_id is not None:
            return retry_policy.seen_on_strava(job, activity_id)
        return retry_policy.still_processing(job, self.around(stage))

    def _list(
        self, job: Job, stage: RequestStage, before: float, after: float | None = None
    ) -> list[ListedActivity]:
        """A page of the athlete's activities, newest first."""
        return self._with_token(
            job, lambda token: self._strava.activities(token=token, after=after, before=before), stage
        )

    def _find(self, job: Job, stage: RequestStage) -> int | None:
        """The activity that came of an earlier attempt, found by the id that it was sent with."""
        middle = job.start_time if job.start_time is not None else (job.sent_at or self._clock())
        after, before = middle - existing_activities.AROUND, middle + existing_activities.AROUND
        for _ in range(SEARCH_PAGES):
            listed = self._list(job, stage, before, after)
            ours = [a.id for a in listed if a.sent_as == job.external_id]
            # Others may have begun in the same second.
            oldest = min((a.start_time for a in listed), default=before) + 1
            if ours or len(listed) < PAGE or oldest >= before:
                return next(iter(ours), None)
            before = oldest
        return None

    def _send(self, job: Job, stage: RequestStage) -> AttemptResult:
        body = source_file.body_of(job, self._app, self._rules, self._archives, self.around(stage))
        if isinstance(body, AttemptResult):
            return body
        fields = upload_fields(self._rules, core_rules.subject_of_job(job))

        def send(token: str) -> AttemptResult:
            if not attempts.mark_sending(job.id, self._clock(), job.claim):
                raise ClaimLost
            stage.sent = True
            report = self._strava.upload(
                body, token=token, external_id=job.external_id, data_type=job.data_type, fields=fields
            )
            now = self._last_sent = self._clock()
            if report.upload_id and not attempts.accepted(job.id, report.upload_id, now, job.claim):
                raise ClaimLost
            known = replace(
                job, upload_id=report.upload_id or None, accepted_at=now, looks=0, uncertain=False
            )
            return retry_policy.after_report(known, report, self.around(stage))

        return self._with_token(job, send, stage)

    def _with_token(self, job: Job, call: Callable[[str], T], stage: RequestStage) -> T:
        """One request with a fresh token; a second one where Strava refuses the token."""
        self._find_room(job, stage)
        token = self._token(job, stage)
        try:
            answer = call(token)
        except StravaError as fault:
            if fault.fault not in _MENDABLE:
                raise
            self._find_room(job, stage)
            answer = call(self._token(job, stage, refused=token))
        breakers.close(BreakerName.NETWORK, BreakerName.SETTINGS)
        return answer

    def _find_room(self, job: Job, stage: RequestStage) -> None:
        """Raise USED_UP where one request more might be the one too many.

        Each job in flight asks one thing at a time, and begins it only while enough for each of them is left.
        """
        now, others = self._clock(), attempts.in_flight() - 1
        # Read after the count: whoever is not in flight any more has been heard.
        room = allowances.room(rate_limits.allowance(), now, others)
        left = room.send if stage.at is Action.SEND else room.look
        if not (left if allowances.is_fresh(job.start_time, now) else min(left, room.backlog)):
            raise StravaError(StravaErrorKind.USED_UP, "Strava's allowance is used up for now")

    def _token(self, job: Job, stage: RequestStage, refused: str = "") -> str:
        try:
            stage.token = self._tokens.get(job.athlete, self._clock(), refused=refused)
        except StravaError as fault:
            stage.at = Action.REFRESH
            # No byte of the file is concerned: nothing is uncertain.
            raise StravaError(fault.fault, str(fault), retry_after=fault.retry_after) from fault
        return stage.token
