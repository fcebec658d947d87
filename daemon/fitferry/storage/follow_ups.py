"""What is owed after uploads. A trigger owes it in the transaction that completes the upload."""

from __future__ import annotations

import math
import os
from collections.abc import Collection

from fitferry.core.follow_up import FollowUp, FollowUpKind, FollowUpState
from fitferry.core.messages import Message
from fitferry.storage.database import Column, Select, run, write, writing
from fitferry.storage.models import ActivityRow, FollowUpRow, JobRow
from fitferry.storage.statements import tuples

_LAST_FINISHED = """
SELECT id FROM follow_up WHERE kind = ? AND finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1
"""


def want(kinds: Collection[FollowUpKind]) -> None:
    """Let uploads owe these kinds from now on, at a start; what was begun before may not have ended."""
    before = {kind for (kind,) in run("SELECT kind FROM follow_up_wanted")}
    with writing():
        if before != set(kinds):
            run("DELETE FROM follow_up_wanted")
            for kind in kinds:
                run("INSERT INTO follow_up_wanted (kind) VALUES (?)", kind)
            FollowUpRow.delete().where(_open(), FollowUpRow.kind.not_in(list(kinds))).execute()
        begun = FollowUpRow.state == FollowUpState.BEGUN
        FollowUpRow.update(state=FollowUpState.OWED).where(_open(), begun).execute()


def first(kind: FollowUpKind, due_by: float = math.inf) -> FollowUp | None:
    """What is owed first, in the order of completion, of what may be tried by a time."""
    ready = (FollowUpRow.kind == kind, _open(), FollowUpRow.next_attempt_at <= due_by)
    return next(map(_follow_up, FollowUpRow.select().where(*ready).order_by(FollowUpRow.id).limit(1)), None)


def next_at(kind: FollowUpKind) -> float | None:
    """When the next one may be tried; None where nothing is owed."""
    times = FollowUpRow.select(FollowUpRow.next_attempt_at).where(FollowUpRow.kind == kind, _open())
    return next((time for (time,) in tuples(times.order_by(FollowUpRow.next_attempt_at).limit(1))), None)


def begin(follow_up_id: int) -> None:
    """Write down that it is about to happen."""
    _update(follow_up_id, state=FollowUpState.BEGUN)


def finish(follow_up_id: int, now: float) -> None:
    """Write down that it has happened."""
    _update(follow_up_id, state=FollowUpState.DONE, finished_at=now, message=None)


def try_later(follow_up_id: int, at: float, failures: int, message: Message | None) -> None:
    """Write down that it is to be tried again at a time."""
    state = FollowUpState.OWED
    _update(follow_up_id, state=state, next_attempt_at=at, failures=failures, message=message)


def give_up(follow_up_id: int, now: float, failures: int, message: Message) -> None:
    """Write down that it is tried no more."""
    state = FollowUpState.GIVEN_UP
    _update(follow_up_id, state=state, finished_at=now, failures=failures, message=message)


def forget(follow_up_id: int) -> None:
    """Owe it no more: there is nothing to be done."""
    write(FollowUpRow.delete().where(FollowUpRow.id == follow_up_id))


def last_finished(kind: FollowUpKind) -> FollowUp | None:
    ids = run(_LAST_FINISHED, kind)
    return _follow_up(FollowUpRow.get_by_id(ids[0][0])) if ids else None


def of_job(job_id: int) -> list[FollowUp]:
    """Everything that followed an upload, or is to follow it."""
    return list(
        map(_follow_up, FollowUpRow.select().where(FollowUpRow.job_id == job_id).order_by(FollowUpRow.id))
    )


def need_file(path: str) -> bool:
    """Whether a command that is owed is to be shown the file at a path."""
    jobs = JobRow.select(JobRow.id).join(ActivityRow).where(ActivityRow.path == os.fsencode(path))
    owed = FollowUpRow.select(FollowUpRow.id).where(
        _open(), FollowUpRow.kind == FollowUpKind.HOOK, FollowUpRow.job_id.in_(jobs)
    )
    return bool(tuples(owed.limit(1)))


def jobs_with_owed_hooks() -> Select:
    """The jobs whose file a command is still to be shown, as a subquery."""
    return FollowUpRow.select(FollowUpRow.job_id).where(_open(), FollowUpRow.kind == FollowUpKind.HOOK)


def _open() -> Column:
    return FollowUpRow.finished_at.is_null()


def _update(follow_up_id: int, **columns: object) -> None:
    write(FollowUpRow.update(**columns).where(FollowUpRow.id == follow_up_id, _open()))


def _follow_up(row: FollowUpRow) -> FollowUp:
    return FollowUp(
        id=row.id,
        kind=FollowUpKind(row.kind),
        job_id=row.job_id,
        state=FollowUpState(row.state),
        failures=row.failures,
        next_attempt_at=row.next_attempt_at,
        finished_at=row.finished_at,
        message=row.message,
    )
