"""What can be wrong on this machine, and how is it mended? One line for each."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from fitferry import layout, lock, mounts
from fitferry.cli.context import Context
from fitferry.config import Settings
from fitferry.errors import FerryError, SettingsError
from fitferry.ledger import copies

_2026 = 1_767_225_600
_FIXED = (3, 51, 3)
"""The SQLite in which a rare way to damage a WAL database was mended."""


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
            yield Check("bad", "settings", str(problem))
        return
    yield Check("ok", "settings", str(settings.source or "from the environment"))
    for warning in settings.warnings:
        yield Check("warn", "settings", warning)
    yield from _folders(settings)
    yield from _state(settings)
    yield from _machine()
    yield from _daemon(context, settings)


def _folders(settings: Settings) -> Iterator[Check]:
    for watch in settings.watch:
        kind = mounts.filesystem(watch.folder)
        if not watch.folder.is_dir():
            yield Check("bad", f"folder {watch.folder}", "it is not there; Fitferry waits for it")
        elif not os.access(watch.folder, os.R_OK | os.X_OK):
            yield Check(
                "bad", f"folder {watch.folder}", "it cannot be read: give this user or its group access"
            )
        elif mounts.hides_writes(kind):
            yield Check("ok", f"folder {watch.folder}", f"on {kind}, so it is scanned often")
        else:
            yield Check("ok", f"folder {watch.folder}")


def _state(settings: Settings) -> Iterator[Check]:
    folder, key = settings.state.folder, settings.state.key_file
    if not folder.is_dir():
        yield Check("warn", f"state folder {folder}", "it is made at the first start")
        return
    if not os.access(folder, os.W_OK):
        yield Check(
            "bad", f"state folder {folder}", "it is not writable: give it to the user who runs Fitferry"
        )
        return
    if mounts.is_network(mounts.filesystem(folder)):
        yield Check(
            "bad", f"state folder {folder}", "it is on a network mount: name a local one as folder in [state]"
        )
    else:
        yield Check("ok", f"state folder {folder}")
    if (
        key.exists()
        and stat.S_IMODE(key.stat().st_mode) & 0o077
        and "CREDENTIALS_DIRECTORY" not in os.environ
    ):
        yield Check("bad", "key", f"others can read it: run `chmod 600 {key}`")
    whole = copies.is_whole(folder / layout.STATE_DB)
    words = "" if whole else "it is damaged: the next start puts the newest good copy in its place"
    yield Check("ok" if whole else "bad", "database", words)


def _machine() -> Iterator[Check]:
    if time.time() < _2026:
        yield Check("bad", "clock", "it is in the past: sign-in and limits need the time; look at NTP")
    else:
        yield Check("ok", "clock")
    fixed = sqlite3.sqlite_version_info >= _FIXED
    words = (
        ""
        if fixed
        else "a rare bug was mended in 3.51.3; Fitferry avoids what draws it and keeps daily copies"
    )
    yield Check("ok" if fixed else "warn", f"SQLite {sqlite3.sqlite_version}", words)


def _daemon(context: Context, settings: Settings) -> Iterator[Check]:
    if not lock.held(settings.state.folder):
        yield Check(
            "warn", "daemon", "none runs: start it with `fitferry run`, or with systemctl start fitferry"
        )
        return
    try:
        found = context.status()
    except FerryError as error:
        yield Check("bad", "daemon", str(error))
        return
    yield Check("ok", "daemon", f"its page is at {found['web']['url']}")
    for person in found["athletes"]:
        connected = person["connected"]
        words = (
            f"connected as {person['display_name']}"
            if connected
            else f"run `fitferry connect {person['name']}`"
        )
        yield Check("ok" if connected else "bad", f"athlete {person['name']}", words)
    for problem in found["problems"]:
        if problem["code"] != "not_connected":
            yield Check("bad", problem["code"], problem["message"])
