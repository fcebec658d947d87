"""The compressions of zip archives, piece by piece, so that no piece is larger than CHUNK whatever comes in."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

CHUNK = 1 << 18
MAX_LZMA_DICTIONARY = 1 << 26


def inflate(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack deflate. Raises EOFError, zlib.error."""
    member = zlib.decompressobj(-zlib.MAX_WBITS)
    for data in packed:
        left = data
        while left and not member.eof:
            yield member.decompress(left, CHUNK)
            left = member.unconsumed_tail
    while not member.eof:
        piece = member.decompress(b"", CHUNK)
        if not piece:
            raise EOFError
        yield piece


def bunzip(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack bzip2. Raises EOFError, OSError."""
    import bz2  # noqa: PLC0415  # few archives need it

    member = bz2.BZ2Decompressor()
    for data in packed:
        yield member.decompress(data, CHUNK)
        while not member.eof and not member.needs_input:
            yield member.decompress(b"", CHUNK)
    if not member.eof:
        raise EOFError


def unlzma(packed: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Unpack LZMA as zips hold it, `size` bytes at most. Raises EOFError, ValueError."""
    import lzma  # noqa: PLC0415  # few archives need it

    first = next(packed, b"")
    if len(first) < 9 or first[2:4] != b"\x05\x00":  # noqa: PLR2004  # version, and five bytes of properties
        raise EOFError
    rest, literal = divmod(first[4], 9)
    pb, lp = divmod(rest, 5)
    (dictionary,) = struct.unpack_from("<I", first, 5)
    if dictionary > MAX_LZMA_DICTIONARY:
        raise ValueError(dictionary)
    chosen = {"id": lzma.FILTER_LZMA1, "lc": literal, "lp": lp, "pb": pb, "dict_size": dictionary}
    try:
        member = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
        made, data = 0, first[9:]
        while not member.eof and made < size:
            piece = member.decompress(data, min(CHUNK, size - made))
            made += len(piece)
            yield piece
            data = next(packed, b"") if member.needs_input else b""
            if not piece and not data:
                raise EOFError
    except lzma.LZMAError as error:
        raise EOFError from error
