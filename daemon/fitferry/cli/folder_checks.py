"""Watched folders, looked at within a deadline: whose they are, who may read them, how many the kernel would watch."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path

from fitferry.config.schema import Settings, WatchSettings
from fitferry.core.messages import Message, cli
from fitferry.core.upload import AfterUpload
from fitferry.system import mounts
from fitferry.system.deadline import FolderLook, FolderState, call

_SERVICE_USER = "fitferry"
_WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
_MOST_FOLDERS = 200_000


class Result(StrEnum):
    """What came of a look."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    result: Result
    what: Message
    message: Message | None = None


def check_folder(folder: Path, look: FolderLook, after_upload: AfterUpload) -> Check:
    """A watched folder, asked within a deadline. `look`: what became of the first look at it."""
    what = cli.TOPIC_FOLDER_NAMED(folder=str(folder))
    if look.state is not FolderState.OK:
        return Check(Result.BAD, what, _folder_message(look))
    try:
        return call(lambda: _open_folder(what, folder, after_upload))
    except (OSError, TimeoutError):
        return Check(Result.BAD, what, cli.FOLDER_NO_ANSWER())


def check_same_folders(looks: Mapping[str, FolderLook]) -> Iterator[Check]:
    """Whether two watched folders are one by a link."""
    seen: dict[str, str] = {}
    for folder, real in ((folder, look.real) for folder, look in looks.items() if look.real):
        if real in seen:
            yield Check(Result.BAD, cli.TOPIC_FOLDER_NAMED(folder=folder), cli.SAME_FOLDER(other=seen[real]))
        seen.setdefault(real, folder)


def _open_folder(what: Message, folder: Path, after_upload: AfterUpload) -> Check:
    """A folder that answers: whose it is, who may do what, how it is watched."""
    kind, owner = mounts.filesystem(folder), owner_of(folder)
    if after_upload is not AfterUpload.KEEP and not os.access(folder, os.W_OK):
        return Check(Result.BAD, what, cli.FOLDER_READ_ONLY(owner=owner, action=after_upload))
    if os.geteuid() == 0 and not _service_may_read(folder):
        return Check(Result.WARN, what, cli.FOLDER_CLOSED_TO_SERVICE(owner=owner, user=_SERVICE_USER))
    if mounts.needs_polling(kind):
        return Check(Result.OK, what, cli.FOLDER_POLLED(owner=owner, kind=kind))
    return Check(Result.OK, what, cli.FOLDER_OPEN(owner=owner, kind=kind))


def _folder_message(look: FolderLook) -> Message:
    match look.state:
        case FolderState.MISSING:
            return cli.FOLDER_MISSING()
        case FolderState.NO_PERMISSION:
            return cli.FOLDER_CLOSED(path=look.path, owner=_owner_if_known(Path(look.path)))
        case FolderState.NOT_A_FOLDER:
            return cli.FOLDER_NONE()
        case FolderState.NO_ANSWER:
            return cli.FOLDER_NO_ANSWER()
        case _:
            return cli.FOLDER_ERROR(reason=look.reason)


def _service_may_read(folder: Path) -> bool:
    """Whether the service's user, where there is one, may read a folder and everything above it."""
    try:
        user = pwd.getpwnam(_SERVICE_USER)
    except KeyError:
        return True
    groups = set(os.getgrouplist(user.pw_name, user.pw_gid))
    for path in (folder, *folder.parents):
        found = path.stat()
        shift = 6 if found.st_uid == user.pw_uid else 3 if found.st_gid in groups else 0
        wanted = 0o5 if path == folder else 0o1
        if found.st_mode >> shift & wanted != wanted:
            return False
    return True


def owner_of(path: Path) -> str:
    """Whose it is, and who may do what: pi:users drwxr-xr-x."""
    found = path.stat()
    try:
        owner = f"{path.owner()}:{path.group()}"
    except KeyError:
        owner = f"{found.st_uid}:{found.st_gid}"
    return f"{owner} {stat.filemode(found.st_mode)}"


def _owner_if_known(path: Path) -> str:
    try:
        return owner_of(path)
    except OSError:
        return "?"


def check_watches(settings: Settings, folders: list[str]) -> Iterator[Check]:
    """Whether the kernel lets every folder be watched. `folders`: those that answer."""
    try:
        limit = int(_WATCH_LIMIT.read_text(encoding="ascii"))
        watched = [watch for watch in settings.watch if str(watch.folder) in folders]
        needed = call(lambda: _count_folders(watched, min(limit, _MOST_FOLDERS)))
    except (OSError, ValueError, TimeoutError):
        return
    if needed > min(limit, _MOST_FOLDERS):
        yield Check(Result.WARN, cli.TOPIC_WATCH_LIMIT(), cli.TOO_MANY_FOLDERS(limit=limit))
    else:
        yield Check(Result.OK, cli.TOPIC_WATCH_LIMIT(), cli.FOLDERS_OF(needed=needed, limit=limit))


def _count_folders(watched: list[WatchSettings], most: int) -> int:
    """How many folders would be watched; one more than `most` for anything above."""
    folders = chain.from_iterable(
        os.walk(watch.folder) if watch.recursive else [watch.folder] for watch in watched
    )
    return sum(1 for _ in islice(folders, most + 1))
