"""A document that is built to take time or memory is refused before it does; of others every spelling is read."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from documents import examined, gpx, gz, tcx, zipped
from fit_writer import ride as fit_ride
from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.messages import files
from fitferry.formats import xml_reader
from fitferry.formats.document_text import MAX_PROLOG
from fitferry.formats.gpx import Gpx

MB = 1 << 20


class Counted:
    """A document in pieces, which counts how many were asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.taken = 0

    def __call__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += len(piece)
            yield piece


def inspected(document: Counted) -> ParseResult:
    """What it is."""
    return xml_reader.inspect(document, {"gpx": Gpx})


@pytest.mark.parametrize(
    "declarations",
    [
        [
            b"".join(b"<!ATTLIST gpx a%d CDATA 'x'>" % n for n in range(at, at + 1000))
            for at in range(0, 50_000, 1000)
        ],
        [b"<!ENTITY a%d 'x'>" % n for n in range(10_000)],
        [b"<!ELEMENT a ANY>"] * 10_000,
        [b"<!-- x -->"] * 10_000,
    ],
    ids=["attributes", "entities", "elements", "comments"],
)
def test_a_doctype_is_refused_before_anything_in_it_is_read(declarations: list[bytes]) -> None:
    """Expat is quadratic in some of it, and holds Python's lock meanwhile."""
    document = Counted(b'<?xml version="1.0"?>\n<!DOCTYPE gpx [', *declarations, b"]><gpx/>")
    result = inspected(document)

    assert result.kind is FileKind.DAMAGED
    assert "DOCTYPE" in str(result.reason)
    assert document.taken < 60_000


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"<!--", b"x" * 1000),
        (b"<?a ", b"x" * 1000),
        (b" ", b"<!---->" * 100),
        (b"<gpx a='", b"x" * 10_000),
        (b"<gpx ", b"".join(b"a%d='' " % n for n in range(1000))),
        (b"<gpx>\n<!--", b"x" * 10_000),
        (b"<gpx>\n<trkpt ", b"b='" + b"x" * 10_000 + b"' "),
    ],
    ids=["comment", "instruction", "comments", "attribute", "attributes", "comment inside", "tag inside"],
)
def test_a_document_without_a_first_element_or_with_an_endless_tag_is_given_up(
    begin: bytes, piece: bytes
) -> None:
    """The parser keeps a tag until it ends, and reads it again with each piece."""
    document = Counted(begin, *([piece] * (8 * MB // len(piece))))
    tracemalloc.start()
    result = inspected(document)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert result.kind in {FileKind.DAMAGED, FileKind.NO_ACTIVITY}
    assert document.taken <= xml_reader.MAX_TAG + 4 * MAX_PROLOG
    assert most < 3 * MB


def test_the_prolog_is_parsed_in_small_steps() -> None:
    """A refusal takes effect at the end of a step only: a DOCTYPE must not be in one with all that follows."""
    attack = b"<!DOCTYPE gpx [" + b"".join(b"<!ATTLIST gpx a%d CDATA 'x'>" % n for n in range(200_000))
    tracemalloc.start()
    result = inspected(Counted(attack))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "DOCTYPE" in str(result.reason)
    assert most < MB


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


def test_many_elements_are_refused() -> None:
    """So that no document takes longer than a real one could."""
    document = Counted(gpx(points=100))

    assert "too many elements" in str(xml_reader.inspect(document, {"gpx": Gpx}, 100).reason)
    assert xml_reader.inspect(document, {"gpx": Gpx}, 1_000).kind is FileKind.ACTIVITY


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
        gpx().decode().replace("UTF-8", "UTF-32").encode("utf-32"),
        gpx().replace(b"Z</time>", b".250+02:00</time>"),
        gpx().replace(b"<time>", b"<time>\n" + b" " * 50).replace(b"</time>", b"\n" + b" " * 90 + b"</time>"),
        gpx().replace(b"<time>", b"<time>\n" + b" " * 300),
        gpx().replace(b'lat="47.0000"', b'lat="no"'),
        b"\xef\xbb\xbf" + gpx().replace(b"UTF-8", b"ISO-8859-1"),
        b"\xef\xbb\xbf" * 40 + gpx(),
        "\xa0\u3000\u200b\u2028".encode() + gpx(),
        gpx().replace(b"UTF-8", b""),
        gpx().replace(b"UTF-8", b" utf-8 "),
        gpx().replace(b' version="1.0"', b"", 1),
        gpx().replace(b"UTF-8", b"").replace(b"<trk>", b"<trk><name>\xe9</name>"),
        *(
            ("\ufeff" * n + " " * 300 + gpx().decode() + "\n").encode(f"utf-{bits}-{end}")
            for bits in (16, 32)
            for n in (0, 1, 2)
            for end in ("le", "be")
        ),
    ],
)
def test_a_document_is_read_however_it_is_written(data: bytes) -> None:
    """Marks, white space, encodings, time zones, a point that says nothing."""
    found = examined(data).result

    assert (found.kind, found.facts.elapsed_s) == (FileKind.ACTIVITY, 100)


@pytest.mark.parametrize(
    ("codec", "declared"),
    [
        ("utf-8", "klingon"),
        ("utf-8", "UTF-8-BOM"),
        ("utf-8", "unicode"),
        ("utf-8", "UTF-32"),
        ("utf-8", "utf-7"),
        ("cp949", "windows-949"),
        ("cp932", "x-sjis"),
        ("cp932", "Windows-31J"),
        ("gb18030", "x-gbk"),
        ("cp874", "windows-874"),
        ("latin-1", "base64"),
    ],
)
def test_an_encoding_that_nobody_knows_costs_letters_and_no_ride(codec: str, declared: str) -> None:
    """Times and numbers are the same in all of them, and no name of one raises."""
    name = {"cp949": "한강", "cp932": "箱根", "gb18030": "长城", "cp874": "กรุงเทพ"}.get(codec, "Zürich")
    text = gpx().decode().replace("UTF-8", declared).replace("<trk>", f"<trk><name>{name}</name>")
    found = examined(text.encode(codec)).result

    assert (found.kind, found.facts.start_time) == (
        FileKind.ACTIVITY,
        examined(gpx()).result.facts.start_time,
    )


@pytest.mark.parametrize("ride", [gpx(), tcx(), fit_ride(datetime(2026, 9, 21, tzinfo=UTC))])
@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 200 OK\r\n\r\n", b"\x93", b"\r\n--form\r\nContent-Type: x\r\n\r\n"]
)
def test_a_ride_behind_other_bytes_is_missed_by_somebody(ride: bytes, before: bytes) -> None:
    """So it is damage, not a file of no interest; without its first bytes a document is known by its last ones."""
    lost = files.BEGINNING_LOST()

    assert (examined(before + ride).result.kind, examined(before + ride).result.reason) == (
        FileKind.DAMAGED,
        lost,
    )
    assert examined(b"a book on </gpx> and .FIT" + b"." * 5000).result.kind is FileKind.NO_ACTIVITY
    assert examined(gpx()[50:]).result.reason == examined(tcx()[50:]).result.reason == lost


@pytest.mark.parametrize("size", [1, 700, 1 << 16, 1 << 18])
def test_a_document_is_the_same_in_pieces_of_any_size(size: int) -> None:
    """As a gzip gives them."""
    whole = gpx(points=3_000)
    document = b"".join([b"  \n", whole, b"\n" * 5_000])
    pieces = [document[at : at + size] for at in range(0, len(document), size)]
    read = xml_reader.inspect(lambda: pieces, {"gpx": Gpx})

    assert read == xml_reader.inspect(lambda: [document], {"gpx": Gpx})
    assert (read.kind, read.facts.elapsed_s) == (FileKind.ACTIVITY, 29_990)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-32", "utf-32-le", "utf-32-be"])
def test_half_a_document_is_unfinished_in_any_encoding(codec: str) -> None:
    """Also one whose end is still empty: the last letter's own zeros are no empty end."""
    whole = gpx().decode().encode(codec)
    half, empty = (examined(data).result for data in (whole[: len(whole) // 8 * 4], whole + bytes(4_096)))

    assert (half.kind, half.reason) == (FileKind.UNFINISHED, files.DOCUMENT_CUT())
    assert (empty.kind, empty.reason) == (FileKind.UNFINISHED, files.END_EMPTY())
