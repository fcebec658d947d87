"""What a file is, by its content, and which bytes of it go to Strava: bytes in, values out.

`fit` reads FIT, `tcx` and `gpx` what `xml_reader` parses, `archives` unpacks gzip and zip. The name of a file says
nothing here. Nothing is raised but the OSError of a file that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.messages import Message, files
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.formats import archives, fit, xml_reader
from fitferry.formats.archives import MAX_ARCHIVE_BYTES, BytesInMemory, BytesOfFile, Part
from fitferry.formats.gpx import Gpx
from fitferry.formats.tcx import Tcx
from fitferry.formats.xml_reader import Document
from fitferry.formats.zip_reader import ArchiveError, Bytes, Damaged, Refused, TooLarge, Unfinished

_MAGIC_BYTES = 4
_DOCUMENTS: dict[str, Callable[[], Document]] = {"TrainingCenterDatabase": Tcx, "gpx": Gpx}
_ORDER = (
    FileKind.ACTIVITY,
    FileKind.DAMAGED,
    FileKind.UNFINISHED,
    FileKind.TOO_LARGE,
    FileKind.UNREADABLE_TIMES,
    FileKind.ARCHIVE_REFUSED,
    FileKind.NO_ACTIVITY,
)
"""Of an archive's members, the one that tells most."""
_OF_NO_KNOWN_KIND = {files.NOT_AN_ACTIVITY_FILE.code, files.XML_OF_ANOTHER_KIND.code}
_KINDS = {Unfinished: FileKind.UNFINISHED, Damaged: FileKind.DAMAGED, TooLarge: FileKind.TOO_LARGE}


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One activity in a file. `name`: its own in an archive of several, else empty.

    `sha256`: the identity, which is that of the file itself unless the file holds several activities.
    """

    sha256: str
    result: ParseResult
    name: str = ""


@dataclass(frozen=True, slots=True)
class FileContents:
    """What a file holds: the result of all of it, and its activities, also those that are broken beside a whole one."""

    result: ParseResult
    members: tuple[ArchiveMember, ...] = ()


def examine(source: bytes | int, digest: str, between: Callable[[], None] = lambda: None) -> FileContents:
    """What these bytes are, or those of an archive that is open (its descriptor). `digest`: their SHA-256.

    `between`: is called before each member of an archive; thousands of them take minutes on a small machine.
    """
    there = _readable(source)
    head = there.read_at(0, _MAGIC_BYTES)
    if not archives.is_zip(head):
        data = there.read_at(0, MAX_FILE_BYTES + 1)
        result = _inspect_gzip(data) if archives.is_gzip(head) else _inspect(data)
        return FileContents(result, (ArchiveMember(digest, result),) if _is_ride(result) else ())
    try:
        # Their bodies are not kept: one member at a time is in memory.
        members = [_member(part, digest) for part in _each(archives.unzip(there), between)]
    except ArchiveError as problem:
        return FileContents(_failed(problem))
    rides = [member for member in members if member.result.kind is not FileKind.NO_ACTIVITY]
    if not rides:
        return FileContents(_of_others(members))
    # The archive's own checksums have proved that what is in it is whole.
    best = min(rides, key=lambda member: _ORDER.index(member.result.kind))
    result = replace(best.result, proven=True)
    if len(rides) > 1:
        return FileContents(result, tuple(rides))
    if best.name and result.reason is not None:
        result = replace(result, reason=files.IN_ARCHIVE(reason=result.reason, name=best.name))
    return FileContents(result, (ArchiveMember(digest, result),) if _is_ride(result) else ())


def examine_head(head: bytes, size: int = 0) -> ParseResult:
    """What a file is that is larger than Strava takes, by its first bytes; a zip only where it has no end.

    `size`: of the whole file.
    """
    if archives.is_zip(head):
        if size > MAX_ARCHIVE_BYTES:
            refused = files.ARCHIVE_TOO_LARGE(size=size, limit=MAX_ARCHIVE_BYTES)
            return ParseResult(FileKind.ARCHIVE_REFUSED, reason=refused)
        return ParseResult(FileKind.UNFINISHED, reason=files.ZIP_CUT())
    reason = files.LARGER_THAN_STRAVA_TAKES()
    if archives.is_gzip(head):
        return ParseResult(FileKind.TOO_LARGE, reason=reason, proven=True)
    result = _inspect(head)
    if result.kind in {FileKind.NO_ACTIVITY, FileKind.ARCHIVE_REFUSED}:
        return result
    return ParseResult(FileKind.TOO_LARGE, result.data_type, reason=reason, proven=True)


def is_known(data: bytes) -> bool:
    """Whether these bytes begin as an activity file, or as what may hold one."""
    return (
        archives.is_archive(data)
        or bool(archives.other_kind(data))
        or xml_reader.is_document(data)
        or fit.is_fit(data)
    )


def body_of(source: bytes | int, digest: str, wanted: str, member: str = "") -> bytes | None:
    """The bytes that go to Strava for one activity in a file: unpacked, and None where it is not in it.

    `digest`: the file's SHA-256. `wanted`: the activity's, which differs in an archive of several. `member`: its name
    there, by which it is found without reading all the others.
    """
    there, is_whole_file = _readable(source), wanted == digest
    head = there.read_at(0, _MAGIC_BYTES)
    try:
        if not archives.is_zip(head):
            data = there.read_at(0, MAX_FILE_BYTES + 1) if is_whole_file else None
            return _gzip_body(data) if data is not None and archives.is_gzip(head) else data
        if is_whole_file:
            return _only_ride(archives.unzip(there))
        named = _wanted(archives.unzip(there, member), wanted) if member else None
        return _wanted(archives.unzip(there), wanted) if named is None else named
    except ArchiveError:
        return None


def _wanted(parts: Iterator[Part], wanted: str) -> bytes | None:
    return next((part.body for part in parts if sha256(part.body).hexdigest() == wanted), None)


def _only_ride(parts: Iterator[Part]) -> bytes | None:
    """The first activity; where there is but one part also that if it is broken: somebody may insist on it."""
    first: bytes | None = None
    count = 0
    for part in parts:
        count += 1
        if part.problem is None:
            if _is_ride(_inspect(part.body)):
                return part.body
            first = part.body if count == 1 else None
    return first if count == 1 else None


def _readable(source: bytes | int) -> Bytes:
    return BytesInMemory(source) if isinstance(source, bytes) else BytesOfFile(source)


def _each(parts: Iterator[Part], between: Callable[[], None]) -> Iterator[Part]:
    for part in parts:
        between()
        yield part


class _Gunzip:
    """What comes out of a gzip, from its beginning each time. `made`: bytes that came out last time."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pieces: Iterator[bytes] = iter(())
        self.made = 0

    def __call__(self) -> Iterator[bytes]:
        self.made, self._pieces = 0, archives.gunzipped(self._data, archives.MAX_UNPACKED_BYTES)
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self.made += len(piece)
        return piece


def _inspect_gzip(data: bytes) -> ParseResult:
    """What is in a gzip, whose own checksum proves that it is whole; nothing of it is kept in memory."""
    unpacked = _Gunzip(data)
    try:
        head = next((piece for piece in unpacked() if not piece.isspace()), b"")
        if archives.is_archive(head):
            raise Refused(files.ARCHIVE_IN_GZIP())
        if xml_reader.is_document(head):
            result = xml_reader.inspect(unpacked, _DOCUMENTS)
        else:
            result = fit.inspect(unpacked())
        for _ in unpacked:
            pass  # to its end, where the checksum is
    except ArchiveError as problem:
        return _failed(problem)
    if unpacked.made > MAX_FILE_BYTES and _is_ride(result):
        # Strava takes 25 MB as they are sent.
        return replace(result, data_type=f"{result.data_type}.gz", proven=True)
    return replace(result, proven=True)


def _gzip_body(data: bytes) -> bytes:
    """What is sent of a gzip: what is in it, or the gzip itself where that is too large. Raises ArchiveError."""
    try:
        return archives.gunzip(data)
    except TooLarge:
        return data


def _member(part: Part, digest: str) -> ArchiveMember:
    """A part with its kind; of one that cannot be read the archive and its name are the identity."""
    if part.problem is not None:
        result = _failed(part.problem)
        return ArchiveMember(sha256(f"{digest}/{part.name}".encode()).hexdigest(), result, part.name)
    return ArchiveMember(sha256(part.body).hexdigest(), _inspect(part.body), part.name)


def _failed(problem: ArchiveError) -> ParseResult:
    """The result of what cannot be unpacked."""
    if isinstance(problem, TooLarge) and problem.head:
        of_head = examine_head(problem.head)
        return of_head if of_head.kind is FileKind.NO_ACTIVITY else replace(of_head, reason=problem.message)
    return ParseResult(_KINDS.get(type(problem), FileKind.ARCHIVE_REFUSED), reason=problem.message)


def _inspect(data: bytes) -> ParseResult:
    if kind := archives.other_kind(data):
        return _failed(Refused(files.ARCHIVE_OF_ANOTHER_KIND(kind=kind)))
    if xml_reader.is_document(data):
        result = xml_reader.inspect(lambda: [data], _DOCUMENTS)
    else:
        result = fit.inspect([data])
    if (
        result.reason is not None
        and result.reason.code in _OF_NO_KNOWN_KIND
        and (lost := _of_lost_beginning(data))
    ):
        return ParseResult(FileKind.DAMAGED, reason=lost)
    return result


def _of_lost_beginning(data: bytes) -> Message | None:
    """What to say of an activity before which other bytes stand, or whose own first ones are lost; None for others."""
    if archives.holds_zip(data):
        return files.ZIP_DAMAGED()
    if archives.is_nearly_gzip(data):
        return files.GZIP_DAMAGED()
    if fit.holds_header(data) or xml_reader.holds_document(data, _DOCUMENTS):
        return files.BEGINNING_LOST()
    return None


def _is_ride(result: ParseResult) -> bool:
    return result.kind is FileKind.ACTIVITY


def _of_others(members: list[ArchiveMember]) -> ParseResult:
    """The result of an archive without anything that may be an activity."""
    if not members:
        return ParseResult(FileKind.NO_ACTIVITY, reason=files.ARCHIVE_EMPTY(), proven=True)
    first = members[0]
    if not first.name or first.result.reason is None:
        return replace(first.result, proven=True)
    if len(members) == 1:
        reason = files.ARCHIVE_HOLDS(reason=first.result.reason, name=first.name)
    else:
        reason = files.ARCHIVE_HOLDS_MORE(reason=first.result.reason, name=first.name, more=len(members) - 1)
    return replace(first.result, reason=reason, proven=True)
