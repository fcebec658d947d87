"""What was typed at the set-up, and what is right and wrong with it: each answer is tried."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from fitferry.config import first_settings as first
from fitferry.config.schema import Settings
from fitferry.core.errors import FitferryError, StravaError
from fitferry.core.filenames import is_wanted_name
from fitferry.core.messages import Message, setup
from fitferry.core.strava import StravaErrorKind
from fitferry.strava import Strava
from fitferry.system.deadline import FolderState, call, look_at_folder


@dataclass(slots=True)
class Verdict:
    """What is said of one answer; `ok` None: it is taken, with a warning."""

    message: Message
    ok: bool | None = True


@dataclass(slots=True)
class Answers:
    """What was typed, and what is said of it. `files`: how many activity files the folder holds."""

    typed: dict[str, str]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    files: int = 0

    @property
    def to_see(self) -> set[str]:
        """Marks of what is to be seen before it is written: each warning of a value, and the files that are there."""
        warned = [name for name, verdict in self.verdicts.items() if verdict.ok is None]
        names = [*warned, "folder"] if self.files else warned
        said = ((self.verdicts[name].message.code, self.typed[name]) for name in names)
        return {sha256(repr(one).encode()).hexdigest()[:12] for one in said}

    @property
    def can_be_written(self) -> bool:
        """Whether nothing is wrong, and nothing is left to be seen."""
        wrong = any(verdict.ok is False for verdict in self.verdicts.values())
        return not wrong and self.to_see <= set(self.typed.get("seen", "").split())


def judge(base: Settings, typed: dict[str, str]) -> Answers:
    """What is right and wrong with what was typed."""
    answers = Answers(typed)
    client_id = _read(answers, "client_id", first.read_client_id)
    secret = _read(answers, "client_secret", first.read_secret)
    if client_id is not None and secret is not None:
        _judge_application(base, answers, client_id, secret)
    folder = _read(answers, "folder", first.read_full_path)
    if folder is not None:
        answers.verdicts["folder"] = _look(answers, folder)
    return answers


def _read(answers: Answers, name: str, read: Callable[[str], object]) -> str | None:
    try:
        return str(read(answers.typed[name]))
    except FitferryError as error:
        answers.verdicts[name] = Verdict(error.message, ok=False)
        return None


def _judge_application(base: Settings, answers: Answers, client_id: str, secret: str) -> None:
    """Try the application at Strava's token endpoint, by a code that cannot be valid."""
    if first.looks_odd(secret):
        answers.verdicts["client_secret"] = Verdict(setup.SECRET_ODD(), ok=None)
    try:
        with Strava(replace(base.strava, client_id=client_id, client_secret=secret)) as strava:
            strava.exchange("fitferry-set-up")
    except StravaError as error:
        if error.kind is StravaErrorKind.APP_REFUSED:
            answers.verdicts["client_secret"] = Verdict(setup.APP_REFUSED(), ok=None)
        elif error.kind is StravaErrorKind.GRANT_REFUSED:
            answers.verdicts["client_secret"] = Verdict(setup.APP_FINE())


def _look(answers: Answers, folder: str) -> Verdict:
    """Whether a folder is there and readable, and how many files it holds."""
    look = look_at_folder(folder)
    match look.state:
        case FolderState.OK:
            answers.files = _count(folder)
            return Verdict(setup.FOLDER_READABLE(count=answers.files))
        case FolderState.MISSING:
            return Verdict(setup.FOLDER_MISSING(), ok=None)
        case FolderState.NOT_A_FOLDER:
            return Verdict(setup.FOLDER_NONE(), ok=False)
        case FolderState.NO_PERMISSION:
            return Verdict(setup.FOLDER_CLOSED(path=look.path), ok=None)
        case _:
            return Verdict(setup.FOLDER_NO_ANSWER(), ok=None)


def _count(folder: str) -> int:
    names = (name for _, _, files in os.walk(folder) for name in files)
    try:
        return call(lambda: sum(map(is_wanted_name, names)))
    except (OSError, TimeoutError):
        return 0
