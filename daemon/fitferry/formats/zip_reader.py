"""Reading of zip archives from one descriptor, a member at a time, within bounds whatever the archive says of itself.

Of `zipfile` nothing is used: it keeps every entry of a directory in memory, takes half an archive that holds
another one for whole, and is stopped by one name or method that it does not know.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from fitferry.core import filenames
from fitferry.core.messages import Message, files
from fitferry.core.printable import printable
from fitferry.formats import decompress
from fitferry.formats.decompress import CHUNK

MAX_NAME = 200
"""Characters of a member's name that are kept."""
LOCAL, EMPTY = b"PK\x03\x04", b"PK\x05\x06"
ENTRY, _END64, _LOCATOR = b"PK\x01\x02", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _END64_BYTES, _LOCATOR_BYTES, _ENTRY_BYTES, _LOCAL_BYTES = 22, 56, 20, 46, 30
_COMMENT_MOST = 65_535
_ENCRYPTED = 0x1
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_SHORT, _LONG = 0xFFFF, 0xFFFF_FFFF
"""Values that say: the true one stands in the zip64 part."""


class Bounds(NamedTuple):
    """What is read of one archive at most.

    `members`: wanted files, those of archives in it included. `directory_bytes`: of its directory. `spare_bytes` and
    `ratio` times its own size may come out of it altogether: what an attacker wrote bounds what it costs.
    """

    members: int = 20_000
    directory_bytes: int = 64_000_000
    spare_bytes: int = 256_000_000
    ratio: int = 20


BOUNDS = Bounds()


class ArchiveError(Exception):
    """An archive, or a member of one, that cannot be read; `message` says why. It never leaves `formats`."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


class Unfinished(ArchiveError):
    """It breaks off: more may come."""


class Damaged(ArchiveError):
    """It ends, but its checksum or its structure is wrong."""


class Refused(ArchiveError):
    """It may be whole, but is not unpacked: a password, an unusual method, its bounds."""


class TooLarge(ArchiveError):
    """More comes out than Strava takes. `head`: its first bytes."""

    def __init__(self, message: Message, head: bytes) -> None:
        super().__init__(message)
        self.head = head


class Bytes(Protocol):
    """Bytes that can be read anywhere: those of a file, or of a member of an archive."""

    size: int

    def read_at(self, at: int, count: int) -> bytes:
        """So many bytes from there on, fewer where they end."""


class Entry(NamedTuple):
    """A wanted member: the last part of its name, and where and how it is kept."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def directory(source: Bytes, bounds: Bounds = BOUNDS) -> list[Entry]:
    """The wanted members, in the order of their places. Raises Unfinished, Damaged, Refused."""
    start, size = _find_directory(source)
    if not size and source.size > _END_BYTES and source.read_at(0, 4) == LOCAL:
        raise Damaged(files.ZIP_DAMAGED())
    if size > bounds.directory_bytes:
        raise Refused(files.ZIP_TOO_MANY(limit=bounds.members))
    entries = [entry for entry in _entries(source, start, size, bounds.members) if entry is not None]
    return sorted(entries, key=lambda entry: entry.offset)


def _find_directory(source: Bytes) -> tuple[int, int]:
    """Where the directory begins, and its size, which have to lead exactly to the record that ends the archive.

    In half an archive that holds another one, the inner one's record leads somewhere else.
    """
    begin = max(0, source.size - _END_BYTES - _COMMENT_MOST)
    tail = source.read_at(begin, source.size - begin)
    at = tail.rfind(EMPTY, 0, max(0, len(tail) - _END_BYTES + len(EMPTY)))
    while at >= 0:
        size, start, comment = struct.unpack_from("<IIH", tail, at + 12)
        if at + _END_BYTES + comment <= len(tail):
            end = begin + at
            wide = _zip64(source, end)
            if wide is not None:
                return wide
            if start + size == end:
                return start, size
        at = tail.rfind(EMPTY, 0, at)
    if tail.endswith(bytes(16)):
        raise Unfinished(files.END_EMPTY())
    raise Unfinished(files.ZIP_CUT())


def _zip64(source: Bytes, end: int) -> tuple[int, int] | None:
    """The same by the zip64 record before an end record; None where there is none that leads there."""
    locator = source.read_at(end - _LOCATOR_BYTES, _LOCATOR_BYTES) if end >= _LOCATOR_BYTES else b""
    if locator[:4] != _LOCATOR:
        return None
    (at,) = struct.unpack_from("<Q", locator, 8)
    record = source.read_at(at, _END64_BYTES) if at < end else b""
    if len(record) < _END64_BYTES or record[:4] != _END64:
        return None
    length, size, start = (*struct.unpack_from("<Q", record, 4), *struct.unpack_from("<QQ", record, 40))
    leads = at + 12 + length == end - _LOCATOR_BYTES and start + size == at
    return (start, size) if leads else None


def _entries(source: Bytes, start: int, size: int, most: int) -> Iterator[Entry | None]:
    """Each entry of a directory, None for those that are not wanted, of which it has so many at most.

    Raises Damaged, Refused.
    """
    buffer, read, wanted = b"", 0, 0
    while read < size or buffer:
        need = _ENTRY_BYTES
        if len(buffer) >= _ENTRY_BYTES:
            need += _sum_of_lengths("<HHH", buffer, 28)
        if len(buffer) < need:
            more = source.read_at(start + read, min(CHUNK, size - read))
            if not more:
                raise Damaged(files.ZIP_DAMAGED())
            buffer, read = buffer + more, read + len(more)
            continue
        if buffer[:4] != ENTRY:
            raise Damaged(files.ZIP_DAMAGED())
        entry = _entry(buffer[:need])
        wanted += entry is not None
        if wanted > most:
            raise Refused(files.ZIP_TOO_MANY(limit=most))
        yield entry
        buffer = buffer[need:]


def _entry(raw: bytes) -> Entry | None:
    flags, method = struct.unpack_from("<HH", raw, 8)
    crc, packed, size, name_length, extra_length = struct.unpack_from("<IIIHH", raw, 16)
    (offset,) = struct.unpack_from("<I", raw, 42)
    after = _ENTRY_BYTES + name_length
    name = wanted_name(raw[_ENTRY_BYTES:after])
    if name is None:
        return None
    wide = _wide(raw[after : after + extra_length])
    values = [wide.pop(0) if value == _LONG and wide else value for value in (size, packed, offset)]
    return Entry(name, flags, method, crc, values[1], values[0], values[2])


def _wide(extra: bytes) -> list[int]:
    """The 64-bit values of an entry, in the order in which they stand for those that are too long."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            count = min(length, len(extra) - at - 4) // 8
            return list(struct.unpack_from(f"<{count}Q", extra, at + 4))
        at += 4 + length
    return []


def wanted_name(raw: bytes) -> str | None:
    """The last part of a member's name where it may be an activity or an archive, None otherwise."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        no_text = any(byte in b"\xfe\xff" for byte in raw)
        name = raw.decode("utf-8", "replace") if no_text else raw.decode("cp437")
    if name.endswith(("/", "\\")):
        return None
    *above, last = [part for part in name.replace("\\", "/").split("/") if part not in {"", ".", ".."}] or [
        ""
    ]
    if not filenames.is_wanted_name(last) or any(map(filenames.is_junk_folder, above)):
        return None
    return printable(last[-MAX_NAME:])


def data_start(source: Bytes, entry: Entry) -> int:
    """Where a member's packed bytes begin. Raises Damaged."""
    head = source.read_at(entry.offset, _LOCAL_BYTES)
    if len(head) < _LOCAL_BYTES or head[:4] != LOCAL:
        raise Damaged(files.MEMBER_DAMAGED())
    start = entry.offset + _LOCAL_BYTES + _sum_of_lengths("<HH", head, 26)
    if start + entry.packed > source.size:
        raise Damaged(files.MEMBER_DAMAGED())
    return start


def _sum_of_lengths(form: str, raw: bytes, at: int) -> int:
    return sum(int(length) for length in struct.unpack_from(form, raw, at))


def unpacked(source: Bytes, entry: Entry) -> Iterator[bytes]:
    """A member's bytes, piece by piece. Raises Damaged, Refused."""
    if entry.flags & _ENCRYPTED:
        raise Refused(files.MEMBER_PASSWORD())
    start = data_start(source, entry)
    packed = _packed(source, start, entry.packed)
    try:
        if entry.method == _STORED:
            yield from packed
        elif entry.method == _DEFLATED:
            yield from decompress.inflate(packed)
        elif entry.method == _BZIP2:
            yield from decompress.bunzip(packed)
        elif entry.method == _LZMA:
            yield from decompress.unlzma(packed, entry.size)
        else:
            raise Refused(files.MEMBER_METHOD(number=str(entry.method)))
    except (zlib.error, OSError, EOFError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the archive itself cannot be read
        raise Damaged(files.MEMBER_DAMAGED()) from error


def read(source: Bytes, entry: Entry, most: int) -> bytes:
    """A whole member. Raises Damaged, Refused, TooLarge."""
    out, crc = bytearray(), 0
    for piece in unpacked(source, entry):
        out += piece
        crc = zlib.crc32(piece, crc)
        if len(out) > most:
            raise TooLarge(files.MORE_THAN_STRAVA_TAKES(), bytes(out[:CHUNK]))
    if crc != entry.crc:
        raise Damaged(files.MEMBER_DAMAGED())
    return bytes(out)


def _packed(source: Bytes, start: int, size: int) -> Iterator[bytes]:
    for at in range(start, start + size, CHUNK):
        piece = source.read_at(at, min(CHUNK, start + size - at))
        if not piece:
            raise EOFError
        yield piece
