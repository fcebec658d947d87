"""What is this file, by its content, and which bytes of it go to Strava? Bytes in, values out; nothing is raised.

`fit` reads FIT, `documents` TCX and GPX, `archives` gzip and zip. The name of a file says nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from fitferry.core.activity import FileKind, ParseResult
from fitferry.formats import archives, fit, xml_reader
from fitferry.formats.archives import Damaged, TooMuch, Unfinished

_ORDER = (FileKind.DAMAGED, FileKind.UNFINISHED, FileKind.NO_ACTIVITY)
"""Of an archive without an activity, the one that tells most."""


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
    """What a file holds: the verdict on all of it, and its activities, also those that are broken beside a whole one."""

    result: ParseResult
    members: tuple[ArchiveMember, ...] = ()


def examine(data: bytes, digest: str) -> FileContents:
    """What these bytes are. `digest`: their SHA-256."""
    try:
        # Their bodies are not kept: 25 MB of each file are enough.
        parts = [(name, sha256(body).hexdigest(), _inspect(body)) for name, body in _parts(data)]
    except Unfinished as problem:
        return FileContents(ParseResult(FileKind.UNFINISHED, reason=str(problem), have=len(data)))
    except Damaged as problem:
        return FileContents(ParseResult(FileKind.DAMAGED, reason=str(problem), have=len(data)))
    except TooMuch as problem:
        return FileContents(ParseResult(FileKind.NO_ACTIVITY, reason=str(problem), have=len(data)))
    activities = [part for part in parts if part[2].kind is FileKind.ACTIVITY]
    if not archives.is_archive(data):
        found = parts[0][2]
        return FileContents(found, (ArchiveMember(digest, found),) if activities else ())
    # The archive's own checksums have proved that what is in it is whole.
    found = replace(activities[0][2] if activities else _best(parts), proven=True)
    several = [part for part in parts if activities and _is_or_was_one(part[2])]
    if len(several) > 1:
        return FileContents(found, tuple(ArchiveMember(own, one, _last(name)) for name, own, one in several))
    return FileContents(found, (ArchiveMember(digest, found),) if activities else ())


def is_known(data: bytes) -> bool:
    """Whether these bytes begin as an activity file, or as what may hold one."""
    return archives.is_archive(data) or xml_reader.is_document(data) or fit.is_fit(data)


def body_of(data: bytes, digest: str, wanted: str) -> bytes | None:
    """The bytes that go to Strava for one activity in a file: unpacked, and None where it is not in it.

    `digest`: the file's SHA-256. `wanted`: the activity's, which differs in an archive of several.
    """
    if not archives.is_archive(data):
        return data if wanted == digest else None
    try:
        parts = list(_parts(data))
    except (Unfinished, Damaged, TooMuch):
        return None
    if wanted != digest:
        return next((body for _, body in parts if sha256(body).hexdigest() == wanted), None)
    if len(parts) == 1:
        return parts[0][1]  # also one that is not whole: somebody may insist on it
    return next((body for _, body in parts if _inspect(body).kind is FileKind.ACTIVITY), None)


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What may be an activity in a file: the file itself, or what an archive holds, unpacked."""
    if archives.is_gzip(data):
        yield "", archives.gunzip(data)
    elif archives.is_zip(data):
        yield from archives.unzip(data)
    else:
        yield "", data


def _inspect(data: bytes) -> ParseResult:
    if xml_reader.is_document(data):
        return xml_reader.inspect(data)
    return fit.inspect(data)


def _is_or_was_one(found: ParseResult) -> bool:
    """Whether this is an activity, or is broken and may have been one; what else is broken is missed by nobody."""
    broken = found.kind in {FileKind.UNFINISHED, FileKind.DAMAGED}
    return found.kind is FileKind.ACTIVITY or (broken and found.facts.kind in {None, "activity"})


def _best(parts: list[tuple[str, str, ParseResult]]) -> ParseResult:
    """The verdict on a file without an activity."""
    if not parts:
        return ParseResult(FileKind.NO_ACTIVITY, reason="an archive with no activity file in it")
    name, _, found = min(parts, key=lambda part: _ORDER.index(part[2].kind))
    if not name:
        return found
    reason, shown, more = found.reason, _last(name), len(parts) - 1
    words = f"an archive that holds {reason} ({shown})"
    return replace(
        found, reason=f"an archive that holds {reason} ({shown}) and {more} more" if more else words
    )


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1][-200:]
