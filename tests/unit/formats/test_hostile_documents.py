"""Documents that are built to take time or memory: refused before they do. Counted in bytes that the parser saw."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from fitferry.core.activity import FileKind, ParseResult
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


def test_times_that_cannot_be_read_are_not_all_tried() -> None:
    """After so many, the rest would be no better."""
    points = b"".join(b"<trkpt><time>yesterday</time></trkpt>" for _ in range(3_000))
    result = inspected(Counted(b"<gpx><trk><trkseg>", points, b"</trkseg></trk></gpx>"))

    assert result.kind is FileKind.UNREADABLE_TIMES
    assert "yesterday" in str(result.reason)
