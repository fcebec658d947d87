"""The log tells each change of how things are, once, with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from structlog.testing import capture_logs

from fakes import NOW
from fitferry.core.messages import system
from fitferry.core.problems import Problem, ProblemCode, problem
from fitferry.core.upload import Status
from fitferry.monitoring import status
from fitferry.monitoring.state_log import StateLog
from fitferry.system import logs

pytestmark = pytest.mark.usefixtures("ledger")
MISSING = problem(ProblemCode.FOLDER_UNAVAILABLE, NOW, athlete="me", folder="/usb", reason=system.NOT_FOUND())


def snapshot(problems: Iterable[Problem] = (), **change: Any) -> status.Snapshot:
    """How things are, with problems."""
    found = tuple(problems)
    process = status.Process(1, NOW, "127.0.0.1", 8480, "http://127.0.0.1:8480", ())
    values = {
        "version": "1",
        "process": process,
        "updated_at": NOW,
        "state": status.State.ATTENTION if found else status.State.OK,
        "problems": found,
        "athletes": (),
        "queue": dict.fromkeys(Status, 0),
        "rate_limit": None,
        "held_until": None,
        "last_upload": None,
        "history_import": None,
    }
    return status.Snapshot(**{**values, **change})


def told(*snapshots: status.Snapshot) -> list[tuple[str, str, str]]:
    """What is logged of them."""
    log = StateLog()
    with capture_logs() as events:
        for one in snapshots:
            log.update(one)
    return [(event["event"], str(event["outcome"]), str(event.get("reason") or "")) for event in events]


def test_the_log_names_the_problem() -> None:
    """By a field that is not taken for the code of a sign-in, which is hidden."""
    logs.configure("info", "json")
    StateLog().update(snapshot([MISSING]))

    assert [line for line in logs.recent() if ProblemCode.FOLDER_UNAVAILABLE in str(line)]


def test_a_problem_is_told_when_it_comes_and_when_it_goes() -> None:
    """And the state with it; nothing is told twice."""
    assert told(snapshot(), snapshot([MISSING]), snapshot([MISSING]), snapshot()) == [
        ("state", "ok", ""),
        ("problem", "found", str(MISSING.message)),
        ("state", "attention", str(MISSING.what)),
        ("problem", "resolved", ""),
        ("state", "ok", ""),
    ]


def test_a_wait_and_a_failure_have_their_reasons() -> None:
    """Strava's limit, Strava out of reach, an upload that failed."""
    waiting, attention = status.State.WAITING, status.State.ATTENTION
    queue = {**dict.fromkeys(Status, 0), Status.FAILED: 2}

    assert told(
        snapshot(state=waiting, held_until=NOW + 60),
        snapshot(),
        snapshot(state=waiting),
        snapshot(state=attention, queue=queue),
    ) == [
        ("state", "waiting", "Strava's rate limit is used up for now"),
        ("state", "ok", ""),
        ("state", "waiting", "waiting for Strava to be reachable"),
        ("state", "attention", "2 uploads have failed"),
    ]
