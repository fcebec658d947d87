"""What a TCX says of its activity."""

from __future__ import annotations

from documents import START, examined, tcx
from fitferry.core.activity import FileKind


def test_a_tcx_is_an_activity_with_what_its_laps_say() -> None:
    """Timer time and distance are sums of the laps, not of the points."""
    found = examined(tcx()).result

    assert (found.kind, found.data_type, found.proven) == (FileKind.ACTIVITY, "tcx", False)
    assert (found.facts.duration_s, found.facts.elapsed_s, found.facts.distance_m) == (1200, 1210, 6000)
    assert (found.facts.sport, found.facts.start_time) == ("cycling", START.timestamp())
