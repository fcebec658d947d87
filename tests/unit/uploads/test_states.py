"""The state diagram of DESIGN.md §3: each of its arrows is gone by a job, and no other."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace
from typing import cast

import pytest

from fakes import APP, NOW, UPLOADS, sending
from fit_writer import ride
from fitferry.config.schema import Settings
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    FileKind,
    NewActivity,
    ParseResult,
    StatFingerprint,
)
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.storage import activities, attempts, matches
from fitferry.storage.database import writing
from fitferry.storage.models import JobRow
from fitferry.storage.seen_files import File
from fitferry.uploads.commands import Actions
from state_diagram import NOWHERE, Arrow, arrows
from worker_bench import REFUSED, Bench

BYTES = b"ride"


def actions(bench: Bench) -> Actions:
    """What a person can do."""
    settings = SimpleNamespace(
        athletes=("me",), strava=APP, uploads=UPLOADS, state=SimpleNamespace(folder=bench.folder)
    )
    return Actions(cast("Settings", settings), wake=lambda: None, clock=bench.clock)


def admitted(
    bench: Bench,
    status: Status,
    code: ErrorCode | None = None,
    begin_sending: Callable[[int], None] | None = None,
) -> int:
    """A file in the folder, admitted as something; its job."""
    path = bench.folder / "a.fit"
    path.write_bytes(BYTES)
    digest = sha256(BYTES).hexdigest()
    file = File("me", str(path), digest, len(BYTES), StatFingerprint.of(path.stat()))
    found = ParseResult(
        FileKind.ACTIVITY, "fit", ActivityFacts(kind="activity", sport="cycling", start_time=NOW - 3600)
    )
    new = NewActivity(digest, found, AdmissionDecision(status, code))
    ((job_id, _),) = activities.admit(file, [new], NOW, begin_sending=begin_sending)
    return job_id


def sent_at_once(bench: Bench) -> int:
    """A fresh ride, admitted as being sent."""
    with bench.dispatcher.sending([]) as begun:
        return admitted(bench, Status.PENDING, begin_sending=begun.begin)


def held(bench: Bench) -> int:
    """A job that waits for a person."""
    return admitted(bench, Status.HELD, ErrorCode.DAMAGED)


def skipped(bench: Bench) -> int:
    """A file that is no activity."""
    return admitted(bench, Status.SKIPPED, ErrorCode.NO_ACTIVITY)


def lose(bench: Bench) -> None:
    """The file goes."""
    (bench.folder / "a.fit").unlink()


def overwrite(bench: Bench) -> None:
    """Another ride takes the file's name."""
    (bench.folder / "a.fit").write_bytes(ride(int(NOW) - 7200, seconds=20))


def completed(bench: Bench) -> Job:
    """A ride that is on Strava."""
    return bench.later(bench.try_(bench.job()))


def failed(bench: Bench) -> Job:
    """A ride that Strava refused."""
    bench.wire.to("POST /uploads", (413, {"message": "too large"}))
    return bench.try_(bench.job())


def interrupted(bench: Bench) -> None:
    """A process that died while it sent a ride, the next start, and the look that finds the ride on Strava."""
    job = bench.job()
    listed = {"id": 9, "external_id": f"{job.external_id}.fit", "start_date": "2026-09-21T10:00:00Z"}
    bench.wire.to("GET /athlete/activities", (200, [listed]))
    sending(job.id)
    attempts.release_interrupted(7200.0, 60.0, NOW)
    bench.later(job)


def gone_before_it_is_sent(bench: Bench, go: Callable[[Bench], None], job_id: int) -> None:
    """A file that changes between its admission and its attempt."""
    go(bench)
    bench.attempt(job_id)


def fewer_retries(bench: Bench) -> None:
    """Somebody makes the schedule shorter than a job's failures are many."""
    job = bench.job()
    with writing():
        JobRow.update(failures=9).execute()
    bench.try_(job)


def refused(bench: Bench) -> None:
    """A ride that is tried again by the schedule."""
    bench.wire.to("POST /uploads", REFUSED)
    bench.try_(bench.job())


def mended(bench: Bench) -> None:
    """A damaged file that is exchanged for a whole one, which is another activity."""
    held(bench)
    activities.forget_file_faults("me", str(bench.folder / "a.fit"))


def pruned(bench: Bench) -> None:
    """A file that was no activity, and is gone."""
    skipped(bench)
    activities.prune_gone("me", str(bench.folder), lambda _path: False)


WAYS: dict[Arrow, Callable[[Bench], object]] = {
    (NOWHERE, "pending"): lambda bench: bench.job(),
    (NOWHERE, "processing"): sent_at_once,
    (NOWHERE, "held"): held,
    (NOWHERE, "skipped"): skipped,
    ("pending", "processing"): lambda bench: bench.try_(bench.job()),
    ("pending", "completed"): interrupted,
    ("pending", "failed"): fewer_retries,
    ("pending", "held"): lambda bench: gone_before_it_is_sent(bench, lose, bench.job().id),
    ("pending", "skipped"): lambda bench: gone_before_it_is_sent(bench, overwrite, bench.job().id),
    ("processing", "pending"): refused,
    ("processing", "completed"): completed,
    ("processing", "failed"): failed,
    ("processing", "held"): lambda bench: gone_before_it_is_sent(bench, lose, sent_at_once(bench)),
    ("processing", "skipped"): lambda bench: gone_before_it_is_sent(bench, overwrite, sent_at_once(bench)),
    ("held", "pending"): lambda bench: actions(bench).upload(held(bench)),
    ("held", "skipped"): lambda bench: actions(bench).dismiss(held(bench)),
    ("held", "completed"): lambda bench: matches.compared({held(bench): 9}, NOW),
    ("held", NOWHERE): mended,
    ("failed", "pending"): lambda bench: actions(bench).retry(failed(bench).id),
    ("failed", "skipped"): lambda bench: actions(bench).dismiss(failed(bench).activity_id),
    ("completed", "pending"): lambda bench: actions(bench).retry(completed(bench).id, again=True),
    ("skipped", "pending"): lambda bench: actions(bench).upload(skipped(bench)),
    ("skipped", NOWHERE): pruned,
}


def test_the_diagram_has_each_arrow_once() -> None:
    """Those that are gone here."""
    assert sorted(arrows()) == sorted(WAYS)


@pytest.mark.parametrize("arrow", WAYS, ids=" to ".join)
def test_a_job_goes_this_arrow_and_none_that_the_diagram_has_not(bench: Bench, arrow: Arrow) -> None:
    """From one state into another; every other test of a worker and `tests/proofs/test_machine.py` demand as much."""
    WAYS[arrow](bench)

    assert arrow in bench.changes() <= set(WAYS)
