"""What the ledger knows, and how it keeps it."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import NOW, a_job, accepted, recorded, sending, the
from fitferry.core import retry_policy
from fitferry.core.activity import StatFingerprint
from fitferry.core.errors import StorageError
from fitferry.core.messages import verbatim
from fitferry.core.strava import RateLimit, RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import (
    AfterUpload,
    AttemptResult,
    BreakerName,
    BreakerTrip,
    Outcome,
    Status,
    WaitingFor,
)
from fitferry.storage import (
    accounts,
    activities,
    attempts,
    breakers,
    database,
    models,
    queries,
    rate_limits,
    revocations,
    sessions,
    uploads,
)

DONE = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, upload_id=77, strava_activity_id=4242)
RETRY = AttemptResult(Outcome.RETRY, Status.PENDING, WaitingFor.RETRY, NOW + 60, failures=1)


def _sql(statement: str) -> Any:
    return database.database.execute_sql(statement)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out


def test_the_tables_are_what_the_models_say(ledger: Path) -> None:
    """The migrations and the models name the same columns."""
    with closing(sqlite3.connect(ledger)) as raw, raw:
        found = {
            table._meta.table_name: {
                row[1] for row in raw.execute(f"PRAGMA table_info({table._meta.table_name})")
            }
            for table in models.TABLES
        }
    raw.close()

    assert found == {
        table._meta.table_name: {field.column_name for field in table._meta.sorted_fields}
        for table in models.TABLES
    }


def test_the_database_is_kept_safely(ledger: Path) -> None:
    """WAL with synchronous FULL lost nothing in forty power cuts; the default modes did."""
    assert _sql("PRAGMA journal_mode").fetchone() == ("wal",)
    assert _sql("PRAGMA synchronous").fetchone() == (2,)
    assert _sql("PRAGMA foreign_keys").fetchone() == (1,)
    assert _sql("PRAGMA mmap_size").fetchone() == (0,)
    assert ledger.exists()


def test_a_worker_that_outlives_the_stop_is_not_cut_off_in_a_statement(tmp_path: Path) -> None:
    """Closing a connection that another thread uses would end the process by a signal."""
    begun, ended, found = threading.Event(), threading.Event(), []

    def work() -> None:
        connection = database.database.connection()  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
        begun.set()
        assert ended.wait(10)
        found.append(connection.execute("SELECT count(*) FROM upload_job").fetchone())
        connection.close()

    with database.opened(tmp_path / "state.db"):
        worker = threading.Thread(target=work)
        worker.start()
        assert begun.wait(10)
    ended.set()
    worker.join(10)

    assert found == [(0,)]


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An old program must not write into tables that it does not know."""
    path = tmp_path / "state.db"
    with database.opened(path), database.writing():
        _sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')")

    with pytest.raises(StorageError, match="newer"), database.opened(path):
        pytest.fail("it was opened")


def test_the_same_bytes_are_one_activity(ledger: Path, tmp_path: Path) -> None:
    """Under another name, in another folder, or copied again: one job for one athlete."""
    first = a_job(tmp_path / "a.fit")
    again = a_job(tmp_path / "b.fit")
    other = a_job(tmp_path / "c.fit", athlete="you")

    assert first.id == again.id
    assert other.id != first.id
    assert {str(tmp_path / "a.fit"), str(tmp_path / "b.fit")} == set(
        activities.other_paths("me", first.sha256)
    )
    assert ledger.exists()


@pytest.mark.usefixtures("ledger")
def test_what_is_not_due_or_done_is_not_tried(tmp_path: Path) -> None:
    """A call that comes early, twice, or late does no harm."""
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, RETRY, NOW)

    assert not the(job.id).is_due(NOW + 59)
    assert the(job.id).is_due(NOW + 60)
    recorded(job.id, DONE, NOW + 61)
    assert not the(job.id).is_due(NOW + 100)


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
    recorded(job.id, DONE, NOW + 3)
    done = the(job.id)

    assert (
        done.status,
        done.strava_activity_id,
        done.completed_at,
    ) == (Status.COMPLETED, 4242, NOW + 3)


@pytest.mark.usefixtures("ledger")
def test_an_outcome_after_somebody_has_decided_changes_nothing(tmp_path: Path) -> None:
    """What an attempt writes names the row's revision, which every decision raises."""
    job = a_job(tmp_path / "a.fit")
    uploads.requeue(job.id, [Status.PENDING])

    assert attempts.mark_sending(job.id, NOW, job.row_revision) is None
    assert not attempts.record(job.id, DONE, NOW, job.row_revision)
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
    assert not attempts.record(sent.id, DONE, NOW, before)


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


@pytest.mark.usefixtures("ledger")
def test_todays_ride_comes_before_ten_years_of_old_ones(tmp_path: Path) -> None:
    """Jobs that are due go newest activity first, those that do not say when last."""
    for number, start in enumerate([NOW - 86_400, None, NOW - 3600, NOW - 10 * 86_400]):
        a_job(tmp_path / f"{number}.fit", body=b"%d" % number, start=start)
    due = uploads.due(NOW, 10, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=False)
    fresh = uploads.due(
        NOW, 10, look=True, fresh_since=NOW - 48 * 3600, connected=["me"], readers=["me"], probe=False
    )

    assert due == [3, 1, 4, 2]
    assert fresh == [3, 1]
    assert (
        uploads.due(NOW, 10, look=True, fresh_since=None, connected=["you"], readers=["you"], probe=False)
        == []
    )


@pytest.mark.usefixtures("ledger")
def test_the_job_that_waited_longest_probes_a_gate(tmp_path: Path) -> None:
    """So that one bad file does not try again and again while the others wait."""
    bad, good = a_job(tmp_path / "a.fit", body=b"a"), a_job(tmp_path / "b.fit", body=b"b", start=NOW - 7200)
    recorded(bad.id, AttemptResult(Outcome.WAITING, Status.PENDING), NOW)

    assert [good.id] == uploads.due(
        NOW, 1, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=True
    )
    assert [bad.id] == uploads.due(
        NOW, 1, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=False
    )


@pytest.mark.usefixtures("ledger")
def test_the_history_is_newest_first_and_pages_by_id(tmp_path: Path) -> None:
    """Skipped jobs are shown only when they are asked for."""
    for number in range(5):
        a_job(tmp_path / f"{number}.fit", body=b"%d" % number)
    recorded(3, AttemptResult(Outcome.SKIPPED, Status.SKIPPED), NOW)

    assert [job.id for job in queries.listed(limit=2)] == [5, 4]
    assert [job.id for job in queries.listed(before=4)] == [2, 1]
    assert [job.id for job in queries.listed(status=Status.SKIPPED)] == [3]
    assert queries.listed(athlete="you") == []
    assert {s: n for s, n in uploads.counts().items() if n} == {Status.PENDING: 4, Status.SKIPPED: 1}


@pytest.mark.usefixtures("ledger")
def test_a_requeued_job_begins_anew(tmp_path: Path) -> None:
    """Its count is reset; under a fresh external id nothing of the old upload is left."""
    job = a_job(tmp_path / "a.fit")
    accepted(job.id, 77, NOW)
    recorded(job.id, replace(DONE, failures=3), NOW)

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
@pytest.mark.parametrize(
    "name", [b"\xff\xfe.fit", b"new\nline.fit", b"'\"quotes.fit", b"-dash.fit", b"x" * 251 + b".fit"]
)
def test_any_name_that_linux_allows_is_remembered(tmp_path: Path, name: bytes) -> None:
    """Paths are kept as bytes and come back the same."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    job = a_job(path)

    assert str(path) == job.path
    assert StatFingerprint.of(path.stat()) == activities.seen("me", str(path))
    assert {str(path)} == set(activities.seen_at("me", [str(path), str(tmp_path)]))
    assert job.file.encode()


@pytest.mark.usefixtures("ledger")
def test_the_allowance_is_merged_from_what_each_answer_says() -> None:
    """A lone comma for the reads leaves the last number standing."""
    rate_limits.update(RateLimitHeaders((400, 4000), (1, 2), (200, 2000), (3, 4)), NOW)
    rate_limits.update(RateLimitHeaders((400, 4000), (5, 6), None, None), NOW + 1)

    assert RateLimit((400, 4000), (5, 6), (200, 2000), (3, 4), NOW + 1) == rate_limits.current()


@pytest.mark.usefixtures("ledger")
def test_a_gate_has_one_probe_when_its_time_has_come() -> None:
    """The others find it shut until the probe is back."""
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, verbatim("no route")), NOW
    )

    with breakers.passing(lambda: NOW + 59) as early:
        assert not early
    with breakers.passing(lambda: NOW + 60) as probe, breakers.passing(lambda: NOW + 60) as second:
        assert probe
        assert not second
        assert breakers.open_breakers()[BreakerName.NETWORK].probing
    with breakers.passing(lambda: NOW + 61) as next_probe:
        assert next_probe


@pytest.mark.usefixtures("ledger")
def test_a_gate_keeps_the_time_since_when_it_is_shut() -> None:
    """However often its probes fail, people see when the trouble began."""
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, verbatim("no route")), NOW
    )
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, NOW + 360, StravaErrorKind.UNREACHABLE, verbatim("no route")),
        NOW + 60,
    )

    assert breakers.open_breakers()[BreakerName.NETWORK].since == NOW
    assert breakers.close(BreakerName.NETWORK)
    assert not breakers.close(BreakerName.NETWORK)


@pytest.mark.usefixtures("ledger")
def test_a_limits_gate_is_only_ever_kept_shut_for_longer() -> None:
    """Strava has asked for an hour; that another answer asks for less shortens nothing."""
    breakers.open(
        BreakerTrip(BreakerName.RATE_LIMIT, NOW + 3600, StravaErrorKind.RATE_LIMITED, verbatim("wait")), NOW
    )
    breakers.open(
        BreakerTrip(BreakerName.RATE_LIMIT, NOW + 300, StravaErrorKind.RATE_LIMITED, verbatim("wait")), NOW
    )

    assert breakers.open_breakers()[BreakerName.RATE_LIMIT].until == NOW + 3600


@pytest.mark.usefixtures("ledger")
def test_a_failed_probe_ends_its_lease() -> None:
    """The lease is longer than the wait until the next probe."""
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, NOW, StravaErrorKind.UNREACHABLE, verbatim("no route")), NOW
    )
    with breakers.passing(lambda: NOW) as probe:
        breakers.open(
            BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, verbatim("no route")), NOW
        )
    assert probe

    assert breakers.open_breakers()[BreakerName.NETWORK].until == NOW + 60


@pytest.mark.usefixtures("ledger")
def test_without_reads_nothing_is_due_that_begins_with_one(tmp_path: Path) -> None:
    """An accepted upload is looked at; an uncertain one is looked for, where that is allowed."""
    taken, uncertain, new = (a_job(tmp_path / f"{n}.fit", body=b"%d" % n) for n in range(3))
    accepted(taken.id, 77, NOW)
    recorded(uncertain.id, replace(RETRY, uncertain=True, next_attempt_at=NOW), NOW)

    def due(*, look: bool, readers: list[str]) -> set[int]:
        who = ["me"]
        return set(
            uploads.due(NOW, 9, look=look, fresh_since=None, connected=who, readers=readers, probe=False)
        )

    assert due(look=True, readers=["me"]) == {taken.id, uncertain.id, new.id}
    assert due(look=False, readers=["me"]) == {new.id}
    assert due(look=False, readers=[]) == {uncertain.id, new.id}


@pytest.mark.usefixtures("ledger")
def test_a_gate_is_clamped_like_a_job() -> None:
    """The clock was hours ahead when it was shut: it lasts as long from now on."""
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, NOW + 9 * 3600 + 60, StravaErrorKind.UNAVAILABLE, verbatim("w")),
        NOW + 9 * 3600,
    )
    breakers.open(
        BreakerTrip(BreakerName.SETTINGS, NOW + 9 * 3600, StravaErrorKind.UNAVAILABLE, verbatim("w")),
        NOW - 60,
    )
    breakers.open(
        BreakerTrip(BreakerName.RATE_LIMIT, NOW + 600, StravaErrorKind.UNAVAILABLE, verbatim("w")), NOW - 60
    )
    breakers.clamp(NOW)
    found = breakers.open_breakers()

    assert {name.value: breaker.until - NOW for name, breaker in found.items()} == {
        "network": 60,
        "settings": retry_policy.SETTINGS_SECONDS,
        "rate_limit": 600,
    }
    assert found[BreakerName.NETWORK].since == NOW


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
def test_a_login_link_is_good_for_ten_minutes_and_once() -> None:
    """Looking at it uses nothing up."""
    sessions.add_link("d", NOW)

    assert sessions.link_is_good("d", NOW + 599)
    assert not sessions.use_link("d", NOW + 600)
    sessions.add_link("e", NOW)
    assert sessions.use_link("e", NOW + 599)
    assert not sessions.use_link("e", NOW + 599)


@pytest.mark.usefixtures("ledger")
def test_a_session_is_renewed_by_use() -> None:
    """Ninety days after the last visit, not after the first."""
    day = 86_400
    sessions.add_session("d", NOW, api_token="t")

    assert sessions.session_is_good("d", NOW + 89 * day)
    assert sessions.session_is_good("d", NOW + 150 * day)
    assert not sessions.session_is_good("d", NOW + 250 * day)


@pytest.mark.usefixtures("ledger")
def test_forgetting_an_athlete_keeps_the_token_until_it_is_revoked() -> None:
    """And the name stands for nobody in particular afterwards."""
    accounts.connect("me", 7, "Sam", ["read"], b"sealed")
    accounts.disconnect("me")
    accounts.disconnect("me")

    assert (accounts.get("me").connected, accounts.get("me").athlete_id) == (False, None)
    (pending_revocation,) = revocations.pending_revocations()
    assert (pending_revocation.athlete, pending_revocation.sealed) == ("me", b"sealed")
    revocations.delete_revocation(pending_revocation.id)
    assert revocations.pending_revocations() == []


def test_the_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    """The write-ahead log and its index hold what the database holds."""
    before = os.umask(0o077)
    try:
        with database.opened(tmp_path / "state.db"):
            modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600, "state.mark": 0o600}


def test_reading_needs_no_daemon_and_writes_nothing(tmp_path: Path) -> None:
    """The commands that only look open the database read-only."""
    path = tmp_path / "state.db"
    with database.opened(path):
        job = a_job(tmp_path / "a.fit")

    with database.opened_to_read(path):
        assert job.id == queries.listed()[0].id
        with pytest.raises(database.DatabaseError):
            recorded(job.id, DONE, NOW)


def test_a_write_that_fails_is_known_until_one_succeeds(ledger: Path) -> None:
    """The page and /healthz say why nothing goes on."""
    with pytest.raises(database.DatabaseError), database.writing():
        _sql("INSERT INTO nowhere VALUES (1)")

    assert "nowhere" in (database.failure() or "")
    sessions.add_link("d", NOW)
    assert database.failure() is None
    assert ledger.exists()


def test_every_write_tells_that_something_changed(tmp_path: Path) -> None:
    """So that the status file is written when there is something new in it."""
    told: list[str] = []
    with database.opened(tmp_path / "state.db", changed=lambda: told.append("changed")):
        sessions.add_link("d", NOW)
        sessions.link_is_good("d", NOW)

    assert told == ["changed"]
