"""What a GPX says of its activity."""

from __future__ import annotations

import pytest

from documents import START, examined, gpx
from fitferry.core.activity import FileKind


def test_a_gpx_is_an_activity_with_what_its_points_say() -> None:
    """Start and time from first to last; distance along the ground; the sport in the FIT profile's words."""
    found = examined(gpx()).result

    assert (found.kind, found.data_type, found.proven) == (FileKind.ACTIVITY, "gpx", False)
    assert (found.facts.start_time, found.facts.elapsed_s, found.facts.sport) == (
        START.timestamp(),
        100,
        "running",
    )
    assert found.facts.distance_m == pytest.approx(1112, abs=1)


@pytest.mark.parametrize(
    ("text", "sport"),
    [
        ("Biking", "cycling"),
        ("1", "cycling"),
        ("9", "running"),
        ("Trail Running", "running"),
        ("chess", None),
    ],
)
def test_a_sport_is_named_as_the_fit_profile_names_it(text: str, sport: str | None) -> None:
    """Or not at all."""
    assert sport == examined(gpx(kind=text)).result.facts.sport


def test_the_first_track_names_the_sport() -> None:
    """Also where it has no name for it."""
    first, second = gpx(kind="chess"), gpx(kind="running")
    track = second[second.index(b"<trk>") : second.index(b"</gpx>")]

    assert examined(first.replace(b"</gpx>", track + b"</gpx>")).result.facts.sport is None
