"""Mounts: which filesystem holds a folder, what is mounted below it, and when that changes. From the kernel's list."""

from __future__ import annotations

import contextlib
import os
import re
import select
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
_OSRELEASE = Path("/proc/sys/kernel/osrelease")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "glusterfs", "davfs"}
    | {"fuse.sshfs", "fuse.rclone", "fuse.davfs2", "fuse.glusterfs", "fuse.s3fs"}
)
_OF_A_HOST = frozenset({"vboxsf", "vmhgfs", "prl_fs", "drvfs", "fakeowner", "grpcfuse", "osxfs"})
"""Folders that a virtual machine shares with the machine that it runs on."""
_ESCAPE = re.compile(r"\\([0-7]{3})")


def read_mountinfo(mountinfo: Path = MOUNTINFO) -> str:
    """The kernel's list of mounts as it is, to see whether it has changed; "" where there is none."""
    try:
        return mountinfo.read_bytes().decode(errors="surrogateescape")
    except OSError:
        return ""


def filesystem(path: Path, mountinfo: Path = MOUNTINFO) -> str:
    """The kernel's name of the filesystem that holds a path ("ext4"); "" where that cannot be known."""
    target = os.path.realpath(path)
    best, found = "", ""
    for point, kind in _points(read_mountinfo(mountinfo)):
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, found = point, kind
    return found


def below(folder: str, mounts: str) -> dict[str, str]:
    """The mount points below a folder and their filesystems, from `read_mountinfo`."""
    start = folder.rstrip("/") + "/"
    return {point: kind for point, kind in _points(mounts) if point.startswith(start)}


def is_network(kind: str) -> bool:
    """Whether the files are on another machine: SQLite's locks cannot be relied on there."""
    return kind in _NETWORK


def needs_polling(kind: str) -> bool:
    """Whether files may change without the kernel's reporting it."""
    return kind in _NETWORK or kind in _OF_A_HOST or kind.startswith("fuse")


def lacks_inotify() -> bool:
    """Whether this is a kernel (WSL2, Docker Desktop) on which events of shared folders never come."""
    try:
        release = _OSRELEASE.read_text(encoding="ascii", errors="replace").lower()
    except OSError:
        return False
    return "microsoft" in release or "linuxkit" in release


def _points(mounts: str) -> Iterator[tuple[str, str]]:
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        point = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields.split(" ")[4])
        yield point, rest.split(" ")[0]


@contextlib.contextmanager
def calling_on_change(changed: Callable[[], None]) -> Iterator[None]:
    """Call `changed` whenever something is mounted or unmounted, from a thread of its own.

    Nothing where the kernel has no list of mounts.
    """
    try:
        handle = os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    stop, stopper = os.pipe2(os.O_CLOEXEC)
    thread = threading.Thread(target=_listen, args=(handle, stop, changed), name="mounts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(stopper)
        thread.join()
        os.close(handle)
        os.close(stop)


def _listen(handle: int, stop: int, changed: Callable[[], None]) -> None:
    poller = select.poll()
    poller.register(handle, select.POLLPRI | select.POLLERR)
    poller.register(stop, select.POLLHUP)
    while not any(ready == stop for ready, _ in poller.poll()):
        changed()
