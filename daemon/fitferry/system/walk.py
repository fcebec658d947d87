"""Which names in a folder are wanted, and what is there? Contains no business logic."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from fitferry.core.filenames import is_junk_folder, is_wanted_name


def is_kept_folder(path: str) -> bool:
    """Whether a path is a folder, and none of those that are passed over; a link to one leads out of here."""
    return not is_junk_folder(os.path.basename(path)) and os.path.isdir(path) and not os.path.islink(path)


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
