"""Reading of TCX and GPX as XML: encodings, bounds, and what is refused. What their elements mean say `tcx`, `gpx`.

Neither format says how long it is: a document is whole when it ends properly, and even then its writer may
go on, so `proven` is never set. No entity is expanded, and no DOCTYPE is read: expat is quadratic in some of
what a DOCTYPE may hold, and holds Python's lock meanwhile.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol
from xml.parsers import expat

from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.messages import Message, files

MAX_DEPTH = 64
MAX_NAMES = 500
"""Different names of elements and attributes; expat keeps every one."""
MAX_ELEMENTS = 1_500_000
"""More than fit into 25 MB of any real recording."""
MAX_TEXT = 64
"""Characters of a text that is looked at: times, numbers, a sport."""
MAX_PROLOG = 1 << 16
"""Bytes before the first element; real ones have some hundred."""
MAX_TAG = 1 << 18
"""Bytes of one tag, which expat keeps, and reads again with each chunk until it ends."""
_CHUNK = 1 << 16
_PROLOG_CHUNK = 1 << 10
"""What is parsed at once while a DOCTYPE may come: a refusal takes effect at the end of a chunk only."""
_UTF8_MARK = b"\xef\xbb\xbf"
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_BLANKS = re.compile(rb"[\s\0]*")
_MAX_MARKS = 16
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_CODEC_NAMES = re.compile(
    r"ascii|utf-8.*|iso(8859|2022).*|cp\d+|koi8.*|mac.*|euc_.*|gb.*|big5.*|shift_jis.*|johab|tis-620|hz"
)
_WIDER = {"euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "ascii": "utf-8"}
"""Codecs that read more than the declared one, as those who write it do."""
_TRAILING = b"\0\x1a\r\n \t"
_INVALID_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
_NOT_XML = dict.fromkeys([*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""Characters that no XML may hold; a NUL is left where it is, because it shows that something is missing."""


class Document(Protocol):
    """What makes something of the elements of one format. `wanted`: elements whose text it wants."""

    wanted: frozenset[str]

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        """An element begins. `path`: local names from the root on."""

    def text(self, path: list[str], text: str) -> None:
        """An element that is wanted ends."""

    def result(self, size: int) -> ParseResult:
        """What the whole document is."""


class _Refused(Exception):  # it never leaves this module
    """A document that no device writes: a DOCTYPE, or something built to cost memory or time."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


class _UnknownEncoding(Exception):  # the same
    """The document says that it is written in an encoding that Python does not know."""


def is_document(data: bytes) -> bool:
    """Whether these bytes begin as XML does, behind any white space and marks."""
    return data.startswith(b"<", _begin(data, 2 if data[:2] in _MARKS else 0))


def _begin(data: bytes, at: int = 0) -> int:
    """Where a document begins behind white space and marks, which some writers put there twice."""
    for _ in range(_MAX_MARKS):
        blanks = _BLANKS.match(data, at)
        at = blanks.end() if blanks else at
        if not data.startswith(_UTF8_MARK, at):
            break
        at += len(_UTF8_MARK)
    return at


def inspect(
    chunks: Callable[[], Iterable[bytes]], formats: Mapping[str, Callable[[], Document]]
) -> ParseResult:
    """What a document is. `chunks`: begins to hand out its bytes. `formats`: by the name of its first element.

    Never raises but what `chunks` raises. 25 MB take seconds, because each element is looked at; other threads go on.
    """
    text = _Text(chunks())
    reader = _Reader(formats)
    try:
        reader.read(text.utf8())
    except expat.ExpatError as error:
        if text.codec != "utf-8" or error.code != _INVALID_TOKEN:
            return reader.broken(text, error)
    except _Refused as problem:
        return reader.refused(text, problem.message)
    except _UnknownEncoding as problem:
        return _broken(FileKind.DAMAGED, files.ENCODING_UNKNOWN(name=str(problem)), text.size)
    else:
        return reader.result(text)
    return _lenient(_Text(chunks()), _Reader(formats))


def _lenient(text: _Text, reader: _Reader) -> ParseResult:
    """Read once more, without the characters that do not belong there: a name may hold anything."""
    try:
        reader.read(text.utf8(lenient=True))
    except expat.ExpatError as error:
        return reader.broken(text, error)
    except _Refused as problem:
        return reader.refused(text, problem.message)
    return reader.result(text)


def _broken(kind: FileKind, reason: Message, have: int, want: int | None = None) -> ParseResult:
    return ParseResult(kind, reason=reason, have=have, want=want, proven=False)


class _Text:
    """A document's bytes on their way. `size`: those that came; `zeros`: of them at the end. `head`: the first ones."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.head = next(self._chunks, b"")
        self.size = self.zeros = 0
        self.codec = ""

    def utf8(self, *, lenient: bool = False) -> Iterator[bytes]:
        """The document in UTF-8, without what some writers put around it. Raises _UnknownEncoding."""
        self.codec = _codec(self.head)
        if self.codec != "utf-8" or lenient:
            yield from _decoded(self._pieces(0), self.codec)
            return
        held = b""
        for piece in self._pieces(_begin(self.head)):
            kept = piece.rstrip(_TRAILING)
            if kept:
                yield held + kept
                held = piece[len(kept) :]
            else:
                held = (held + piece)[:MAX_PROLOG]

    def rest(self) -> None:
        """Take what is left, to know its size and how it ends."""
        for _ in self._pieces(0):
            pass

    def _pieces(self, begin: int) -> Iterator[bytes]:
        """Small ones first: a refusal takes effect at the end of a piece only."""
        chunk: bytes = self.head[begin:]
        self.size, step = begin, _PROLOG_CHUNK
        while chunk:
            for at in range(0, len(chunk), step):
                piece = chunk[at : at + step]
                self.size += len(piece)
                filled = len(piece.rstrip(b"\0"))
                self.zeros = len(piece) - filled + (0 if filled else self.zeros)
                yield piece
                if self.size > MAX_PROLOG and step != _CHUNK:
                    chunk, step = chunk[at + step :], _CHUNK
                    break
            else:
                chunk = next(self._chunks, b"")


def _codec(data: bytes) -> str:
    """The encoding, by the bytes first and by the declaration second. Raises _UnknownEncoding."""
    if data[:2] in _MARKS:
        return "utf-16"
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return "utf-16-le"
    if data[:1] == b"\0" and data[1:2] != b"\0":
        return "utf-16-be"
    declared = _DECLARED.match(data, _begin(data))
    if declared is None:
        return "utf-8"
    name = declared[1].decode("ascii")
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        raise _UnknownEncoding(name) from None
    if codec.startswith(("utf-16", "utf-32")):
        return "utf-8"  # the bytes say that it is none of those
    if not _CODEC_NAMES.fullmatch(codec):
        raise _UnknownEncoding(name)
    return _WIDER.get(codec, "utf-8" if codec.startswith("utf-8") else codec)


def _decoded(pieces: Iterator[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)("replace")
    begun = False
    for piece in pieces:
        text = decoder.decode(piece).translate(_NOT_XML)
        if not begun:
            text = text.lstrip("\ufeff\0 \t\r\n")
            begun = bool(text)
        yield text.encode("utf-8", "replace")


class _Reader:
    """One document on its way through the parser."""

    def __init__(self, formats: Mapping[str, Callable[[], Document]]) -> None:
        self._formats = formats
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
            if fed - max(0, parser.CurrentByteIndex) > MAX_TAG + _CHUNK:
                raise _Refused(files.XML_TOO_MUCH())
            if not self._root and fed > MAX_PROLOG:
                raise _Refused(files.XML_TOO_MUCH())
        self._at_end = True
        parser.Parse(b"", True)

    def result(self, text: _Text) -> ParseResult:
        """What was read."""
        if text.zeros > 1:
            return self._still_empty(text)
        return self._document.result(text.size) if self._document is not None else self._other(text)

    def broken(self, text: _Text, error: expat.ExpatError) -> ParseResult:
        """What is wrong with a document that the parser does not take."""
        text.rest()
        if text.zeros > 1:
            return self._still_empty(text)
        if self._document is None and (self._root or _is_page(text.head)):
            return self._other(text)  # nobody waits for the rest of a page that asks to log in
        if self._at_end and error.code in _BREAKS_OFF:
            return _broken(FileKind.UNFINISHED, files.DOCUMENT_CUT(), text.size)
        reason = files.DOCUMENT_UNREADABLE(reason=expat.ErrorString(error.code), line=error.lineno)
        return _broken(FileKind.DAMAGED, reason, text.size)

    def refused(self, text: _Text, reason: Message) -> ParseResult:
        """What a document is that was refused: it may be a ride only where it begins as one."""
        if self._root in self._formats or any(f"<{name}".encode() in text.head for name in self._formats):
            return _broken(FileKind.DAMAGED, reason, text.size)
        if self._root:
            return self._other(text)
        return ParseResult(FileKind.NO_ACTIVITY, reason=reason, have=text.size, proven=False)

    def _other(self, text: _Text) -> ParseResult:
        reason = files.XML_OF_ANOTHER_KIND(element=self._root[:40] or "html")
        return ParseResult(FileKind.NO_ACTIVITY, reason=reason, have=text.size, proven=False)

    def _still_empty(self, text: _Text) -> ParseResult:
        return _broken(FileKind.UNFINISHED, files.END_EMPTY(), text.size - text.zeros, text.size)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        self._elements += 1
        self._names.add(name)
        if attributes:
            self._names.update(attributes)
        if self._elements > MAX_ELEMENTS or len(self._names) > MAX_NAMES or len(self._path) >= MAX_DEPTH:
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
        if self._text is not None and sum(map(len, self._text)) < MAX_TEXT:
            self._text.append(data[:MAX_TEXT])

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
    begin = _begin(data)
    return data[begin : begin + 20].lower().startswith((b"<!doctype html", b"<html"))
