"""Rows as values: jobs with their activities; and conditions that several modules share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from fitferry.core.messages import uploads as upload_messages
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import (
    AfterUpload,
    ErrorCode,
    FileOutcome,
    Job,
    Status,
    UnknownErrorCode,
    WaitingFor,
)
from fitferry.storage.database import SQL, Column, Field, Row, Select, Value, fn, run
from fitferry.storage.models import ActivityRow, JobRow
from fitferry.storage.statements import Statement, raw, tuples

DECIDED: dict[str, object] = {"row_revision": JobRow.row_revision + 1, "age_unproven": False}
"""What every decision on a job writes: an attempt that began before it writes nothing any more."""
DISMISSED: dict[str, object] = {
    "status": Status.SKIPPED,
    "error_code": ErrorCode.DISMISSED,
    "error_message": upload_messages.DISMISSED(),
    **DECIDED,
}


IS_OPEN = JobRow.status.in_([SQL("'pending'"), SQL("'processing'")])
"""Pending or processing. With literals: SQLite uses a partial index only for the words that it was made with."""
IS_HELD = JobRow.status == SQL("'held'")
IS_SKIPPED = JobRow.status == SQL("'skipped'")
IS_LISTED = JobRow.status != SQL("'skipped'")
IS_UNCOMPARED = JobRow.compared_at.is_null() & JobRow.status.in_([SQL("'held'"), SQL("'pending'")])


def jobs_where(
    where: Column, *, order: tuple[Column, ...] | None = None, limit: int | None = None
) -> list[Job]:
    """The jobs that a condition finds, newest first or in an order, with their activities."""
    return [_job(row) for row in raw(_select(where, order or (JobRow.id.desc(),), limit))]


class JobsStatement:
    """The same, asked so often that its text is made once, see `Statement`."""

    def __init__(self, where: Column, *, order: tuple[Column, ...], limit: int | None = None) -> None:
        self._statement = Statement(lambda: _select(where, order, limit))

    def __call__(self, *given: object) -> list[Job]:
        """The jobs. `given`: the PARAMETERs' values."""
        return [_job(row) for row in self._statement(*given)]


def _select(where: Column, order: tuple[Column, ...], limit: int | None) -> Select:
    query = JobRow.select(*_COLUMNS).join(ActivityRow).where(where).order_by(*order)
    return query.limit(limit) if limit is not None else query


def job_with(condition: str, *values: object) -> Job | None:
    """The one job that a condition in SQL finds; `j` is the job, `a` its activity. The text is compiled once."""
    rows = run(f"{_SELECT} WHERE {condition} LIMIT 1", *values)  # names and words of ours
    return _job(rows[0]) if rows else None


def jobs_below(athlete: str, folder: str, where: Column) -> list[int]:
    """The jobs that a condition finds whose files are below a folder."""
    here = inside(ActivityRow.path, folder) & (ActivityRow.athlete == athlete)
    return [row[0] for row in tuples(JobRow.select(JobRow.id).join(ActivityRow).where(here, where))]


def inside(column: Column, folder: str | Path) -> Column:
    """Whether a path is below a folder, by the path's index."""
    start = os.fsencode(folder).rstrip(b"/") + b"/"
    return (column >= start) & (column < start[:-1] + b"0")


def in_folder(folder: str | Path) -> Column:
    """Whether a job's file is below a folder: asked of each job, for few jobs of a folder of very many."""
    here = inside(ActivityRow.path, folder) & (ActivityRow.id == JobRow.activity)
    return fn.EXISTS(ActivityRow.select(SQL("1")).where(here))


def _fields() -> list[tuple[str, Field]]:
    """The names of a job's values, and the column of each: the job's own, or its activity's."""
    own = {"activity_id": JobRow.activity}
    return [
        (
            field.name,
            own.get(field.name) or getattr(JobRow, field.name, None) or getattr(ActivityRow, field.name),
        )
        for field in fields(Job)
    ]


_FIELDS = _fields()
_COLUMNS = tuple(column for _, column in _FIELDS)
_NAMES = ", ".join(f"{'j' if column.model is JobRow else 'a'}.{column.column_name}" for column in _COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM upload_job AS j JOIN activity AS a ON a.id = j.activity_id"  # noqa: S608  # names of columns
_ERROR_CODES: dict[str, ErrorCode | StravaErrorKind] = {
    code.value: code for code in (*ErrorCode, *StravaErrorKind)
}
_CONVERTED: dict[str, Callable[[Value], object]] = {
    "path": os.fsdecode,
    "serials": lambda text: tuple(filter(None, text.split(","))),
    "status": Status,
    "own_wait": lambda text: WaitingFor(text) if text else None,
    "uncertain": bool,
    "age_unproven": bool,
    "error_code": lambda text: _ERROR_CODES.get(text, UnknownErrorCode(text)) if text else None,
    "error_message": JobRow.error_message.python_value,
    "after_upload_action": {word.value: word for word in (*AfterUpload, *FileOutcome)}.get,
}
_CONVERTERS = [(place, _CONVERTED[name]) for place, (name, _) in enumerate(_FIELDS) if name in _CONVERTED]


def _job(row: Row) -> Job:
    values = list(row)
    for place, converted in _CONVERTERS:
        values[place] = converted(values[place])
    return Job(*values)
