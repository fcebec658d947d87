"""What follows uploads is tried again less often each time, and its failures are logged."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fakes import COMPLETED, NOW, a_job, recorded
from fitferry.core.follow_up import FollowUpKind, FollowUpState
from fitferry.core.messages import verbatim
from fitferry.storage import follow_ups
from fitferry.storage.database import DatabaseError
from fitferry.uploads.follow_up_failures import DATABASE_SECONDS, count_failure, pause_after


@pytest.mark.parametrize(
    ("error", "event"),
    [(DatabaseError("disk I/O error"), "follow_up"), (ValueError("x"), "unexpected_error")],
)
def test_what_keeps_all_of_it_from_being_done_is_logged(error: Exception, event: str) -> None:
    """And looked at again after a minute."""
    with capture_logs() as logged:
        assert pause_after(error) == DATABASE_SECONDS

    assert [entry["event"] for entry in logged] == [event]


@pytest.mark.usefixtures("ledger")
def test_a_failure_is_tried_again_by_the_schedule_and_then_given_up(tmp_path: Path) -> None:
    """Each with its reason, for whoever looks."""
    follow_ups.want([FollowUpKind.EDIT])
    job = a_job(tmp_path / "a.fit")
    recorded(job.id, COMPLETED)
    found: list[tuple[str, FollowUpState, float]] = []
    for reason in ("first", "second", "third"):
        (owed,) = follow_ups.of_job(job.id)
        outcome = count_failure(owed, verbatim(reason), (60.0, 300.0), NOW)
        (owed,) = follow_ups.of_job(job.id)
        assert (owed.failures, owed.message) == (len(found) + 1, verbatim(reason))
        found.append((outcome, owed.state, owed.next_attempt_at))

    assert [outcome for outcome, _, _ in found] == ["retry", "retry", "given_up"]
    assert [at > NOW for _, _, at in found[:2]] == [True, True]
    assert found[2][1] is FollowUpState.GIVEN_UP
