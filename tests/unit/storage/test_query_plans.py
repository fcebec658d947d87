"""No statement walks a table that grows with the history: each is answered by an index, whatever was uploaded before."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import query_plans
from fakes import NOW, a_job
from fitferry import storage
from fitferry.core.activity import ActivityFacts, AdmissionDecision, FileKind, NewActivity, ParseResult
from fitferry.core.follow_up import FollowUpKind
from fitferry.core.messages import verbatim
from fitferry.core.upload import (
    AfterUpload,
    AttemptResult,
    ErrorCode,
    Outcome,
    Status,
)
from fitferry.storage import attempts, database, open_jobs, queries, search, seen_files, uploads

APART = {"backups", "database", "database_file", "mapping", "mark", "models", "recovery", "schema_update"}
"""Modules without statements of their own, or with such that run once after a disaster."""
TOUCHING = re.compile("(Activity|Job|SeenPath|Thumbnail|FollowUp)Row|upload_job|seen_path|upload_attempt")
"""What the source of a module has in it that asks the tables that grow."""


def _found(sha: str) -> NewActivity:
    facts = ActivityFacts(sport="cycling", start_time=NOW - 3600)
    return NewActivity(sha, ParseResult(FileKind.ACTIVITY, "fit", facts), AdmissionDecision(Status.PENDING))


FILE = seen_files.File("me", "/rides/x.fit", "f" * 64, 100, None)
SAMPLES: dict[str, Any] = {
    "activity_id": 1,
    "activity_ids": [1, 2],
    "after_upload_action": AfterUpload.KEEP,
    "at": NOW,
    "athlete": "me",
    "athletes": ["me"],
    "before": 100,
    "condition": "j.status <> 'skipped'",
    "connected": ["me", "sam"],
    "done": AfterUpload.KEEP,
    "due_by": NOW,
    "error_code": "backlog",
    "exists": lambda _: False,
    "except_sha256": "e" * 64,
    "external_id": None,
    "file": FILE,
    "file_sha256": "f" * 64,
    "failures": 1,
    "folder": "/rides",
    "follow_up_id": 1,
    "fresh_since": None,
    "claimed": [3],
    "first_look": 2.0,
    "job_id": 1,
    "job_ids": [1, 2],
    "kind": FollowUpKind.HOOK,
    "kinds": [FollowUpKind.HOOK],
    "limit": 40,
    "log": True,
    "longest": 7200.0,
    "look": True,
    "many": 20,
    "member": "",
    "message": verbatim("x"),
    "moment": NOW - 7 * 86_400,
    "new_activities": [_found("a" * 64)],
    "now": NOW,
    "number": 1,
    "old": AdmissionDecision(Status.HELD, ErrorCode.BACKLOG, verbatim("x")),
    "path": "/rides/x.fit",
    "paths": ["/rides/x.fit"],
    "probe": False,
    "quarantine": 60.0,
    "readers": ["me"],
    "revision": 0,
    "reason": AdmissionDecision(Status.HELD, ErrorCode.SINCE, verbatim("x")),
    "result": AttemptResult(Outcome.RETRY, Status.PENDING),
    "sha256": "a" * 64,
    "since": NOW - 86_400,
    "sports": ["cycling"],
    "started_before": NOW - 7 * 86_400,
    "status": Status.HELD,
    "statuses": [Status.FAILED],
    "step": AttemptResult(Outcome.RETRY, Status.PENDING),
    "text": "",
    "tries": 1,
    "unknown": True,
    "until": NOW,
    "upload_id": 77,
    "values": [],
}
"""A value for each parameter of storage's functions, by its name."""
OTHERWISE: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (queries.listed, {"status": None}),
    (queries.listed, {"status": None, "text": "ride"}),
    (queries.listed, {"status": Status.FAILED, "text": "r", "athlete": None, "before": None}),
    (queries.listed, {"status": Status.COMPLETED, "athlete": None}),
    (open_jobs.due, {"look": False, "fresh_since": NOW - 3600}),
    (open_jobs.due, {"probe": True, "look": False}),
    (uploads.retry_now, {"athlete": None}),
    (uploads.requeue, {"external_id": "e"}),
    (attempts.release_interrupted, {}),
]
"""Calls with other values."""
OWN_SAMPLES: dict[str, dict[str, Any]] = {
    "uploads.confirmed": {"found": {1: (4242, AfterUpload.KEEP)}},
    "search.found": {"text": "ride"},
    "matches.compared": {"found": {1: 4242, 2: None}},
    "activities.seen_below": {"folder": "/rides"},
    "uploads.wait_for_folder": {"folder": Path("/rides")},
    "uploads.folder_is_back": {"folder": Path("/rides")},
}
ON_A_RIDES_WAY = [
    "activities.admit",
    "attempts.clamp",
    "attempts.mark_sending",
    "attempts.record",
    "follow_ups.last_finished",
    "holds.file_problems",
    "holds.span",
    "matches.to_compare",
    "open_jobs.any_due",
    "open_jobs.count_open",
    "open_jobs.due",
    "open_jobs.next_due",
    "open_jobs.outstanding",
    "seen_files.seen",
    "uploads.counts",
    "uploads.finished_after",
    "uploads.get",
    "uploads.last_completed",
]
NOT_CALLED = {"search.plain", "search.names"}
"""Functions that ask the database nothing."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of storage's modules that ask the tables that grow."""
    for module in pkgutil.iter_modules(storage.__path__):
        if module.name in APART or module.ispkg:
            continue
        found = importlib.import_module(f"fitferry.storage.{module.name}")
        if not TOUCHING.search(inspect.getsource(found)):
            continue
        for name, function in inspect.getmembers(found, inspect.isfunction):
            if function.__module__ == found.__name__ and not name.startswith("_"):
                yield f"{module.name}.{name}", function


def _arguments(name: str, function: Callable[..., Any], **other: Any) -> dict[str, Any]:
    given = {}
    for parameter in inspect.signature(function).parameters.values():
        own = OWN_SAMPLES.get(name, {})
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        known = {**SAMPLES, **own, **other}
        if parameter.name in known:
            given[parameter.name] = known[parameter.name]
        else:
            assert parameter.default is not parameter.empty, f"SAMPLES has no {parameter.name} for {name}"
    return given


@pytest.fixture
def every_state(ledger: Path, tmp_path: Path) -> None:
    """A ledger with a job in every state."""
    assert ledger.exists()
    for number, status in enumerate(Status):
        job = a_job(tmp_path / f"{number}.fit", bytes([number]))
        database.run("UPDATE upload_job SET status = ? WHERE id = ?", status, job.id)


def questions() -> list[tuple[str, Callable[[], object]]]:
    """Every function of storage, called once with each kind of question."""
    called: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
        (name, function, {}) for name, function in functions() if name not in NOT_CALLED
    ]
    called += [
        (f"{function.__module__.rpartition('.')[2]}.{function.__name__}", function, other)
        for function, other in OTHERWISE
    ]
    return [
        (name, partial(function, **_arguments(name, function, **other))) for name, function, other in called
    ]


@pytest.mark.usefixtures("every_state")
def test_no_statement_walks_what_grows() -> None:
    """By the plans of SQLite. What these calls do not ask, the fixture `ledger` judges wherever a test asks it."""
    with query_plans.recorded() as asked:
        for _, call in questions():
            call()

    assert len(asked) > 70
    assert [fault for sql, values in asked.items() for fault in query_plans.faults(sql, values)] == []


@pytest.mark.usefixtures("every_state")
@pytest.mark.parametrize("name", ON_A_RIDES_WAY)
def test_no_statement_on_a_rides_way_is_compiled_each_time(name: str) -> None:
    """SQLite asks the authorizer as it compiles, which takes ten times as long as the statement itself.

    It compiles anew where a parameter may decide on a partial index, and where the text is another one.
    """
    compiled: list[object] = []

    def hear(_action: int, about: object, *_more: object) -> int:
        compiled.append(about)
        return sqlite3.SQLITE_OK

    database.database.connection().set_authorizer(hear)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
    call = dict(questions())[name]
    call()
    call()
    first = len(compiled)
    call()

    assert first
    assert compiled[first:] == []


@pytest.mark.usefixtures("ledger")
def test_a_walk_would_be_seen() -> None:
    """The test itself: a condition that no index answers."""
    with query_plans.recorded() as asked:
        uploads.get(1)
        database.run("SELECT count(*) FROM activity")  # a test's own statement, which may walk

    assert len(asked) == 1
    assert query_plans.faults(*asked.popitem()) == []
    assert query_plans.faults("SELECT id FROM upload_job WHERE external_id = ?", ["x"])
    assert query_plans.faults("SELECT count(*) FROM activity")


HISTORY = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
INSERT INTO activity (id, athlete, sha256, path, size, data_type, sport, start_time, elapsed_s, distance_m, sessions,
    file_sha256, member, created_at)
SELECT i, CASE i % 2 WHEN 0 THEN 'me' ELSE 'sam' END, printf('%064x', i), CAST(printf('/old/%d-trip.fit', i) AS BLOB),
    200000, 'fit', 'running', :now - i * 3600.0, 3600.0, 30000.0, 1, printf('%064x', i), '', :now - 8 * 86400.0 - i
FROM n
"""
JOBS = """
INSERT INTO upload_job (id, activity_id, status, failures, looks, next_attempt_at, uncertain, external_id,
    strava_activity_id, upload_id, after_upload_action, created_at, completed_at, sent_at)
SELECT id, id, 'completed', 0, 0, 0, 0, sha256, id, id, 'keep', created_at, created_at, created_at
FROM activity WHERE id BETWEEN :first AND :last
"""
SEEN = """
INSERT INTO seen_path (athlete, path, sha256, size, mtime_ns, ctime_ns)
SELECT athlete, path, sha256, size, 0, 0 FROM activity WHERE id BETWEEN :first AND :last
"""
FIRST_ID = 100_000


MAY_GROW = {
    "matches.found_below": "once for each folder, at the end of its first scan",
    "search.index_some": "in the background, so many at once",
    "uploads.finished_after": "what has ended since",
}
"""Functions that go through what is new, or through all once."""


def _steps_of_each() -> dict[str, int]:
    """How many steps of SQLite's machine each question takes; what it changes is taken back."""
    steps = [0]

    def count() -> None:
        steps[0] += 1

    connection = database.database.connection()  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
    found = {}
    for number, (name, call) in enumerate(questions()):
        if name in MAY_GROW:
            continue
        steps[0] = 0
        connection.set_progress_handler(count, 1)
        with database.database.atomic() as transaction:
            call()
            transaction.rollback()
        connection.set_progress_handler(None, 1)
        found[f"{number} {name}"] = steps[0]
    return found


@pytest.mark.usefixtures("every_state")
def test_no_question_takes_longer_with_a_longer_history() -> None:
    """Counted in steps of SQLite's machine, with 300 and with 3,000 completed activities: plans do not say all."""
    steps = []
    for first, last in ((0, 299), (300, 2999)):
        span = {"first": FIRST_ID + first, "last": FIRST_ID + last, "now": NOW - 90 * 86_400}
        for statement in (HISTORY, JOBS, SEEN):
            database.database.connection().execute(statement, span)  # type: ignore[no-untyped-call]  # as above
        database.database.connection().commit()  # type: ignore[no-untyped-call]  # as above
        for _ in range(1 + (last - first) // search.AT_ONCE):
            search.index_some()
        steps.append(_steps_of_each())

    grown = {
        name: (before, after)
        for (name, before), after in zip(steps[0].items(), steps[1].values(), strict=True)
        if after > before + 1000  # less than half a step for each activity more: the depth of trees
    }
    assert grown == {}
