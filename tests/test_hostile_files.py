"""No file, however broken, raises, or is said to hold what cannot be had from it."""

from __future__ import annotations

from hashlib import sha256

from fitferry import formats
from fitferry.model import Verdict
from fuzz import hostile

COUNT = 3_000
"""A long run is `python bench/fuzz.py 100000`."""


def test_no_hostile_file_raises() -> None:
    """Each gets a verdict, and each activity in it has bytes that can be sent."""
    verdicts = set()
    for data in hostile(COUNT, seed=1):
        digest = sha256(data).hexdigest()
        content = formats.examine(data, digest)
        verdicts.add(content.found.verdict)
        for item in content.items:
            assert formats.body_of(data, digest, item.sha256)

    assert set(Verdict) == verdicts
