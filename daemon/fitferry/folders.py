"""Which names in a folder are wanted, and what is there? Contains no business logic."""

from __future__ import annotations

import os
from collections.abc import Iterator

SUFFIXES = (".fit",)
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


def is_wanted(path: str, folder: str, *, recursive: bool, without: frozenset[str] = frozenset()) -> bool:
    """Whether a path below a watched folder is one to look at, by its name alone.

    `without`: folders that belong to somebody else, such as a watched folder inside this one.
    """
    parts = os.path.relpath(path, folder).split("/")
    if parts[0] == ".." or (len(parts) > 1 and not recursive):
        return False
    inside = any(path == other or path.startswith(f"{other}/") for other in without)
    return not inside and not any(map(is_junk_folder, parts[:-1])) and is_wanted_name(parts[-1])


def is_wanted_name(name: str) -> bool:
    """Whether a file of this name may be an activity; half copies and hidden files have other names."""
    return name.lower().endswith(SUFFIXES) and not name.startswith((".", "~"))


def is_junk_folder(name: str) -> bool:
    """Whether a folder of this name holds what a NAS or a desktop keeps for itself."""
    return name.startswith((".", "~")) or name.lower() in _JUNK_FOLDERS


def walk(
    folder: str, *, recursive: bool, without: frozenset[str] = frozenset()
) -> Iterator[tuple[str, os.stat_result]]:
    """Every wanted file in a folder and its stat. A folder below that cannot be read is passed over.

    Raises OSError where the folder itself cannot be read.
    """
    below = [folder]
    while below:
        here = below.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    found = _look(entry)
                    if found is not None and is_wanted_name(entry.name):
                        yield entry.path, found
                    elif found is None and recursive and _is_folder(entry) and entry.path not in without:
                        below.append(entry.path)
        except OSError:
            if here == folder:
                raise


def _look(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The stat of a regular file, also behind a link; None for everything else."""
    try:
        return entry.stat() if entry.is_file() else None
    except OSError:
        return None  # gone since it was listed, or a link to nowhere


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and not is_junk_folder(entry.name)
    except OSError:
        return False
