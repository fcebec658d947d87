"""What a file is, by its content: FIT, TCX, GPX, gzip, zip, and everything that looks like them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from documents import START, examined, gpx, gz, tcx, zipped
from fit_writer import ride as fit_ride
from fitferry import formats
from fitferry.core.activity import FileKind
from fitferry.core.messages import files
from fitferry.core.strava import MAX_FILE_BYTES
from samples import SAMPLES

Ride = Callable[..., bytes]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gpx(times=False), "a planned one"),
        (b'<gpx><rte><rtept lat="1" lon="1"/></rte></gpx>', "a route"),
        (b'<gpx><wpt lat="1" lon="1"/></gpx>', "waypoints"),
        (b"<gpx></gpx>", "without a track"),
        (tcx(inside="Courses"), "a course"),
        (tcx(inside="Workouts"), "a workout"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "<html>"),
        (b"<!doctype html><html><br></html>", "<html>"),
        (b"\xef\xbb\xbf\n<!doctype HTML><title>x", "<html>"),
        (b"<html><body><p>Please log in<br></body></html>", "<html>"),
        (b"<HTML LANG=en>", "<html>"),
        (b"<html><body>&nbsp;", "<html>"),
        (b'<?xml version="1.0"?><kml/>', "<kml>"),
        (b'<?xml version="1.0"?><kml><Document>', "<kml>"),
        (zipped({"readme.txt": b"x"}), "no activity file"),
        (zipped({}), "no activity file"),
        (zipped({"a.gpx": gpx(times=False), "b.gpx": b"<gpx/>"}), "and 1 more"),
    ],
)
def test_what_is_no_activity_says_what_it_is(data: bytes, words: str) -> None:
    """A person who asks why is told."""
    found = examined(data).result

    assert found.kind is FileKind.NO_ACTIVITY
    assert words in str(found.reason)


@pytest.mark.parametrize(
    "whole", [gpx(), tcx(), gz(gpx()), zipped({"a.gpx": gpx()}), zipped({"a.fit": b"x" * 99})]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_half_a_file_is_never_whole(whole: bytes, share: float) -> None:
    """Cut off, or its end still full of zeros as copiers leave it that set the length first."""
    half = whole[: int(len(whole) * share)]

    assert examined(half).result.kind is FileKind.UNFINISHED
    padded = half + bytes(len(whole) - len(half) + 16)
    assert padded.startswith(whole) or examined(padded).result.kind is FileKind.UNFINISHED


_SAYS_OTHERWISE = {files.FIT_WORKOUT.code, files.ARCHIVE_EMPTY.code}
"""Where the byte was the file's type, or a letter of the name in a zip."""


@pytest.mark.parametrize("pack", [bytes, gz, lambda body: zipped({"a.fit": body})])
@pytest.mark.parametrize("body", [fit_ride(START, seconds=3), gpx(points=2), tcx(laps=1)])
def test_no_broken_byte_makes_a_ride_nobody_misses(body: bytes, pack: Callable[[bytes], bytes]) -> None:
    """One bit, a whole byte, a zero, or sixteen zeros in a plain file: wherever it is, the file is at least held."""
    whole = pack(body)
    for at in range(len(whole)):
        before, byte, after = whole[:at], whole[at], whole[at + 1 :]
        broken = [before + bytes([byte ^ bits]) + after for bits in (1, 0xFF, byte)]
        if whole == body:
            broken += [before + bytes(min(16, len(whole) - at)) + whole[at + 16 :]]
        for data in broken:
            found = examined(data).result
            assert found.kind is not FileKind.NO_ACTIVITY or (
                found.reason and found.reason.code in _SAYS_OTHERWISE
            ), (at, str(found.reason))


@pytest.mark.parametrize("at", range(1, 9))
def test_a_header_with_a_byte_too_many_is_broken(at: int) -> None:
    """As a transfer of texts makes it, which ends each line with two bytes."""
    ride = fit_ride(START)
    found = examined(ride[:at] + b"\r" + ride[at:]).result

    assert (found.kind, found.reason) == (FileKind.DAMAGED, files.BEGINNING_LOST())


@pytest.mark.parametrize("lost", [1, 40, 200])
def test_a_zip_that_has_lost_its_beginning_is_broken(lost: int) -> None:
    """Its directory is at its end."""
    found = examined(zipped({"a.gpx": gpx()})[lost:]).result

    assert (found.kind, found.reason) == (FileKind.DAMAGED, files.ZIP_DAMAGED())


def test_only_an_archive_proves_that_a_document_is_whole() -> None:
    """A writer may put new points before the end that it wrote a moment ago."""
    assert not examined(gpx()).result.proven
    assert examined(gz(gpx())).result.proven
    assert examined(zipped({"a.gpx": gpx()})).result.proven
    assert examined(zipped({"a.gpx": gpx(), "b.gpx": gpx(points=3)})).result.proven


def test_content_decides_not_the_name() -> None:
    """A gzip and a zip that were both named .fit."""
    body = (SAMPLES / "edge_820_ride.fit").read_bytes()
    for data in (gz(body), zipped({"x.fit": body})):
        found = examined(data)
        assert (found.result.kind, found.result.data_type) == (FileKind.ACTIVITY, "fit")
        assert found.members[0].sha256 == sha256(data).hexdigest()


def test_what_is_sent_is_unpacked(ride: Ride) -> None:
    """Strava gets the bytes of the activity itself."""
    for data in (gz(ride()), zipped({"a.fit": ride()}), zipped({"a.fit.gz": gz(ride())}), ride()):
        digest = sha256(data).hexdigest()
        assert formats.body_of(data, digest, digest) == ride()


def test_a_large_activity_can_be_sent_gzipped() -> None:
    """Strava's 25 MB are those that are sent: then the gzip goes as it is."""
    body = gpx(points=1_000).replace(b"<trkpt", b"<!--" + b"x" * 26_000 + b"--><trkpt")
    assert len(body) > MAX_FILE_BYTES
    data = gz(body)
    digest = sha256(data).hexdigest()
    result = examined(data).result

    assert (result.kind, result.data_type, result.proven) == (FileKind.ACTIVITY, "gpx.gz", True)
    assert formats.body_of(data, digest, digest) == data
