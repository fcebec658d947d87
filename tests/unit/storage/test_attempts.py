"""An attempt's steps as they are written, and what a restart makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import COMPLETED, NOW, RETRY, a_job, accepted, recorded, sending, the
from fitferry.core.upload import AttemptResult, Outcome, Status
from fitferry.storage import attempts, open_jobs, uploads


@pytest.mark.usefixtures("ledger")
def test_an_attempt_is_written_down_step_by_step(tmp_path: Path) -> None:
    """Sending, acceptance and outcome are three facts, each kept at once."""
    job = a_job(tmp_path / "a.fit")
    sending(job.id, NOW + 1)
    assert the(job.id).sent_at == NOW + 1
    accepted(job.id, 77, NOW + 2)
    assert (
        the(job.id).upload_id,
        the(job.id).accepted_at,
        the(job.id).status,
    ) == (77, NOW + 2, Status.PROCESSING)
    recorded(job.id, COMPLETED, NOW + 3)
    done = the(job.id)

    assert (
        done.status,
        done.strava_activity_id,
        done.completed_at,
    ) == (Status.COMPLETED, 4242, NOW + 3)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("status", "ends"),
    [
        (Status.PENDING, False),
        (Status.PROCESSING, False),
        (Status.HELD, False),
        (Status.SKIPPED, False),
        (Status.COMPLETED, True),
        (Status.FAILED, True),
    ],
)
def test_a_job_has_an_end_only_when_it_is_completed_or_has_failed(
    tmp_path: Path, status: Status, *, ends: bool
) -> None:
    """And none any more when it goes on."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, replace(COMPLETED, status=Status.FAILED), NOW)
    recorded(job.id, replace(COMPLETED, status=status), NOW + 1)

    assert the(job.id).completed_at == (NOW + 1 if ends else None)


@pytest.mark.usefixtures("ledger")
def test_an_outcome_after_somebody_has_decided_changes_nothing(tmp_path: Path) -> None:
    """What an attempt writes names the row's revision, which every decision raises."""
    job = a_job(tmp_path / "a.fit")
    uploads.requeue(job.id, [Status.PENDING])

    assert attempts.mark_sending(job.id, NOW, job.row_revision) is None
    assert not attempts.record(job.id, COMPLETED, NOW, job.row_revision)
    assert (the(job.id).status, the(job.id).sent_at, the(job.id).upload_id) == (Status.PENDING, None, None)


@pytest.mark.usefixtures("ledger")
def test_a_restart_doubts_what_was_being_sent(tmp_path: Path) -> None:
    """Sent without an answer: uncertain, after a quarantine. Accepted: looked at. All else: as it was."""
    waiting, sent, taken, retried = (a_job(tmp_path / f"{n}.fit", body=b"%d" % n) for n in range(4))
    sending(retried.id, NOW - 499)
    recorded(retried.id, replace(RETRY, next_attempt_at=NOW - 1), NOW - 498)
    sending(sent.id, NOW)
    sending(taken.id, NOW)
    accepted(taken.id, 77, NOW)
    before = the(sent.id).row_revision

    assert attempts.release_interrupted(7200, 60, NOW + 1) == 1
    assert _fate(waiting.id) == (Status.PENDING, False, 0)
    assert _fate(sent.id) == (Status.PENDING, True, NOW + 60)
    assert _fate(taken.id) == (Status.PROCESSING, False, 0)
    assert _fate(retried.id) == (Status.PENDING, False, NOW - 1)
    assert the(taken.id).upload_id == 77
    assert not attempts.record(sent.id, COMPLETED, NOW, before)


def _fate(job_id: int) -> tuple[Status, bool, float]:
    job = the(job_id)
    return job.status, job.uncertain, job.next_attempt_at


@pytest.mark.usefixtures("ledger")
def test_a_clock_that_jumps_back_parks_no_job(tmp_path: Path) -> None:
    """No delay is longer than the longest configured, counted from now."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, replace(RETRY, next_attempt_at=NOW + 60), NOW)
    attempts.clamp(7200, 2, NOW - 365 * 86_400)

    assert the(job.id).next_attempt_at == NOW - 365 * 86_400 + 7200


@pytest.mark.usefixtures("ledger")
def test_every_job_is_a_probe_in_turn_after_the_clock_was_set_back(tmp_path: Path) -> None:
    """Also one that was tried at a time to come, while the other's file cannot be sent."""
    before, after = a_job(tmp_path / "a.fit"), a_job(tmp_path / "b.fit", b"b")
    recorded(before.id, replace(RETRY, next_attempt_at=0), NOW)
    now, probes = NOW - 86_400, list[int]()
    recorded(after.id, replace(RETRY, next_attempt_at=0), now)
    for _ in range(4):
        now += 400
        attempts.clamp(7200, 2, now)
        probes += open_jobs.due(
            now, 1, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=True
        )
        recorded(probes[-1], replace(RETRY, next_attempt_at=0), now)

    assert probes == [after.id, before.id, after.id, before.id]


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("back", [5, 3600, 20 * 86_400])
def test_an_accepted_upload_is_looked_at_soon_after_the_clock_was_set_back(
    tmp_path: Path, back: float
) -> None:
    """It was accepted at a time to come: how long it has been processed is not known, and it may be ready."""
    job = a_job(tmp_path / "a.fit")
    sending(job.id, NOW)
    accepted(job.id, 77, NOW)
    step = AttemptResult(
        Outcome.PROCESSING, Status.PROCESSING, next_attempt_at=NOW + 30, upload_id=77, looks=6
    )
    recorded(job.id, step, NOW, accepted_at=NOW)
    now = NOW - back
    attempts.clamp(7200, 2, now)

    assert (the(job.id).next_attempt_at, the(job.id).accepted_at) == (now + 2, now)
