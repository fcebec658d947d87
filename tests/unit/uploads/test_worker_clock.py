"""Clocks that are wrong, jump or stand still: no attempt relies on one alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from fakes import (
    NOW,
    PROCESSING,
    UPLOADS,
    a_job,
    refused,
    the,
)
from fitferry.core.breaker import BreakerName
from fitferry.core.upload import Status
from fitferry.storage import breakers, uploads
from fitferry.uploads.scheduler import select_due
from worker_bench import REFUSED, Bench


def test_a_clock_that_steps_back_parks_nothing(bench: Bench) -> None:
    """It was hours ahead until it was set: neither a job's wait nor a breaker lasts for those hours."""
    hours = 9 * 3600
    bench.clock.now = NOW + hours
    bench.wire.to("POST /uploads", httpx.ConnectError("no route"), REFUSED)
    job = bench.try_(bench.job())
    assert BreakerName.NETWORK in breakers.open_breakers()
    bench.clock.now = NOW
    assert select_due(["me"], UPLOADS, NOW)[1] <= 60
    bench.clock.now = NOW + hours + 60
    assert bench.try_(job).next_attempt_at > NOW + hours
    bench.clock.now = NOW - 86_400

    assert select_due(["me"], UPLOADS, bench.clock())[1] <= 7200
    assert the(job.id).next_attempt_at == NOW - 86_400 + 7200


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata"])
def test_no_time_zone_and_no_change_of_its_clocks_moves_a_retry(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Delays are seconds; the hour that a night in March lacks is none of ours."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for night in (1_774_746_000.0, 1_792_888_200.0):  # around the changes of 2026-03-29 and 2026-10-25
            bench.clock.now = night
            bench.wire.to("POST /uploads", (500, {}))
            job = bench.try_(bench.job(f"{night:.0f}.fit", f"{night}".encode()))
            assert job.next_attempt_at - night == 60
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_day_asleep_changes_nothing_but_the_time(bench: Bench) -> None:
    """A laptop that was closed: what was due is tried, the windows have begun anew."""
    bench.wire.to("POST /uploads", (500, {}), (201, PROCESSING))
    job = bench.try_(bench.job())
    bench.clock.forward(86_400)

    assert select_due(["me"], UPLOADS, bench.clock())[0] == [job.id]
    assert bench.try_(job).upload_id == 77


def _heard(seconds_ahead: float) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Strava's answer to a request without a token, by a clock that differs from ours."""
    date = format_datetime(datetime.fromtimestamp(NOW + seconds_ahead, UTC), usegmt=True)
    return 401, refused("Athlete", "access_token", "invalid"), {"Date": date}


@pytest.mark.parametrize("days", [-30, 20, 400])
def test_what_our_clock_alone_called_fresh_is_not_sent_if_stravas_calls_it_old(
    bench: Bench, days: int
) -> None:
    """Nor what lies in the future by that; nobody's history goes up unasked because a device starts without a clock."""
    bench.wire.to("GET /athlete", _heard(days * 86_400))
    held = bench.try_(a_job(bench.folder / "a.fit", age_unproven=True))

    assert (held.status, held.error_code, held.sent_at) == (Status.HELD, "backlog", None)
    assert bench.wire.count("POST /uploads") == 0


def test_what_is_fresh_by_stravas_clock_is_sent(bench: Bench) -> None:
    """Its clock is asked for once, where no answer named it before."""
    bench.wire.to("GET /athlete", _heard(0))
    for name in ("a.fit", "b.fit"):
        sent = bench.try_(a_job(bench.folder / name, name.encode(), age_unproven=True))
        assert sent.status is Status.PROCESSING

    assert bench.wire.count("GET /athlete") == 1


def test_as_long_as_stravas_clock_is_not_heard_nothing_unproven_is_sent(bench: Bench) -> None:
    """The wait is the network's, as anybody would expect."""
    bench.wire.to("GET /athlete", httpx.ConnectError("refused"))
    waits = bench.try_(a_job(bench.folder / "a.fit", age_unproven=True))

    assert (waits.status, waits.sent_at, waits.failures) == (Status.PENDING, None, 0)
    assert BreakerName.NETWORK in breakers.open_breakers()


@pytest.mark.parametrize("answer", [(404, b""), (302, b""), (401, b"<html>")])
def test_where_the_clock_cannot_be_asked_for_the_upload_itself_decides(
    bench: Bench, answer: tuple[int, bytes]
) -> None:
    """A portal that answers in Strava's place answers to the upload, too; a proxy that lets only that through hides no ride."""
    bench.wire.to("GET /athlete", answer)

    assert bench.try_(a_job(bench.folder / "a.fit", age_unproven=True)).status is Status.PROCESSING


def test_a_persons_word_needs_no_clock(bench: Bench) -> None:
    """Somebody who asks for an upload knows how old it is."""
    job = a_job(bench.folder / "a.fit", age_unproven=True)
    bench.wire.to("GET /athlete", _heard(400 * 86_400))
    assert uploads.requeue(job.id, [Status.PENDING])

    assert bench.try_(job).status is Status.PROCESSING
