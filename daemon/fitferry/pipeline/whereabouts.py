"""Where are the bytes of an activity now? The bytes that were hashed, and no others, are what goes to Strava."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fitferry import formats, policy
from fitferry.config import StravaSettings
from fitferry.ledger import files
from fitferry.model import Arrival, Job, Step, Stillness
from fitferry.pipeline import admit
from fitferry.pipeline.put_away import Archive
from fitferry.policy import Around
from fitferry.rules import Rule

_HALF = frozenset({Arrival.UNFINISHED, Arrival.UNSETTLED, Arrival.CHANGED, Arrival.UNREADABLE})


def body_of(
    job: Job, app: StravaSettings, rules: Iterable[Rule], archives: Iterable[Archive], around: Around
) -> bytes | Step:
    """The bytes, wherever they are now; or what it means that they are not there."""
    for path in dict.fromkeys([job.path, *files.other_paths(job.athlete, job.file_sha256)]):
        try:
            reading = admit.read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            return policy.file_unreadable(job, f"the file cannot be read ({error.strerror})", around)
        if reading is None:
            return policy.file_unreadable(job, "the file is being changed", around)
        if reading.sha256 == job.file_sha256:
            if path != job.path:
                files.moved(job.activity_id, path)
            body = formats.body_of(reading.body, reading.sha256, job.sha256)
            return policy.file_useless(job) if body is None else body
        if path == job.path:
            return _changed(job, path, app, rules, around)
    if not _folder_is_there(job.path, archives):
        return policy.file_unreadable(job, "its folder is not there", around)
    return policy.file_gone(job)


def _changed(job: Job, path: str, app: StravaSettings, rules: Iterable[Rule], around: Around) -> Step:
    """Other bytes are at the path now. Half of a new copy may become these again: then they are waited for."""
    arrival = admit.admit(path, job.athlete, app, around.now, Stillness.CLOSED, rules=rules)
    if arrival in _HALF:
        return policy.file_unreadable(job, "the file is being changed", around)
    return policy.file_changed(job)


def _folder_is_there(path: str, archives: Iterable[Archive]) -> bool:
    own = [one.folder for one in archives if Path(path).is_relative_to(one.folder)]
    return all(folder.is_dir() for folder in own) if own else Path(path).parent.is_dir()
