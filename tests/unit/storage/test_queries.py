"""The history's pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import COMPLETED, NOW, a_job, recorded
from fitferry.core.upload import AttemptResult, Outcome, Status
from fitferry.storage import queries, uploads


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
def test_where_nothing_waits_nothing_is_under_way(tmp_path: Path) -> None:
    """What is done, and what has no drawing, is not listed."""
    job = a_job(tmp_path / "a.fit")
    assert [one.id for one in queries.under_way(5)] == [job.id]
    recorded(job.id, COMPLETED)

    assert queries.under_way(5) == []
    assert queries.thumbnails([]) == queries.thumbnails([job.activity_id]) == {}
