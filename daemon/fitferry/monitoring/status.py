"""How things are: one typed snapshot for the page, the status file, the metrics and the notifications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from fitferry import __version__
from fitferry.core import rate_limit as limits
from fitferry.core.activity import WatchState
from fitferry.core.breaker import Breaker, BreakerName
from fitferry.core.filenames import shown
from fitferry.core.follow_up import FollowUpKind, FollowUpState
from fitferry.core.messages import as_message, folders, problems
from fitferry.core.problems import Problem, ProblemCode, problem, sorted_by_cause
from fitferry.core.strava import RateLimit
from fitferry.core.upload import Athlete, Backlog, Job, Status, WaitingFor
from fitferry.storage import accounts, breakers, follow_ups, holds, open_jobs, queries, rate_limits, uploads

MANY = 40
"""From so many old activities on their way it is an import, and people ask when it will be done."""
FOLLOW_UP_SECONDS = 86_400.0
"""How long something that was given up after an upload stays a problem."""
NO_BACKLOG = Backlog(0, None, None, 0, 0.0)

Breakers = Mapping[BreakerName, Breaker]


class State(StrEnum):
    """How things are, in one word."""

    OK = "ok"
    WAITING = "waiting"
    """An outage or Strava's limit: nobody has to do anything."""
    ATTENTION = "attention"
    """A person is needed."""


@dataclass(frozen=True, slots=True)
class Process:
    """What only the running daemon knows of itself. `troubles`: its own, and those of its folders."""

    pid: int
    started_at: float
    host: str
    port: int
    url: str
    watch: tuple[WatchState, ...]
    backlog: Backlog = NO_BACKLOG
    troubles: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with the wait that it is in, its own or one that all jobs share, and until when."""

    job: Job
    waiting_for: WaitingFor | None
    next_attempt_at: float | None


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How an import of many old activities is getting on; `done_by` is an estimate."""

    waiting: int
    done: int
    done_by: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How things are at `updated_at`.

    `problems`: in the order of causes. `held_until`: when Strava's limit ends, None while there is room.
    """

    version: str
    process: Process
    updated_at: float
    state: State
    problems: tuple[Problem, ...]
    athletes: tuple[Athlete, ...]
    queue: Mapping[Status, int]
    rate_limit: RateLimit
    held_until: float | None
    last_upload: JobView | None
    history_import: ImportProgress | None

    @property
    def watch(self) -> tuple[WatchState, ...]:
        """How the watched folders are doing."""
        return self.process.watch


class HealthErrors:
    """Since when each trouble of the process and of its folders lasts: the ledger knows nothing of these."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def dated(self, current: Iterable[Problem]) -> list[Problem]:
        """The problems of now, each with the moment at which it was there first."""
        by_key = {trouble.key: trouble for trouble in current}
        self._since = {key: self._since.get(key, trouble.since) for key, trouble in by_key.items()}
        return [replace(trouble, since=self._since[key]) for key, trouble in by_key.items()]


def of_folders(watch: Iterable[WatchState], now: float) -> Iterator[Problem]:
    """What is wrong with the watched folders now."""
    for state in watch:
        about, folder = state.athlete, state.folder
        if not state.available and state.reason:
            code, reason = ProblemCode.FOLDER_UNAVAILABLE, state.reason
            variant = "no_permission" if reason.code == folders.CLOSED.code else ""
            yield problem(
                code, now, athlete=about, subject=folder, variant=variant, folder=folder, reason=reason
            )
        if state.unreadable:
            first, count = shown(state.unreadable[0], whole=True), len(state.unreadable)
            code = ProblemCode.UNREADABLE
            yield problem(code, now, athlete=about, subject=folder, folder=folder, path=first, count=count)
        failure = state.not_moved
        if failure is not None and failure.code == folders.LINK_IN_WAY.code:
            path = dict(failure.params)["path"]
            yield problem(ProblemCode.LINK_IN_ARCHIVE_PATH, now, athlete=about, subject=folder, path=path)
        elif failure is not None:
            yield problem(ProblemCode.NOT_MOVED, now, athlete=about, subject=folder, reason=failure)
        for note in state.notes:
            if note.code == folders.MUCH_JUNK.code:
                limit = dict(note.params)["limit"]
                code = ProblemCode.FOLDER_BOUND
                yield problem(code, now, athlete=about, subject=folder, folder=folder, limit=limit)


def snapshot(names: Iterable[str], process: Process, now: float) -> Snapshot:
    """How things are now. `names`: the athletes of the settings."""
    people = tuple(accounts.get(name) for name in names)
    open_breakers = breakers.open_breakers()
    counts = uploads.counts()
    found = _problems(people, open_breakers, process, now)
    last = uploads.last_completed()
    limited = open_breakers.get(BreakerName.RATE_LIMIT)
    return Snapshot(
        version=__version__,
        process=process,
        updated_at=now,
        state=_state(found, open_breakers, counts, now),
        problems=tuple(found),
        athletes=people,
        queue=counts,
        rate_limit=limits.expire_windows(rate_limits.current(), now),
        held_until=limited.until if limited and limited.until > now else None,
        last_upload=_view(last, open_breakers, now, connected=True) if last else None,
        history_import=_import(people, now),
    )


def job_views(jobs: Iterable[Job], now: float) -> list[JobView]:
    """Jobs with what each waits for."""
    open_breakers = breakers.open_breakers()
    listed = list(jobs)
    connected = set(accounts.connected({job.athlete for job in listed}))
    return [_view(job, open_breakers, now, connected=job.athlete in connected) for job in listed]


def waits(
    job: Job, open_breakers: Breakers, now: float, *, connected: bool
) -> tuple[WaitingFor | None, float | None]:
    """What a job waits for, and until when: its own wait, or the one that all share."""
    if job.status not in {Status.PENDING, Status.PROCESSING} or job.is_being_sent:
        return None, None
    if not connected:
        return WaitingFor.CONNECTION, None
    shut = [
        breaker
        for breaker in open_breakers.values()
        if breaker.until > now or breaker.name is not BreakerName.RATE_LIMIT
    ]
    if shut:
        last = max(shut, key=lambda breaker: breaker.until)
        return WaitingFor(last.name), max(last.until, job.next_attempt_at, now)
    if job.next_attempt_at > now:
        return job.own_wait, job.next_attempt_at
    rate_limit = rate_limits.current()
    if not _has_budget(job, limits.budget(rate_limit, now, 0), now):
        return WaitingFor.RATE_LIMIT, limits.resume_at(rate_limit, now)
    return job.own_wait if job.upload_id is not None else None, max(job.next_attempt_at, job.created_at)


def _has_budget(job: Job, budget: limits.Budget, now: float) -> bool:
    """Whether the rate limit has room for a job that is due; the backlog leaves some of it to fresh activities."""
    left = budget.send if job.upload_id is None and not job.uncertain else budget.look
    return min(left, left if limits.is_fresh(job.start_time, now) else budget.backlog) > 0


def _view(job: Job, open_breakers: Breakers, now: float, *, connected: bool) -> JobView:
    return JobView(job, *waits(job, open_breakers, now, connected=connected))


def _problems(
    people: Iterable[Athlete], open_breakers: Breakers, process: Process, now: float
) -> list[Problem]:
    """What needs a person, each once, in the order of causes."""
    found = list(process.troubles)
    for person in people:
        if not person.connected:
            since = person.trouble_since if person.trouble_since is not None else process.started_at
            variant = person.trouble or ""
            found.append(problem(ProblemCode.NOT_CONNECTED, since, athlete=person.name, variant=variant))
    settings = open_breakers.get(BreakerName.SETTINGS)
    if settings is not None:
        answer = as_message(settings.message)
        found.append(problem(ProblemCode(settings.code), settings.since, answer=answer))
    found += holds.file_problems()
    found += _follow_up_problems(now)
    if process.backlog.count:
        found.append(_backlog_problem(process.backlog))
    return sorted_by_cause(found)


def _follow_up_problems(now: float) -> Iterator[Problem]:
    """What was given up after an upload, as long as nothing of its kind has succeeded since, nor a day gone by."""
    for kind, code in (
        (FollowUpKind.EDIT, ProblemCode.EDIT_FAILED),
        (FollowUpKind.HOOK, ProblemCode.HOOK_FAILED),
    ):
        last = follow_ups.last_finished(kind)
        if last is None or last.state is not FollowUpState.GIVEN_UP or last.finished_at is None:
            continue
        job = uploads.get(last.job_id)
        if job is not None and now - FOLLOW_UP_SECONDS < last.finished_at:
            reason = last.message or as_message("")
            yield problem(code, last.finished_at, athlete=job.athlete, file=job.file, reason=reason)


def _backlog_problem(waiting: Backlog) -> Problem:
    if waiting.oldest is None:
        return problem(ProblemCode.BACKLOG, waiting.since, count=waiting.count)
    return problem(
        ProblemCode.BACKLOG,
        waiting.since,
        variant="dated",
        count=waiting.count,
        oldest=waiting.oldest,
        newest=waiting.newest,
        days=problems.BACKLOG_DAYS(count=waiting.days),
    )


def _import(people: Iterable[Athlete], now: float) -> ImportProgress | None:
    """When very many old activities will be done; None where there are few."""
    count = open_jobs.count_open(now - limits.FRESH_SECONDS)
    if count <= MANY:
        return None
    can_read = all(person.can_read for person in people)
    done_by = limits.estimate_finish(count, rate_limits.current(), now, can_read=can_read)
    done = queries.import_so_far(now - limits.FRESH_SECONDS)
    return ImportProgress(count, done, done_by - done_by % 60)


def _state(found: list[Problem], open_breakers: Breakers, counts: Mapping[Status, int], now: float) -> State:
    if found or counts[Status.FAILED]:
        return State.ATTENTION
    shut = any(
        breaker.until > now or breaker.name is BreakerName.NETWORK for breaker in open_breakers.values()
    )
    return State.WAITING if shut else State.OK
