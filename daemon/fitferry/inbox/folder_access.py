"""Access of a folder's own thread to its files: what belongs to it, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager

from fitferry.core import filenames
from fitferry.system import safe_files
from fitferry.system.safe_files import OpenFolder
from fitferry.system.walk import Walk


class FolderAccess:
    """One watched folder. `without`: folders below that belong to somebody else.

    `is_others`: whether a folder below is watched under another name, by its stat.
    """

    def __init__(
        self,
        path: str,
        *,
        recursive: bool,
        without: frozenset[str],
        is_others: Callable[[os.stat_result], bool],
    ) -> None:
        self.path = path
        self.recursive = recursive
        self.without = without
        self._is_others = is_others

    def holds(self, path: str) -> bool:
        """Whether a path is in a place that is looked at, whatever its own name."""
        return filenames.is_inside(path, self.path, recursive=self.recursive, without=self.without)

    def is_ours(self, relative: str) -> bool:
        """Whether a link may lead to a file: not into what belongs to another watched folder."""
        path = f"{self.path}/{relative}"
        return not any(path == other or path.startswith(f"{other}/") for other in self.without)

    def open(self) -> AbstractContextManager[OpenFolder]:
        """Open the folder. Raises OSError."""
        return safe_files.open_folder(self.path, allowed=self.is_ours)

    def stat(self, path: str) -> os.stat_result:
        """The stat of a file. Raises LinkInPath, OSError."""
        with self.open() as folder:
            return folder.stat(folder.relative(path))

    def walk(self, folder: OpenFolder, start: str = "") -> Walk:
        """A walk through the folder that is open, or a part of it."""
        return Walk(folder, start, recursive=self.recursive, without=self.without, is_others=self._is_others)
