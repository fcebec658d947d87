"""What an attempt under way knows of itself: the row as it stands, what may have left, and its thumbnail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fakes import COMPLETED as DONE
from fakes import JOB, a_job, recorded
from fitferry.core.activity import Sample
from fitferry.core.errors import ClaimLost
from fitferry.core.retry_policy import Action
from fitferry.core.upload import Job
from fitferry.formats.thumbnail import draw
from fitferry.uploads.attempt import RunningAttempt

SAMPLES = tuple(Sample(52 + n / 1000, 5 + n * n / 1000, None, None) for n in range(9))


def begun(job: Job = JOB) -> RunningAttempt:
    """An attempt that has asked nothing yet."""
    return RunningAttempt(job, Action.SEND)


def test_an_attempt_begins_with_nothing_sent_and_nothing_heard() -> None:
    """Nor is anything written of it since its job was read."""
    attempt = begun(replace(JOB, row_revision=3))

    assert attempt.revision == 3
    assert not any([attempt.bulk, attempt.sent, attempt.answered, attempt.served, attempt.is_marked])


def test_a_revision_that_is_none_ends_the_attempt() -> None:
    """Somebody else has decided on the job."""
    attempt = begun()
    attempt.wrote(4)
    assert attempt.revision == 4
    with pytest.raises(ClaimLost):
        attempt.wrote(None)
    assert attempt.revision == 4


@pytest.mark.parametrize(
    ("sent", "upload_id", "uncertain"), [(False, None, False), (True, None, True), (True, 77, False)]
)
def test_what_was_sent_and_has_no_number_is_uncertain(
    sent: bool, upload_id: int | None, *, uncertain: bool
) -> None:
    """As the ledger has it since the sending was written down."""
    attempt = replace(begun(replace(JOB, upload_id=upload_id)), sent=sent)

    assert attempt.as_written() == replace(JOB, upload_id=upload_id, uncertain=uncertain)


def test_samples_that_are_there_are_drawn() -> None:
    """The file is not examined once more."""
    attempt = replace(begun(), samples=SAMPLES, body=b"not looked at")
    attempt.draw_thumbnail()

    assert attempt.thumbnail == draw(SAMPLES)


@pytest.mark.parametrize("body", [b"", b"ride"])
def test_where_nothing_is_there_nothing_is_drawn(ledger: Path, tmp_path: Path, body: bytes) -> None:
    """Neither without the bytes, nor of bytes without a place in them."""
    assert ledger.exists()
    attempt = replace(begun(a_job(tmp_path / "a.fit")), body=body)
    attempt.draw_thumbnail()

    assert attempt.thumbnail is None


def test_bytes_are_drawn_once(ledger: Path, tmp_path: Path, ride: Callable[..., bytes]) -> None:
    """Where a thumbnail is known, nothing is examined."""
    assert ledger.exists()
    job = a_job(tmp_path / "a.fit", ride())
    attempt = replace(begun(job), body=ride())
    attempt.draw_thumbnail()
    assert attempt.thumbnail is not None
    recorded(job.id, DONE, thumbnail=attempt.thumbnail)
    again = replace(begun(job), body=ride())
    again.draw_thumbnail()

    assert (again.thumbnail, again.samples) == (None, None)


def test_a_drawing_that_fails_costs_no_upload() -> None:
    """It is logged."""
    attempt = replace(begun(), samples=(None,))  # type: ignore[arg-type]  # what no file has
    with capture_logs() as logged:
        attempt.draw_thumbnail()

    assert [entry["event"] for entry in logged] == ["unexpected_error"]
    assert attempt.thumbnail is None
