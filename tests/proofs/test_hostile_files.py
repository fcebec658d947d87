"""No file, however broken, raises, or is said to hold what cannot be had from it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from fakes import ADMISSION, NOW, admit_file
from fitferry import formats
from fitferry.cli import output
from fitferry.core import rules
from fitferry.core.activity import AdmissionResult, FileKind, Stability
from fitferry.core.api_types import iso
from fitferry.storage import queries
from fuzz import hostile

COUNT = 3_000
"""A long run is `python bench/fuzz.py 100000`."""


def test_no_hostile_file_raises() -> None:
    """Each gets a verdict; each activity in it has bytes that can be sent, and a start that can be shown."""
    verdicts = set()
    for data in hostile(COUNT, seed=1):
        digest = sha256(data).hexdigest()
        content = formats.examine(data, digest)
        verdicts.add(content.result.kind)
        for item in content.members:
            body = formats.body_of(data, digest, item.sha256, item.name)
            assert body or item.result.kind is not FileKind.ACTIVITY
            subject = rules.Subject("me", "a.fit", item.result.facts)
            assert output.local(iso(item.result.facts.start_time)) or subject.start is None

    assert {FileKind.ACTIVITY, FileKind.NO_ACTIVITY, FileKind.UNFINISHED, FileKind.DAMAGED} <= verdicts


@pytest.mark.usefixtures("ledger")
def test_no_hostile_file_stops_the_way_into_the_ledger(tmp_path: Path) -> None:
    """Each is written down as something, and each job can be shown."""
    path = tmp_path / "a.fit"
    for data in hostile(COUNT // 10, seed=2):
        path.write_bytes(data)
        assert isinstance(admit_file(str(path), "me", ADMISSION, NOW, Stability.STALLED), AdmissionResult)
    for job in queries.listed(limit=COUNT):
        rules.Subject(job.athlete, job.file, job)
        output.local(iso(job.start_time))
