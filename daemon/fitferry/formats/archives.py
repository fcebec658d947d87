"""What comes out of a gzip or a zip? Capped by what comes out and by the number of members, whatever they claim."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator

from fitferry.core import filenames
from fitferry.core.strava import MAX_FILE_BYTES

MAX_MEMBERS = 1_000
"""Files in one zip; a year of rides has fewer."""
MAX_GZIP_MEMBERS = 100
_GZIP, _ZIP, _EMPTY_ZIP = b"\x1f\x8b\x08", b"PK\x03\x04", b"PK\x05\x06"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_READABLE = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Unpacked a little at a time; for others the library keeps no cap."""
_END_BYTES, _END_BYTES_MOST = 22, 22 + 65_535
"""Bytes of a zip's end, without and with its comment."""
_ENCRYPTED = 0x1
_CHUNK = 1 << 22
_TOO_LARGE = "more than the 25 MB that Strava takes come out of it"


class Unfinished(Exception):  # it never leaves `formats`
    """The archive breaks off: more may come."""


class Damaged(Exception):  # the same
    """The archive ends, but its checksum or its structure is wrong."""


class TooMuch(Exception):  # the same
    """The archive is whole, but not to be unpacked."""


def is_gzip(data: bytes) -> bool:
    """Whether these bytes begin as gzip does."""
    return data[:3] == _GZIP


def is_zip(data: bytes) -> bool:
    """Whether these bytes begin as a zip does."""
    return data[:4] in {_ZIP, _EMPTY_ZIP}


def is_archive(data: bytes) -> bool:
    """Either of the two."""
    return is_gzip(data) or is_zip(data)


def gunzip(data: bytes, most: int = MAX_FILE_BYTES) -> bytes:
    """What a gzip holds, all its members, so many bytes at most. Raises Unfinished, Damaged, TooMuch."""
    out, left, members = bytearray(), data, 0
    while is_gzip(left):
        members += 1
        if members > MAX_GZIP_MEMBERS:
            raise TooMuch(f"a gzip archive of more than {MAX_GZIP_MEMBERS} parts")
        try:
            left = _next_member(left, out, most)
        except zlib.error as error:
            if _ends_in_zeros(data):
                raise Unfinished("its end is still empty") from error
            raise Damaged("the gzip archive is damaged") from error
    return bytes(out)


def _next_member(data: bytes, out: bytearray, most: int) -> bytes:
    """Unpack one member; what follows it."""
    member = zlib.decompressobj(wbits=31)
    while not member.eof:
        piece = member.decompress(data, _CHUNK)
        data = member.unconsumed_tail
        out += piece
        if len(out) > most:
            raise TooMuch(_TOO_LARGE)
        if not piece and not member.eof:
            raise Unfinished("the gzip archive breaks off")
    return member.unused_data


def unzip(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each member that may be an activity, one at a time. Raises Unfinished, Damaged, TooMuch.

    The members share one allowance of what comes out of the zip, and one of what comes out of gzips in it.
    """
    if data.count(_DIRECTORY_ENTRY) > MAX_MEMBERS:
        raise TooMuch(f"a zip archive of more than {MAX_MEMBERS:,} files")
    with _judged(data):
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = _members(archive, data)
    packed = left = MAX_FILE_BYTES
    for member in members:
        if member.is_dir() or not _is_wanted(member.filename):
            continue
        with _judged(data):
            body = _read(archive, member, packed)
        packed -= len(body)
        if is_gzip(body):
            body = gunzip(body, left)
        left -= len(body)
        yield member.filename, body


@contextlib.contextmanager
def _judged(data: bytes) -> Iterator[None]:
    """What zipfile raises for a file that is not whole is of a dozen kinds: say which of ours it is."""
    try:
        yield
    except (Damaged, TooMuch):
        raise
    except UnicodeDecodeError as error:
        raise TooMuch("a zip archive with names that cannot be read") from error
    except Exception as error:
        if _ends_in_zeros(data):
            raise Unfinished("its end is still empty") from error
        if 0 <= data.rfind(_EMPTY_ZIP, -_END_BYTES_MOST) <= len(data) - _END_BYTES:
            raise Damaged("the zip archive is damaged") from error
        raise Unfinished("the zip archive breaks off") from error


def _members(archive: zipfile.ZipFile, data: bytes) -> list[zipfile.ZipInfo]:
    found = archive.infolist()
    if data.startswith(_ZIP) and not found:
        raise zipfile.BadZipFile("files, but an empty directory")
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    if member.flag_bits & _ENCRYPTED:
        raise TooMuch("a zip archive that is protected by a password")
    if member.compress_type not in _READABLE:
        raise TooMuch("a zip archive that is compressed in an unusual way")
    with archive.open(member) as file:
        body = file.read(most + 1)
    if len(body) > most:
        raise TooMuch(_TOO_LARGE)
    return body


def _is_wanted(name: str) -> bool:
    *above, last = name.split("/")
    return filenames.is_wanted_name(last) and not any(map(filenames.is_junk_folder, above))


def _ends_in_zeros(data: bytes) -> bool:
    return data[-16:] == bytes(16)
