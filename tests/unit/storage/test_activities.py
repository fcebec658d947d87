"""Activities and the paths that they were seen at."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from fakes import NOW, a_job, the
from fitferry.core.activity import AdmissionDecision, FileKind, NewActivity, ParseResult, StatFingerprint
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.storage import activities, seen_files, uploads
from fitferry.storage.seen_files import File


def test_the_same_bytes_are_one_activity(ledger: Path, tmp_path: Path) -> None:
    """Under another name, in another folder, or copied again: one job for one athlete."""
    first = a_job(tmp_path / "a.fit")
    again = a_job(tmp_path / "b.fit")
    other = a_job(tmp_path / "c.fit", athlete="you")

    assert first.id == again.id
    assert other.id != first.id
    assert {str(tmp_path / "a.fit"), str(tmp_path / "b.fit")} == set(
        seen_files.other_paths("me", first.sha256)
    )
    assert ledger.exists()


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    "name", [b"\xff\xfe.fit", b"new\nline.fit", b"'\"quotes.fit", b"-dash.fit", b"x" * 251 + b".fit"]
)
def test_any_name_that_linux_allows_is_remembered(tmp_path: Path, name: bytes) -> None:
    """Paths are kept as bytes and come back the same."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    job = a_job(path)

    assert str(path) == job.path
    assert StatFingerprint.of(path.stat()) == seen_files.seen("me", str(path))
    assert {str(path)} == set(seen_files.seen_at("me", [str(path), str(tmp_path)]))
    assert job.file.encode()


def _skipped(path: Path, body: bytes, code: ErrorCode = ErrorCode.NO_ACTIVITY) -> Job:
    path.write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    file = File("me", str(path), digest, len(body), StatFingerprint.of(path.stat()))
    found = NewActivity(digest, ParseResult(FileKind.NO_ACTIVITY), AdmissionDecision(Status.SKIPPED, code))
    ((job_id, _),) = activities.admit(file, [found], NOW)
    return the(job_id)


@pytest.mark.usefixtures("ledger")
def test_files_that_were_no_activity_are_forgotten_when_they_are_gone(tmp_path: Path) -> None:
    """With their paths; neither what is still there, nor what a rule dismissed, nor what waits to be sent."""
    gone, there = _skipped(tmp_path / "gone.fit", b"course"), _skipped(tmp_path / "there.fit", b"workout")
    by_rule = _skipped(tmp_path / "rule.fit", b"ride", ErrorCode.RULE)
    waits = a_job(tmp_path / "waits.fit", b"another ride")
    assert activities.count_junk("me", str(tmp_path)) == 2

    assert activities.prune_gone("me", str(tmp_path), lambda path: path == there.path) == 1
    assert uploads.get(gone.id) is None
    assert seen_files.seen("me", gone.path) is None
    assert all(uploads.get(job.id) for job in (there, by_rule, waits))
    assert activities.count_junk("me", str(tmp_path)) == 1


@pytest.mark.usefixtures("ledger")
def test_a_file_that_was_no_activity_stays_known_while_a_copy_of_it_is_there(tmp_path: Path) -> None:
    """Otherwise the copy would be read, and listed, as a new one."""
    job = _skipped(tmp_path / "a.fit", b"course")
    copy = tmp_path / "copy"
    copy.mkdir()
    _skipped(copy / "a.fit", b"course")
    activities.prune_gone("me", str(tmp_path), lambda path: path != job.path)

    assert the(job.id).status is Status.SKIPPED
    assert seen_files.seen("me", job.path) is None
    assert seen_files.seen("me", str(copy / "a.fit")) is not None
