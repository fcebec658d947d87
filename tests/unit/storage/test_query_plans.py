"""No statement walks a table that grows with the history: each is answered by an index, whatever was uploaded before."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
from fitferry.storage import attempts, database, queries, seen_files, uploads

GROWING = {"activity", "upload_job", "upload_attempt", "seen_path", "thumbnail", "follow_up"}
"""Tables that grow with the history."""
BOUNDED = {
    "follow_up_owed": "what is still to follow an upload",
    "upload_job_claimed": "jobs in flight",
    "upload_job_due": "open jobs",
    "upload_job_next": "open jobs",
    "upload_job_start": "open jobs",
    "upload_job_tried": "open jobs",
    "upload_job_sent": "accepted uploads",
    "upload_job_held": "held jobs",
    "upload_job_uncompared": "old activities that wait",
}
"""Partial indexes that may be walked, and what they hold: none of it is history."""
APART = {"backups", "database", "database_file", "mapping", "mark", "models", "recovery", "schema_update"}
"""Modules without statements of their own, or with such that run once after a disaster."""
TOUCHING = re.compile("ActivityRow|JobRow|SeenPathRow|ThumbnailRow|upload_job|upload_attempt|seen_path")
"""What the source of a module has in it that asks the tables that grow."""
LIMITED = re.compile(r"ORDER BY .*LIMIT", re.DOTALL)


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
    "newcomers": [_found("a" * 64)],
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
    (uploads.due, {"look": False, "fresh_since": NOW - 3600}),
    (uploads.due, {"probe": True, "look": False}),
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
def statements(ledger: Path, tmp_path: Path) -> list[str]:
    """What SQLite is asked from now on, in a ledger with a job in every state."""
    assert ledger.exists()
    for number, status in enumerate(Status):
        job = a_job(tmp_path / f"{number}.fit", bytes([number]))
        database.run("UPDATE upload_job SET status = ? WHERE id = ?", status, job.id)
    asked: list[str] = []
    connection = database.database.connection()  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
    connection.set_trace_callback(asked.append)
    return asked


def _table(name: str, statement: str) -> str:
    """The table behind a name that a statement gives it."""
    alias = re.search(rf'"?(\w+)"? AS "?{name}"?\b', statement)
    return alias[1] if alias else name


def _faults(statement: str) -> list[str]:
    """The steps of a statement that walk what grows."""
    if not statement.upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
        return []
    plan = [row[3] for row in database.run(f"EXPLAIN QUERY PLAN {statement}")]
    faults = []
    for step in plan:
        scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if scan is None or _table(scan[1], statement) not in GROWING or scan[2] in BOUNDED:
            continue
        if LIMITED.search(statement) and not any("TEMP B-TREE FOR ORDER" in other for other in plan):
            continue  # read in order, and only as far as it is asked for
        faults.append(f"{step}: {statement}")
    return faults


def test_no_statement_walks_what_grows(statements: list[str]) -> None:
    """Every function of storage, called once with each kind of question."""
    called: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
        (name, function, {}) for name, function in functions() if name not in NOT_CALLED
    ]
    called += [
        (f"{function.__module__.rpartition('.')[2]}.{function.__name__}", function, other)
        for function, other in OTHERWISE
    ]
    for name, function, other in called:
        function(**_arguments(name, function, **other))
    asked = list(dict.fromkeys(statements))
    faults = [fault for statement in asked for fault in _faults(statement)]

    assert len(asked) > 70
    assert faults == []


def test_a_walk_would_be_seen(statements: list[str]) -> None:
    """The test itself: a condition that no index answers."""
    uploads.get(1)
    assert _faults(statements[-1]) == []

    assert _faults("SELECT id FROM upload_job WHERE external_id = 'x'")
    assert _faults("SELECT count(*) FROM activity")
