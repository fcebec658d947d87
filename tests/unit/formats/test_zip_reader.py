"""Zip archives: every spelling is read, within bounds, and a broken member spoils only itself."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Callable
from hashlib import sha256

import pytest

from documents import examined, gz, zipped
from fitferry import formats
from fitferry.core.activity import FileKind
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import zip_reader
from fitferry.formats.archives import BytesInMemory, unzip
from fitferry.formats.zip_reader import Bounds, Refused

Ride = Callable[..., bytes]


def test_a_zip_bomb_is_not_unpacked() -> None:
    """25 MB come out of a member at most, whatever it says of itself."""
    found = examined(zipped({"a.fit": bytes(MAX_FILE_BYTES + 1)})).result

    assert found.kind is FileKind.TOO_LARGE
    assert "25 MB" in str(found.reason)


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


@pytest.mark.slow
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


def test_a_zip_of_very_many_activities_is_refused() -> None:
    """Its directory alone would cost memory."""
    source = BytesInMemory(zipped({f"{number}.fit": b"" for number in range(6)}))

    assert len(zip_reader.directory(source, Bounds(members=6))) == 6
    with pytest.raises(Refused, match="more than 5 files"):
        zip_reader.directory(source, Bounds(members=5))


def test_activities_in_the_archives_of_an_archive_are_counted_together() -> None:
    """Each of them alone is within the bounds."""
    inner = zipped({f"{number}.fit": b"" for number in range(3)})
    source = BytesInMemory(zipped({"a.zip": inner, "b.zip": inner}))

    assert len(list(unzip(source, bounds=Bounds(members=8)))) == 6
    problems = [part.problem for part in unzip(source, bounds=Bounds(members=7)) if part.problem]
    assert [str(problem) for problem in problems] == ["a zip archive of more than 7 files"]


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


def test_deflate_that_lies_about_its_size_is_capped() -> None:
    """A member's header may claim any size."""
    data = bytearray(zipped({"a.fit": bytes(1000)}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")

    assert examined(bytes(data)).result.kind in {FileKind.DAMAGED, FileKind.UNFINISHED, FileKind.NO_ACTIVITY}
