"""The commands of people: the same for the page, the API and the command line; `RequestRejected` says why not."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import structlog

from fitferry.config.schema import Settings
from fitferry.config.values import is_reasonable
from fitferry.core import admission_rules
from fitferry.core import rate_limit as limits
from fitferry.core.activity import NewActivity
from fitferry.core.breaker import BreakerName
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import uploads, web
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import Backlog, ErrorCode, Job, Status
from fitferry.formats.archives import is_zip
from fitferry.inbox import admission, spool
from fitferry.inbox.first_scan import FEW
from fitferry.inbox.folder_tasks import FolderAway
from fitferry.storage import accounts, activities, breakers, holds, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.storage.seen_files import File
from fitferry.uploads import handed_over
from fitferry.uploads.handed_over import HandedOver
from fitferry.uploads.source_file import SourceFileError

_log = structlog.get_logger()
_UPLOADABLE = (Status.PENDING, Status.HELD, Status.FAILED, Status.SKIPPED)


class Actions:
    """The commands of people; `wake` lets the workers see at once what they changed."""

    def __init__(
        self,
        settings: Settings,
        *,
        wake: Callable[[], None],
        clock: Callable[[], float],
        has_lost_bytes: Callable[[Job], bool] = lambda _job: False,
        read: Callable[[Job], bytes] | None = None,
    ) -> None:
        self._settings = settings
        self._wake = wake
        self._clock = clock
        self._has_lost_bytes = has_lost_bytes
        self._read = read

    def upload(self, activity_id: int, *, again: bool = False) -> Job:
        """Queue an activity that is known, for a new attempt; `again` also one that is completed.

        Raises RequestRejected for what is completed or in flight.
        """
        job = _known(activity_id)
        if job.status is Status.COMPLETED and not again:
            raise RequestRejected(RejectionCode.COMPLETED, uploads.COMPLETED_ALREADY())
        if not self._requeue(job):
            raise RequestRejected(RejectionCode.IN_FLIGHT, uploads.IN_FLIGHT())
        self._wake()
        return _known(activity_id)

    def upload_file(self, body: bytes, name: str, athlete: str) -> list[Job]:
        """The same as `upload_files`, for one file."""
        return self.upload_files([(body, name)], athlete)

    def upload_files(self, files: Sequence[tuple[bytes, str]], athlete: str) -> list[Job]:
        """Admit the activities that a person hands over, and queue them whatever the settings hold back.

        `files`: bytes and name of each. All are judged before any is kept: of a request that is refused nothing is
        queued, so that it can be made again.
        """
        if athlete not in self._settings.athletes:
            raise RequestRejected(RejectionCode.UNKNOWN_ATHLETE, web.UNKNOWN_ATHLETE(name=athlete))
        judged = []
        for body, name in files:
            try:
                judged.append(_judged(body, name, athlete))
            except RequestRejected as why:
                if len(files) == 1:
                    raise
                raise RequestRejected(why.code, uploads.OF_FILE(file=name, reason=why.message)) from why
        return [job for file in judged for job in self._taken(file, athlete)]

    def repair_upload(self, activity_id: int) -> Job:
        """Queue what can be saved of a held FIT file, as a file of its own, and dismiss the held job.

        The file stays as it is. Raises RequestRejected for what is not held for that, or cannot be repaired.
        """
        from fitferry.formats.fit.repair import NotRepairable, repair  # noqa: PLC0415  # seldom needed

        job = _known(activity_id)
        is_broken_off = job.status is Status.HELD and job.error_code in admission_rules.REPAIRABLE
        if not is_broken_off or self._read is None:
            raise RequestRejected(RejectionCode.NOT_REPAIRABLE, uploads.NOT_REPAIRABLE())
        try:
            repaired = repair(self._read(job))
        except NotRepairable as error:
            raise RequestRejected(RejectionCode.NOT_REPAIRABLE, error.message) from error
        except (SourceFileError, FolderAway) as error:
            raise RequestRejected(RejectionCode.UNREADABLE, uploads.SOURCE_UNREADABLE()) from error
        stem = job.file.rpartition(".")[0] or job.file
        (queued,) = self.upload_file(repaired.data, f"{stem}-repaired.fit", job.athlete)
        stored_uploads.dismiss(job.id)
        return queued

    def retry(self, job_id: int, *, again: bool = False) -> Job:
        """Put a job back into the queue by its own id; one that failed or is stalled at Strava, or any with `again`."""
        job = _job(job_id)
        if not again and job.status is not Status.FAILED and not self._is_stalled(job):
            raise RequestRejected(
                RejectionCode.NOT_FAILED, uploads.NOT_FAILED(id=job_id, status=job.status.value)
            )
        return self.upload(job.activity_id, again=again)

    def retry_jobs(self, job_ids: Iterable[int], *, again: bool = False) -> list[Job]:
        """Put several jobs back into the queue. Raises the first RequestRejected after all were tried."""
        retried, rejected = _tried(job_ids, lambda job_id: self.retry(job_id, again=again))
        if rejected:
            raise rejected[0]
        return retried

    def retry_failed(self) -> list[Job]:
        """Put every failed job back into the queue; those that were."""
        failed = [job.id for job in stored_uploads.with_status(Status.FAILED)]
        return _tried(failed, self.retry)[0]

    def dismiss(self, activity_id: int) -> Job:
        """Dismiss a failed or held job, or one that is stalled at Strava."""
        job = _known(activity_id)
        stalled = self._is_stalled(job)
        if not (stored_uploads.dismiss_stalled(job.id) if stalled else stored_uploads.dismiss(job.id)):
            raise RequestRejected(RejectionCode.NOT_WAITING, uploads.NOT_DISMISSIBLE())
        return _known(activity_id)

    def dismiss_failed(self) -> None:
        stored_uploads.dismiss_failed()

    def try_now(self) -> None:
        """Let what waits for the settings or for a subscription be tried at once: a person has mended it."""
        breakers.probe_now([BreakerName.SETTINGS], self._clock())
        self._wake()

    def decide_backlog(self, decision: str, day: date | None = None) -> Backlog:
        """Upload the old activities (`all`), those since a day (`since`), or `none`; what still waits."""
        if decision not in {"all", "since", "none"} or (decision == "since") != (day is not None):
            raise RequestRejected(RejectionCode.BAD_DECISION, uploads.BAD_DECISION())
        if day is not None and not is_reasonable(day):
            raise RequestRejected(RejectionCode.BAD_VALUE, uploads.BAD_DAY())
        if decision != "none":
            holds.release_holds(
                ErrorCode.BACKLOG, since=admission_rules.midnight(day) if day is not None else None
            )
        holds.dismiss_all(ErrorCode.BACKLOG)
        if decision == "none":
            holds.dismiss_first_finds()
        self._wake()
        return backlog(self._settings.athletes, self._clock())

    def _requeue(self, job: Job) -> bool:
        """Begin a new attempt; False if the job is in flight.

        What Strava has judged is sent under a fresh external id: the old one is bound to that upload for ever. What
        it never finished is looked for first, and sent again under the same id.
        """
        if self._is_stalled(job):
            return stored_uploads.requeue_stalled(job.id)
        if job.status is Status.COMPLETED:
            return stored_uploads.requeue(job.id, [Status.COMPLETED], external_id=_fresh_id(job))
        fresh = _fresh_id(job) if job.upload_id is not None else None
        return stored_uploads.requeue(job.id, _UPLOADABLE, external_id=fresh)

    def _is_stalled(self, job: Job) -> bool:
        """Whether Strava has been processing an upload for longer than uploads take."""
        if job.status is not Status.PROCESSING or job.upload_id is None or job.accepted_at is None:
            return False
        return self._clock() - job.accepted_at >= self._settings.uploads.check_timeout

    def _taken(self, given: HandedOver, athlete: str) -> list[Job]:
        """The jobs of a file with something in it that can be queued."""
        if not given.activities:  # a person insists, as by the button beside it
            return [self.upload(job.activity_id) for job in _held(athlete, given.sha256)]
        path = spool.keep(self._settings.state.folder, given.body, given.name)
        jobs = self._admitted(
            File(athlete, str(path), given.sha256, len(given.body), None), list(given.activities)
        )
        if all(job.path != str(path) for job in jobs):
            spool.forget(path)
        self._wake()
        for job in jobs:
            _log.info("manual_upload", job=job.id, file=given.name, athlete=athlete, outcome=job.status)
        return jobs

    def _admitted(self, file: File, new_activities: list[NewActivity]) -> list[Job]:
        """The jobs of what a person handed over; the bytes stand in for those that were lost."""
        admitted = activities.admit(file, new_activities, self._clock())
        jobs = []
        for (job_id, is_new), activity in zip(admitted, new_activities, strict=True):
            if not is_new:
                admission.restore_source(job_id, file, activity.member, self._has_lost_bytes)
            is_wanted = activity.admission.status is Status.PENDING
            jobs.append(self._queued(job_id) if is_wanted else _job(job_id))
        return jobs

    def _queued(self, job_id: int) -> Job:
        """The job of what a person handed over, queued although it was held, failed or dismissed."""
        job = _job(job_id)
        waits = job.status in {Status.HELD, Status.FAILED, Status.SKIPPED}
        return self.upload(job.activity_id) if waits else job


def backlog(names: Iterable[str], now: float) -> Backlog:
    """What waits for a decision. `names`: the athletes of the settings."""
    count, oldest, newest, since = holds.span(ErrorCode.BACKLOG)
    if not count or (count <= FEW and not holds.any_proven(ErrorCode.BACKLOG)):
        return Backlog(0, None, None, 0, 0.0)  # a few are let go when the first scan ends
    can_read = all(accounts.get(name).can_read for name in names)
    days = limits.days_for(count, rate_limits.current(), now, can_read=can_read)
    return Backlog(count, oldest, newest, days, since or 0.0)


def decide_since_again(settings: Settings) -> int:
    """After `since` was changed: queue what it no longer holds, and let it decide on a backlog; how many it freed."""
    freed = 0
    since = settings.strava.since
    decided = [ErrorCode.SINCE] if since is None else [ErrorCode.SINCE, ErrorCode.BACKLOG]
    for code in decided:
        freed += holds.release_holds(
            code, since=None if since is None else admission_rules.midnight(since), unknown=True
        )
    if since is not None:
        holds.hold_for_another_reason(ErrorCode.BACKLOG, admission_rules.held_by_since(since))
    return freed


def _tried(job_ids: Iterable[int], command: Callable[[int], Job]) -> tuple[list[Job], list[RequestRejected]]:
    """One command for many jobs: those for which it was done, and why it was not for the others."""
    done, rejected = [], []
    for job_id in job_ids:
        try:
            done.append(command(job_id))
        except RequestRejected as error:
            rejected.append(error)
    return done, rejected


def _judged(body: bytes, name: str, athlete: str) -> HandedOver:
    """A file that a person hands over. Raises RequestRejected where nothing in it can be queued."""
    if not body:
        raise RequestRejected(RejectionCode.EMPTY, uploads.EMPTY_FILE())
    if len(body) > MAX_FILE_BYTES and not is_zip(body):  # the bound is each activity's
        raise RequestRejected(RejectionCode.TOO_LARGE, web.UPLOAD_TOO_LARGE())
    given = handed_over.judge(body, name)
    if not given.activities and not _held(athlete, given.sha256):
        raise RequestRejected(RejectionCode.NO_ACTIVITY, handed_over.why_not(given.result, body))
    return given


def _held(athlete: str, sha256: str) -> list[Job]:
    return [job for job in stored_uploads.of_file(athlete, sha256) if job.status is Status.HELD]


def _job(job_id: int) -> Job:
    job = stored_uploads.get(job_id)
    if job is None:
        raise RequestRejected(RejectionCode.UNKNOWN, web.UNKNOWN_JOB(id=job_id))
    return job


def _known(activity_id: int) -> Job:
    job = stored_uploads.of_activity(activity_id)
    if job is None:
        raise RequestRejected(RejectionCode.UNKNOWN, uploads.UNKNOWN_ACTIVITY(id=activity_id))
    return job


def _fresh_id(job: Job) -> str:
    return f"{job.sha256}-{secrets.token_hex(4)}"
