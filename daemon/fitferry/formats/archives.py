"""What comes out of a gzip or a zip, a part at a time, within bounds whatever the archive says of itself."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from fitferry.core.messages import files
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import zip_reader
from fitferry.formats.decompress import CHUNK
from fitferry.formats.zip_reader import (
    BOUNDS,
    ArchiveError,
    Bounds,
    Bytes,
    Damaged,
    Entry,
    Refused,
    TooLarge,
    Unfinished,
)

MAX_ARCHIVE_BYTES = 4 << 30
MAX_UNPACKED_BYTES = 10 * MAX_FILE_BYTES
"""Of what is sent gzipped as it is, because its 25 MB are counted packed."""
MAX_GZIP_MEMBERS = 100
_TAIL_BYTES = 1 << 20
_PREFIX_BYTES = 1 << 16
_GZIP = b"\x1f\x8b\x08"
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
_TAR, _TAR_AT = b"ustar", 257


class Inflater(Protocol):
    """What `zlib.decompressobj` makes; its class has no public name."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """So many bytes at most of what comes out."""


class Part(NamedTuple):
    """What may be an activity in a file: its name in an archive, and its bytes or why they cannot be had."""

    name: str
    body: bytes
    problem: ArchiveError | None = None


def is_gzip(data: bytes) -> bool:
    return data[:3] == _GZIP


def is_zip(data: bytes) -> bool:
    """Whether these bytes begin as a zip does."""
    return data[:4] in {zip_reader.LOCAL, zip_reader.EMPTY}


def is_archive(data: bytes) -> bool:
    """Whether these bytes begin as an archive of any kind does."""
    return is_gzip(data) or is_zip(data) or bool(other_kind(data))


def other_kind(data: bytes) -> str:
    """The name of an archive that is not opened, by its first bytes; empty for all else."""
    if data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "tar"
    return next((kind for magic, kind in _OTHERS.items() if data.startswith(magic)), "")


def holds_zip(data: bytes) -> bool:
    """Whether a zip may follow on other bytes, or has lost its own first ones."""
    tail = data[-_PREFIX_BYTES:]
    return zip_reader.EMPTY in tail and (zip_reader.LOCAL in data[:_PREFIX_BYTES] or zip_reader.ENTRY in tail)


def is_nearly_gzip(data: bytes) -> bool:
    """Whether one of the three bytes with which a gzip begins is another one."""
    return sum(one == other for one, other in zip(data, _GZIP, strict=False)) == len(_GZIP) - 1


def gunzip(data: bytes, most: int = MAX_FILE_BYTES) -> bytes:
    """What a gzip holds, so many bytes at most. Raises as `gunzipped`."""
    return b"".join(gunzipped(data, most))


def gunzipped(data: bytes, most: int = MAX_FILE_BYTES) -> Iterator[bytes]:
    """What a gzip holds, all its members, piece by piece. Raises Unfinished, Damaged, Refused, TooLarge."""
    at, members, made = 0, 0, 0
    while is_gzip(data[at : at + len(_GZIP)]):
        members += 1
        if members > MAX_GZIP_MEMBERS:
            raise Refused(files.GZIP_TOO_MANY(limit=MAX_GZIP_MEMBERS))
        member, packed = zlib.decompressobj(wbits=31), b""
        while not member.eof:
            if not packed:
                packed = data[at : at + CHUNK]
                at += len(packed)
            piece = _inflated(member, packed, data)
            if not (piece or packed or member.eof):
                raise Unfinished(files.GZIP_CUT())
            packed = member.unconsumed_tail
            made += len(piece)
            if made > most:
                raise TooLarge(files.MORE_THAN_STRAVA_TAKES(), b"")
            if piece:
                yield piece
        at -= len(member.unused_data)


def _inflated(member: Inflater, packed: bytes, data: bytes) -> bytes:
    try:
        return member.decompress(packed, CHUNK)
    except zlib.error as error:
        if data[-16:] == bytes(16):
            raise Unfinished(files.END_EMPTY()) from error
        raise Damaged(files.GZIP_DAMAGED()) from error


def unzip(source: Bytes, only: str = "", bounds: Bounds = BOUNDS) -> Iterator[Part]:
    """Each part of a zip that may be an activity, one in memory at a time; of zips in it one level deep.

    `only`: the name of the one that is wanted. Raises Unfinished, Damaged, Refused for the zip as a whole; a part
    that cannot be read has a problem of its own.
    """
    yield from _Unzip(source, only, bounds).members_of(source, nested=False)


class _Unzip:
    """One archive, with what may come out of it altogether."""

    def __init__(self, source: Bytes, only: str, bounds: Bounds) -> None:
        if source.size > MAX_ARCHIVE_BYTES:
            raise Refused(files.ARCHIVE_TOO_LARGE(size=source.size, limit=MAX_ARCHIVE_BYTES))
        self._only, self._bounds = only, bounds
        self._most = self._budget = bounds.spare_bytes + bounds.ratio * source.size
        self._members = 0

    def members_of(self, source: Bytes, *, nested: bool) -> Iterator[Part]:
        entries, free = zip_reader.directory(source, self._bounds), 0
        self._members += len(entries)
        if self._members > self._bounds.members:
            raise Refused(files.ZIP_TOO_MANY(limit=self._bounds.members))
        for entry in entries:
            if self._only and entry.name != self._only and not entry.name.lower().endswith(".zip"):
                continue
            try:
                if entry.offset < free:
                    raise Damaged(files.MEMBER_DAMAGED())  # it lies inside another one
                free = zip_reader.data_start(source, entry) + entry.packed
                self._spend(0)
                yield from self._read(source, entry, nested=nested)
            except ArchiveError as problem:
                yield Part(entry.name, b"", problem)
                if self._budget < 0:
                    return

    def _read(self, source: Bytes, entry: Entry, *, nested: bool) -> Iterator[Part]:
        head = next(iter(zip_reader.unpacked(source, entry)), b"")
        if is_zip(head):
            if nested:
                raise Refused(files.ZIP_TOO_DEEP())
            yield from self.members_of(self._inner(source, entry), nested=True)
            return
        body = zip_reader.read(source, entry, MAX_FILE_BYTES)
        self._spend(len(body))
        if is_gzip(body):
            body = gunzip(body)
            self._spend(len(body))
            if is_archive(body):
                raise Refused(files.ARCHIVE_IN_GZIP())
        if not self._only or entry.name == self._only:
            yield Part(entry.name, body)

    def _inner(self, source: Bytes, entry: Entry) -> Bytes:
        if entry.size <= MAX_FILE_BYTES:
            body = zip_reader.read(source, entry, MAX_FILE_BYTES)
            self._spend(len(body))
            return BytesInMemory(body)
        return _UnpackedMember(source, entry, self._spend)

    def _spend(self, count: int) -> None:
        self._budget -= count
        if self._budget < 0:
            raise Refused(files.ARCHIVE_TOO_MUCH(limit=self._most))


class BytesInMemory:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, at: int, count: int) -> bytes:
        return self._data[at : at + count]


class BytesOfFile:
    """The bytes of an open file. Raises OSError."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.size = os.fstat(handle).st_size

    def read_at(self, at: int, count: int) -> bytes:
        return os.pread(self._handle, count, min(at, self.size))  # a zip may name a place that no file has


class _UnpackedMember:
    """A zip in a zip that is too large for memory: unpacked from its beginning for each step back.

    Its members are read in the order of their places, so that this happens twice or three times; its last bytes are
    kept, where its directory is. `spend` is told of every byte.
    """

    def __init__(self, source: Bytes, entry: Entry, spend: Callable[[int], None]) -> None:
        self.size = entry.size
        self._source, self._entry, self._spend = source, entry, spend
        self._pieces: Iterator[bytes] = iter(())
        self._piece, self._at = b"", entry.size + 1
        self._tail, self._tail_at = b"", entry.size + 1

    def read_at(self, at: int, count: int) -> bytes:
        """So many bytes from there on. Raises Damaged, Refused."""
        if at >= self._tail_at:
            return self._tail[at - self._tail_at : at - self._tail_at + count]
        if at < self._at:
            self._pieces, self._piece, self._at = zip_reader.unpacked(self._source, self._entry), b"", 0
        out = bytearray()
        while len(out) < count:
            begin = at + len(out) - self._at
            if begin < len(self._piece):
                out += self._piece[begin : begin + count - len(out)]
                continue
            if not self._advance():
                break
        return bytes(out)

    def _advance(self) -> bool:
        self._at += len(self._piece)
        self._piece = next(self._pieces, b"")
        self._spend(len(self._piece))
        if self._tail_at > self.size:
            self._tail = (self._tail + self._piece)[-_TAIL_BYTES - CHUNK :]
            if not self._piece:
                self._tail_at = self._at - len(self._tail)
        return bool(self._piece)
