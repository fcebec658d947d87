"""What kind of filesystem is a folder on? From the kernel's own list; empty where there is none."""

from __future__ import annotations

import os
from pathlib import Path

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "glusterfs", "davfs"}
    | {"fuse.sshfs", "fuse.rclone", "fuse.davfs2", "fuse.glusterfs", "fuse.s3fs"}
)


def filesystem(path: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> str:
    """The kernel's name of the filesystem that holds a path ("ext4"); "" where that cannot be known."""
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    target = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = fields.split()[4].encode().decode("unicode_escape")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split()[0]
    return kind


def is_network(kind: str) -> bool:
    """Whether the files are on another machine: SQLite's locks cannot be relied on there."""
    return kind in _NETWORK


def hides_writes(kind: str) -> bool:
    """Whether files may change without the kernel's reporting it."""
    return kind in _NETWORK or kind.startswith("fuse")
