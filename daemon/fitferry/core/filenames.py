"""Which names of files and folders are wanted."""

from __future__ import annotations

import posixpath

from fitferry.core.printable import printable

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
    parts = posixpath.relpath(path, folder).split("/")
    if parts[0] == ".." or (len(parts) > 1 and not recursive):
        return False
    inside = any(path == other or path.startswith(f"{other}/") for other in without)
    return not inside and not any(map(is_junk_folder, parts[:-1]))


def is_wanted_name(name: str) -> bool:
    """Whether a file of this name may be an activity; half copies and hidden files have other names."""
    return name[:1] not in ".~" and name.lower().endswith(SUFFIXES)


def may_become_wanted(name: str) -> bool:
    """Whether a file of this name may be renamed to a wanted one: rsync, Syncthing and browsers add to a name."""
    lower = name.lower()
    return any(suffix in lower for suffix in (".fit", ".tcx", ".gpx", ".zip"))


def is_junk_folder(name: str) -> bool:
    """Whether a folder of this name holds what a NAS or a desktop keeps for itself."""
    return name.startswith((".", "~")) or name.lower() in _JUNK_FOLDERS


def shown(path: str, *, whole: bool = False) -> str:
    """A file's name (or its `whole` path) for people: what is no text, or would be obeyed, is replaced."""
    name = path if whole else path.rpartition("/")[2]
    return printable(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
