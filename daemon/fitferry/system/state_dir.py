"""The state folder: what lies in it, and who may read it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fitferry.core.errors import CannotRun
from fitferry.core.messages import system
from fitferry.system import durable_io, mounts

STATE_DB = "state.db"
QUEUE_DB = "queue.db"
STATUS = "status.json"
API_TOKEN = "api-token"  # noqa: S105  # the name of a file
LOCK = "lock"
SPOOL = "spool"
APPRISE = "apprise"
"""What messengers let Apprise remember."""

_FOLDER_MODE = 0o711
"""Others may pass through to the status file, and see nothing else."""


def prepare(folder: Path, mountinfo: Path = mounts.MOUNTINFO) -> None:
    """Make the state folder fit for use. Raises CannotRun: 1 not writable, 78 on a network mount."""
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(_FOLDER_MODE)  # whatever the umask says
        probe = folder / f".probe-{os.urandom(4).hex()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = system.from_os_error(error)
        raise CannotRun(system.STATE_NOT_WRITABLE(folder=str(folder), reason=reason), 1) from error
    kind = mounts.filesystem(folder, mountinfo)
    if mounts.is_network(kind):
        raise CannotRun(system.STATE_ON_NETWORK(folder=str(folder), kind=kind), 78)
    with contextlib.suppress(OSError):  # somebody else's folder, given to us to write in
        folder.chmod(folder.stat().st_mode & _FOLDER_MODE)


@contextlib.contextmanager
def as_its_owner(folder: Path) -> Iterator[None]:
    """Act as the owner of a state folder where root is at it: the daemon has to read what is left there.

    That is who made the database; somebody else's folder may be given to a daemon that is root.
    """
    database = folder / STATE_DB
    stat = (database if database.exists() else folder).stat()
    if os.geteuid() or not stat.st_uid:
        yield
        return
    group = os.getegid()
    os.setegid(stat.st_gid)
    os.seteuid(stat.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def api_token(folder: Path) -> str:
    """The token that programs show; made at the first start, for the owner alone."""
    path = folder / API_TOKEN
    with contextlib.suppress(FileNotFoundError):
        token = path.read_text(encoding="ascii").strip()
        if token:
            return token
    import secrets  # noqa: PLC0415  # once for each installation; it takes 6 ms

    token = secrets.token_urlsafe(32)
    scratch = path.with_name(f".{API_TOKEN}.part")
    scratch.unlink(missing_ok=True)
    durable_io.write_new(scratch, f"{token}\n".encode())
    scratch.replace(path)
    return token


def stamp(now: float) -> str:
    """A moment as it stands in the names of files that were set aside: 20261127T140500Z."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
