"""Which names in a folder are wanted, and what is there? Contains no business logic."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

SUFFIXES = (".fit", ".tcx", ".gpx", ".fit.gz", ".tcx.gz", ".gpx.gz", ".zip")
_JUNK_FOLDERS = frozenset(
    name.lower()
    for name in (
        "@eaDir",
        "#recycle",
        "#snapshot",
        "@Recycle",
        "@Recently-Snapshot",
        "@tmp",
        "@sharebin",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "__MACOSX",
    )
)


def is_inside(path: str, folder: str, *, recursive: bool, without: frozenset[str] = frozenset()) -> bool:
    """Whether a path below a watched folder is in a place that is looked at, whatever its own name.

    `without`: folders that belong to somebody else, such as a watched folder inside this one.
    """
    parts = os.path.relpath(path, folder).split("/")
    if parts[0] == ".." or (len(parts) > 1 and not recursive):
        return False
    inside = any(path == other or path.startswith(f"{other}/") for other in without)
    return not inside and not any(map(is_junk_folder, parts[:-1]))


def is_wanted_name(name: str) -> bool:
    """Whether a file of this name may be an activity; half copies and hidden files have other names."""
    return name[:1] not in ".~" and name.lower().endswith(SUFFIXES)


def is_kept_folder(path: str) -> bool:
    """Whether a path is a folder, and none of those that are passed over; a link to one leads out of here."""
    return not is_junk_folder(os.path.basename(path)) and os.path.isdir(path) and not os.path.islink(path)


def is_junk_folder(name: str) -> bool:
    """Whether a folder of this name holds what a NAS or a desktop keeps for itself."""
    return name.startswith((".", "~")) or name.lower() in _JUNK_FOLDERS


def shown(path: str, *, whole: bool = False) -> str:
    """A file's name (or its `whole` path) for people; bytes that are no text are replaced."""
    name = path if whole else path.rsplit("/", 1)[-1]
    return os.fsencode(name).decode("utf-8", "replace")


class Walk:
    """Every wanted file in a folder and its stat; afterwards how much there was.

    A folder below that cannot be read is noted and passed over. Raises OSError where the folder itself cannot be.
    """

    def __init__(self, folder: str, *, recursive: bool, without: frozenset[str] = frozenset()) -> None:
        self.files = 0
        self.folders = 0
        self.unreadable: set[str] = set()
        self._folder = folder
        self._recursive = recursive
        self._without = without

    def __iter__(self) -> Iterator[tuple[str, os.stat_result]]:
        below = [self._folder]
        while below:
            here = below.pop()
            try:
                # Not listed first: a folder of 100,000 files would take 25 MB.
                with os.scandir(here) as entries:
                    self.folders += 1
                    for entry in entries:
                        found = _look(entry) if is_wanted_name(entry.name) else None
                        if found is not None:
                            self.files += 1
                            yield entry.path, found
                        elif self._recursive and _is_folder(entry) and entry.path not in self._without:
                            below.append(entry.path)
            except FileNotFoundError:
                if here == self._folder:
                    raise
            except OSError:
                if here == self._folder:
                    raise
                self.unreadable.add(here)


def _look(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The stat of a regular file, also behind a link; None for everything else."""
    try:
        found = entry.stat()
        return found if stat.S_ISREG(found.st_mode) else None
    except OSError:
        return None  # gone since it was listed, or a link to nowhere


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and not is_junk_folder(entry.name)
    except OSError:
        return False
