"""Reading of TCX and GPX as XML: encodings, bounds, and what is refused. What their elements mean say `tcx`, `gpx`.

Neither format says how long it is: a document is whole when it ends properly, and even then its writer may
go on, so `proven` is never set. No entity is expanded, and no DOCTYPE is read: expat is quadratic in some of
what a DOCTYPE may hold, and holds Python's lock meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol
from xml.parsers import expat

from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.messages import Message, files
from fitferry.formats.document_text import CHUNK, MAX_PROLOG, DocumentText, begin_of

MAX_DEPTH = 64
MAX_NAMES = 500
"""Different names of elements and attributes; expat keeps every one."""
MAX_ELEMENTS = 1_500_000
"""More than fit into 25 MB of any real recording."""
MAX_TEXT = 64
"""Characters of a text that is looked at, behind the white space before it: times, numbers, a sport."""
MAX_TAG = 1 << 18
"""Bytes of one tag, which expat keeps, and reads again with each chunk until it ends."""
_TAIL = 4096
_INVALID_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]


class Document(Protocol):
    """What makes something of the elements of one format. `wanted`: elements whose text it wants."""

    data_type: str
    wanted: frozenset[str]

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        """An element begins. `path`: local names from the root on."""

    def text(self, path: list[str], text: str) -> None:
        """An element that is wanted ends."""

    def result(self) -> ParseResult:
        """What the whole document is."""


class _Refused(Exception):  # it never leaves this module
    """A document that no device writes: a DOCTYPE, or something built to cost memory or time."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


def is_document(data: bytes) -> bool:
    """Whether these bytes begin as XML does, behind any white space and marks."""
    return data.startswith(b"<", begin_of(data))


def holds_document(data: bytes, formats: Iterable[str]) -> bool:
    """Whether other bytes stand before a document, or its beginning is lost."""
    return any(b"</%s>" % name.encode() in data[-_TAIL:] for name in formats)


def inspect(
    chunks: Callable[[], Iterable[bytes]],
    formats: Mapping[str, Callable[[], Document]],
    max_elements: int = MAX_ELEMENTS,
    *,
    lenient: bool = False,
) -> ParseResult:
    """What a document is. `chunks`: begins to hand out its bytes. `formats`: by the name of its first element.

    `lenient`: without the characters that do not belong there: a name may hold anything. Never raises but what `chunks`
    raises. 25 MB take seconds, because each element is looked at; other threads go on.
    """
    text = DocumentText(chunks())
    reader = _Reader(formats, max_elements)
    try:
        reader.read(text.utf8(lenient=lenient))
    except expat.ExpatError as error:
        if lenient or text.codec != "utf-8" or error.code != _INVALID_TOKEN:
            return reader.broken(text, error)
    except _Refused as problem:
        return reader.refused(text, problem.message)
    else:
        return reader.result(text)
    return inspect(chunks, formats, max_elements, lenient=True)


class _Reader:
    def __init__(self, formats: Mapping[str, Callable[[], Document]], max_elements: int) -> None:
        self._formats = formats
        self._max_elements = max_elements
        self._at_end = False
        self._path: list[str] = []
        self._names: set[str] = set()
        self._elements = 0
        self._text: list[str] | None = None
        self._document: Document | None = None
        self._root = ""

    def read(self, chunks: Iterator[bytes]) -> None:
        """Read to the end. Raises ExpatError, _Refused."""
        # Without namespaces: prefixes that nobody has declared do not matter.
        parser = expat.ParserCreate("utf-8", intern={})
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        fed = 0
        for chunk in chunks:
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - max(0, parser.CurrentByteIndex) > MAX_TAG + CHUNK:
                raise _Refused(files.XML_TOO_MUCH())
            if not self._root and fed > MAX_PROLOG:
                raise _Refused(files.XML_TOO_MUCH())
        self._at_end = True
        parser.Parse(b"", True)

    def result(self, text: DocumentText) -> ParseResult:
        if text.is_still_empty:
            return self._broken(FileKind.UNFINISHED, files.END_EMPTY())
        return self._document.result() if self._document is not None else self._other()

    def broken(self, text: DocumentText, error: expat.ExpatError) -> ParseResult:
        """What is wrong with a document that the parser does not take."""
        text.rest()
        if text.is_still_empty:
            return self._broken(FileKind.UNFINISHED, files.END_EMPTY())
        if self._document is None and (self._root or _is_page(text.head)):
            return self._other()  # nobody waits for the rest of a page that asks to log in
        if self._at_end and error.code in _BREAKS_OFF:
            return self._broken(FileKind.UNFINISHED, files.DOCUMENT_CUT())
        reason = files.DOCUMENT_UNREADABLE(reason=expat.ErrorString(error.code), line=error.lineno)
        return self._broken(FileKind.DAMAGED, reason)

    def refused(self, text: DocumentText, reason: Message) -> ParseResult:
        """What a document is that was refused: it may be a ride only where it begins as one."""
        if self._root in self._formats or any(f"<{name}".encode() in text.head for name in self._formats):
            return self._broken(FileKind.DAMAGED, reason)
        return self._other() if self._root else ParseResult(FileKind.NO_ACTIVITY, reason=reason)

    def _other(self) -> ParseResult:
        reason = files.XML_OF_ANOTHER_KIND(element=self._root[:40] or "html")
        return ParseResult(FileKind.NO_ACTIVITY, reason=reason)

    def _broken(self, kind: FileKind, reason: Message) -> ParseResult:
        data_type = self._document.data_type if self._document is not None else ""
        return ParseResult(kind, data_type, reason=reason)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        self._elements += 1
        self._names.add(name)
        if attributes:
            self._names.update(attributes)
        if (
            self._elements > self._max_elements
            or len(self._names) > MAX_NAMES
            or len(self._path) >= MAX_DEPTH
        ):
            self._root = self._root or local
            raise _Refused(files.XML_TOO_MUCH())
        if not self._path:
            self._root = local
            if local in self._formats:
                self._document = self._formats[local]()
        self._path.append(local)
        self._text = None
        if self._document is not None:
            self._document.start(self._path, attributes)
            if local in self._document.wanted:
                self._text = []

    def _end(self, _name: str) -> None:
        if self._text is not None and self._document is not None:
            self._document.text(self._path, "".join(self._text).strip())
        self._text = None
        self._path.pop()

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        shown = data if self._text else data.lstrip()
        if shown and sum(map(len, self._text)) < MAX_TEXT:
            self._text.append(shown[:MAX_TEXT])

    def _doctype(self, name: str, *_ids: object) -> None:
        self._root = name.rpartition(":")[2]
        raise _Refused(files.XML_DOCTYPE())


_BREAKS_OFF = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_ASYNC_ENTITY,
    )
)
"""What expat says of a document that ends too early."""


def _is_page(data: bytes) -> bool:
    """Whether this is HTML that no XML parser would read."""
    begin = begin_of(data)
    return data[begin : begin + 20].lower().startswith((b"<!doctype html", b"<html"))
