"""Walk through a watched folder by descriptors: every wanted file, a few hundred at a time."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Iterator

from fitferry.core.filenames import is_junk_folder, is_wanted_name
from fitferry.system.safe_files import LinkInPath, OpenFolder

MAX_DEPTH = 100
"""Folders in folders; each is reached from the top, so that thousands of them would take minutes."""
BATCH = 256
"""Files that are held in memory at once; a folder may have 300,000."""


def is_kept_folder(folder: OpenFolder, relative: str) -> bool:
    """Whether a name is a folder, and none of those that are passed over; a link to one leads out of here."""
    parent, name = posixpath.split(relative)
    try:
        with folder.directory(parent) as handle:
            found = folder.stat_in(handle, name)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and not is_junk_folder(name)


class Walk:
    """Every wanted file in an open folder and its stat; afterwards how much there was.

    A folder below that cannot be read, or lies too deep, is noted and passed over. Raises OSError where the folder itself cannot be.
    `is_others`: whether a folder below belongs to another watched folder, by its stat.
    """

    def __init__(
        self,
        folder: OpenFolder,
        start: str = "",
        *,
        recursive: bool,
        without: frozenset[str] = frozenset(),
        is_others: Callable[[os.stat_result], bool] = lambda _found: False,
    ) -> None:
        self.files = 0
        self.folders = 0
        self.unreadable: set[str] = set()
        self.links_out: list[str] = []
        self.others: set[str] = set()
        self._folder = folder
        self._start = start
        self._recursive = recursive
        self._without = without
        self._is_others = is_others

    def batches(self) -> Iterator[list[tuple[str, os.stat_result]]]:
        """Paths and stats of the wanted files, at most `BATCH` at a time; of every folder one batch at least."""
        below = [self._start]
        while below:
            here = below.pop()
            if here.count("/") >= MAX_DEPTH:
                self.unreadable.add(self._path(here))
                continue
            try:
                with self._folder.directory(here) as handle:
                    if here and self._is_others(os.fstat(handle)):
                        self.others.add(self._path(here))
                        continue
                    yield from self._list(here, handle, below)
            except (FileNotFoundError, NotADirectoryError, LinkInPath):
                if here == self._start:
                    raise
            except OSError:
                if here == self._start:
                    raise
                self.unreadable.add(self._path(here))

    def _list(self, here: str, handle: int, below: list[str]) -> Iterator[list[tuple[str, os.stat_result]]]:
        batch: list[tuple[str, os.stat_result]] = []
        # Not listed first: a folder of 100,000 files would take 25 MB.
        with os.scandir(handle) as entries:
            self.folders += 1
            for entry in entries:
                relative = f"{here}/{entry.name}" if here else entry.name
                found = self._stat(entry, relative) if is_wanted_name(entry.name) else None
                if found is not None:
                    self.files += 1
                    batch.append((self._path(relative), found))
                elif self._recursive and _is_folder(entry) and self._path(relative) not in self._without:
                    below.append(relative)
                if len(batch) >= BATCH:
                    yield batch
                    batch = []
        yield batch

    def _stat(self, entry: os.DirEntry[str], relative: str) -> os.stat_result | None:
        """The stat of a regular file, also behind a link within the folder; None for everything else."""
        try:
            found = self._folder.stat(relative) if entry.is_symlink() else entry.stat(follow_symlinks=False)
        except LinkInPath:
            self.links_out.append(self._path(relative))
            return None
        except OSError:
            return None  # gone since it was listed, or a link to nowhere
        return found if stat.S_ISREG(found.st_mode) else None

    def _path(self, relative: str) -> str:
        return posixpath.join(self._folder.path, relative) if relative else self._folder.path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and not is_junk_folder(entry.name)
    except OSError:
        return False
