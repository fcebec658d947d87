"""What becomes of the files that a person hands over."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from documents import gpx, gz, zipped
from fakes import (
    NOW,
    RETRY,
    InlineFolders,
    a_job,
    recorded,
    the,
)
from fitferry.config.schema import Settings
from fitferry.core import attempt_results
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import AttemptResult, ErrorCode, Job, Outcome, Status
from fitferry.inbox import spool
from fitferry.storage import uploads
from fitferry.uploads import handed_over
from fitferry.uploads.commands import Actions
from fitferry.uploads.source_file import SourceFiles
from samples import SAMPLES

pytestmark = pytest.mark.usefixtures("ledger")
Ride = Callable[..., bytes]


def spooled(folder: Path) -> int:
    """How many files wait to be done."""
    return len(list((folder / "spool").glob("*")))


def test_a_file_that_was_handed_over_is_kept_until_it_is_done(
    actions: Actions, tmp_path: Path, ride: Ride, woken: list[str]
) -> None:
    """Then it goes; the ledger remembers it. The workers are woken."""
    (job,) = actions.upload_file(ride(), "my ride.fit", "me")
    assert (job.file, woken) == ("my ride.fit", ["woken"])
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


def test_of_several_files_all_are_queued_or_none(
    actions: Actions, tmp_path: Path, ride: Ride, woken: list[str]
) -> None:
    """Whoever is told that a request was refused makes it again; the file at fault is named."""
    whole, course = (ride(), "a.fit"), (ride(kind=6), "b.fit")
    with pytest.raises(RequestRejected, match=r"^b\.fit: not an activity: a course; none of") as raised:
        actions.upload_files([whole, course], "me")
    assert raised.value.code is RejectionCode.NO_ACTIVITY
    assert (sum(uploads.counts().values()), woken) == (0, [])
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


def test_what_is_completed_is_sent_again_only_by_a_persons_own_word(
    actions: Actions, tmp_path: Path, woken: list[str]
) -> None:
    """A second click is no such word."""
    job = a_job(tmp_path / "a.fit")
    finish(job)
    with pytest.raises(RequestRejected) as raised:
        actions.upload(job.activity_id)

    assert raised.value.code is RejectionCode.COMPLETED
    with pytest.raises(RequestRejected, match=f"job {job.id} is completed, not failed") as raised:
        actions.retry(job.id)
    assert (raised.value.code, woken) == (RejectionCode.NOT_FAILED, [])
    assert actions.upload(job.activity_id, again=True).status is Status.PENDING
    finish(the(job.id))
    assert [one.status for one in actions.retry_jobs([job.id], again=True)] == [Status.PENDING]
    assert woken == ["woken", "woken"]


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


def finish(job: Job) -> None:
    """Let an upload be done."""
    recorded(job.id, AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=7), NOW)


def test_an_archive_of_which_nothing_can_be_queued_is_kept_for_nothing(ride: Callable[..., bytes]) -> None:
    """What breaks off in it is no reason to hold the rest."""
    broken = {name: ride(seconds=seconds)[:300] for name, seconds in (("a.fit", 60), ("b.fit", 90))}

    assert handed_over.judge(zipped(broken), "export.zip").activities == ()
