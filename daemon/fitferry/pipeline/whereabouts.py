"""Where are the bytes of an activity now? The bytes that were hashed, and no others, are what goes to Strava."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fitferry import formats, policy
from fitferry.config import StravaSettings
from fitferry.ledger import files, jobs
from fitferry.model.files import Arrival, Stillness
from fitferry.model.jobs import Job, Step
from fitferry.pipeline import admit
from fitferry.pipeline.put_away import Archive
from fitferry.policy import Around
from fitferry.rules import Rule

_HALF = frozenset({Arrival.UNFINISHED, Arrival.UNSETTLED, Arrival.CHANGED, Arrival.UNREADABLE})


def body_of(
    job: Job, app: StravaSettings, rules: Iterable[Rule], archives: Iterable[Archive], around: Around
) -> bytes | Step:
    """The bytes, wherever they are now; or what it means that they are not there."""
    changed = False
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
        changed = changed or path == job.path
    if changed:
        return _changed(job, job.path, app, rules, around)
    away = _missing_folder(job.path, archives)
    if away is not None:
        jobs.wait_for_folder(away, around.now + policy.FOLDER_SECONDS)
        return policy.folder_away(job, around)
    return policy.file_gone(job)


def _changed(job: Job, path: str, app: StravaSettings, rules: Iterable[Rule], around: Around) -> Step:
    """Other bytes are at the path now. Half of a new copy may become these again: then they are waited for."""
    arrival = admit.admit(path, job.athlete, app, around.now, Stillness.CLOSED, rules=rules)
    if arrival in _HALF:
        return policy.file_unreadable(job, "the file is being changed", around)
    return policy.file_changed(job)


def _missing_folder(path: str, archives: Iterable[Archive]) -> Path | None:
    """The watched folder that a file was in and that is away; None if it is there."""
    own = [one.folder for one in archives if Path(path).is_relative_to(one.folder)] or [Path(path).parent]
    return next((folder for folder in own if not folder.is_dir()), None)
