"""What can a person ask for? The same for the page, the API and the commands; a `RequestRejected` says why not."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import date

import structlog

from fitferry.config import Settings
from fitferry.config.values import is_reasonable
from fitferry.core import admission_rules
from fitferry.core import rate_limit as allowances
from fitferry.core.activity import AdmissionDecision, FileKind, NewActivity, ParseResult
from fitferry.core.errors import RequestRejected
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import Backlog, BreakerName, Job, Status
from fitferry.formats import ArchiveMember, is_known
from fitferry.formats.thumbnail import draw
from fitferry.inbox import admission, file_reader, spool
from fitferry.storage import accounts, activities, breakers, holds, rate_limits, uploads
from fitferry.storage.activities import File

_log = structlog.get_logger()
_UPLOADABLE = (Status.PENDING, Status.HELD, Status.FAILED, Status.SKIPPED)


class Actions:
    """What changes the ledger at a person's word; `select_due` lets the workers see it at once."""

    def __init__(self, settings: Settings, *, wake: Callable[[], None], clock: Callable[[], float]) -> None:
        self._settings = settings
        self._poke = wake
        self._clock = clock

    def upload_again(self, activity_id: int, *, again: bool = False) -> Job:
        """Queue an activity that is known; `again` also one that is completed, under a fresh external id."""
        job = _known(activity_id)
        if again and job.status is Status.COMPLETED:
            done = uploads.requeue(job.id, [Status.COMPLETED], external_id=_fresh_id(job))
        else:
            self._refuse_if_done(job)
            # What Strava had and deleted is bound to the old id for ever.
            fresh = _fresh_id(job) if job.error_code == "deleted" else None
            done = uploads.requeue(job.id, _UPLOADABLE, external_id=fresh)
        if not done:
            raise RequestRejected("in_flight", "this activity is being uploaded right now", 409)
        self._poke()
        return _known(activity_id)

    def take_upload(self, body: bytes, name: str, athlete: str) -> list[Job]:
        """Admit the activities that a person hands over, and queue them whatever the settings hold back."""
        if athlete not in self._settings.athletes:
            raise RequestRejected("unknown_athlete", f"there is no athlete {athlete!r} in the settings", 404)
        if not body:
            raise RequestRejected("empty", "the file is empty")
        if len(body) > MAX_FILE_BYTES:
            raise RequestRejected("too_large", "the file is larger than the 25 MB that Strava takes", 413)
        path = spool.keep(self._settings.state.folder, body, name)
        reading = file_reader.read(str(path))
        if reading is None:
            raise RequestRejected("changed", "the file changed while it was read; please try again", 409)
        content = file_reader.examine(reading)
        items = tuple(one for one in content.members if _is_worth_a_try(one.result))
        if not items and _is_worth_a_try(content.result):
            items = (
                ArchiveMember(reading.sha256, content.result),
            )  # a wrong checksum is no reason for a person
        if not items:
            spool.forget(path)
            raise RequestRejected("no_activity", _why_not(content.result, body))
        file = File(athlete, str(path), reading.sha256, len(body), None)
        newcomers = [
            NewActivity(
                one.sha256, one.result, AdmissionDecision(Status.PENDING), one.name, draw(one.result.samples)
            )
            for one in items
        ]
        found = self._admitted(file, newcomers)
        if all(job.path != str(path) for job in found):
            spool.forget(path)
        self._poke()
        for job in found:
            _log.info("handed over", job=job.id, file=name, athlete=athlete, outcome=job.status)
        return found

    def retry(self, job_id: int, *, again: bool = False) -> Job:
        """Put a job back into the queue by its own id; only a failed one, unless `again`."""
        job = uploads.get(job_id)
        if job is None:
            raise RequestRejected("unknown", f"there is no job {job_id}", 404)
        if not again and job.status is not Status.FAILED:
            raise RequestRejected("not_failed", f"job {job_id} is {job.status}, not failed", 409)
        return self.upload_again(job.activity_id, again=again)

    def retry_failed(self) -> list[Job]:
        """Put every failed job back into the queue."""
        return [self.upload_again(job.activity_id) for job in uploads.with_status(Status.FAILED)]

    def dismiss_failed(self) -> None:
        """Put every failed job aside."""
        for job in uploads.with_status(Status.FAILED):
            uploads.dismiss(job.id)

    def try_now(self) -> None:
        """Let what waits for the settings or for a subscription be tried at once: a person has mended it."""
        breakers.probe_now([BreakerName.SETTINGS], self._clock())
        self._poke()

    def dismiss(self, activity_id: int) -> Job:
        """Put a failed or held job aside."""
        job = _known(activity_id)
        if not uploads.dismiss(job.id):
            raise RequestRejected("not_waiting", "only a failed or a held upload can be put aside", 409)
        return _known(activity_id)

    def decide_backlog(self, decision: str, day: date | None = None) -> Backlog:
        """Upload the old activities (`all`), those since a day (`since`), or `none`; what still waits."""
        if decision not in {"all", "since", "none"} or (decision == "since") != (day is not None):
            raise RequestRejected("bad_decision", "the decision is one of all, none, or since with a date")
        if day is not None and not is_reasonable(day):
            raise RequestRejected("bad_value", "no activity can have started on that day")
        if decision != "none":
            holds.release_holds("backlog", since=admission_rules.midnight(day) if day is not None else None)
        holds.dismiss_all("backlog")
        self._poke()
        return backlog(self._settings.athletes, self._clock())

    def _admitted(self, file: File, newcomers: list[NewActivity]) -> list[Job]:
        """The jobs of what a person handed over; the bytes stand in for those that were lost."""
        admitted = activities.admit(file, newcomers, self._clock())
        for (job_id, new), one in zip(admitted, newcomers, strict=True):
            if not new:
                admission.restore_source(job_id, file, one.member)
        return [self._insisted(job_id) for job_id, _ in admitted]

    def _insisted(self, job_id: int) -> Job:
        """The job of what a person handed over, queued although it was held, failed or put aside."""
        job = uploads.get(job_id)
        if job is None:
            raise RequestRejected("unknown", "the activity could not be found again", 404)
        waits = job.status in {Status.HELD, Status.FAILED, Status.SKIPPED}
        return self.upload_again(job.activity_id) if waits else job

    def _refuse_if_done(self, job: Job) -> None:
        if job.status is Status.COMPLETED:
            raise RequestRejected("completed", "this activity is on Strava already", 409)
        if job.status is Status.PROCESSING:
            raise RequestRejected("in_flight", "this activity is being uploaded right now", 409)


def backlog(names: Iterable[str], now: float) -> Backlog:
    """What waits for a decision. `names`: the athletes of the settings."""
    count, oldest, newest, since = holds.span("backlog")
    can_read = all(accounts.get(name).can_read for name in names)
    days = allowances.days_for(count, rate_limits.current(), now, can_read=can_read)
    return Backlog(count, oldest, newest, days, since or 0.0)


def decide_since_again(settings: Settings) -> int:
    """After `since` was changed: queue what it no longer holds, and let it decide on a backlog; how many it freed."""
    freed = 0
    since = settings.strava.since
    decided = ["since"] if since is None else ["since", "backlog"]
    for code in decided:
        freed += holds.release_holds(
            code, since=None if since is None else admission_rules.midnight(since), unknown=True
        )
    if since is not None:
        holds.hold_pending("backlog", admission_rules.held_by_since(since))
    return freed


def _known(activity_id: int) -> Job:
    job = uploads.of_activity(activity_id)
    if job is None:
        raise RequestRejected("unknown", f"there is no activity {activity_id}", 404)
    return job


def _is_worth_a_try(found: ParseResult) -> bool:
    return found.kind is FileKind.ACTIVITY or (
        found.kind is FileKind.DAMAGED and found.facts.kind == "activity"
    )


def _why_not(found: ParseResult, body: bytes) -> str:
    if not is_known(body):
        return "this is no FIT, TCX or GPX file"
    if found.kind is FileKind.NO_ACTIVITY:
        return f"not an activity: {found.reason}"
    return f"the file is not whole: {found.reason}"


def _fresh_id(job: Job) -> str:
    return f"{job.sha256}-{secrets.token_hex(4)}"
