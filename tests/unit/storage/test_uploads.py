"""Which jobs are due, in which order, and how a job is queued again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import COMPLETED, NOW, RETRY, a_job, accepted, recorded, sending, the
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AfterUpload, AttemptResult, ErrorCode, Outcome, Status, UnknownErrorCode
from fitferry.storage import matches, open_jobs, uploads
from fitferry.storage.models import JobRow
from ledger_statements import each_statement


@pytest.mark.usefixtures("ledger")
def test_what_is_not_due_or_done_is_not_tried(tmp_path: Path) -> None:
    """A call that comes early, twice, or late does no harm."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, RETRY, NOW)

    assert not the(job.id).is_due(NOW + 59)
    assert the(job.id).is_due(NOW + 60)
    recorded(job.id, COMPLETED, NOW + 61)
    assert not the(job.id).is_due(NOW + 100)


@pytest.mark.usefixtures("ledger")
def test_todays_ride_comes_before_ten_years_of_old_ones(tmp_path: Path) -> None:
    """Jobs that are due go newest activity first, those that do not say when last."""
    for number, start in enumerate([NOW - 86_400, None, NOW - 3600, NOW - 10 * 86_400]):
        a_job(tmp_path / f"{number}.fit", body=b"%d" % number, start=start)
    due = open_jobs.due(NOW, 10, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=False)
    fresh = open_jobs.due(
        NOW, 10, look=True, fresh_since=NOW - 48 * 3600, connected=["me"], readers=["me"], probe=False
    )

    assert due == [3, 1, 4, 2]
    assert fresh == [3, 1]
    assert (
        open_jobs.due(NOW, 10, look=True, fresh_since=None, connected=["you"], readers=["you"], probe=False)
        == []
    )


@pytest.mark.usefixtures("ledger")
def test_the_job_that_waited_longest_probes_a_breaker(tmp_path: Path) -> None:
    """So that one bad file does not try again and again while the others wait."""
    bad, good = a_job(tmp_path / "a.fit", body=b"a"), a_job(tmp_path / "b.fit", body=b"b", start=NOW - 7200)
    recorded(bad.id, AttemptResult(Outcome.WAITING, Status.PENDING), NOW)

    assert [good.id] == open_jobs.due(
        NOW, 1, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=True
    )
    assert [bad.id] == open_jobs.due(
        NOW, 1, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=False
    )


@pytest.mark.usefixtures("ledger")
def test_a_requeued_job_begins_anew(tmp_path: Path) -> None:
    """Its count is reset; under a fresh external id nothing of the old upload is left."""
    job = a_job(tmp_path / "a.fit")
    accepted(job.id, 77, NOW)
    recorded(job.id, replace(COMPLETED, failures=3), NOW)

    assert not uploads.requeue(job.id, [Status.FAILED])
    assert uploads.requeue(job.id, [Status.COMPLETED], external_id="fresh")
    again = the(job.id)
    assert (
        again.status,
        again.failures,
        again.upload_id,
        again.strava_activity_id,
        again.external_id,
    ) == (Status.PENDING, 0, None, None, "fresh")


@pytest.mark.usefixtures("ledger")
def test_lists_that_strava_did_not_give_do_not_delay_what_is_released(tmp_path: Path) -> None:
    """A held activity was looked for in vain four times; its upload's first look that fails is repeated as any other's."""
    job = a_job(tmp_path / "a.fit", start=NOW - 30 * 86_400)
    recorded(job.id, replace(RETRY, status=Status.HELD, error_code=ErrorCode.BACKLOG), NOW)
    matches.put_off(job.id, 4, NOW + 7200)
    assert the(job.id).read_failures == 4
    assert uploads.requeue(job.id, [Status.HELD])

    assert (the(job.id).read_failures, the(job.id).next_attempt_at) == (0, 0)


@pytest.mark.usefixtures("ledger")
def test_without_reads_nothing_is_due_that_begins_with_one(tmp_path: Path) -> None:
    """An accepted upload is looked at; an uncertain one is looked for, where that is allowed."""
    taken, uncertain, new = (a_job(tmp_path / f"{n}.fit", body=b"%d" % n) for n in range(3))
    accepted(taken.id, 77, NOW)
    recorded(uncertain.id, replace(RETRY, uncertain=True, next_attempt_at=NOW), NOW)

    def due(*, look: bool, readers: list[str]) -> set[int]:
        who = ["me"]
        return set(
            open_jobs.due(NOW, 9, look=look, fresh_since=None, connected=who, readers=readers, probe=False)
        )

    assert due(look=True, readers=["me"]) == {taken.id, uncertain.id, new.id}
    assert due(look=False, readers=["me"]) == {new.id}
    assert due(look=False, readers=[]) == {uncertain.id, new.id}


@pytest.mark.usefixtures("ledger")
def test_a_page_completes_only_what_strava_has_accepted(tmp_path: Path) -> None:
    """What is being sent just now has an attempt that says what became of it."""
    busy, idle = (a_job(tmp_path / f"{n}.fit", body=b"%d" % n) for n in range(2))
    sending(busy.id, NOW)
    sending(idle.id, NOW)
    accepted(idle.id, 77, NOW)
    done = uploads.confirmed({job.id: (900, AfterUpload.KEEP) for job in (busy, idle)}, NOW)

    assert done == [idle.id]
    assert (the(busy.id).status, the(busy.id).strava_activity_id) == (Status.PROCESSING, None)


@pytest.mark.usefixtures("ledger")
def test_an_uncertain_upload_is_not_brought_forward(tmp_path: Path) -> None:
    """Its wait is Strava's time to show it; what only waits for its retry is tried now."""
    unsure, plain = (a_job(tmp_path / f"{n}.fit", body=b"%d" % n) for n in range(2))
    for job, step in ((unsure, replace(RETRY, uncertain=True)), (plain, RETRY)):
        recorded(job.id, step, NOW)
    uploads.retry_now()

    assert (the(unsure.id).next_attempt_at, the(plain.id).next_attempt_at) == (NOW + 60, 0)


@pytest.mark.usefixtures("ledger")
def test_a_stored_code_is_one_of_ours_or_kept_as_it_is(tmp_path: Path) -> None:
    """A job's own, one of Strava's errors, or a word of another version, with which the page still opens."""
    job = a_job(tmp_path / "a.fit")
    for code, kind in (
        ("unfinished", ErrorCode),
        ("server_error", StravaErrorKind),
        ("of_another_version", UnknownErrorCode),
    ):
        JobRow.update(error_code=code).execute()

        assert (the(job.id).error_code, type(the(job.id).error_code)) == (code, kind)


@pytest.mark.usefixtures("ledger")
def test_what_ends_while_it_is_asked_what_has_ended_is_told_the_next_time(tmp_path: Path) -> None:
    """Between the two questions: neither never nor twice."""
    first, second = a_job(tmp_path / "a.fit", b"1"), a_job(tmp_path / "b.fit", b"2")
    recorded(first.id, COMPLETED, NOW)
    heard: list[str] = []

    def end_the_second(statement: str, _values: object) -> None:
        heard.append(statement)
        if len(heard) == 2:
            recorded(second.id, COMPLETED, NOW)

    with each_statement(end_the_second):
        ended, last = uploads.finished_after(0)
    more, _ = uploads.finished_after(last)

    assert [job.id for job in [*ended, *more]] == [first.id, second.id]
