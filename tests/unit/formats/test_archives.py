"""Archives within their bounds: what they cost is bounded by what somebody wrote, and half of one is never whole."""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from documents import examined, gpx, gz, zipped
from fitferry import formats
from fitferry.core.activity import FileKind
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import archives, zip_reader
from fitferry.formats.archives import BytesInMemory, BytesOfFile, Part, unzip
from fitferry.formats.zip_reader import Bounds, Refused

Ride = Callable[..., bytes]


def kinds(data: bytes) -> dict[str, str]:
    """Of each member its kind."""
    return {member.name: member.result.kind.value for member in examined(data).members}


@pytest.mark.parametrize(
    "name", ["ride.fit", "./ride.fit", "../ride.fit", "/x/ride.fit", "./export/ride.fit", "a\\b.fit"]
)
def test_a_member_is_found_however_its_path_is_written(ride: Ride, name: str) -> None:
    """Nothing is ever unpacked to a path, so none is dangerous."""
    assert examined(zipped({name: ride()})).result.kind is FileKind.ACTIVITY


@pytest.mark.parametrize(
    "name", [".ride.fit", "__MACOSX/ride.fit", "x/@eaDir/ride.fit", "ride.txt", "ride.fit/"]
)
def test_a_member_of_an_unwanted_name_is_passed_over(ride: Ride, name: str) -> None:
    """As in a folder."""
    assert examined(zipped({name: ride()})).result.kind is FileKind.NO_ACTIVITY


def test_a_zip_in_a_zip_is_opened_one_level_deep(ride: Ride) -> None:
    """Garmin's export of everything; what lies deeper is named and held."""
    inner = zipped({"a.fit": ride(serial=1), "b.gpx": gpx()})
    deeper = zipped({"deep.zip": zipped({"c.fit": ride(serial=3)})})

    assert kinds(zipped({"part1.zip": inner, "d.fit": ride(serial=2), "part2.zip": deeper})) == {
        "a.fit": "activity",
        "b.gpx": "activity",
        "d.fit": "activity",
        "deep.zip": "archive_refused",
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_half_a_zip_that_holds_a_whole_one_is_unfinished(ride: Ride, method: int) -> None:
    """Its end is another's: the directory that it names lies elsewhere."""
    inner = zipped({"a.fit": ride(serial=1)}, zipfile.ZIP_STORED)
    whole = zipped({"inner.zip": inner, "b.fit": ride(serial=2)}, method)

    for length in range(4, len(whole), 3):
        assert examined(whole[:length]).result.kind is FileKind.UNFINISHED
        filled = whole[:length] + bytes(len(whole) - length)
        assert filled == whole or examined(filled).result.kind is FileKind.UNFINISHED


def test_a_zip64_is_read(ride: Ride) -> None:
    """Its sizes and offsets stand in a part of their own, also where they would have fitted."""
    body = ride()
    name, offset = b"a.fit", 0
    extra = struct.pack("<HHQQQ", 1, 24, len(body), len(body), offset)
    crc = zlib.crc32(body)
    local = (
        struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, 0, 0, 0, 0, crc, len(body), len(body), 5, 0) + name + body
    )
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        b"PK\1\2",
        45,
        45,
        0,
        0,
        0,
        0,
        crc,
        *(3 * [0xFFFFFFFF])[:2],
        5,
        len(extra),
        0,
        0,
        0,
        0,
        0xFFFFFFFF,
    )
    directory = entry + name + extra
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(directory), len(local))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(local) + len(directory), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    data = local + directory + end64 + locator + end

    assert zipfile.ZipFile(io.BytesIO(data)).read("a.fit") == body
    assert examined(data).result.kind is FileKind.ACTIVITY
    assert examined(data[:-1]).result.kind is FileKind.UNFINISHED
    assert examined(data.replace(end64, end64[:-8] + bytes(8))).result.kind is FileKind.UNFINISHED


def test_members_that_lie_in_one_another_are_refused(ride: Ride) -> None:
    """A bomb of a few kilobytes has all its members share the same bytes."""
    data = bytearray(zipped({"a.fit": ride(serial=1), "b.fit": ride(serial=2)}))
    second = data.rindex(b"PK\1\2") + 42
    data[second : second + 4] = (0).to_bytes(4, "little")

    assert kinds(bytes(data)) == {"a.fit": "activity", "b.fit": "damaged"}


def test_what_comes_out_of_an_archive_is_bounded_by_what_it_is(ride: Ride) -> None:
    """The rest is not read, and that is said; what was read before is taken."""
    bombs = {f"{number}.fit": bytes(1_000_000) for number in range(20)}
    source = BytesInMemory(zipped({"a.fit": ride(), **bombs}))
    parts = list(unzip(source, bounds=Bounds(spare_bytes=3_000_000)))

    assert (parts[0].name, parts[0].body) == ("a.fit", ride())
    assert len(parts) < 8
    assert [part.problem is None for part in parts] == [True] * (len(parts) - 1) + [False]
    assert "the rest was not read" in str(parts[-1].problem)


def test_a_directory_without_end_is_not_kept(ride: Ride) -> None:
    """Only wanted entries are, and no more than so many bytes are read."""
    pictures = zipped({**{f"{number:0100}.jpg": b"" for number in range(4_000)}, "a.fit": ride()})
    tracemalloc.start()
    kind = examined(pictures).result.kind
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kind is FileKind.ACTIVITY
    assert most < 2_500_000
    with pytest.raises(Refused):
        zip_reader.directory(BytesInMemory(pictures), Bounds(directory_bytes=100_000))


@pytest.mark.slow
def test_a_large_archive_is_read_from_its_file(tmp_path: Path, ride: Ride) -> None:
    """Member by member: at most one is in memory, and a zip in it that would not fit is unpacked as it is read."""
    path, padding = tmp_path / "export.zip", 4_000_000
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_STORED) as archive:
        for number in range(8):
            archive.writestr(f"{number}.fit", ride(serial=number + 1, padding=padding))
    assert len(inner.getvalue()) > MAX_FILE_BYTES
    path.write_bytes(zipped({"DI_CONNECT/part1.zip": inner.getvalue(), "last.gpx": gpx()}))
    size = len(inner.getvalue())
    del inner
    with path.open("rb") as file:
        tracemalloc.start()
        found = formats.examine(file.fileno(), "d" * 64)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        bodies = [
            formats.body_of(file.fileno(), "d" * 64, member.sha256, member.name) for member in found.members
        ]

    assert [member.result.kind for member in found.members] == [FileKind.ACTIVITY] * 9
    assert [sha256(body or b"").hexdigest() for body in bodies] == [member.sha256 for member in found.members]
    assert most < 4 * padding < size


def test_a_place_that_no_file_has_holds_nothing(tmp_path: Path) -> None:
    """A zip may name any of 64 bits, of which the kernel takes 63."""
    (tmp_path / "a").write_bytes(b"zip")
    with (tmp_path / "a").open("rb") as file:
        source = BytesOfFile(file.fileno())

        assert [source.read_at(at, 4) for at in (0, 3, 4, 2**63, 2**64 - 1)] == [b"zip", b"", b"", b"", b""]


def test_one_member_is_found_by_its_name(ride: Ride) -> None:
    """Without unpacking the others; by its bytes alone it is found, too."""
    data = zipped({f"{number}.fit": ride(serial=number + 1) for number in range(5)})
    parts = list(unzip(BytesInMemory(data), "3.fit"))
    wanted = sha256(ride(serial=4)).hexdigest()

    assert parts == [Part("3.fit", ride(serial=4))]
    assert formats.body_of(data, "", wanted, "3.fit") == ride(serial=4)
    assert formats.body_of(data, "", wanted, "renamed.fit") == ride(serial=4)


def test_an_archive_that_is_too_large_is_refused_by_its_size() -> None:
    """Nothing of it is read."""

    class Huge(BytesInMemory):
        size = archives.MAX_ARCHIVE_BYTES + 1

        def __init__(self) -> None:
            """No bytes."""

    with pytest.raises(zip_reader.Refused, match="GB"):
        next(unzip(Huge()))


def test_names_are_harmless_on_every_terminal(ride: Ride) -> None:
    """Nothing in a member's name moves the cursor or turns the writing about."""
    (name, _), *_ = kinds(zipped({"a\x1b[2J\u202e\n.fit": ride(serial=1), "b.fit": ride(serial=2)})).items()

    assert not any(ord(char) < 32 or char == "\u202e" for char in name)


@pytest.mark.slow
def test_a_stream_of_gzips_is_not_kept_in_memory() -> None:
    """What comes out is looked at as it comes."""
    data = gz(gpx(points=8_000).replace(b"<trkpt", b"<!--" + b"-x" * 500 + b"-->\n<trkpt"))  # 8 MB
    tracemalloc.start()
    kind = examined(data).result.kind
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kind is FileKind.ACTIVITY
    assert most < 2_000_000


def test_the_head_of_a_large_file_tells_what_it_is(ride: Ride) -> None:
    """A ride that is too large, a course, a zip without end, one beyond every bound, anything else."""
    large = MAX_FILE_BYTES + 1
    heads = {
        ride(padding=100_000)[:50_000]: FileKind.TOO_LARGE,
        gpx(points=2_000)[:50_000]: FileKind.TOO_LARGE,
        gz(gpx())[:500]: FileKind.TOO_LARGE,
        ride(kind=6, padding=100_000)[:50_000]: FileKind.NO_ACTIVITY,
        b"<html>" + b"x" * 50_000: FileKind.NO_ACTIVITY,
        zipped({"a.fit": ride()})[:300]: FileKind.UNFINISHED,
    }
    for head, kind in heads.items():
        assert formats.examine_head(head, large).kind is kind
    refused = formats.examine_head(zipped({"a.fit": ride()}), archives.MAX_ARCHIVE_BYTES + 1)

    assert refused.kind is FileKind.ARCHIVE_REFUSED


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


def test_a_gzip_bomb_is_not_unpacked() -> None:
    """So many bytes come out of it at most."""
    with pytest.raises(zip_reader.TooLarge):
        archives.gunzip(gz(bytes(1_001)), most=1_000)


def test_a_gzip_of_very_many_parts_is_not_unpacked() -> None:
    """Each would be cheap, all together not."""
    assert "more than 100 parts" in str(examined(gz(b"") * 200).result.reason)


def test_a_gzip_of_several_parts_is_one_file(ride: Ride) -> None:
    """As `cat` makes them."""
    body = ride()

    assert archives.gunzip(gz(body[:100]) + gz(body[100:])) == body


def test_a_broken_member_is_said_by_its_name(ride: Ride) -> None:
    """The archive is whole, the ride in it is not."""
    found = examined(zipped({"x/broken.fit": ride()[:-1]})).result

    assert found.kind is FileKind.UNFINISHED
    assert str(found.reason).startswith("broken.fit in it: ")


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


@pytest.mark.parametrize("inner", [gz(gpx()), zipped({"a.gpx": gpx()})])
def test_an_archive_in_a_gzip_is_held_and_not_passed_over(inner: bytes) -> None:
    """Something may be in it that somebody wants; in a zip it spoils only itself."""
    assert examined(gz(inner)).result.kind is FileKind.ARCHIVE_REFUSED
    beside = examined(zipped({"a.gpx.gz": gz(inner), "b.gpx": gpx()}))
    assert [member.result.kind for member in beside.members] == [FileKind.ARCHIVE_REFUSED, FileKind.ACTIVITY]


def test_a_zip_behind_other_bytes_is_damaged_and_not_passed_over() -> None:
    """What a download tool or a self-extracting archive puts in front."""
    whole = zipped({"a.gpx": gpx()})

    assert examined(b"MZ" + b"x" * 5000 + whole).result.kind is FileKind.DAMAGED
    assert examined(b"PK\x07\x08" + whole).result.kind is FileKind.DAMAGED
    assert examined(b"MZ" + b"x" * 5000).result.kind is FileKind.NO_ACTIVITY


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "7z"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (b"Rar!\x1a\x07\1\0", "RAR"),
        (lzma.compress(b"ride"), "xz"),
        (bz2.compress(b"ride"), "bzip2"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"ride.fit".ljust(257, b"\0") + b"ustar", "tar"),
    ],
)
@pytest.mark.parametrize("size", [0, 500, MAX_FILE_BYTES])
def test_an_archive_of_another_kind_is_held_whatever_its_name(head: bytes, kind: str, size: int) -> None:
    """A RAR that somebody named `.zip` may hold rides; in a zip, too. What it is, its first bytes say."""
    found = (
        formats.examine_head(head + bytes(size), size) if size > 500 else examined(head + bytes(size)).result
    )
    beside = kinds(zipped({"a.zip": head + bytes(500), "b.gpx": gpx()}))

    assert found.kind is FileKind.ARCHIVE_REFUSED
    assert str(found.reason) == f"a {kind} archive, which Fitferry does not open: only zip and gzip"
    assert formats.is_known(head)
    assert examined(gz(head)).result.kind is FileKind.ARCHIVE_REFUSED
    assert beside == {"a.zip": "archive_refused", "b.gpx": "activity"}
