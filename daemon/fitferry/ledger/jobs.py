"""Where does each upload stand? Claims, outcomes, what is due, the history."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitferry.ledger.rows import jobs_where
from fitferry.ledger.tables import ActivityRow, AthleteRow, Case, JobRow, fn, tuples, writing
from fitferry.model import OPEN, Admission, AfterUpload, Job, Status, Step, WaitingFor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


_FREE: dict[str, Any] = {"claimed_at": None, "claim": None}
_ASIDE: dict[str, Any] = {
    "status": Status.SKIPPED,
    "error_code": "dismissed",
    "error_message": "put aside by hand",
    **_FREE,
}


def claim(job_id: int, now: float, number: int = 0) -> Job | None:
    """Take a job for one attempt (D2); None if it is not due, or somebody else has it.

    `number`: the claim's own; whoever names another one writes nothing (any more).
    """
    with writing():
        taken = (
            JobRow.update(claimed_at=now, claim=number, tried_at=now, status=Status.PROCESSING)
            .where(
                JobRow.id == job_id,
                JobRow.status.in_(OPEN),
                JobRow.claimed_at.is_null(),
                JobRow.next_attempt_at <= now,
            )
            .execute()
        )
        return get(job_id) if taken else None


def about_to_send(job_id: int, now: float, number: int = 0) -> bool:
    """Write down that the body goes out now: from here on the upload is uncertain until its answer.

    False if the claim is not ours any more: then nothing may be sent.
    """
    return _update(job_id, number, sent_at=now, uncertain=True)


def accepted(job_id: int, upload_id: int, now: float, number: int = 0) -> bool:
    """Write down Strava's id of the upload (D3): the file is never sent again."""
    return _update(job_id, number, upload_id=upload_id, accepted_at=now, uncertain=False, looks=0)


def record(
    job_id: int, step: Step, now: float, number: int = 0, *, after_done: AfterUpload | None = None
) -> bool:
    """Write down what an attempt came to (D4), and let the job go; False if it was not ours any more.

    `after_done`: what is to become of the file, once the job is completed.
    """
    done = step.status in {Status.COMPLETED, Status.FAILED}
    with writing():
        written = JobRow.update(
            status=step.status,
            waits_for=step.waits_for,
            failures=step.failures,
            next_attempt_at=step.next_attempt_at,
            uncertain=step.uncertain,
            upload_id=step.upload_id,
            looks=step.looks,
            strava_activity_id=step.strava_activity_id,
            error_code=step.error_code,
            error_message=step.error_message,
            completed_at=now if done else None,
            after_done=after_done,
            **_FREE,
        ).where(*_mine(job_id, number))
        return bool(written.execute())


def release(job_id: int, number: int = 0) -> None:
    """Let a claimed job go as it was, for an attempt that did not begin."""
    with writing():
        _released(*_mine(job_id, number))


def claim_to_compare(job_id: int, now: float, number: int = 0) -> Job | None:
    """Take a held old activity, to look for it on Strava; None if somebody else has it."""
    with writing():
        where = (JobRow.id == job_id, JobRow.status == Status.HELD, JobRow.claimed_at.is_null())
        taken = JobRow.update(claimed_at=now, claim=number).where(*where).execute()
        return get(job_id) if taken else None


def release_all(longest: float, quarantine: float, now: float) -> int:
    """Let every claim of a dead process go; how many there were."""
    with writing():
        released = _let_go(quarantine, now, JobRow.claimed_at.is_null(False))
        _clamped(longest, now)
    return released


def release_strays(held: Callable[[], Collection[int]], quarantine: float, now: float) -> int:
    """Let the claims go whose numbers nobody holds: a worker lost them when the database failed; how many."""
    claimed = {
        number for (number,) in tuples(JobRow.select(JobRow.claim).where(JobRow.claimed_at.is_null(False)))
    }
    strays = claimed.difference(held())  # in this order: a claim is held before it is written
    if not strays:
        return 0
    with writing():
        return _let_go(quarantine, now, JobRow.claim.in_(list(strays)))


def clamp(longest: float, now: float) -> None:
    """Let no job wait longer than `longest` seconds from now: the clock may have jumped back."""
    late = JobRow.select(JobRow.id).where(JobRow.status.in_(OPEN), JobRow.next_attempt_at > now + longest)
    if late.exists():
        with writing():
            _clamped(longest, now)


def due(
    now: float,
    limit: int,
    *,
    look: bool,
    fresh_since: float | None,
    connected: Iterable[str],
    readers: Iterable[str],
    probe: bool,
) -> list[int]:
    """The jobs to try next, newest activity first, at most `limit`.

    `look`: whether anything may be read. Without it what is accepted has to wait, and so has what may have arrived,
    where it would be looked for (`readers`). `fresh_since`: only activities that started since then.
    `probe`: the job that waited longest comes first, so that one bad file is not tried again and again.
    """
    query = (
        JobRow.select(JobRow.id)
        .join(ActivityRow)
        .where(
            JobRow.status.in_(OPEN),
            JobRow.claimed_at.is_null(),
            JobRow.next_attempt_at <= now,
            _of(*connected),
        )
    )
    if not look:
        query = query.where(JobRow.upload_id.is_null(), ~(JobRow.uncertain & _of(*readers)))
    if fresh_since is not None:
        query = query.where(ActivityRow.start_time >= fresh_since)
    newest = (ActivityRow.start_time.desc(nulls="LAST"), JobRow.id)
    order = (JobRow.tried_at.asc(nulls="FIRST"), *newest) if probe else newest
    return [row[0] for row in tuples(query.order_by(*order).limit(limit))]


def next_due(now: float, connected: Iterable[str]) -> float | None:
    """When the next job that is not due yet will be; None if there is none."""
    earliest: float | None = (
        JobRow.select(fn.MIN(JobRow.next_attempt_at))
        .join(ActivityRow)
        .where(
            JobRow.status.in_(OPEN),
            JobRow.claimed_at.is_null(),
            JobRow.next_attempt_at > now,
            _of(*connected),
        )
        .scalar()
    )
    return earliest


def any_open(connected: Iterable[str]) -> bool:
    """Whether any job of these athletes is on its way."""
    found = JobRow.select(JobRow.id).join(ActivityRow).where(JobRow.status.in_(OPEN), _of(*connected))
    return bool(tuples(found.limit(1)))


def in_flight() -> int:
    """How many jobs are being worked on."""
    return int(JobRow.select().where(JobRow.claimed_at.is_null(False)).count())


def outstanding() -> int:
    """How many uploads Strava has accepted but not finished."""
    return int(JobRow.select().where(JobRow.status.in_(OPEN), JobRow.upload_id.is_null(False)).count())


def outstanding_of(athlete: str) -> list[Job]:
    """An athlete's accepted uploads that are not finished, newest activity first."""
    where = JobRow.status.in_(OPEN) & JobRow.upload_id.is_null(False) & _of(athlete)
    return jobs_where(where, order=(ActivityRow.start_time.desc(nulls="LAST"),))


def many_wait(athlete: str, started_before: float, many: int) -> bool:
    """Whether more than `many` old activities of an athlete are on their way."""
    old = _of(athlete) & (ActivityRow.start_time < started_before)
    found = JobRow.select(JobRow.id).join(ActivityRow).where(JobRow.status.in_(OPEN), old).limit(many + 1)
    return len(tuples(found)) > many


def count_open(started_before: float) -> int:
    """How many old activities of all athletes are on their way."""
    old = ActivityRow.start_time < started_before
    return int(JobRow.select().join(ActivityRow).where(JobRow.status.in_(OPEN), old).count())


def confirmed(found: dict[int, tuple[int, AfterUpload]], now: float) -> list[int]:
    """Complete accepted uploads that were seen on Strava; those that nobody was working on."""
    done = []
    with writing():
        for job_id, (activity_id, after_done) in found.items():
            where = (JobRow.id == job_id, JobRow.status.in_(OPEN), JobRow.claimed_at.is_null())
            taken = JobRow.update(
                status=Status.COMPLETED,
                waits_for=None,
                uncertain=False,
                strava_activity_id=activity_id,
                error_code=None,
                error_message=None,
                completed_at=now,
                after_done=after_done,
            ).where(*where)
            done += [job_id] if taken.execute() else []
    return done


def counts() -> dict[Status, int]:
    """How many jobs there are in each status."""
    found = dict(tuples(JobRow.select(JobRow.status, fn.COUNT(JobRow.id)).group_by(JobRow.status)))
    return {status: int(found.get(status, 0)) for status in Status}


def get(job_id: int) -> Job | None:
    """One job by its id."""
    return next(iter(jobs_where(JobRow.id == job_id, limit=1)), None)


def of_activity(activity_id: int) -> Job | None:
    """The job of one activity."""
    return next(iter(jobs_where(JobRow.activity == activity_id, limit=1)), None)


def of_bytes(athlete: str, sha256: str) -> Job | None:
    """The job of the activity with these bytes."""
    return next(
        iter(jobs_where((ActivityRow.athlete == athlete) & (ActivityRow.sha256 == sha256), limit=1)), None
    )


def with_status(status: Status, error_code: str | None = None) -> list[Job]:
    """Every job of one status, oldest first; of one reason, if it is named."""
    where = JobRow.status == status
    if error_code is not None:
        where &= JobRow.error_code == error_code
    return jobs_where(where, order=(JobRow.id,))


def finished_since(moment: float) -> list[Job]:
    """What was completed or has failed after a moment, oldest first."""
    return jobs_where(JobRow.completed_at > moment, order=(JobRow.completed_at,))


def held_span(error_code: str) -> tuple[int, float | None, float | None, float | None]:
    """How many jobs are held for a reason, the first and the last start among them, and since when."""
    of = ActivityRow.start_time
    query = JobRow.select(fn.COUNT(JobRow.id), fn.MIN(of), fn.MAX(of), fn.MIN(JobRow.created_at)).join(
        ActivityRow
    )
    found = tuples(query.where(JobRow.status == Status.HELD, JobRow.error_code == error_code))[0]
    return int(found[0]), found[1], found[2], found[3]


def last_completed() -> Job | None:
    """The job that was completed last."""
    # By the index of completed_at: nearly every job is completed.
    done = JobRow.completed_at.is_null(False) & (fn.COALESCE(JobRow.status, "") == Status.COMPLETED)
    found = jobs_where(done, order=(JobRow.completed_at.desc(),), limit=1)
    return found[0] if found else None


def requeue(job_id: int, statuses: Iterable[Status], *, external_id: str | None = None) -> bool:
    """Put a job back into the queue, its count reset; False if it is in none of `statuses`.

    With a fresh `external_id` it is sent as if for the first time.
    """
    fresh: dict[str, Any] = {"status": Status.PENDING, "waits_for": None, "failures": 0, "next_attempt_at": 0}
    fresh |= {"error_code": None, "error_message": None, "completed_at": None, "strava_activity_id": None}
    if external_id is not None:
        fresh |= {
            "external_id": external_id,
            "upload_id": None,
            "uncertain": False,
            "sent_at": None,
            "looks": 0,
        }
    else:
        # What may have arrived is looked for as soon as it would have been, and not sooner.
        fresh["next_attempt_at"] = Case(None, [(JobRow.uncertain, JobRow.next_attempt_at)], 0)
        fresh["waits_for"] = Case(None, [(JobRow.uncertain, WaitingFor.CONFIRM)], None)
    fresh |= _FREE
    with writing():
        free = JobRow.claimed_at.is_null() | (JobRow.status == Status.HELD)  # a look must not stop a decision
        where = (JobRow.id == job_id, JobRow.status.in_(list(statuses)), free)
        return bool(JobRow.update(**fresh).where(*where).execute())


def leave_behind(athlete: str, now: float) -> None:
    """Conclude what the account has or may have that an athlete was connected to before.

    It cannot be looked for any more. If a person has it sent again, it goes to the account of that day.
    """
    sent = JobRow.upload_id.is_null(False) | JobRow.uncertain
    theirs = JobRow.activity.in_(ActivityRow.select(ActivityRow.id).where(ActivityRow.athlete == athlete))
    with writing():
        JobRow.update(
            status=Status.FAILED,
            waits_for=None,
            uncertain=False,
            upload_id=None,
            sent_at=None,
            looks=0,
            error_code="other_account",
            error_message="this was sent to the Strava account that was connected before: look for it there, "
            "or send it to the one that is connected now",
            completed_at=now,
            **_FREE,
        ).where(JobRow.status.in_(OPEN), sent, theirs).execute()


def let_go(error_code: str, *, since: float | None, unknown: bool = False) -> int:
    """Queue what is held for a reason, all or what started since a time; how many.

    `unknown`: also what does not say when it started.
    """
    wanted = ActivityRow.select(ActivityRow.id)
    if since is not None:
        recent = ActivityRow.start_time >= since
        wanted = wanted.where(recent | ActivityRow.start_time.is_null() if unknown else recent)
    with writing():
        return int(
            JobRow.update(
                status=Status.PENDING,
                error_code=None,
                error_message=None,
                looks=0,
                next_attempt_at=0,
                **_FREE,
            )
            .where(JobRow.status == Status.HELD, JobRow.error_code == error_code, JobRow.activity.in_(wanted))
            .execute()
        )


def hold_instead(error_code: str, reason: Admission) -> None:
    """Hold for another reason whatever is held for this one."""
    with writing():
        JobRow.update(error_code=reason.error_code, error_message=reason.error_message).where(
            JobRow.status == Status.HELD, JobRow.error_code == error_code
        ).execute()


def set_all_aside(error_code: str) -> None:
    """Put everything aside that is held for a reason."""
    with writing():
        JobRow.update(**_ASIDE).where(JobRow.status == Status.HELD, JobRow.error_code == error_code).execute()


def wait_for_folder(folder: Path, until: float) -> None:
    """Let every job wait whose file is in a folder that is away: one write, however many they are."""
    waits = (JobRow.status == Status.PENDING) & JobRow.claimed_at.is_null() & ~JobRow.uncertain
    here = _in_folder(folder) & waits & (JobRow.next_attempt_at < until)
    words = {"error_code": "file_unreadable", "error_message": "its folder is not there"}
    with writing():
        JobRow.update(waits_for=WaitingFor.FILE, next_attempt_at=until, **words).where(here).execute()


def folder_is_back(folder: Path) -> None:
    """Let the jobs be tried now that waited for a folder."""
    waits = (JobRow.status == Status.PENDING) & (JobRow.waits_for == WaitingFor.FILE) & ~JobRow.uncertain
    if JobRow.select(JobRow.id).where(waits).exists():
        with writing():
            JobRow.update(next_attempt_at=0).where(_in_folder(folder) & waits).execute()


def held_below(athlete: str, folder: str, error_code: str) -> list[int]:
    """The jobs that are held for a reason and whose files are below a folder."""
    held = (JobRow.status == Status.HELD) & (JobRow.error_code == error_code)
    return _below(athlete, folder, held)


def found_below(athlete: str, folder: str) -> list[int]:
    """The jobs whose files are below a folder and that were found on Strava without being sent."""
    unsent = JobRow.compared_at.is_null(False) & JobRow.sent_at.is_null()
    return _below(athlete, folder, unsent & (JobRow.status == Status.COMPLETED))


def _below(athlete: str, folder: str, where: Any) -> list[int]:
    inside = _inside(Path(folder)) & (ActivityRow.athlete == athlete)
    return [row[0] for row in tuples(JobRow.select(JobRow.id).join(ActivityRow).where(inside, where))]


def _in_folder(folder: Path) -> Any:
    return JobRow.activity.in_(ActivityRow.select(ActivityRow.id).where(_inside(folder)))


def _inside(folder: Path) -> Any:
    start = os.fsencode(folder).rstrip(b"/") + b"/"
    return (ActivityRow.path >= start) & (ActivityRow.path < start[:-1] + b"0")


def set_aside(job_id: int) -> bool:
    """Put a failed or held job aside; False if it is neither."""
    with writing():
        where = (JobRow.id == job_id, JobRow.status.in_([Status.FAILED, Status.HELD]))
        return bool(JobRow.update(**_ASIDE).where(*where).execute())


def bring_forward(athlete: str | None = None) -> None:
    """Let the waiting jobs be tried now, after what they waited for has been mended."""
    of_athlete = ActivityRow.select(ActivityRow.id)
    if athlete is not None:
        of_athlete = of_athlete.where(ActivityRow.athlete == athlete)
    waits = JobRow.waits_for.in_([WaitingFor.FILE, WaitingFor.RETRY])
    with writing():
        JobRow.update(next_attempt_at=0).where(
            JobRow.status == Status.PENDING, waits, ~JobRow.uncertain, JobRow.activity.in_(of_athlete)
        ).execute()


def of_file(athlete: str, file_sha256: str) -> list[Job]:
    """The jobs of every activity in one file."""
    return jobs_where((ActivityRow.athlete == athlete) & (ActivityRow.file_sha256 == file_sha256))


def need_file(path: str) -> bool:
    """Whether a job that is not done needs the file at a path."""
    done = JobRow.status.in_([Status.COMPLETED, Status.SKIPPED])
    query = JobRow.select(JobRow.id).join(ActivityRow).where(ActivityRow.path == os.fsencode(path), ~done)
    return bool(tuples(query.limit(1)))


def to_put_away() -> list[Job]:
    """The completed jobs whose file is still to be archived or deleted."""
    wanted = JobRow.after_done.is_null(False) & JobRow.after_done.in_(
        [AfterUpload.ARCHIVE, AfterUpload.DELETE]
    )
    return jobs_where(wanted, order=(JobRow.id,))


def was_put_away(job_id: int, done: AfterUpload) -> None:
    """Write down what became of a job's file."""
    with writing():
        JobRow.update(after_done=done).where(JobRow.id == job_id).execute()


def to_compare(athletes: Iterable[str], started_before: float) -> list[Job]:
    """The newest held old activity of each athlete that was not looked for on Strava yet."""
    found = []
    for athlete in athletes:
        where = _uncompared(athlete) & (ActivityRow.start_time < started_before)
        where &= (JobRow.status == Status.HELD) & JobRow.claimed_at.is_null()
        found += jobs_where(where, order=(ActivityRow.start_time.desc(),), limit=1)
    return found


def put_off(job_id: int, looks: int, until: float) -> None:
    """Let a held activity be looked for later, and all others of its athlete with it."""
    with writing():
        JobRow.update(looks=looks, next_attempt_at=until).where(
            JobRow.id == job_id, JobRow.status == Status.HELD
        ).execute()


def put_off_so_far(athlete: str) -> tuple[int, float]:
    """How often an athlete's held activities were looked for in vain, and until when they are not again."""
    query = JobRow.select(fn.MAX(JobRow.looks), fn.MAX(JobRow.next_attempt_at)).join(ActivityRow)
    looks, until = tuples(query.where(_uncompared(athlete), JobRow.status == Status.HELD))[0]
    return looks or 0, until or 0.0


def many_uncompared(athlete: str, started_before: float, many: int) -> bool:
    """Whether more than `many` old activities of an athlete were not looked for on Strava yet."""
    where = _uncompared(athlete) & (ActivityRow.start_time < started_before)
    return len(tuples(JobRow.select(JobRow.id).join(ActivityRow).where(where).limit(many + 1))) > many


def uncompared(athlete: str, since: float, until: float) -> list[Job]:
    """The activities of a span of time that were not looked for on Strava yet."""
    span = (ActivityRow.start_time >= since) & (ActivityRow.start_time <= until)
    return jobs_where(_uncompared(athlete) & span)


def compared(found: dict[int, int | None], now: float) -> None:
    """Write down what a look at Strava's list showed: of each job the activity there, or None.

    What is there is completed without being sent, unless somebody has begun to send it meanwhile.
    """
    there: dict[str, Any] = {
        "status": Status.COMPLETED,
        "waits_for": None,
        "completed_at": now,
        **_FREE,
    }
    there |= {"error_code": "duplicate", "error_message": "already on Strava", "after_done": AfterUpload.KEEP}
    with writing():
        JobRow.update(compared_at=now).where(JobRow.id.in_(list(found))).execute()
        for job_id, activity_id in found.items():
            if activity_id is not None:
                free = (JobRow.status == Status.HELD) | JobRow.claimed_at.is_null()
                waits = JobRow.status.in_([Status.HELD, Status.PENDING])
                JobRow.update(strava_activity_id=activity_id, **there).where(
                    JobRow.id == job_id, waits, free
                ).execute()


def known_athletes() -> set[str]:
    """The athletes that jobs or tokens are kept for."""
    names = {name for (name,) in tuples(ActivityRow.select(ActivityRow.athlete).distinct())}
    return names | {name for (name,) in tuples(AthleteRow.select(AthleteRow.name))}


def _mine(job_id: int, number: int) -> tuple[Any, ...]:
    return JobRow.id == job_id, JobRow.claimed_at.is_null(False), JobRow.claim == number


def _update(job_id: int, number: int, **columns: Any) -> bool:
    with writing():
        return bool(JobRow.update(**columns).where(*_mine(job_id, number)).execute())


def _let_go(quarantine: float, now: float, *where: Any) -> int:
    """Release claims whose attempts came to nothing that was written down.

    What had been sent without an answer waits `quarantine` seconds from its sending, and is looked for then.
    """
    unanswered = (JobRow.status.in_(OPEN), JobRow.uncertain, JobRow.upload_id.is_null())
    since = fn.MAX(JobRow.next_attempt_at, fn.COALESCE(JobRow.sent_at, now) + quarantine)
    waits = JobRow.update(waits_for=WaitingFor.CONFIRM, next_attempt_at=fn.MIN(since, now + quarantine))
    waits.where(*where, *unanswered).execute()
    return _released(*where)


def _released(*where: Any) -> int:
    accepted = JobRow.upload_id.is_null(False)
    is_open = JobRow.status.in_(OPEN)
    freed = JobRow.update(status=Status.PENDING, **_FREE).where(*where, is_open, ~accepted).execute()
    looked = JobRow.update(status=Status.PROCESSING, waits_for=WaitingFor.PROCESSING, **_FREE)
    freed += looked.where(*where, is_open, accepted).execute()
    JobRow.update(**_FREE).where(*where).execute()
    return int(freed)


def _of(*athletes: str) -> Any:
    """Of these athletes, but not by their index: nearly every activity is theirs, and few jobs are open."""
    return fn.COALESCE(ActivityRow.athlete, "").in_(athletes)


def _uncompared(athlete: str) -> Any:
    """Old activities that the backlog holds or that wait to be sent for the first time."""
    held = (JobRow.status == Status.HELD) & (JobRow.error_code == "backlog")
    waits = (JobRow.status == Status.PENDING) & JobRow.sent_at.is_null()
    unasked = JobRow.external_id == ActivityRow.sha256  # what somebody sends again goes out whatever is there
    return _of(athlete) & JobRow.compared_at.is_null() & (held | waits) & unasked


def _clamped(longest: float, now: float) -> None:
    JobRow.update(next_attempt_at=now + longest).where(
        JobRow.status.in_(OPEN), JobRow.next_attempt_at > now + longest
    ).execute()
