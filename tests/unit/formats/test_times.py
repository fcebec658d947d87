"""Times as devices, apps and phones of other calendars write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from documents import gpx, tcx
from fitferry import formats
from fitferry.core.activity import FileKind
from fitferry.formats import xml_reader
from fitferry.formats.gpx import Gpx
from fitferry.formats.times import coherent, parse

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()
DEVANAGARI = str.maketrans("0123456789", "".join(map(chr, range(0x966, 0x970))))
ARABIC = str.maketrans("0123456789", "".join(map(chr, range(0x660, 0x66A))))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T10:00:00Z", TEN),
        ("2026-11-20T10:00:00", TEN),
        ("2026-11-20T10:00:00.250Z", TEN + 0.25),
        ("2026-11-20T10:00:00,250Z", TEN + 0.25),
        ("2026-11-20t10:00:00z", TEN),
        ("2026-11-20 10:00:00", TEN),
        ("2026/11/20 10:00:00", TEN),
        ("2026.11.20 10:00:00 UTC", TEN),
        ("2026-11-20T9:00:00Z", TEN - 3600),
        ("2026-11-20T10:00Z", TEN),
        ("2026-11-20T12:00:00+02:00", TEN),
        ("2026/11/20 12:00:00 +0200", TEN),
        ("2026/11/20 05:00:00-05:00", TEN),
        ("2026-11-20T24:00:00Z", TEN + 14 * 3600),
        ("2569-11-20T10:00:00Z", TEN),
        ("2026-11-20T10:00:00Z".translate(DEVANAGARI), TEN),
        ("2026-11-20T10:00:00Z".translate(ARABIC), TEN),
        ("1970-01-01T00:10:00Z", None),
        ("1980-01-06T00:00:00Z", None),
        ("1989-12-31T00:00:00Z", None),
        ("1448-06-10T10:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("2026-13-20T10:00:00Z", None),
        ("0000-00-00T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        ("2026-11-20T10:00:00Z²", None),
        ("2026-11-20T10:00:00+99:00", None),
        ("2026-11-20T10:00:00+23:61", None),
    ],
)
def test_a_time_is_read_as_it_was_meant(text: str, moment: float | None) -> None:
    """Or not at all: a clock that was never set says nothing."""
    assert parse(text) == moment


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("2026-11-20T9:00:{:02d}Z", TEN - 3600),
        ("2026/11/20 10:00:{:02d}", TEN),
        ("2569-11-20T10:00:{:02d}Z", TEN),
        ("2026-11-20t10:00:{:02d}z", TEN),
        ("2026-11-20T24:00:{:02d}Z", TEN + 14 * 3600),
        ("20261120T1000{:02d}Z", TEN),
    ],
)
@pytest.mark.parametrize("digits", [{}, DEVANAGARI, ARABIC])
def test_a_track_whose_times_are_written_oddly_is_an_activity(
    form: str, start: float, digits: dict[int, str]
) -> None:
    """All through the document, as a phone of that language writes it."""
    points = "".join(
        f'<trkpt lat="47.{n:02d}" lon="8"><time>{form.format(n).translate(digits)}</time></trkpt>'
        for n in range(20)
    )
    result = formats.examine(f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>".encode(), "").result

    assert (result.kind, result.facts.start_time, result.facts.elapsed_s) == (FileKind.ACTIVITY, start, 19)


@pytest.mark.parametrize(
    ("times", "rest"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0]),
        ([-1e9, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ([1.0, 2.0, 3.0, 1e9], [1.0, 2.0, 3.0]),
        ([-1e9, 1.0, 2.0, 3.0, 1e9], [1.0, 2.0, 3.0]),
        ([0.0, 80_000.0], [0.0, 80_000.0]),
        ([0.0, 1.0, 2.0, 2e5, 2e5 + 1, 2e5 + 2], [0.0, 1.0, 2.0, 2e5, 2e5 + 1, 2e5 + 2]),
        ([-1e9, -1e9 + 1, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ([-1e9, -5e8, -5e8 + 1, 1.0, 2.0, 3.0, 1e9, 1e9 + 1], [1.0, 2.0, 3.0]),
        ([-1e9, 1.0], [1.0]),
        ([*range(60), -2e5, -2e5 + 1, -2e5 + 2], [*range(60)]),
    ],
)
def test_a_stray_first_or_last_time_is_none_of_the_ride(times: list[float], rest: list[float]) -> None:
    """A tour of several days keeps them all; a year away from most of them, any number is of a clock that was wrong."""
    assert coherent(times) == rest


def _result(text: str) -> tuple[FileKind, float | None]:
    result = formats.examine(text.encode(), "").result
    return result.kind, result.facts.start_time


def test_planned_is_only_a_track_without_any_time() -> None:
    """One whose times cannot be read is held, with one of them as example."""
    odd = gpx().decode().replace("2026-", "Anno 2026 ")
    empty = gpx(times=False).decode().replace("</trkpt>", "<time/></trkpt>")
    result = formats.examine(odd.encode(), "").result

    assert result.kind is FileKind.UNREADABLE_TIMES
    assert "Anno 2026 09-21T12:00:00" in str(result.reason)
    assert _result(empty)[0] is FileKind.UNREADABLE_TIMES
    assert _result(gpx(times=False).decode())[0] is FileKind.NO_ACTIVITY
    assert _result(gpx().decode().replace("2026-", "1970-"))[0] is FileKind.UNREADABLE_TIMES
    assert "clock was not set" in str(formats.examine(gpx().replace(b"2026-", b"1970-"), "").result.reason)
    for year in (b"1448-", b"1405-", b"0001-"):
        reason = str(formats.examine(gpx().replace(b"2026-", year), "").result.reason)
        assert f"cannot be read, such as {year.decode()}" in reason
    assert _result(tcx().decode().replace("2026-", "Anno 2026 "))[0] is FileKind.UNREADABLE_TIMES


def test_the_trackpoints_of_a_tcx_decide() -> None:
    """An Id and a Lap may be in local time, or of another day."""
    start = datetime(2026, 9, 21, 12, tzinfo=UTC).timestamp()
    local = (
        tcx(laps=1)
        .decode()
        .replace('StartTime="2026-09-21T12', 'StartTime="2026-09-21T14')
        .replace("<Id>2026", "<Id>2020")
    )

    assert _result(local) == (FileKind.ACTIVITY, start)


def test_times_that_cannot_be_read_are_not_all_tried() -> None:
    """After so many, the rest would be no better."""
    points = b"<trkpt><time>yesterday</time></trkpt>" * 3_000
    result = xml_reader.inspect(
        lambda: [b"<gpx><trk><trkseg>", points, b"</trkseg></trk></gpx>"], {"gpx": Gpx}
    )

    assert result.kind is FileKind.UNREADABLE_TIMES
    assert "yesterday" in str(result.reason)
