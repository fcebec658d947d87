"""A fresh ride is admitted as being sent, in one commit, where nothing is in its way; what a kill then costs is one look."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from fakes import ADMISSION, NOW, READY, UPLOADS, admit_file, an_athlete, refused, the
from fit_writer import ride
from fitferry.core.activity import AdmissionResult
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import Job, Status, WaitingFor
from fitferry.storage import (
    accounts,
    activities,
    attempts,
    breakers,
    database,
    queries,
    rate_limits,
    uploads,
)
from fitferry.uploads.scheduler import select_due
from worker_bench import Bench

USED_UP = RateLimitHeaders((200, 2000), (200, 300), (100, 1000), (10, 10))


def admit(bench: Bench, name: str = "a.fit", *, start: float = NOW - 3600) -> AdmissionResult:
    """A ride comes into the folder."""
    (bench.folder / name).write_bytes(ride(start, seconds=30))
    return admit_file(str(bench.folder / name), "me", ADMISSION, bench.clock(), dispatcher=bench.dispatcher)


def admitted(bench: Bench) -> Job:
    """A ride that is being sent, and that a worker was given."""
    assert admit(bench) is AdmissionResult.SENDING
    (job_id,) = bench.dispatched
    return the(job_id)


def test_one_commit_says_that_a_ride_is_there_and_being_sent(bench: Bench) -> None:
    """No other comes before its body leaves."""
    before = database.run("SELECT revision FROM ledger")[0][0]
    job = admitted(bench)
    seen: list[tuple[int, int]] = []
    bench.wire.while_asked = lambda: seen.append(
        (database.run("SELECT revision FROM ledger")[0][0] - before, the(job.id).row_revision)
    )
    assert (job.status, job.sent_at, job.tried_at, job.uncertain) == (Status.PROCESSING, NOW, NOW, True)
    sent = bench.try_(job)

    assert seen == [(1, 0)]
    assert (sent.status, sent.upload_id, sent.uncertain) == (Status.PROCESSING, 77, False)
    assert bench.later(sent).status is Status.COMPLETED


def test_its_thumbnail_is_drawn_when_it_is_out(bench: Bench) -> None:
    """Drawing takes longer than sending."""
    job = admitted(bench)
    assert not activities.has_thumbnail(job.activity_id)
    bench.try_(job)

    assert activities.has_thumbnail(job.activity_id)


def test_what_was_interrupted_is_drawn_when_it_is_sent_again(bench: Bench) -> None:
    """From its bytes: the samples went with the process."""
    job = admitted(bench)
    assert bench.dispatcher.take_begun(job.id) is not None
    assert attempts.release_interrupted(300.0, UPLOADS.uncertain_delay, NOW) == 1
    bench.later(job)

    assert activities.has_thumbnail(job.activity_id)


def test_a_kill_before_the_body_leaves_costs_one_look(bench: Bench) -> None:
    """Nobody knows whether it left: the next start waits, looks, and sends it."""
    job = admitted(bench)
    bench.dispatcher.take_begun(job.id)
    attempts.release_interrupted(300.0, UPLOADS.uncertain_delay, NOW)
    waiting = the(job.id)
    assert (waiting.status, waiting.own_wait, waiting.next_attempt_at) == (
        Status.PENDING,
        WaitingFor.CONFIRM,
        NOW + UPLOADS.uncertain_delay,
    )
    sent = bench.later(waiting)

    assert [request.method for request in bench.wire.asked] == ["GET", "POST"]
    assert sent.upload_id == 77


def test_what_ends_before_the_body_leaves_takes_the_doubt_back(bench: Bench) -> None:
    """Strava was out of reach, or what is left of the rate limit went to others meanwhile."""
    job = admitted(bench)
    rate_limits.update(USED_UP, NOW)
    waiting = bench.try_(job)
    assert (waiting.status, waiting.uncertain, bench.wire.asked) == (Status.PENDING, False, [])
    rate_limits.update(RateLimitHeaders((200, 2000), (20, 320), (100, 1000), (10, 10)), NOW)
    bench.wire.to("POST /uploads", httpx.ConnectError("refused"))
    (bench.folder / "b.fit").write_bytes(ride(NOW - 7200, seconds=30))
    assert admit(bench, "b.fit", start=NOW - 7200) is AdmissionResult.SENDING
    other = bench.try_(the(bench.dispatched[1]))

    assert (other.status, other.uncertain) == (Status.PENDING, False)


def test_a_lost_answer_stays_in_doubt(bench: Bench) -> None:
    """The body has left: as on the ordinary way."""
    bench.wire.to("POST /uploads", httpx.ReadError("reset"))
    waiting = bench.try_(admitted(bench))

    assert (waiting.own_wait, waiting.uncertain) == (WaitingFor.CONFIRM, True)


def test_a_stale_token_is_refreshed_and_the_sending_written_anew(bench: Bench) -> None:
    """The second request is one of its own."""
    bench.wire.to(
        "POST /uploads", (401, refused("Athlete", "access_token", "invalid")), (201, READY | {"id": 78})
    )
    job = admitted(bench)
    bench.clock.forward(1)
    done = bench.try_(job)

    assert (done.status, done.sent_at) == (Status.COMPLETED, NOW + 1)


def test_what_the_queue_has_lost_is_given_out_again(bench: Bench) -> None:
    """And still needs no look: nothing was sent."""
    job = admitted(bench)
    bench.dispatched.clear()
    assert select_due(["me"], UPLOADS, NOW, bench.attempt.claims)[0] == [job.id]
    sent = bench.try_(job)

    assert [request.method for request in bench.wire.asked] == ["POST"]
    assert sent.upload_id == 77


def test_what_was_given_out_twice_is_sent_once(bench: Bench) -> None:
    """The claim decides."""
    job = admitted(bench)
    bench.try_(job)
    bench.try_(job)

    assert bench.wire.count("POST /uploads") == 1


def test_another_account_stops_what_has_not_left(bench: Bench) -> None:
    """The decision fell before a worker took the job."""
    job = admitted(bench)
    uploads.fail_previous_account("me", NOW)
    bench.try_(job)

    assert (the(job.id).error_code, bench.wire.asked) == ("other_account", [])


def test_what_cannot_be_written_is_not_sent(bench: Bench) -> None:
    """The transaction failed: there is no job, and nobody was told of one."""
    database.run("CREATE TRIGGER full BEFORE INSERT ON upload_job BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(database.DatabaseError):
        admit(bench)

    assert (bench.dispatched, bench.dispatcher.count_begun(), queries.listed()) == ([], 0, [])


def test_what_cannot_be_committed_is_not_sent(bench: Bench) -> None:
    """The last write of the transaction failed, after the job had its number."""
    database.run("CREATE TRIGGER full BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(database.DatabaseError):
        admit(bench)

    assert (bench.dispatched, bench.dispatcher.count_begun(), queries.listed()) == ([], 0, [])


def _open_breaker(_bench: Bench) -> None:
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, NOW + 60, StravaErrorKind.UNREACHABLE, verbatim("down")), NOW
    )


def _all_workers_busy(bench: Bench) -> None:
    for number in range(100, 100 + UPLOADS.max_concurrent):
        bench.attempt.claims.take(number)


def _others_begun(bench: Bench) -> None:
    for number in range(UPLOADS.max_concurrent):
        assert admit(bench, f"{number}.fit", start=NOW - 7200 - 600 * number) is AdmissionResult.SENDING
    bench.dispatched.clear()


def _after_a_lost_ledger(_bench: Bench) -> None:
    database.run("INSERT OR REPLACE INTO doubt (id, until) VALUES (1, 9e12)")


@pytest.mark.parametrize(
    "hindered",
    [
        _open_breaker,
        _all_workers_busy,
        _others_begun,
        _after_a_lost_ledger,
        lambda bench: rate_limits.update(USED_UP, bench.clock()),
        lambda _bench: accounts.disconnect("me"),
        lambda bench: an_athlete(bench.tokens, expires_in=60),
    ],
    ids=["breaker", "workers", "begun", "doubt", "limit", "athlete", "token"],
)
def test_what_has_something_in_its_way_goes_the_ordinary_way(bench: Bench, hindered: object) -> None:
    """Admitted as pending, and drawn at once."""
    assert callable(hindered)
    hindered(bench)
    assert admit(bench) is AdmissionResult.ADMITTED
    job = queries.listed()[0]

    assert (job.status, job.sent_at, bench.dispatched) == (Status.PENDING, None, [])


def test_old_and_held_rides_go_the_ordinary_way(bench: Bench) -> None:
    """Nobody waits for them."""
    assert admit(bench, "old.fit", start=NOW - 3 * 86_400) is AdmissionResult.ADMITTED
    (bench.folder / "b.fit").write_bytes(ride(NOW - 9000, seconds=30))
    held = replace(ADMISSION, auto_upload=False)
    path = str(bench.folder / "b.fit")
    assert admit_file(path, "me", held, NOW, dispatcher=bench.dispatcher) is AdmissionResult.HELD

    assert bench.dispatched == []


def test_what_only_our_own_clock_calls_fresh_goes_the_ordinary_way(bench: Bench) -> None:
    """It is judged by Strava's clock before it is sent."""
    (bench.folder / "a.fit").write_bytes(ride(NOW - 3600, seconds=30))
    path = str(bench.folder / "a.fit")
    result = admit_file(
        path, "me", ADMISSION, NOW, hold_old=NOW, clock_unknown=True, dispatcher=bench.dispatcher
    )

    assert (result, bench.dispatched) == (AdmissionResult.ADMITTED, [])


def test_a_copy_of_a_known_ride_is_not_sent_again(bench: Bench) -> None:
    """Under another name."""
    admitted(bench)
    assert admit(bench, "b.fit") is AdmissionResult.KNOWN

    assert len(bench.dispatched) == 1
