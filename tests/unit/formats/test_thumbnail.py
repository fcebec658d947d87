"""An activity, draw small."""

from __future__ import annotations

import itertools
import math
import re
from datetime import UTC, datetime

import pytest

from fitferry import formats
from fitferry.core.activity import Sample
from fitferry.formats import fit
from fitferry.formats.thumbnail import MOST_POINTS, MOST_SAMPLES, SIDE, Samples, draw
from samples import SAMPLES


def points(path: str) -> list[tuple[int, int]]:
    """The corners of a path."""
    assert re.fullmatch(r"M\d+ \d+(L\d+ \d+)+", path)
    return [(int(x), int(y)) for x, y in re.findall(r"(\d+) (\d+)", path)]


def test_a_route_has_north_up_and_keeps_its_proportions() -> None:
    """A square of a kilometre in the north is a square, although its degrees are not."""
    north, east = 1 / 111.2, 1 / 111.2 / math.cos(math.radians(60))
    corners = [(0.0, 0.0), (0.0, north), (east, north), (east, 0.0), (0.0, 0.0)]
    way = [
        Sample(60 + a[1] + (b[1] - a[1]) * step / 10, 10 + a[0] + (b[0] - a[0]) * step / 10, 120)
        for a, b in itertools.pairwise(corners)
        for step in range(11)
    ]
    thumbnail = draw(way)

    assert thumbnail is not None
    assert thumbnail.kind == "route"
    assert points(thumbnail.path) == [(0, 100), (0, 0), (100, 0), (100, 100), (0, 100)]


def test_a_route_over_the_date_line_is_not_torn() -> None:
    """Fiji has rides, too."""
    thumbnail = draw([Sample(-17, 179.99 + step / 1000 - (360 if step > 10 else 0)) for step in range(20)])

    assert thumbnail is not None
    assert points(thumbnail.path) == [(0, 50), (100, 50)]


@pytest.mark.parametrize("count", [50, 5_000])
def test_a_sketch_has_few_points_however_wild_the_route(count: int) -> None:
    """A spiral with noise."""
    samples: Samples[Sample] = Samples()
    for step in range(count):
        turn = step / 7
        samples.add(Sample(40 + step * math.sin(turn) / 1e5, 10 + step * math.cos(turn * 1.7) / 1e5))
    thumbnail = draw(samples.kept)

    assert thumbnail is not None
    assert 2 < len(points(thumbnail.path)) <= MOST_POINTS
    assert all(0 <= x <= SIDE and 0 <= y <= SIDE for x, y in points(thumbnail.path))


@pytest.mark.parametrize("count", [0, 1, MOST_SAMPLES, MOST_SAMPLES + 1, 10_000])
def test_samples_are_few_and_evenly_spread(count: int) -> None:
    """From the first on, each as far from the next."""
    samples: Samples[int] = Samples()
    for number in range(count):
        samples.add(number)
    steps = {b - a for a, b in itertools.pairwise(samples.kept)}

    assert min(count, MOST_SAMPLES // 2) <= len(samples.kept) <= MOST_SAMPLES
    assert len(steps) <= 1
    assert not samples.kept or count - samples.kept[-1] <= max(steps, default=1)


def test_who_stands_still_gets_a_curve() -> None:
    """The heart rate, else the power, else nothing."""
    place = {"latitude": 47.0, "longitude": 8.0}
    beats = [Sample(**place, heart_rate=100 + 40 * (step == 10), power=200) for step in range(21)]
    watts = [Sample(power=step) for step in range(21)]

    assert (draw(beats) or beats) == (draw([Sample(heart_rate=one.heart_rate) for one in beats]) or 0)
    assert points(getattr(draw(beats), "path", "")) == [(0, 100), (45, 100), (50, 0), (55, 100), (100, 100)]
    assert getattr(draw(watts), "kind", "") == "power"
    assert points(getattr(draw(watts), "path", "")) == [(0, 100), (100, 0)]
    assert draw([Sample(0.0, 0.0)] * 50) is None
    assert draw([]) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [("edge_820_ride.fit", "route"), ("coros_summary_first.fit", "route"), ("course.fit", None)],
)
def test_real_files_have_the_sketch_that_suits_them(name: str, kind: str | None) -> None:
    """Only activities have one."""
    thumbnail = draw(fit.inspect([(SAMPLES / name).read_bytes()]).samples)

    assert (thumbnail.kind if thumbnail else None) == kind


def test_documents_have_sketches_too() -> None:
    """GPX and TCX, by the positions and pulses in them."""
    start = datetime(2026, 9, 21, 12, tzinfo=UTC).timestamp()
    times = [datetime.fromtimestamp(start + step, UTC).isoformat() for step in range(20)]
    gpx = "".join(
        f'<trkpt lat="{47 + at / 1000}" lon="8"><time>{when}</time></trkpt>' for at, when in enumerate(times)
    )
    tcx = "".join(
        f"<Trackpoint><Time>{when}</Time><HeartRateBpm><Value>{100 + at}</Value></HeartRateBpm></Trackpoint>"
        for at, when in enumerate(times)
    )
    documents = {
        f"<gpx><trk><trkseg>{gpx}</trkseg></trk></gpx>": ("route", "M50 100L50 0"),
        "<TrainingCenterDatabase><Activities><Activity><Lap><Track>"
        f"{tcx}</Track></Lap></Activity></Activities></TrainingCenterDatabase>": (
            "heart_rate",
            "M0 100L100 0",
        ),
    }
    for text, expected in documents.items():
        thumbnail = draw(formats.examine(text.encode(), "").result.samples)
        assert thumbnail is not None
        assert (thumbnail.kind, thumbnail.path) == expected
