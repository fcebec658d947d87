"""What can be wrong on this machine, and how is it mended? One line for each."""

from __future__ import annotations

import grp
import os
import pwd
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fitferry.auth import token_cipher
from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.config import Settings, StravaSettings, WatchSettings
from fitferry.core.errors import FitferryError, KeyFileError, SettingsError, StravaError
from fitferry.core.strava import READ_SCOPES
from fitferry.i18n.translator import say
from fitferry.storage import database_file
from fitferry.strava import Strava
from fitferry.system import lockfile, mounts, state_dir

CLOCK_SECONDS = 60.0
"""A clock that is further off is said to be wrong."""
NEW_HOST_SINCE = date(2027, 1, 4)
"""From then on Strava's API has a new host; the old one is said to end on 2027-06-01."""
OLD_API, NEW_API = "https://www.strava.com/api/v3", "https://api-v3.strava.com"
_FIXED = (3, 51, 3)
"""The SQLite in which a rare way to damage a WAL database was mended."""
_WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
_MOST_FOLDERS = 200_000


_NAMES = {
    "folder_unavailable": say("folder"),
    "unreadable": say("files"),
    "backlog": "old activities",
    "not_put_away": "uploaded files",
    "internal": say("daemon"),
    "app_refused": "API application",
    "wrong_address": say("Strava's address"),
}
"""What the daemon's problems are about, by their codes."""
_TOLD_ELSEWHERE = frozenset({"not_connected", "app_inactive"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `result` is ok, warn or bad."""

    result: str
    what: str
    words: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def checks(context: Context) -> Iterator[Check]:
    """Look at everything."""
    try:
        settings = context.settings(require_app=True)
    except SettingsError as error:
        for problem in error.problems:
            yield Check("bad", say("settings"), str(problem))
        return
    yield Check("ok", say("settings"), str(settings.source or "from the environment"))
    for warning in settings.warnings:
        yield Check("warn", say("settings"), str(warning))
    folders = {str(watch.folder): _folder(watch) for watch in settings.watch}
    yield from folders.values()
    yield from _watches(settings)
    yield from _state(settings)
    yield _sqlite()
    yield from _strava(settings.strava)
    told = {folder for folder, one in folders.items() if one.result == "bad"}
    yield from _daemon(context, settings, told)


def _folder(watch: WatchSettings) -> Check:
    what, kind = f"folder {watch.folder}", mounts.filesystem(watch.folder)
    if not watch.folder.is_dir():
        return Check("bad", what, "it is not there: mount it or create it, or mend its path under [[watch]]")
    whose = _owner(watch.folder)
    if not os.access(watch.folder, os.R_OK | os.X_OK):
        return Check("bad", what, f"owned by {whose}, and cannot be read: give this user or its group access")
    if mounts.needs_polling(kind):
        return Check("ok", what, f"owned by {whose}, on {kind}, so it is scanned often")
    return Check("ok", what, f"owned by {whose}, on {kind}")


def _owner(path: Path) -> str:
    """Whose it is, and who may do what: pi:users drwxr-xr-x."""
    found = path.stat()
    try:
        names = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        names = str(found.st_uid), str(found.st_gid)
    return f"{':'.join(names)} {stat.filemode(found.st_mode)}"


def _watches(settings: Settings) -> Iterator[Check]:
    """Whether the kernel lets every folder be watched."""
    try:
        limit = int(_WATCH_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    needed = 0
    for watch in settings.watch:
        for _ in os.walk(watch.folder) if watch.recursive else [watch.folder]:
            needed += 1
            if needed > min(limit, _MOST_FOLDERS):
                words = (
                    f"more folders than the {limit:,} that may be watched: raise fs.inotify.max_user_watches"
                )
                yield Check("warn", "watch limit", f"{words} with sysctl; until then they are scanned often")
                return
    yield Check("ok", "watch limit", f"{needed:,} of {limit:,} folders")


def _state(settings: Settings) -> Iterator[Check]:
    folder = settings.state.folder
    what = f"state folder {folder}"
    if not folder.is_dir():
        why_not = _why_not_made(folder)
        if why_not:
            yield Check("bad", what, f"it cannot be made ({why_not}): name another one as folder in [state]")
        else:
            yield Check("ok", what, "it is made at the first start")
        return
    if not os.access(folder, os.W_OK):
        yield Check("bad", what, "it is not writable: give it to the user who runs Fitferry")
        return
    if mounts.is_network(mounts.filesystem(folder)):
        yield Check("bad", what, "it is on a network mount: name a local one as folder in [state]")
    else:
        yield Check("ok", what, f"owned by {_owner(folder)}")
    yield _key(settings.state.key_file)
    whole = database_file.is_whole(folder / state_dir.STATE_DB)
    words = "" if whole else "it is damaged: the next start puts the newest good copy in its place"
    yield Check("ok" if whole else "bad", say("database"), words)


def _why_not_made(folder: Path) -> str:
    """Why a folder cannot be made, by making one beside it; empty where it can."""
    try:
        beside = next(parent for parent in folder.parents if parent.exists())
        with tempfile.TemporaryDirectory(dir=beside):
            return ""
    except OSError as error:
        return error.strerror or "an error"


def _key(path: Path) -> Check:
    if not path.exists():
        return Check("ok", say("key"), "it is made at the first start")
    try:
        keys = token_cipher.read_keys(path)
    except KeyFileError as problem:
        return Check("bad", say("key"), str(problem))
    if not keys:
        words = "the next start sets it aside, and every athlete has to connect again"
        return Check("bad", say("key"), f"there is no key in {path}: put the right one back, or {words}")
    return Check("ok", say("key"), str(path))


def _sqlite() -> Check:
    what = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= _FIXED:
        return Check("ok", what)
    return Check(
        "warn", what, "a rare bug was mended in 3.51.3; Fitferry avoids what draws it and keeps daily copies"
    )


def _strava(settings: StravaSettings) -> Iterator[Check]:
    """Whether Strava's API is there, and what time it is by its clock."""
    try:
        with Strava(settings) as strava:
            theirs = strava.server_time()
    except StravaError as fault:
        yield Check("bad", "Strava", f"{fault}; is the network up, and is api in [strava] right?")
    else:
        yield Check("ok", "Strava", settings.api)
        yield _clock(theirs)
    if settings.api.rstrip("/") == OLD_API and datetime.now(UTC).date() >= NEW_HOST_SINCE:
        words = f'Strava\'s API has moved to a new host: set api = "{NEW_API}" in [strava] before June 2027'
        yield Check("warn", say("Strava's address"), words)


def _clock(theirs: float | None) -> Check:
    off = abs(time.time() - theirs) if theirs is not None else 0.0
    if off > CLOCK_SECONDS:
        return Check(
            "bad",
            say("clock"),
            f"it is {off:,.0f} seconds off Strava's: sign-in and limits need the time; look at NTP",
        )
    return Check("ok", say("clock"))


def _daemon(context: Context, settings: Settings, told: set[str]) -> Iterator[Check]:
    """What the daemon says; `told`: the folders of which all is said already."""
    if not lockfile.held(settings.state.folder):
        yield Check(
            "warn", say("daemon"), "none runs: start it with `fitferry run`, or with systemctl start fitferry"
        )
        return
    try:
        found = context.status()
    except FitferryError as error:
        yield Check("bad", say("daemon"), str(error))
        return
    yield Check("ok", say("daemon"), f"its page is at {found['web']['url']}")
    for person in found["athletes"]:
        yield _athlete(person)
    yield _subscription(found)
    for problem in found["problems"]:
        code, words = problem["code"], problem["message"]
        known = code == "folder_unavailable" and any(folder in words for folder in told)
        if code not in _TOLD_ELSEWHERE and not known:
            yield Check("bad", _NAMES.get(code, code), words)


def _subscription(found: dict[str, Any]) -> Check:
    """Whether the application's owner has the subscription that Strava wants: its answers tell."""
    what = say("subscription")
    for problem in found["problems"]:
        if problem["code"] == "app_inactive":
            return Check("bad", what, problem["message"])
    if found["last_upload"] is None:
        return Check("warn", what, "not known before the first upload")
    return Check(
        "ok", what, f"the last upload was taken on {output.local(found['last_upload']['completed_at'])}"
    )


def _athlete(person: dict[str, Any]) -> Check:
    what = f"athlete {person['name']}"
    if not person["connected"]:
        return Check("bad", what, f"run `fitferry connect {person['name']}`")
    if not READ_SCOPES.intersection(person["scopes"]):
        words = "without the permission to view activities, what may have arrived cannot be looked up"
        return Check("warn", what, f"{words}; connect again and leave its box ticked")
    return Check("ok", what, f"connected as {person['display_name']}")
