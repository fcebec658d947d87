"""Files of other people: opened, read and moved by descriptor, without links on the way, within bounds.

Whoever can write into a watched folder can exchange any name in it at any moment. So the folder is opened once for
each scan, read or move (never held at rest: an unmount must not find it busy), and everything below it is reached
with `dir_fd` and `O_NOFOLLOW`. Mounts below the folder are part of it. Only the folder's own path may contain links.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from fitferry.core.errors import PlannedOSError
from fitferry.core.messages import folders, inspection

MAX_LINKS = 8
"""Links to files that are followed one after the other, within the folder."""
_CHUNK = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LinkInPath(PlannedOSError):
    """A link stands where a folder or a file of the watched folder should be; `filename` names it."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ELOOP, folders.LINK_LEADS_AWAY(), path)


class NoRegularFile(PlannedOSError, FileNotFoundError):
    """A folder, a pipe or a device stands where a file should be; `filename` names it."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ENOENT, inspection.NO_REGULAR_FILE(), path)


class OpenFolder:
    """A folder that is open now. Names below it are relative, with `/` between them; "" is the folder itself."""

    def __init__(
        self, path: str, handle: int, allowed: Callable[[str], bool] = lambda _relative: True
    ) -> None:
        self.path = path
        self.handle = handle
        self._allowed = allowed

    def relative(self, path: str) -> str:
        """The name of an absolute path below this folder. Raises ValueError."""
        start = self.path.rstrip("/") + "/"
        if not path.startswith(start):
            raise ValueError(path)
        return path[len(start) :]

    @contextlib.contextmanager
    def directory(self, relative: str, *, make: bool = False) -> Iterator[int]:
        """A descriptor of a folder below, which is made where `make` says so. Raises LinkInPath, OSError."""
        handle = os.dup(self.handle)
        try:
            walked = ""
            for name in filter(None, relative.split("/")):
                walked = posixpath.join(walked, name)
                below = self._step(handle, name, walked, make=make)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def file(self, relative: str) -> Iterator[int]:
        """A descriptor of a regular file, open to be read.

        A link is followed only where it leads to a file in this folder. Raises LinkInPath, OSError;
        NoRegularFile, which is a FileNotFoundError.
        """
        for _ in range(MAX_LINKS):
            folder, name = posixpath.split(relative)
            with self.directory(folder) as parent:
                try:
                    handle = os.open(name, READ_FLAGS, dir_fd=parent)
                except OSError as error:
                    if error.errno != errno.ELOOP:
                        raise _named(error, self._full(relative)) from None
                    relative = self._target(relative, os.readlink(name, dir_fd=parent))
                    continue
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise NoRegularFile(self._full(relative))
                yield handle
            finally:
                os.close(handle)
            return
        raise LinkInPath(self._full(relative))

    def stat(self, relative: str) -> os.stat_result:
        """What there is to know of a regular file, also of one behind a link in this folder. Raises as `file`."""
        folder, name = posixpath.split(relative)
        with self.directory(folder) as parent:
            found = self.stat_in(parent, name)
        if stat.S_ISLNK(found.st_mode):
            with self.file(relative) as handle:
                return os.fstat(handle)
        return found

    def exists(self, relative: str) -> bool:
        """Whether there is anything at a name, links and folders included. Raises OSError where that cannot be known."""
        try:
            folder, name = posixpath.split(relative)
            with self.directory(folder) as parent:
                os.stat(name, dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError, LinkInPath):
            return False
        return True

    @staticmethod
    def stat_in(parent: int, name: str) -> os.stat_result:
        """The `lstat` of a name in an open folder."""
        return os.stat(name, dir_fd=parent, follow_symlinks=False)

    def _step(self, parent: int, name: str, walked: str, *, make: bool) -> int:
        if name == "..":
            raise LinkInPath(self._full(walked))
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o777, dir_fd=parent)
        try:
            return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR} and _is_link(parent, name):
                raise LinkInPath(self._full(walked)) from None
            raise _named(error, self._full(walked)) from None

    def _target(self, link: str, target: str) -> str:
        """The name below this folder that a link leads to. Raises LinkInPath where it leads elsewhere."""
        if target.startswith("/"):
            real = str(Path(f"/proc/self/fd/{self.handle}").readlink())
            start = next((s for s in (self.path, real) if target.startswith(s.rstrip("/") + "/")), None)
            if start is None:
                raise LinkInPath(self._full(link))
            target = target[len(start.rstrip("/")) + 1 :]
        else:
            target = posixpath.join(posixpath.dirname(link), target)
        relative = posixpath.normpath(target)
        if relative.split("/")[0] in {"..", ".", ""} or not self._allowed(relative):
            raise LinkInPath(self._full(link))
        return relative

    def _full(self, relative: str) -> str:
        return posixpath.join(self.path, relative) if relative else self.path


@contextlib.contextmanager
def open_folder(
    path: str, *, allowed: Callable[[str], bool] = lambda _relative: True
) -> Iterator[OpenFolder]:
    """Open a watched folder for one scan, read or move. Raises OSError.

    `allowed`: whether a link may lead to a name below it; parts of it may belong to somebody else.
    """
    handle = os.open(path, _DIRECTORY)
    try:
        yield OpenFolder(path, handle, allowed)
    finally:
        os.close(handle)


def read(handle: int, limit: int) -> bytes:
    """Read at most `limit` bytes of an open file, whatever its size is said to be. Raises OSError."""
    return b"".join(_chunks(handle, limit))


def sha256(handle: int, limit: int) -> str | None:
    """The SHA-256 of an open file; None where it holds more than `limit` bytes. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(handle, limit + 1):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest() if size <= limit else None


def create(parent: int, name: str) -> int:
    """Create a file that is not there yet, through no link; its descriptor. Raises FileExistsError, OSError."""
    return os.open(name, _NEW_FILE, 0o600, dir_fd=parent)


def copy(source: int, target: int, limit: int) -> str:
    """Copy an open file into another one; the SHA-256 of what was copied, at most `limit` bytes. Raises OSError."""
    digest = hashlib.sha256()
    for chunk in _chunks(source, limit):
        digest.update(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
    return digest.hexdigest()


def _chunks(handle: int, limit: int) -> Iterator[bytes]:
    """The bytes of an open file from its beginning, `limit` at most."""
    done = 0
    while chunk := os.pread(handle, min(_CHUNK, limit - done), done):
        yield chunk
        done += len(chunk)


def is_exhausted(error: OSError) -> bool:
    """Whether this process has no descriptors or memory left for a moment: nothing is wrong with the file."""
    return error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def _is_link(parent: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(OpenFolder.stat_in(parent, name).st_mode)
    except OSError:
        return False


def _named(error: OSError, path: str) -> OSError:
    """The same error with the whole path, for people."""
    return OSError(error.errno, error.strerror, path)
