"""The last attempts of each upload are kept with their outcomes, and no more than are of use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import NOW, a_job, recorded, the
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import Message, strava, uploads, verbatim
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AttemptResult, Outcome, Status
from fitferry.storage import attempts, database
from fitferry.storage.database import run

pytestmark = pytest.mark.usefixtures("ledger")
WORDS = verbatim("Strava did not answer")
RETRY = AttemptResult(Outcome.RETRY, Status.PENDING, failures=1, error_message=WORDS)
DONE = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=4242, error_message=WORDS)


def kept(job_id: int) -> list[tuple[int, float, Outcome, Message | None]]:
    """The attempts of a job."""
    return [(one.number, one.at, one.outcome, one.message) for one in attempts.of_job(job_id)]


def test_each_attempt_is_kept_with_its_time_and_reason(tmp_path: Path) -> None:
    """In order; a success needs no reason, and a wait that all share has the breaker's."""
    job = a_job(tmp_path / "a.fit")
    trip = BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, strava.USED_UP())
    recorded(job.id, RETRY, NOW + 1)
    recorded(job.id, AttemptResult(Outcome.WAITING, Status.PENDING, breaker=trip), NOW + 2)
    recorded(job.id, DONE, NOW + 3)

    assert kept(job.id) == [
        (1, NOW + 1, Outcome.RETRY, WORDS),
        (2, NOW + 2, Outcome.WAITING, strava.USED_UP()),
        (3, NOW + 3, Outcome.COMPLETED, None),
    ]


def test_the_last_twenty_are_kept(tmp_path: Path) -> None:
    """An upload that is tried for weeks does not fill the ledger."""
    job = a_job(tmp_path / "a.fit")
    for number in range(30):
        recorded(job.id, RETRY, NOW + number)

    assert [number for number, *_ in kept(job.id)] == list(range(11, 31))


def test_an_attempt_that_was_overtaken_is_not_kept(tmp_path: Path) -> None:
    """Its result is not written either, and both are one transaction."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, RETRY, NOW)
    before = run("SELECT revision FROM ledger")

    assert not attempts.record(job.id, DONE, NOW, job.row_revision)
    assert len(kept(job.id)) == 1
    assert run("SELECT revision FROM ledger") == before


def test_attempts_go_with_their_upload(tmp_path: Path) -> None:
    """A held upload is forgotten when its file changes."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, RETRY, NOW)
    with database.writing():
        run("DELETE FROM upload_job WHERE id = ?", job.id)

    assert kept(job.id) == []


def test_looks_and_waits_in_which_nothing_was_asked_are_no_news(tmp_path: Path) -> None:
    """Else an import would keep twenty looks of each upload, and no reason."""
    job = replace(the(a_job(tmp_path / "a.fit").id), error_message=WORDS)
    waits = AttemptResult(Outcome.WAITING, Status.PENDING, error_message=WORDS)

    assert not AttemptResult(Outcome.PROCESSING, Status.PROCESSING).says_more_than(job)
    assert not waits.says_more_than(job)
    assert replace(waits, error_message=uploads.FILE_GONE()).says_more_than(job)
    assert RETRY.says_more_than(job)


def test_a_reason_that_is_no_message_is_shown_as_it_is(tmp_path: Path) -> None:
    """Somebody mended the ledger by hand, or a newer version wrote it: nothing is hidden for that."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, RETRY, NOW + 1)
    run("UPDATE upload_attempt SET message = 'in plain words'")
    run("UPDATE upload_job SET error_message = 'in plain words'")

    assert kept(job.id) == [(1, NOW + 1, Outcome.RETRY, verbatim("in plain words"))]
    assert the(job.id).error_message == verbatim("in plain words")
