"""Which statements walk a table that grows with the history, by what SQLite says of its plan."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fitferry.storage import database
from ledger_statements import each_statement

FEW = {
    "api_token": "a person makes them one by one",
    "athlete": "of the settings",
    "breaker": "three",
    "doubt": "one row",
    "follow_up_wanted": "of the settings",
    "job_count": "a row for each status",
    "ledger": "one row",
    "login_link": "of a day",
    "notification": "a row for each problem that is told of",
    "oauth_state": "of an hour",
    "rate_limit": "one row",
    "revocation": "accounts that are left behind",
    "schema_migration": "of each version",
    "search_state": "one row",
    "seen_folder": "a row for each folder of the settings",
    "sent_notification": "a row for each problem that was told of",
    "session": "browsers",
    "sqlite_schema": "the tables",
}
"""Tables that do not grow with the history, and what is in them; every other one does."""
BOUNDED = {
    "follow_up_owed": "what is still to follow an upload",
    "upload_job_accepted": "accepted uploads",
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
LIMITED = re.compile(r"ORDER BY .*LIMIT", re.DOTALL)
_STATEMENTS = ("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")
_NOTHING = "WHERE (0 = 1)"
"""How peewee says "in an empty list": SQLite stops before the walk that it plans."""
_SCAN = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
_NO_TABLES = {"CONSTANT", "SUBQUERY"}
_BETWEEN = {"peewee", "logging", "contextlib", __name__, each_statement.__module__, database.__name__}
"""Modules between who asks and who listens."""
_judged: set[str] = set()


def faults(statement: str, values: Any = ()) -> list[str]:
    """The steps of a statement that walk what grows."""
    asks = statement.lstrip().upper().startswith(_STATEMENTS)
    if not asks or statement.endswith(_NOTHING):
        return []
    cursor = database.database.connection().execute(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
    plan = [str(row[3]) for row in cursor]
    scans = [scan for step in plan if (scan := _SCAN.match(step))]
    grows = [
        scan[0]
        for scan in scans
        if _table(scan[1], statement) not in FEW.keys() | _NO_TABLES and scan[2] not in BOUNDED
    ]
    is_read_in_order = LIMITED.search(statement) and not any("TEMP B-TREE FOR ORDER" in step for step in plan)
    return [] if is_read_in_order else [f"{step}: {statement}" for step in grows]


@contextmanager
def recorded() -> Iterator[dict[str, Any]]:
    """Each statement that the package makes in the open database meanwhile, with the values that it had last."""
    asked: dict[str, Any] = {}

    def note(statement: str, values: Any) -> None:
        if _is_of_the_package(sys._getframe(1)):  # as inspect does it, but a thousand times as quick
            asked[statement] = values or ()

    with each_statement(note):
        yield asked


@contextmanager
def watched() -> Iterator[None]:
    """Judge each statement that the package makes in the open database, once in a run of the tests."""
    with recorded() as asked:
        yield
    found = [fault for sql, values in asked.items() if sql not in _judged for fault in faults(sql, values)]
    _judged.update(asked)
    assert not found, "\n".join(found)


def _is_of_the_package(frame: FrameType | None) -> bool:
    """Whether a statement comes from the package, not from a test that looks into the ledger."""
    while frame is not None:
        module = str(frame.f_globals["__name__"])
        if module not in _BETWEEN:
            return module.startswith("fitferry.")
        frame = frame.f_back
    return False


def _table(name: str, statement: str) -> str:
    """The table behind a name that a statement gives it."""
    alias = re.search(rf'"?(\w+)"? AS "?{name}"?\b', statement)
    return alias[1] if alias else name
