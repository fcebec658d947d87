"""One snapshot of how things are."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import NOW, a_job, a_receiver, recorded, sending, the
from fitferry.config.schema import WatchSettings
from fitferry.core.activity import WatchMethod, WatchState
from fitferry.core.api_types import iso
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import Message, system, verbatim
from fitferry.core.problems import HELD_FILES, Problem, ProblemCode, problem
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import AttemptResult, AuthProblem, ErrorCode, Outcome, Status, WaitingFor
from fitferry.inbox import Scanner
from fitferry.monitoring import status, status_json
from fitferry.storage import accounts, breakers, rate_limits, uploads

pytestmark = pytest.mark.usefixtures("ledger")
WATCH = WatchState("/rides", "me", WatchMethod.EVENTS, available=True)


def snapshot(
    *, watch: WatchState = WATCH, troubles: tuple[Problem, ...] = (), now: float = NOW
) -> dict[str, Any]:
    """How things are with one athlete."""
    process = status.Process(
        1,
        NOW - 60,
        "127.0.0.1",
        8480,
        "http://localhost:8480",
        (watch,),
        troubles=(*troubles, *status.of_folders((watch,), now)),
    )
    return dict(status_json.to_json(status.snapshot(["me"], process, now)))


def connect() -> None:
    """Let the athlete be connected."""
    accounts.connect("me", 7, "Sam Sand", ["read", "activity:write"], b"sealed")


def breaker(
    name: BreakerName, until: float = NOW + 60, code: StravaErrorKind = StravaErrorKind.APP_REFUSED
) -> None:
    """Open a breaker."""
    breakers.open(BreakerTrip(name, until, code, verbatim(f"the breaker {name} is open")), NOW - 5)


def test_all_is_well_when_nothing_is_wrong() -> None:
    """Nothing to be shown first."""
    connect()
    found = snapshot()

    assert (found["state"], found["problems"]) == ("ok", [])
    assert found["athletes"] == [
        {
            "name": "me",
            "connected": True,
            "athlete_id": 7,
            "display_name": "Sam Sand",
            "scopes": ["read", "activity:write"],
        }
    ]


def test_an_outage_needs_no_person() -> None:
    """Nor does Strava's limit; what waits says until when."""
    connect()
    breaker(BreakerName.NETWORK)
    assert (snapshot()["state"], snapshot()["problems"]) == ("waiting", [])
    breakers.close(BreakerName.NETWORK)
    breaker(BreakerName.RATE_LIMIT)
    found = snapshot()

    assert ("waiting", iso(NOW + 60)) == (found["state"], found["rate_limit"]["held_until"])
    assert snapshot(now=NOW + 61)["state"] == "ok"


@pytest.mark.parametrize("trouble", [None, *AuthProblem])
def test_a_missing_connection_needs_a_person(trouble: AuthProblem | None) -> None:
    """With the reason, once, and the command that mends it."""
    if trouble is not None:
        connect()
        accounts.clear_tokens("me", trouble, NOW - 30)
    (shown,) = snapshot()["problems"]

    assert (shown["code"], shown["athlete"], snapshot()["state"]) == ("not_connected", "me", "attention")
    assert "connect" in shown["message"]
    assert iso(NOW - 30 if trouble else NOW - 60) == shown["since"]


def test_wrong_settings_and_missing_folders_need_a_person() -> None:
    """Each is one problem, and goes when it is over."""
    connect()
    breaker(BreakerName.SETTINGS, code=StravaErrorKind.APP_INACTIVE)
    away = WatchState("/rides", "me", WatchMethod.POLL, available=False, reason=system.NOT_FOUND())
    ill = problem(ProblemCode.INTERNAL, NOW, reason="the database is gone")
    found = snapshot(watch=away, troubles=(ill,))

    assert [one["code"] for one in found["problems"]] == ["internal", "app_inactive", "folder_unavailable"]
    assert "No such file" in found["problems"][2]["message"]
    assert "mount it or create it" in found["problems"][2]["message"]
    breakers.close(BreakerName.SETTINGS)
    assert snapshot()["problems"] == []


def test_nothing_is_said_of_a_folder_that_nobody_has_looked_at() -> None:
    """Neither that it is there nor that it is missing; the state of a folder begins so."""
    folder = Path("/rides")
    watch = WatchSettings(folder=folder)
    new = Scanner(watch, a_receiver(folder), without=frozenset(), changed=lambda: None).state
    away = replace(new, folder="/usb", reason=system.NOT_FOUND())
    connect()
    found = [snapshot(watch=state) for state in (new, away, WATCH)]

    assert [(one["watch"][0].get("looked_at"), one["watch"][0]["available"]) for one in found] == [
        (False, False),
        (None, False),
        (None, True),
    ]
    assert [len(one["problems"]) for one in found] == [0, 1, 0]


def test_each_trouble_lasts_since_it_came(tmp_path: Path) -> None:
    """Two folders have one each; what comes back has come anew."""
    troubles, rides = (
        status.HealthErrors(),
        WatchState("/rides", "me", WatchMethod.POLL, available=False, reason=system.STALE()),
    )
    usb = replace(rides, folder=str(tmp_path))

    def since(now: float, *watch: WatchState) -> list[float]:
        return [one.since for one in troubles.dated(status.of_folders(watch, now))]

    assert since(NOW, rides, replace(usb, available=True)) == [NOW]
    assert since(NOW + 5, rides, usb) == [NOW, NOW + 5]
    assert since(NOW + 6, replace(rides, available=True), usb) == [NOW + 5]
    assert since(NOW + 7, rides, usb) == [NOW + 7, NOW + 5]


def test_a_failed_job_needs_a_person_until_it_is_put_aside(tmp_path: Path) -> None:
    """Without being a problem of its own: the history shows it."""
    connect()
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, AttemptResult(Outcome.FAILED, Status.FAILED), NOW)
    assert (snapshot()["state"], snapshot()["problems"]) == ("attention", [])
    uploads.dismiss(job.id)

    assert snapshot()["state"] == "ok"


def waits(job_id: int, *, connected: bool = True, now: float = NOW) -> tuple[WaitingFor | None, float | None]:
    """What a job is shown to wait for."""
    return status.waits(the(job_id), breakers.open_breakers(), now, connected=connected)


def test_a_job_shows_its_own_wait_or_the_one_that_all_share(tmp_path: Path) -> None:
    """The connection first, then the open breaker, then its own."""
    job = a_job(tmp_path / "a.fit")
    assert waits(job.id) == (None, NOW)
    sending(job.id, NOW)
    assert waits(job.id) == (None, None)
    recorded(job.id, AttemptResult(Outcome.RETRY, Status.PENDING, WaitingFor.RETRY, NOW + 60), NOW)
    assert waits(job.id) == (WaitingFor.RETRY, NOW + 60)
    breaker(BreakerName.NETWORK, NOW + 300)
    assert waits(job.id) == (WaitingFor.NETWORK, NOW + 300)
    breaker(BreakerName.RATE_LIMIT, NOW + 600)
    assert waits(job.id) == (WaitingFor.RATE_LIMIT, NOW + 600)
    assert waits(job.id, connected=False) == (WaitingFor.CONNECTION, None)


def test_the_file_is_replaced_in_one_step_and_anybody_may_read_it(tmp_path: Path) -> None:
    """Whoever reads it sees the old one or the new one."""
    path = tmp_path / "status.json"
    connect()
    process = status.Process(1, NOW - 60, "127.0.0.1", 8480, "http://localhost:8480", ())
    for athlete in ("me", "é"):
        values = status_json.to_json(status.snapshot([athlete], process, NOW))
        status_json.write(path, values)

    assert json.loads(path.read_text(encoding="utf-8")) == values
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [path] == [entry for entry in tmp_path.iterdir() if entry.name.startswith("status")]
    assert not list(tmp_path.glob(".status*"))


@pytest.mark.parametrize("code", HELD_FILES)
def test_a_held_file_that_may_be_a_ride_needs_a_person(tmp_path: Path, code: ErrorCode) -> None:
    """One problem for each reason, until the last such file is dismissed."""
    connect()
    jobs = [a_job(tmp_path / name, name.encode()) for name in ("a.fit", "b.fit")]
    for job in jobs:
        recorded(job.id, AttemptResult(Outcome.HELD, Status.HELD, error_code=code), NOW)
    found = snapshot()

    assert (found["state"], [shown["code"] for shown in found["problems"]]) == ("attention", [code])
    assert "2 " in found["problems"][0]["message"]
    assert "b.fit" in found["problems"][0]["message"]
    uploads.dismiss(jobs[1].id)
    assert "a.fit" in snapshot()["problems"][0]["message"]
    uploads.dismiss(jobs[0].id)
    assert snapshot()["state"] == "ok"


@pytest.mark.parametrize("code", [ErrorCode.AUTO_UPLOAD, ErrorCode.SINCE])
def test_what_settings_hold_is_no_problem(tmp_path: Path, code: ErrorCode) -> None:
    """Somebody wanted it so."""
    connect()
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, AttemptResult(Outcome.HELD, Status.HELD, error_code=code), NOW)

    assert (snapshot()["state"], snapshot()["problems"]) == ("ok", [])


def test_a_problem_in_the_file_can_be_said_in_another_language() -> None:
    """Its message stands there as data, too."""
    (shown,) = snapshot()["problems"]

    assert str(Message.from_json(json.dumps(shown["text"]))) == shown["message"]


@pytest.mark.parametrize(
    ("used", "age", "expected"),
    [(200, 0.1, WaitingFor.RATE_LIMIT), (199, 0.1, None), (199, 30, WaitingFor.RATE_LIMIT), (190, 30, None)],
)
def test_what_is_due_and_has_to_wait_for_the_rate_limit_says_so(
    tmp_path: Path, used: int, age: float, expected: WaitingFor | None
) -> None:
    """The backlog leaves the last requests of a quarter hour to fresh rides: that is what it waits for."""
    connect()
    job = a_job(tmp_path / "a.fit", start=NOW - age * 86_400)
    rate_limits.update(RateLimitHeaders((200, 2000), (used, 300), (100, 1000), (10, 10)), NOW)
    waiting_for, until = status.waits(job, {}, NOW, connected=True)

    assert waiting_for == expected
    assert until is not None
    assert (until > NOW) is (expected is not None)
