"""What a file is, by its content: FIT, TCX, GPX, gzip, zip, and everything that looks like them."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Callable
from hashlib import sha256

import pytest

from documents import START, gpx, gz, tcx, zipped
from fitferry import formats
from fitferry.core.activity import FileKind
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import FileContents, archives, xml_reader, zip_reader
from fitferry.formats.gpx import Gpx
from samples import SAMPLES

Ride = Callable[..., bytes]


def examined(data: bytes) -> FileContents:
    """What a file is."""
    return formats.examine(data, sha256(data).hexdigest())


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


def test_a_tcx_is_an_activity_with_what_its_laps_say() -> None:
    """Timer time and distance are sums of the laps, not of the points."""
    found = examined(tcx()).result

    assert (found.kind, found.data_type, found.proven) == (FileKind.ACTIVITY, "tcx", False)
    assert (found.facts.duration_s, found.facts.elapsed_s, found.facts.distance_m) == (1200, 1210, 6000)
    assert (found.facts.sport, found.facts.start_time) == ("cycling", START.timestamp())


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


def test_only_an_archive_proves_that_a_document_is_whole() -> None:
    """A writer may put new points before the end that it wrote a moment ago."""
    assert not examined(gpx()).result.proven
    assert examined(gz(gpx())).result.proven
    assert examined(zipped({"a.gpx": gpx()})).result.proven
    assert examined(zipped({"a.gpx": gpx(), "b.gpx": gpx(points=3)})).result.proven


@pytest.mark.parametrize(
    "data",
    [
        gpx()[:-8] + b"</trk></gpx>",
        b"<gpx><trk></gpx>",
        gpx() + b"more",
        gz(gpx())[:-8] + b"\1\1\1\1\1\1\1\1",
        zipped({"a.gpx": gpx()}, zipfile.ZIP_STORED).replace(b"lon", b"lox", 1),
    ],
)
def test_a_wrong_structure_or_checksum_is_damage(data: bytes) -> None:
    """It ends, but not as it should."""
    assert examined(data).result.kind is FileKind.DAMAGED


def test_an_entity_bomb_is_a_clear_error_at_once() -> None:
    """Ten lines that would become gigabytes: nothing is expanded."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE gpx [<!ENTITY l0 "lol">{levels}]><gpx><trk><name>&l9;</name></trk></gpx>'.encode()
    found = examined(bomb).result

    assert found.kind is FileKind.DAMAGED
    assert "entities" in str(found.reason)


def test_an_external_entity_is_never_fetched() -> None:
    """Neither from the disk nor from the network."""
    evil = b'<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx><trk><type>&x;</type></trk></gpx>'

    assert "entities" in str(examined(evil).result.reason)


@pytest.mark.parametrize(
    "data",
    [
        b"<gpx>" + b"<a>" * 10_000,
        b"<gpx>" + b"".join(b"<a%d/>" % n for n in range(1000)),
        b"<gpx " + b" ".join(b'a%d=""' % n for n in range(1000)) + b"/>",
    ],
)
def test_what_is_built_to_cost_memory_is_refused(data: bytes) -> None:
    """Depth and names are bounded."""
    assert "no device writes" in str(examined(data).result.reason)


def test_many_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no document takes longer than a real one could."""
    monkeypatch.setattr(xml_reader, "MAX_ELEMENTS", 100)

    assert "too many elements" in str(examined(gpx(points=100)).result.reason)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + gpx(),
        b"   \n" + gpx(),
        b"\xef\xbb\xbf\r\n" + gpx(),
        gpx() + b"\x1a",
        gpx() + b"\r\n\x1a\r\n",
        gpx() + b"\0",
        gpx() + b"\n\0",
        gpx().replace(b"UTF-8", b"iso-8859-1"),
        gpx().decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        gpx().replace(b"Z</time>", b".250+02:00</time>"),
        gpx().replace(b'lat="47.0000"', b'lat="no"'),
    ],
)
def test_a_document_is_read_however_it_is_written(data: bytes) -> None:
    """Marks, white space, encodings, time zones, a point that says nothing."""
    assert examined(data).result.kind is FileKind.ACTIVITY


def test_an_unknown_encoding_is_damage_not_an_exception() -> None:
    """Bytes from outside never raise."""
    assert examined(gpx().replace(b"UTF-8", b"klingon")).result.kind is FileKind.DAMAGED


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


def test_a_zip_with_one_activity_is_that_activity(ride: Ride) -> None:
    """Garmin's "export original", with what a Mac adds to it."""
    data = zipped(
        {"__MACOSX/._a.fit": b"x", "a.fit": ride(), "course.fit": ride(kind=6), ".b.fit": ride(serial=9)}
    )
    found = examined(data)

    assert [(one.sha256, one.name) for one in found.members] == [(sha256(data).hexdigest(), "")]
    assert formats.body_of(data, sha256(data).hexdigest(), sha256(data).hexdigest()) == ride()


def test_each_activity_of_a_zip_is_its_own(ride: Ride) -> None:
    """Known by the bytes of the member, so that the same ride beside the zip is the same activity."""
    one, two = ride(serial=1), gpx()
    data = zipped({"2026/one.fit": one, "two.gpx": two, "notes.txt": b"x"})
    found = examined(data)

    assert [(item.name, item.result.data_type) for item in found.members] == [
        ("one.fit", "fit"),
        ("two.gpx", "gpx"),
    ]
    assert [item.sha256 for item in found.members] == [sha256(one).hexdigest(), sha256(two).hexdigest()]
    for item, body in zip(found.members, (one, two), strict=True):
        assert formats.body_of(data, sha256(data).hexdigest(), item.sha256) == body
    assert formats.body_of(data, sha256(data).hexdigest(), "0" * 64) is None


def test_a_zip_bomb_is_not_unpacked() -> None:
    """25 MB come out of a member at most, whatever it says of itself."""
    found = examined(zipped({"a.fit": bytes(MAX_FILE_BYTES + 1)})).result

    assert found.kind is FileKind.TOO_LARGE
    assert "25 MB" in str(found.reason)


def test_a_gzip_bomb_is_not_unpacked() -> None:
    """So many bytes come out of it at most."""
    with pytest.raises(zip_reader.TooLarge):
        archives.gunzip(gz(bytes(1_001)), most=1_000)


def test_a_large_activity_can_be_sent_gzipped() -> None:
    """Strava's 25 MB are those that are sent: then the gzip goes as it is."""
    body = gpx(points=1_000).replace(b"<trkpt", b"<!--" + b"x" * 26_000 + b"--><trkpt")
    assert len(body) > MAX_FILE_BYTES
    data = gz(body)
    digest = sha256(data).hexdigest()
    result = examined(data).result

    assert (result.kind, result.data_type, result.proven) == (FileKind.ACTIVITY, "gpx.gz", True)
    assert formats.body_of(data, digest, digest) == data


def test_each_member_of_a_zip_may_have_25_mb(ride: Ride) -> None:
    """They bound one activity, not an archive; what is larger is named, and the others are taken."""
    half = ride(padding=MAX_FILE_BYTES // 2 + 1)
    more = ride(padding=MAX_FILE_BYTES + 1, serial=2)
    found = examined(zipped({"a.fit": half, "b.fit.gz": gz(half + half[:0]), "c.fit": half, "d.fit": more}))

    kinds = [(one.name, one.result.kind) for one in found.members]
    assert kinds == [
        ("a.fit", FileKind.ACTIVITY),
        ("b.fit.gz", FileKind.ACTIVITY),
        ("c.fit", FileKind.ACTIVITY),
        ("d.fit", FileKind.TOO_LARGE),
    ]
    assert "25 MB" in str(found.members[3].result.reason)


def test_a_zip_is_not_kept_in_memory_whole() -> None:
    """One member at a time is unpacked; what is in it is known by its digest."""
    tenth = bytes(MAX_FILE_BYTES // 10)
    data = zipped({f"{number}.fit": tenth for number in range(9)})
    tracemalloc.start()
    examined(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 6 * len(tenth)


def test_a_zip_with_folders_in_it_is_read(ride: Ride) -> None:
    """As file managers make them: each folder is an entry of its own."""
    data = zipped({"rides/": b"", "rides/a.fit": ride(), "rides/odd.fit/": b""})

    assert examined(data).result.kind is FileKind.ACTIVITY


def test_a_zip_with_a_name_that_is_no_text_is_read(ride: Ride) -> None:
    """It claims UTF-8, and is none: the name is shown as far as it can be."""
    data = zipped({"\u00e9.fit": ride()}).replace("\u00e9".encode(), b"\xff\xfe")

    assert examined(data).result.kind is FileKind.ACTIVITY


def test_members_with_unwanted_names_are_not_counted(ride: Ride) -> None:
    """One ride among pictures."""
    pictures = {f"media/{number}.jpg": b"" for number in range(1_100)}

    assert examined(zipped({**pictures, "activities/a.fit": ride()})).result.kind is FileKind.ACTIVITY


def test_a_zip_of_very_many_activities_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its directory alone would cost memory."""
    monkeypatch.setattr(zip_reader, "MAX_MEMBERS", 5)
    result = examined(zipped({f"{number}.fit": b"" for number in range(6)})).result

    assert result.kind is FileKind.ARCHIVE_REFUSED
    assert "more than 5 files" in str(result.reason)


def test_a_gzip_of_very_many_parts_is_not_unpacked() -> None:
    """Each would be cheap, all together not."""
    assert "more than 100 parts" in str(examined(gz(b"") * 200).result.reason)


def test_a_gzip_of_several_parts_is_one_file(ride: Ride) -> None:
    """As `cat` makes them."""
    body = ride()

    assert archives.gunzip(gz(body[:100]) + gz(body[100:])) == body


def test_a_protected_zip_says_so(ride: Ride) -> None:
    """No password can be asked for."""
    data = bytearray(zipped({"a.fit": ride()}))
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1

    assert "password" in str(examined(bytes(data)).result.reason)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_compression_that_python_knows_is_read(ride: Ride, method: int) -> None:
    """Within the same bounds."""
    data = zipped({"a.fit": ride()}, method)
    digest = sha256(data).hexdigest()

    assert formats.body_of(data, digest, digest) == ride()
    assert "25 MB" in str(examined(zipped({"a.fit": bytes(MAX_FILE_BYTES + 1)}, method)).result.reason)


@pytest.mark.parametrize("method", [9, 93, 99])
def test_an_unknown_compression_spoils_only_its_member(ride: Ride, method: int) -> None:
    """deflate64, zstd, AES: it is named, and held."""
    data = bytearray(zipped({"odd.fit": ride(serial=1), "good.fit": ride(serial=2)}))
    at = data.index(b"PK\x01\x02") + 10
    data[at : at + 2] = method.to_bytes(2, "little")
    members = examined(bytes(data)).members

    assert [(one.name, one.result.kind) for one in members] == [
        ("odd.fit", FileKind.ARCHIVE_REFUSED),
        ("good.fit", FileKind.ACTIVITY),
    ]
    assert "unusual" in str(members[0].result.reason)
    assert len({one.sha256 for one in members}) == 2


def test_a_broken_member_is_said_by_its_name(ride: Ride) -> None:
    """The archive is whole, the ride in it is not."""
    found = examined(zipped({"x/broken.fit": ride()[:-1]})).result

    assert found.kind is FileKind.UNFINISHED
    assert "broken.fit" in str(found.reason)


@pytest.mark.parametrize("broken", [bytes(500), b"half", b"wrong"], ids=["zeros", "half", "wrong checksum"])
def test_a_broken_ride_beside_a_whole_one_is_not_forgotten(ride: Ride, broken: bytes) -> None:
    """Each is known by its own bytes; what is broken and is no ride is missed by nobody."""
    other = ride(serial=2)
    body = {b"half": other[:500], b"wrong": other[:-1] + b"x"}.get(broken, broken)
    data = zipped({"a.fit": ride(), "settings.fit": ride(kind=2)[:-1] + b"x", "b.fit": body})
    found = examined(data)

    assert [one.name for one in found.members] == ["a.fit", "b.fit"]
    assert found.members[1].result.kind in {FileKind.UNFINISHED, FileKind.DAMAGED}
    assert formats.body_of(data, sha256(data).hexdigest(), found.members[1].sha256) == body


def test_a_single_broken_member_can_be_insisted_on(ride: Ride) -> None:
    """By a person who knows better."""
    broken = ride()[:-1] + b"\0"
    data = zipped({"a.fit": broken})
    digest = sha256(data).hexdigest()

    assert formats.body_of(data, digest, digest) == broken
    assert formats.body_of(data[:-9], digest, digest) is None


def test_deflate_that_lies_about_its_size_is_capped() -> None:
    """A member's header may claim any size."""
    data = bytearray(zipped({"a.fit": bytes(1000)}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")

    assert examined(bytes(data)).result.kind in {FileKind.DAMAGED, FileKind.UNFINISHED, FileKind.NO_ACTIVITY}


@pytest.mark.parametrize("size", [1, 700, 1 << 16, 1 << 18])
def test_a_document_is_the_same_in_pieces_of_any_size(size: int) -> None:
    """As a gzip gives them."""
    whole = gpx(points=3_000)
    document = b"".join([b"  \n", whole, b"\n" * 5_000])
    pieces = [document[at : at + size] for at in range(0, len(document), size)]
    read = xml_reader.inspect(lambda: pieces, {"gpx": Gpx})

    assert read == xml_reader.inspect(lambda: [document], {"gpx": Gpx})
    assert (read.kind, read.facts.elapsed_s) == (FileKind.ACTIVITY, 29_990)
