"""Held jobs: for which reason, how many, and their release."""

from __future__ import annotations

import os

from fitferry.core.activity import AdmissionDecision
from fitferry.core.admission_rules import FILE_FAULTS
from fitferry.core.problems import HELD_FILES, Problem, ProblemCode, problem
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.storage.database import SQL, Column, fn, write
from fitferry.storage.mapping import DECIDED, DISMISSED, IS_HELD, in_folder, inside, jobs_below, jobs_where
from fitferry.storage.models import ActivityRow, JobRow, SeenFolderRow, SeenPathRow
from fitferry.storage.statements import PARAMETER, Statement

FIRST_FINDS_SECONDS = 900.0
"""Seconds after a folder's first scan in which its incomplete files are held: they are waited for ten minutes."""


def span(error_code: ErrorCode) -> tuple[int, float | None, float | None, float | None]:
    """How many jobs are held for a reason, the first and the last start among them, and since when."""
    found = _SPAN(error_code)[0]
    return int(found[0]), found[1], found[2], found[3]


def any_proven(error_code: ErrorCode) -> bool:
    """Whether a job is held for a reason that no first scan will judge again."""
    return bool(_PROVEN(error_code))


def ages_are_proven(athlete: str, folder: str, error_code: ErrorCode) -> None:
    """Write down that the first scan of a folder has judged what is held for a reason in it."""
    here = (JobRow.athlete == athlete) & in_folder(folder)
    write(JobRow.update(age_unproven=False).where(_for(error_code), JobRow.age_unproven, here))


def below(athlete: str, folder: str, error_code: ErrorCode) -> list[int]:
    """The jobs that are held for a reason and whose files are below a folder."""
    return jobs_below(athlete, folder, _for(error_code))


def file_problems() -> list[Problem]:
    """The held files that may be rides: one problem for each reason and athlete."""
    found = _FILE_PROBLEMS()
    if not found:
        return []
    files = {job.id: job.file for job in jobs_where(JobRow.id.in_([latest for *_, latest, _ in found]))}
    return [
        problem(ProblemCode(code), since, athlete=athlete, latest=latest, count=count, file=files[latest])
        for code, athlete, count, latest, since in found
    ]


def jobs_held_below(athlete: str, folder: str, *error_codes: ErrorCode) -> list[Job]:
    """The same, whole, for any of several reasons."""
    held = (JobRow.status == Status.HELD) & JobRow.error_code.in_(error_codes)
    here = inside(ActivityRow.path, folder) & (ActivityRow.athlete == athlete)
    return jobs_where(held & here, order=(JobRow.id,))


def release_holds(error_code: ErrorCode, *, since: float | None, unknown: bool = False) -> int:
    """Queue what is held for a reason, all or what started since a time; how many.

    `unknown`: also what does not say when it started.
    """
    wanted = _for(error_code)
    if since is not None:
        recent = JobRow.start_time >= since
        wanted &= recent | JobRow.start_time.is_null() if unknown else recent
    fresh = {"error_code": None, "error_message": None, "read_failures": 0, "next_attempt_at": 0}
    return write(JobRow.update(status=Status.PENDING, **fresh, **DECIDED).where(wanted))


def hold_for_another_reason(error_code: ErrorCode, reason: AdmissionDecision) -> None:
    other = JobRow.update(error_code=reason.error_code, error_message=reason.error_message)
    write(other.where(_for(error_code)))


def unproven_below(athlete: str, folder: str) -> list[Job]:
    """The jobs below a folder that wait to be sent, and that only our own clock calls fresh."""
    here = inside(ActivityRow.path, folder) & (ActivityRow.athlete == athlete)
    return jobs_where((JobRow.status == Status.PENDING) & JobRow.age_unproven & here, order=(JobRow.id,))


def prove_age(job_id: int, old: AdmissionDecision | None) -> None:
    """Write down that Strava's clock has shown how old a waiting job is. `old`: why it is held then, None if it is not."""
    columns: dict[str, object] = {"age_unproven": False}
    if old is not None:
        columns = {"status": old.status, "error_code": old.error_code, "error_message": old.error_message}
        columns |= DECIDED
    write(
        JobRow.update(**columns).where(
            JobRow.id == job_id, JobRow.status == Status.PENDING, JobRow.age_unproven
        )
    )


def dismiss_first_finds() -> None:
    """Dismiss the files with faults that the first scans of the folders found: nobody put them there lately.

    What came while those were waited for is none of them, as its change time tells.
    """
    faulty = (JobRow.status == Status.HELD) & JobRow.error_code.in_(FILE_FAULTS)
    for folder in SeenFolderRow.select():
        was_there = (SeenPathRow.path == ActivityRow.path) & (
            SeenPathRow.ctime_ns <= round(folder.scanned_at * 1e9)
        )
        found_first = (JobRow.created_at <= folder.scanned_at + FIRST_FINDS_SECONDS) & fn.EXISTS(
            SeenPathRow.select(SQL("1")).where(was_there)
        )
        finds = jobs_below(folder.athlete, os.fsdecode(bytes(folder.path)), faulty & found_first)
        write(JobRow.update(**DISMISSED).where(JobRow.id.in_(finds), faulty))


def dismiss_all(error_code: ErrorCode) -> None:
    """Dismiss everything that is held for a reason."""
    write(JobRow.update(**DISMISSED).where(_for(error_code)))


def _for(error_code: ErrorCode | Column) -> Column:
    return IS_HELD & (JobRow.error_code == error_code)


_SPAN = Statement(
    lambda: JobRow.select(
        fn.COUNT(JobRow.id), fn.MIN(JobRow.start_time), fn.MAX(JobRow.start_time), fn.MIN(JobRow.created_at)
    ).where(_for(PARAMETER))
)
_PROVEN = Statement(lambda: JobRow.select(JobRow.id).where(_for(PARAMETER), ~JobRow.age_unproven).limit(1))
_FILE_PROBLEMS = Statement(
    lambda: (
        JobRow.select(
            JobRow.error_code,
            JobRow.athlete,
            fn.COUNT(JobRow.id),
            fn.MAX(JobRow.id),
            fn.MIN(JobRow.created_at),
        )
        .where(IS_HELD, JobRow.error_code.in_([code.value for code in HELD_FILES]))
        .group_by(JobRow.error_code, JobRow.athlete)
    )
)
