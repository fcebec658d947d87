"""The text of a document: where it begins, in which encoding it is, and its pieces in UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

MAX_PROLOG = 1 << 16
"""Bytes before the first element; real ones have some hundred."""
CHUNK = 1 << 16
PROLOG_CHUNK = 1 << 10
"""What is parsed at once while a DOCTYPE may come: a refusal takes effect at the end of a chunk only."""
_UTF8_MARK = b"\xef\xbb\xbf"
_BY_BYTES = re.compile(
    rb"(?P<utf_32>\xff\xfe\0\0|\0\0\xfe\xff)|(?P<utf_16>\xff\xfe|\xfe\xff)"
    rb"|(?P<utf_32_le>(?:[^\0]\0\0\0){2})|(?P<utf_32_be>(?:\0\0\0[^\0]){2})"
    rb"|(?P<utf_16_le>[^\0]\0)|(?P<utf_16_be>\0[^\0])"
)
"""Encodings that the first bytes show: by a mark, or by the zeros of ASCII."""
_WIDEST = 4
"""Bytes of a character in UTF-32."""
_BLANKS = re.compile(
    rb"(?:\0\0\xfe\xff|\xff\xfe(?:\0\0)?|\xfe\xff)*+"
    rb"(?:[\s\0]|\xef\xbb\xbf|\xc2[\x85\xa0]|\xe2\x80[\x80-\x8f\xa8\xa9\xaf]|\xe2\x81[\x9f\xa0]|\xe3\x80\x80)*+"
)
"""Marks, which some writers put there twice, and white space in UTF-8, that of other scripts too."""
_BLANK_TEXT = re.compile(r"[\s\0\ufeff\u200b-\u200f\u2060]*+")
_DECLARATION = re.compile(rb"<\?xml\s[^<>]{0,300}?\?>")
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_CODEC_NAMES = re.compile(
    r"iso(8859|2022).*|cp\d+|koi8.*|mac.*|euc_.*|gb.*|big5.*|shift_jis.*|johab|tis-620|hz"
)
_WIDER = {"euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}
"""Codecs that read more than the declared one, as those who write it do."""
_TRAILING = b"\0\x1a\r\n \t"
_NOT_XML = dict.fromkeys([*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""Characters that no XML may hold; a NUL is left where it is, because it shows that something is missing."""


def begin_of(data: bytes) -> int:
    """Where a document begins behind white space and marks."""
    blanks = _BLANKS.match(data)
    return blanks.end() if blanks else 0


def _content_of(data: bytes) -> int:
    """Where a document begins behind its declaration, too: what that says is known, and some are written wrongly."""
    at = begin_of(data)
    declaration = _DECLARATION.match(data, at)
    return declaration.end() if declaration else at


class DocumentText:
    """A document's bytes on their way. `size`: those that came; `zeros`: of them at the end. `head`: the first ones."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.head = next(self._chunks, b"")
        self.size = self.zeros = 0
        while len(self.head) < PROLOG_CHUNK or self.head.isspace():
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            if self.head.isspace():
                self.size += len(self.head)
                self.head = chunk
            else:
                self.head += chunk
        self.codec = ""
        self._left: Iterator[bytes] = self._pieces(0)

    def utf8(self, *, lenient: bool = False) -> Iterator[bytes]:
        """The document in UTF-8, without what some writers put around it."""
        self.codec = _codec(self.head)
        if self.codec != "utf-8" or lenient:
            yield from _decoded(self._left, self.codec)
            return
        held, self._left = b"", self._pieces(_content_of(self.head))
        for piece in self._left:
            kept = piece.rstrip(_TRAILING)
            if kept:
                yield held + kept
                held = piece[len(kept) :]
            else:
                held = (held + piece)[:MAX_PROLOG]

    @property
    def is_still_empty(self) -> bool:
        """Whether it ends in more zeros than its encoding or a text editor leaves there."""
        return self.zeros > (_WIDEST - 1 if self.codec.startswith("utf-32") else 1)

    def rest(self) -> None:
        """Take what is left, to know how it ends."""
        for _ in self._left:
            pass

    def _pieces(self, begin: int) -> Iterator[bytes]:
        """Small ones first: a refusal takes effect at the end of a piece only."""
        chunk, at = self.head, begin
        self.size += begin
        while True:
            if at >= len(chunk):
                chunk, at = next(self._chunks, b""), 0
                if not chunk:
                    return
            piece = chunk[at : at + (CHUNK if self.size > MAX_PROLOG else PROLOG_CHUNK)]
            at += len(piece)
            self.size += len(piece)
            filled = len(piece.rstrip(b"\0"))
            self.zeros = len(piece) - filled + (0 if filled else self.zeros)
            yield piece


def _codec(data: bytes) -> str:
    """The encoding, by the bytes first and by the declaration second; UTF-8 where that says none that is known.

    Of a name in whatever encoding some characters are lost then; times and numbers are the same in all of them.
    """
    if shown := _BY_BYTES.match(data):
        return str(shown.lastgroup).replace("_", "-")
    begin = begin_of(data)
    declared = _DECLARED.match(data, begin)
    if declared is None or _UTF8_MARK in data[:begin]:
        return "utf-8"
    try:
        codec = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return "utf-8"
    codec = _WIDER.get(codec, codec)
    return codec if _CODEC_NAMES.fullmatch(codec) else "utf-8"


def _decoded(pieces: Iterator[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)("replace")
    begun = False
    for piece in pieces:
        text = decoder.decode(piece).translate(_NOT_XML)
        body = (text if begun else _BLANK_TEXT.sub("", text, 1)).encode("utf-8", "replace")
        yield body if begun else body[_content_of(body) :]
        begun = begun or bool(body)
