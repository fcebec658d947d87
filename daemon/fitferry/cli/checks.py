"""What can be wrong on this machine, and how it is mended: one check for each thing."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from fitferry.auth import token_cipher
from fitferry.cli import output
from fitferry.cli import status as status_command
from fitferry.cli.client import message_of
from fitferry.cli.context import Context
from fitferry.cli.folder_checks import (
    Check,
    Result,
    check_folder,
    check_same_folders,
    check_watches,
    owner_of,
)
from fitferry.config.schema import Settings, StravaSettings
from fitferry.core.api_types import AthleteJson, StatusJson
from fitferry.core.errors import FitferryError, KeyFileError, SettingsError, StorageError, StravaError
from fitferry.core.messages import Message, cli, system, verbatim
from fitferry.core.problems import ProblemCode
from fitferry.core.strava import READ_SCOPES
from fitferry.storage import database_file
from fitferry.strava import Strava
from fitferry.system import lockfile, mounts, state_dir
from fitferry.system.deadline import look_at_folder

CLOCK_SECONDS = 60.0
"""A clock that is further off is said to be wrong."""
OLD_API = "https://www.strava.com/api/v3"
NEW_APIS = ("https://api-v3.strava.com", "https://www.api-v3.strava.com")
"""Strava announced the host in both spellings for 2027-01-04 (seen 2026-11)."""
_TOPICS: dict[str, Message] = {
    ProblemCode.FOLDER_UNAVAILABLE: cli.TOPIC_FOLDER(),
    ProblemCode.UNREADABLE: cli.TOPIC_FILES(),
    ProblemCode.BACKLOG: cli.TOPIC_OLD_ACTIVITIES(),
    ProblemCode.NOT_MOVED: cli.TOPIC_UPLOADED_FILES(),
    ProblemCode.INTERNAL: cli.TOPIC_DAEMON(),
    ProblemCode.APP_REFUSED: cli.TOPIC_APPLICATION(),
    ProblemCode.ATHLETE_LIMIT: cli.TOPIC_APPLICATION(),
    ProblemCode.WRONG_ADDRESS: cli.TOPIC_ADDRESS(),
    ProblemCode.HOOK_FAILED: cli.TOPIC_HOOK(),
}
"""What the daemon's problems are about, by their codes."""
_TOLD_ELSEWHERE = frozenset({ProblemCode.NOT_CONNECTED, ProblemCode.APP_INACTIVE})


def checks(context: Context) -> Iterator[Check]:
    """Look at everything."""
    try:
        settings = context.settings(require_app=True)
    except SettingsError as error:
        for problem in error.problems:
            yield Check(Result.BAD, cli.TOPIC_SETTINGS(), problem.message)
        return
    source = verbatim(str(settings.source)) if settings.source else cli.FROM_ENVIRONMENT()
    yield Check(Result.OK, cli.TOPIC_SETTINGS(), source)
    for warning in settings.warnings:
        yield Check(Result.WARN, cli.TOPIC_SETTINGS(), warning)
    yield Check(Result.OK, cli.TOPIC_TIME_ZONE(), verbatim(_time_zone()))
    after_upload = settings.uploads.after_upload
    looks = {str(watch.folder): look_at_folder(str(watch.folder)) for watch in settings.watch}
    folders = {path: check_folder(Path(path), look, after_upload) for path, look in looks.items()}
    yield from folders.values()
    yield from check_same_folders(looks)
    yield from check_watches(
        settings, [path for path, check in folders.items() if check.result is not Result.BAD]
    )
    yield from _state(settings)
    yield from _notifications(settings)
    yield from strava_checks(settings)
    told = {folder for folder, check in folders.items() if check.result is Result.BAD}
    yield from _daemon(context, settings, told)


def _time_zone() -> str:
    now = datetime.now().astimezone()
    return f"{os.environ.get('TZ') or now.tzname()} ({now:%Y-%m-%d %H:%M} UTC{now:%z})"


def _state(settings: Settings) -> Iterator[Check]:
    folder = settings.state.folder
    what = cli.TOPIC_STATE(folder=str(folder))
    try:
        is_there = folder.is_dir()
    except OSError as error:
        yield Check(Result.BAD, what, cli.STATE_NOT_WRITABLE(reason=system.from_os_error(error)))
        return
    if not is_there:
        why_not = _why_not_made(folder)
        bad = cli.STATE_CANNOT_BE_MADE(reason=why_not) if why_not else None
        yield Check(Result.BAD if bad else Result.OK, what, bad or cli.MADE_AT_START())
        return
    if not os.access(folder, os.W_OK):
        yield Check(Result.BAD, what, cli.STATE_NOT_YOURS())
        return
    if mounts.is_network(mounts.filesystem(folder)):
        yield Check(Result.BAD, what, cli.STATE_ON_NETWORK())
    else:
        yield Check(Result.OK, what, cli.OWNED_BY(owner=owner_of(folder)))
    try:
        database_file.require_room(folder / state_dir.STATE_DB)
    except StorageError as problem:
        yield Check(Result.BAD, what, problem.message)
    yield _key(settings.state.key_file)
    whole = database_file.is_whole(folder / state_dir.STATE_DB)
    yield Check(
        Result.OK if whole else Result.BAD, cli.TOPIC_DATABASE(), None if whole else cli.DATABASE_DAMAGED()
    )


def _why_not_made(folder: Path) -> Message | None:
    """Why a folder cannot be made, by making one beside it; None where it can."""
    if os.path.lexists(folder):
        return system.NOT_A_DIRECTORY()
    try:
        beside = next(parent for parent in folder.parents if parent.exists())
        with tempfile.TemporaryDirectory(dir=beside):
            return None
    except OSError as error:
        return system.from_os_error(error)


def _key(path: Path) -> Check:
    try:
        if not path.exists():
            return Check(Result.OK, cli.TOPIC_KEY(), cli.MADE_AT_START())
        keys = token_cipher.read_keys(path)
    except KeyFileError as problem:
        return Check(Result.BAD, cli.TOPIC_KEY(), problem.message)
    except OSError as error:
        return Check(Result.BAD, cli.TOPIC_KEY(), system.from_os_error(error))
    if not keys:
        return Check(Result.BAD, cli.TOPIC_KEY(), cli.NO_KEY(path=str(path)))
    return Check(Result.OK, cli.TOPIC_KEY(), verbatim(str(path)))


def _notifications(settings: Settings) -> Iterator[Check]:
    """Whether what sends messages is installed, where there is an address."""
    if settings.notify.urls and importlib.util.find_spec("apprise") is None:
        yield Check(Result.BAD, cli.TOPIC_NOTIFY(), cli.APPRISE_MISSING())


def strava_checks(settings: Settings, client: Callable[[StravaSettings], Strava] = Strava) -> Iterator[Check]:
    """Whether Strava's API is there, what time it is by its clock, and whether its new host answers already."""
    api = settings.strava.api
    try:
        theirs = _server_time(client(settings.strava))
    except StravaError as error:
        yield Check(Result.BAD, verbatim("Strava"), cli.STRAVA_DOES_NOT_ANSWER(reason=error.message))
    else:
        yield Check(Result.OK, verbatim("Strava"), verbatim(api))
        yield _clock(theirs)
    for new in NEW_APIS if api == OLD_API else ():
        with contextlib.suppress(StravaError):
            _server_time(client(replace(settings.strava, api=new)))
            yield Check(Result.WARN, cli.TOPIC_ADDRESS(), cli.NEW_HOST(api=new))
            return


def _server_time(strava: Strava) -> float | None:
    """Strava's time where an API answers. Raises StravaError where none does."""
    with strava:
        return strava.server_time()


def _clock(theirs: float | None) -> Check:
    off = abs(time.time() - theirs) if theirs is not None else 0.0
    if off > CLOCK_SECONDS:
        return Check(Result.BAD, cli.TOPIC_CLOCK(), cli.CLOCK_OFF(seconds=round(off)))
    return Check(Result.OK, cli.TOPIC_CLOCK())


def _daemon(context: Context, settings: Settings, told: set[str]) -> Iterator[Check]:
    """What the daemon says; `told`: the folders of which all is said already."""
    if not lockfile.held(settings.state.folder):
        yield Check(Result.WARN, cli.TOPIC_DAEMON(), cli.NO_DAEMON())
        return
    try:
        found = status_command.now(context)
    except FitferryError as error:
        yield Check(Result.BAD, cli.TOPIC_DAEMON(), error.message)
        return
    yield Check(Result.OK, cli.TOPIC_DAEMON(), cli.PAGE_AT(url=found["web"]["url"]))
    for athlete in found["athletes"]:
        yield _athlete(athlete)
    yield subscription(found)
    for problem in found["problems"]:
        known = problem["code"] == ProblemCode.FOLDER_UNAVAILABLE and any(
            path in problem["message"] for path in told
        )
        if problem["code"] not in _TOLD_ELSEWHERE and not known:
            topic = _TOPICS.get(problem["code"], cli.TOPIC_FILES())
            yield Check(Result.BAD, topic, message_of(problem.get("text"), problem["message"]))


def subscription(found: StatusJson) -> Check:
    """Whether the application's owner has the subscription that Strava wants: its answers tell."""
    what = cli.TOPIC_SUBSCRIPTION()
    for problem in found["problems"]:
        if problem["code"] == ProblemCode.APP_INACTIVE:
            return Check(Result.BAD, what, message_of(problem.get("text"), problem["message"]))
    if found["last_upload"] is None:
        return Check(Result.WARN, what, cli.NOT_KNOWN_YET())
    taken = output.local(found["last_upload"]["completed_at"])
    return Check(Result.OK, what, cli.LAST_UPLOAD_TAKEN(when=taken))


def _athlete(athlete: AthleteJson) -> Check:
    what = cli.TOPIC_ATHLETE(athlete=athlete["name"])
    if not athlete["connected"]:
        return Check(Result.BAD, what, cli.RUN_CONNECT(athlete=athlete["name"]))
    if not READ_SCOPES.intersection(athlete["scopes"]):
        return Check(Result.WARN, what, cli.WITHOUT_READ())
    return Check(Result.OK, what, cli.CONNECTED(name=athlete["display_name"]))
