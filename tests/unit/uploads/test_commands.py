"""What a person hands over, and what becomes of it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from documents import gpx, gz, zipped
from fakes import (
    ADMISSION,
    APP,
    NOW,
    PROCESSING,
    READY,
    RETRY,
    UPLOADS,
    InlineFolders,
    a_job,
    admit_file,
    an_athlete,
    recorded,
    refused,
    the,
)
from fitferry import formats
from fitferry.config.schema import Settings
from fitferry.core import admission_rules, attempt_results
from fitferry.core.activity import FileKind, Stability
from fitferry.core.breaker import BreakerCause, BreakerName, BreakerTrip
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import verbatim
from fitferry.core.strava import MAX_FILE_BYTES, RateLimitHeaders
from fitferry.core.upload import AttemptResult, Backlog, ErrorCode, Job, Outcome, Status
from fitferry.inbox import spool
from fitferry.storage import breakers, rate_limits, seen_files, uploads
from fitferry.storage.database import writing
from fitferry.storage.models import JobRow
from fitferry.uploads import commands
from fitferry.uploads.commands import Actions
from fitferry.uploads.source_file import SourceFiles
from samples import SAMPLES
from worker_bench import Bench

Ride = Callable[..., bytes]
pytestmark = pytest.mark.usefixtures("ledger")


WOKEN: list[str] = []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All that is asked for of them."""
    known = SimpleNamespace(
        athletes=("me",), strava=APP, uploads=UPLOADS, state=SimpleNamespace(folder=tmp_path)
    )
    return cast("Settings", known)


@pytest.fixture
def actions(settings: Settings) -> Actions:
    """What a person can do; WOKEN has whether the workers were woken."""
    WOKEN.clear()
    files = SourceFiles(InlineFolders(), ())
    return Actions(
        settings,
        wake=lambda: WOKEN.append("woken"),
        clock=lambda: NOW,
        has_lost_bytes=files.has_lost_bytes,
        read=files.read,
    )


def finish(job: Job) -> None:
    """Let an upload be done."""
    recorded(job.id, AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=7), NOW)


def spooled(folder: Path) -> int:
    """How many files wait to be done."""
    return len(list((folder / "spool").glob("*")))


def test_a_file_that_was_handed_over_is_kept_until_it_is_done(
    actions: Actions, tmp_path: Path, ride: Ride
) -> None:
    """Then it goes; the ledger remembers it. The workers are woken."""
    (job,) = actions.upload_file(ride(), "my ride.fit", "me")
    assert (job.file, WOKEN) == ("my ride.fit", ["woken"])
    spool.empty(tmp_path)
    assert spooled(tmp_path) == 1
    finish(job)
    spool.empty(tmp_path)

    assert spooled(tmp_path) == 0


def test_a_zip_of_several_is_kept_until_all_are_done(actions: Actions, tmp_path: Path, ride: Ride) -> None:
    """Each activity in it is an upload of its own."""
    body = zipped({"a.fit": ride(serial=1), "b.gpx": gpx()})
    first, second = actions.upload_file(body, "both.zip", "me")
    finish(first)
    spool.empty(tmp_path)
    assert spooled(tmp_path) == 1
    finish(second)
    spool.empty(tmp_path)

    assert spooled(tmp_path) == 0
    assert (first.file, second.data_type) == ("both.zip/a.fit", "gpx")


@pytest.mark.parametrize("state", ["held", "waiting"])
def test_what_is_handed_over_stands_in_for_a_file_that_is_gone(
    actions: Actions, tmp_path: Path, ride: Ride, state: str
) -> None:
    """Whether it was missed already or will be."""
    job = a_job(tmp_path / "a.fit", ride())
    (tmp_path / "a.fit").unlink()
    if state == "held":
        recorded(job.id, attempt_results.file_gone(job), NOW)
    (found,) = actions.upload_file(ride(), "by hand.fit", "me")

    assert (found.id, found.status, found.file) == (job.id, Status.PENDING, "by hand.fit")
    assert Path(found.path).read_bytes() == ride()
    assert spooled(tmp_path) == 1


def test_what_is_there_still_is_taken_from_where_it_is(actions: Actions, tmp_path: Path, ride: Ride) -> None:
    """The copy that was handed over is not needed; neither for what is done."""
    job = a_job(tmp_path / "a.fit", ride())
    (found,) = actions.upload_file(ride(), "by hand.fit", "me")
    assert (found.id, found.file, spooled(tmp_path)) == (job.id, "a.fit", 0)
    finish(job)
    (tmp_path / "a.fit").unlink()
    actions.upload_file(ride(), "by hand.fit", "me")

    assert spooled(tmp_path) == 0


def test_half_a_ride_in_an_archive_is_not_sent_with_the_others(actions: Actions, ride: Ride) -> None:
    """Half a file never is, by whatever road it comes; it is held, so that somebody misses it."""
    body = zipped({"a.fit": ride(), "b.fit": ride(serial=2)[:500], "course.fit": ride(kind=6)})
    for _ in range(2):
        found = actions.upload_file(body, "both.zip", "me")

        assert [(job.file, job.status, job.error_code) for job in found] == [
            ("both.zip/a.fit", Status.PENDING, None),
            ("both.zip/b.fit", Status.HELD, ErrorCode.UNFINISHED),
        ]


def test_of_several_files_all_are_queued_or_none(actions: Actions, tmp_path: Path, ride: Ride) -> None:
    """Whoever is told that a request was refused makes it again; the file at fault is named."""
    whole, course = (ride(), "a.fit"), (ride(kind=6), "b.fit")
    with pytest.raises(RequestRejected, match=r"^b\.fit: not an activity: a course; none of") as raised:
        actions.upload_files([whole, course], "me")
    assert raised.value.code is RejectionCode.NO_ACTIVITY
    assert (sum(uploads.counts().values()), WOKEN) == (0, [])
    assert not (tmp_path / "spool").exists()
    jobs = actions.upload_files([whole, (ride(serial=2), "c.fit")], "me")

    assert [(job.file, job.status) for job in jobs] == [("a.fit", "pending"), ("c.fit", "pending")]


def test_the_bound_is_each_activitys_and_not_an_archives(actions: Actions, ride: Ride) -> None:
    """A zip of more than 25 MB is handed over as in a watched folder: what in it is too large is held."""
    ride_too_large = ride() + bytes(MAX_FILE_BYTES)
    body = zipped({"a.fit": ride(), "b.fit": ride_too_large, "c.gpx": gpx()}, zipfile.ZIP_STORED)
    found = actions.upload_file(body, "export.zip", "me")

    assert [(job.file, job.status, job.error_code) for job in found] == [
        ("export.zip/a.fit", Status.PENDING, None),
        ("export.zip/c.gpx", Status.PENDING, None),
        ("export.zip/b.fit", Status.HELD, ErrorCode.TOO_LARGE),
    ]
    read = SourceFiles(InlineFolders(), ()).read
    assert [read(job) for job in found[:2]] == [ride(), gpx()]


def test_what_is_known_already_is_not_kept_twice(actions: Actions, tmp_path: Path, ride: Ride) -> None:
    """The same bytes are one upload."""
    (one,) = actions.upload_file(ride(), "a.fit", "me")
    (two,) = actions.upload_file(ride(), "b.fit", "me")

    assert one.id == two.id
    assert spooled(tmp_path) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Süd (1).fit", "Süd (1).fit"),
        ("C:\\rides\\a.fit", "a.fit"),
        ("../../etc/a.fit", "a.fit"),
        ("..", "upload"),
        ("", "upload"),
        ("a\nb\0.fit", "a_b_.fit"),
        ("ä" * 300 + ".fit", "ä" * 98 + ".fit"),
        ("\udcff.fit", "_.fit"),
    ],
)
def test_a_name_is_kept_as_far_as_a_file_may_bear_it(
    actions: Actions, ride: Ride, name: str, kept: str
) -> None:
    """People look for their ride by its name, and rules match it; no name leads out of the folder."""
    (job,) = actions.upload_file(ride(), name, "me")

    assert (job.file, Path(job.path).name) == (kept, kept)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("course", "^not an activity: a course$"),
        ("half", r"^the file is not whole: [\d,]+ of [\d,]+ bytes$"),
        ("html", "^not an activity: .*<html>"),
        ("empty", "^the file is empty$"),
        ("planned", "^not an activity: .*planned"),
        ("note", "^this is no FIT, TCX or GPX file$"),
        ("picture", "^this is no FIT, TCX or GPX file$"),
    ],
)
def test_what_cannot_be_an_activity_is_refused_with_the_reason(
    actions: Actions, tmp_path: Path, ride: Ride, name: str, words: str
) -> None:
    """And nothing of it is kept."""
    bodies = {
        "course": ride(kind=6),
        "half": ride()[:-1],
        "html": b"<html></html>",
        "empty": b"",
        "planned": gz(gpx(times=False)),
        "note": b"hello",
        "picture": b"\x89PNG\r\n\x1a\n" + b"\xff" * 99,
    }
    with pytest.raises(RequestRejected, match=words):
        actions.upload_file(bodies[name], "a.fit", "me")  # whoever asked knows the name

    assert spooled(tmp_path) == 0
    assert sum(uploads.counts().values()) == 0


def test_a_person_may_insist_on_a_ride_with_a_wrong_checksum(actions: Actions, ride: Ride) -> None:
    """Some devices write such; Strava may take it all the same."""
    (job,) = actions.upload_file(ride()[:-2] + b"\0\1", "a.fit", "me")

    assert job.status is Status.PENDING


def person(bench: Bench) -> Actions:
    """Somebody at the page, by the bench's clock."""
    settings = SimpleNamespace(athletes=("me",), strava=APP, uploads=UPLOADS)
    return Actions(settings, wake=lambda: None, clock=bench.clock)  # type: ignore[arg-type]  # all that it asks for


WAYS: dict[str, Callable[[Actions, Job], object]] = {
    "retry": lambda someone, job: someone.retry(job.id),
    "retry all": lambda someone, _job: someone.retry_failed(),
    "upload": lambda someone, job: someone.upload(job.activity_id),
    "again": lambda someone, job: someone.retry(job.id, again=True),
    "dismiss and upload": lambda someone, job: (
        someone.dismiss(job.activity_id),
        someone.upload(job.activity_id),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_processing_refused_once_can_be_sent_again(bench: Bench, way: str) -> None:
    """A requeue begins a new attempt: the old verdict is not read again."""
    bench.wire.to(
        "GET /uploads/N", (200, {**PROCESSING, "error": "Time information is missing."}), (200, READY)
    )
    job = bench.later(bench.try_(bench.job()))
    assert (job.status, job.error_code) == (Status.FAILED, "rejected")
    WAYS[way](person(bench), job)
    again = the(job.id)
    assert (again.status, again.upload_id, again.uncertain) == (Status.PENDING, None, False)
    assert again.external_id != job.external_id
    done = bench.later(bench.later(job))

    assert (done.status, bench.wire.count("POST /uploads")) == (Status.COMPLETED, 2)


@pytest.mark.parametrize("way", ["retry", "upload", "again", "dismiss and upload"])
def test_what_strava_never_finishes_can_be_sent_again(bench: Bench, way: str) -> None:
    """It is looked for first, and sent under the same id if it is not there."""
    bench.wire.to("GET /uploads/N", (200, PROCESSING))
    job = bench.later(bench.try_(bench.job()))
    someone = person(bench)
    bench.clock.now = (the(job.id).accepted_at or 0) + UPLOADS.check_timeout - 1
    with pytest.raises(RequestRejected):
        WAYS[way](someone, job)
    bench.clock.forward(1)
    WAYS[way](someone, job)
    assert (the(job.id).status, the(job.id).uncertain) == (Status.PENDING, True)
    bench.wire.to("GET /uploads/N", (200, READY))
    done = bench.later(bench.later(job))

    assert (done.status, done.external_id) == (Status.COMPLETED, job.external_id)
    assert bench.wire.count("GET /athlete/activities") == 1
    assert bench.wire.count("POST /uploads") == 2


def test_what_strava_never_finishes_can_be_dismissed(bench: Bench) -> None:
    """And is then nobody's business any more."""
    job = bench.try_(bench.job())
    bench.clock.forward(UPLOADS.check_timeout)
    person(bench).dismiss(job.activity_id)

    assert (the(job.id).status, the(job.id).error_code) == (Status.SKIPPED, "dismissed")


@pytest.mark.parametrize(
    ("ask", "code", "words"),
    [
        (
            lambda actions: actions.upload_file(b"ride", "a.fit", "nobody"),
            RejectionCode.UNKNOWN_ATHLETE,
            "nobody",
        ),
        (
            lambda actions: actions.upload_file(bytes(MAX_FILE_BYTES + 1), "a.fit", "me"),
            RejectionCode.TOO_LARGE,
            "25",
        ),
        pytest.param(
            lambda actions: actions.upload_file(bytes(MAX_FILE_BYTES), "a.fit", "me"),
            RejectionCode.NO_ACTIVITY,
            "no FIT",
            marks=pytest.mark.slow,
        ),
        (lambda actions: actions.retry(99), RejectionCode.UNKNOWN, "99"),
        (lambda actions: actions.upload(99), RejectionCode.UNKNOWN, "99"),
        (lambda actions: actions.dismiss(99), RejectionCode.UNKNOWN, "99"),
        (
            lambda actions: actions.decide_backlog("since", date(1, 1, 1)),
            RejectionCode.BAD_VALUE,
            "no activity can",
        ),
    ],
    ids=["athlete", "size", "largest", "job", "activity", "dismissal", "day"],
)
def test_what_cannot_be_done_is_refused_with_its_code(
    actions: Actions, tmp_path: Path, ask: Callable[[Actions], object], code: RejectionCode, words: str
) -> None:
    """And leaves nothing behind: no file, no job, nobody woken."""
    with pytest.raises(RequestRejected, match=words) as raised:
        ask(actions)

    assert raised.value.code is code
    assert (sum(uploads.counts().values()), WOKEN) == (0, [])
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".fit"]


def test_failed_jobs_are_retried_or_dismissed_all_at_once(actions: Actions, tmp_path: Path) -> None:
    """Those that wait are left alone."""
    failed = [a_job(tmp_path / f"{number}.fit", bytes([number])) for number in range(2)]
    waits = a_job(tmp_path / "waits.fit", b"waits")
    for job in failed:
        recorded(job.id, AttemptResult(Outcome.FAILED, Status.FAILED, error_code=ErrorCode.REJECTED))
    assert [job.id for job in actions.retry_jobs([failed[0].id])] == [failed[0].id]
    assert the(failed[0].id).status is Status.PENDING
    actions.dismiss_failed()

    assert [the(job.id).status for job in (*failed, waits)] == [
        Status.PENDING,
        Status.SKIPPED,
        Status.PENDING,
    ]


def test_what_waits_for_the_settings_is_tried_when_a_person_says_so(actions: Actions) -> None:
    """They have mended it; what Strava's rate limit asks for is waited for all the same."""
    for name in (BreakerName.SETTINGS, BreakerName.RATE_LIMIT):
        breakers.open(BreakerTrip(name, NOW + 600, BreakerCause.OUTAGE, verbatim("no")), NOW - 60)
    actions.try_now()

    assert {name: one.until for name, one in breakers.open_breakers().items()} == {
        BreakerName.SETTINGS: NOW,
        BreakerName.RATE_LIMIT: NOW + 600,
    }
    assert WOKEN == ["woken"]


def test_retry_goes_on_after_a_job_that_cannot_be_retried(bench: Bench) -> None:
    """One answer of 409 does not leave the others failed."""
    jobs = [bench.job(f"{number}.fit", b"%d" % number) for number in range(3)]
    for job in jobs:
        bench.wire.to("POST /uploads", (400, refused("Upload", "data", "empty")))
        bench.try_(job)
    someone = person(bench)
    someone.retry(jobs[0].id)
    with pytest.raises(RequestRejected):
        someone.retry_jobs([job.id for job in jobs])

    assert {the(job.id).status for job in jobs} == {Status.PENDING}
    assert someone.retry_failed() == []
    bench.try_(jobs[2])
    assert [job.id for job in someone.retry_failed()] == [jobs[2].id]


def test_what_is_there_of_a_held_file_is_repaired_and_queued(
    actions: Actions, tmp_path: Path, ride: Ride
) -> None:
    """As a file of its own; the held job needs nobody any more, and its file stays as it is."""
    half = ride(seconds=300)[:3_000]
    path = tmp_path / "a ride.fit"
    path.write_bytes(half)
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    (held,) = uploads.with_status(Status.HELD)
    queued = actions.repair_upload(held.activity_id)

    assert (queued.status, queued.file, queued.athlete) == (Status.PENDING, "a ride-repaired.fit", "me")
    assert formats.examine(Path(queued.path).read_bytes(), "").result.kind is FileKind.ACTIVITY
    assert [job.id for job in uploads.with_status(Status.SKIPPED)] == [held.id]
    assert path.read_bytes() == half


def test_what_cannot_be_repaired_stays_held(actions: Actions, tmp_path: Path, ride: Ride) -> None:
    """And what is not held for that is no matter of a repair."""
    path = tmp_path / "a.fit"
    path.write_bytes(ride()[:100])
    admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED)
    (held,) = uploads.with_status(Status.HELD)
    with pytest.raises(RequestRejected, match="nothing in the file can be saved"):
        actions.repair_upload(held.activity_id)
    assert [job.id for job in uploads.with_status(Status.HELD)] == [held.id]
    (whole,) = actions.upload_file(ride(), "b.fit", "me")
    with pytest.raises(RequestRejected, match="only a held FIT file"):
        actions.repair_upload(whole.activity_id)


def test_a_held_half_that_is_handed_over_is_queued(actions: Actions, tmp_path: Path) -> None:
    """A person insists, as by the button beside it; what nobody holds is refused with the reason."""
    half = (SAMPLES / "cut_short.fit").read_bytes()
    with pytest.raises(RequestRejected, match="not whole"):
        actions.upload_file(half, "half.fit", "me")
    held = a_job(tmp_path / "half.fit", half)
    recorded(held.id, AttemptResult(Outcome.FAILED, Status.HELD, error_code=ErrorCode.UNFINISHED), NOW)
    (job,) = actions.upload_file(half, "elsewhere.fit", "me")

    assert (job.id, job.status) == (held.id, Status.PENDING)
    assert spooled(tmp_path) == 0


def test_what_is_completed_is_sent_again_only_by_a_persons_own_word(actions: Actions, tmp_path: Path) -> None:
    """A second click is no such word."""
    job = a_job(tmp_path / "a.fit")
    finish(job)
    with pytest.raises(RequestRejected) as raised:
        actions.upload(job.activity_id)

    assert raised.value.code is RejectionCode.COMPLETED
    with pytest.raises(RequestRejected, match=f"job {job.id} is completed, not failed") as raised:
        actions.retry(job.id)
    assert (raised.value.code, WOKEN) == (RejectionCode.NOT_FAILED, [])
    assert actions.upload(job.activity_id, again=True).status is Status.PENDING
    finish(the(job.id))
    assert [one.status for one in actions.retry_jobs([job.id], again=True)] == [Status.PENDING]
    assert WOKEN == ["woken", "woken"]


DAY = date(2026, 9, 10)


@pytest.mark.parametrize(
    ("decision", "day", "old", "newer"),
    [
        ("all", None, Status.PENDING, Status.PENDING),
        ("since", DAY, Status.SKIPPED, Status.PENDING),
        ("none", None, Status.SKIPPED, Status.SKIPPED),
    ],
)
def test_a_decision_on_old_activities_queues_them_from_a_day_on(
    actions: Actions, tmp_path: Path, decision: str, day: date | None, old: Status, newer: Status
) -> None:
    """The others are dismissed, and the workers woken."""
    begin = admission_rules.midnight(DAY)
    jobs = [a_job(tmp_path / f"{at}.fit", str(at).encode(), start=begin + at) for at in (-1, 0)]
    for job in jobs:
        recorded(job.id, attempt_results.old_after_all(job), NOW)
    left = actions.decide_backlog(decision, day)

    assert ([the(job.id).status for job in jobs], left.count) == ([old, newer], 0)
    assert WOKEN == ["woken"]


@pytest.mark.parametrize(("decision", "status"), [("all", Status.HELD), ("none", Status.SKIPPED)])
def test_who_wants_nothing_old_does_not_want_old_files_with_faults_either(
    actions: Actions, tmp_path: Path, decision: str, status: Status
) -> None:
    """Nobody put them there lately."""
    half = a_job(tmp_path / "half.fit")
    seen_files.folder_scanned("me", str(tmp_path), (tmp_path / "half.fit").stat().st_ctime + 1)
    recorded(half.id, AttemptResult(Outcome.FAILED, Status.HELD, error_code=ErrorCode.UNFINISHED), NOW)
    actions.decide_backlog(decision)

    assert the(half.id).status is status


def held(folder: Path, count: int, *, code: ErrorCode = ErrorCode.BACKLOG, unproven: bool = False) -> None:
    """Old rides that wait for a decision, one a day."""
    for number in range(count):
        a_job(folder / f"{number}.fit", f"{number}".encode(), start=NOW - (400 + number) * 86_400)
    with writing():
        JobRow.update(status=Status.HELD, error_code=code, age_unproven=unproven).execute()


@pytest.mark.parametrize(
    ("count", "unproven", "waits"),
    [(0, False, 0), (20, True, 0), (21, True, 21), (1, False, 1), (20, False, 20)],
)
def test_a_few_that_the_first_scan_may_still_let_go_are_no_backlog(
    tmp_path: Path, count: int, unproven: bool, waits: int
) -> None:
    """Nobody is asked for a decision that the end of the scan may make needless."""
    held(tmp_path, count, unproven=unproven)
    found = commands.backlog(["me"], NOW)

    if waits:
        oldest, newest = NOW - (399 + count) * 86_400, NOW - 400 * 86_400
        assert found == Backlog(waits, oldest, newest, 1, NOW)
    else:
        assert found == Backlog(0, None, None, 0, 0.0)


@pytest.mark.parametrize(("scopes", "days"), [("activity:write,activity:read_all", 1), ("activity:write", 2)])
def test_a_backlog_takes_twice_as_long_where_nothing_may_be_listed(
    bench: Bench, scopes: str, days: int
) -> None:
    """Each upload is looked at by itself then."""
    an_athlete(bench.tokens, scopes=scopes)
    rate_limits.update(RateLimitHeaders((50, 50), (0, 0), (50, 50), (0, 0)), NOW)
    held(bench.folder, 30)

    assert commands.backlog(["me"], NOW).days == days


def test_what_is_held_is_queued_by_handing_it_over_again(
    actions: Actions, tmp_path: Path, ride: Ride
) -> None:
    """A person insists, as by the button beside it; what waits already keeps its place."""
    body = ride()
    a_job(tmp_path / "a.fit", body)
    recorded(1, AttemptResult(Outcome.FAILED, Status.HELD, error_code=ErrorCode.BACKLOG), NOW)
    (job,) = actions.upload_file(body, "a.fit", "me")

    assert (job.id, job.status, job.error_code) == (1, Status.PENDING, None)
    recorded(1, RETRY)
    (again,) = actions.upload_file(body, "a.fit", "me")
    assert again.next_attempt_at == NOW + 60


def test_where_nobody_knows_of_lost_bytes_a_file_is_taken_from_where_it_was(
    settings: Settings, tmp_path: Path, ride: Ride
) -> None:
    """What the daemon does not run for cannot ask the folder's thread."""
    job = a_job(tmp_path / "a.fit", ride())
    offline = Actions(settings, wake=lambda: None, clock=lambda: NOW)
    offline.upload_file(ride(), "b.fit", "me")

    assert the(job.id).path == str(tmp_path / "a.fit")


def test_damaged_tracks_are_sent_where_a_person_insists_and_other_damaged_files_are_not(
    actions: Actions, ride: Ride
) -> None:
    """Strava may read them; a file of no known type with a wrong checksum is told as that."""
    (job,) = actions.upload_file(gpx().replace(b"<trkpt", b"<trkpt <", 1), "a.gpx", "me")
    assert job.status is Status.PENDING
    with pytest.raises(RequestRejected, match=r"^checksum does not match$"):
        actions.upload_file(ride(kind=99)[:-2] + b"\0\1", "a.fit", "me")


@pytest.mark.parametrize(("decision", "day"), [("some", None), ("since", None), ("all", DAY), ("none", DAY)])
def test_half_a_decision_is_none(actions: Actions, decision: str, day: date | None) -> None:
    """A day goes with `since`, and with nothing else."""
    with pytest.raises(RequestRejected) as raised:
        actions.decide_backlog(decision, day)

    assert raised.value.code is RejectionCode.BAD_DECISION


@pytest.mark.parametrize(
    ("since", "freed", "left"),
    [
        (None, 3, [None, None, None, "backlog", "backlog", "backlog"]),
        (DAY, 4, ["since", None, None, "since", None, None]),
    ],
)
def test_a_since_that_was_changed_frees_what_it_no_longer_holds(
    tmp_path: Path, since: date | None, freed: int, left: list[str | None]
) -> None:
    """All of it, where there is none any more; where there is one, it decides on the backlog, too."""
    begin, settings = admission_rules.midnight(DAY), SimpleNamespace(strava=replace(APP, since=since))
    jobs: list[Job] = []
    for reason in (ErrorCode.SINCE, ErrorCode.BACKLOG):
        for start in (begin - 1, begin, None):
            jobs.append(a_job(tmp_path / f"{len(jobs)}.fit", b"%d" % len(jobs), start=start))
            recorded(jobs[-1].id, AttemptResult(Outcome.FAILED, Status.HELD, error_code=reason), NOW)

    assert commands.decide_since_again(settings) == freed  # type: ignore[arg-type]  # all that it asks for
    assert [the(job.id).error_code for job in jobs] == left
