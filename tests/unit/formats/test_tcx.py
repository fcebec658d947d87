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


def test_the_first_activity_names_the_sport() -> None:
    """Also where it has no name for it: the swim of a triathlon is `Other`, and no run."""
    swim, run = tcx(sport="Other"), tcx(sport="Running")
    activity = run[run.index(b"<Activity ") : run.index(b"</Activities>")]
    facts = examined(swim.replace(b"</Activities>", activity + b"</Activities>")).result.facts

    assert (facts.sport, facts.sessions, facts.distance_m) == (None, 2, 12_000)


def test_a_ride_of_the_first_version_is_one() -> None:
    """Training Center of 2006: a `Run` in a folder of its sport."""
    ride = tcx().replace(b"/v2", b"/v1").replace(b"Activities>", b"Biking>")
    found = examined(
        ride.replace(b'<Activity Sport="Biking">', b"<Run>").replace(b"Activity>", b"Run>")
    ).result

    assert (found.kind, found.facts.sport, found.facts.distance_m) == (FileKind.ACTIVITY, "cycling", 6000)
