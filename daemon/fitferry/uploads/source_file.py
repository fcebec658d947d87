"""Where are the bytes of an activity now? The bytes that were hashed, and no others, are what goes to Strava."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fitferry import formats
from fitferry.config import StravaSettings
from fitferry.core import attempt_results as results
from fitferry.core.activity import AdmissionResult, Stability
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.messages import uploads
from fitferry.core.rules import Rule
from fitferry.core.upload import AttemptResult, Job
from fitferry.inbox import admission, file_reader
from fitferry.storage import activities
from fitferry.storage import uploads as stored_uploads
from fitferry.uploads.after_upload import Archive

_HALF = frozenset(
    {
        AdmissionResult.UNFINISHED,
        AdmissionResult.UNSETTLED,
        AdmissionResult.CHANGED,
        AdmissionResult.UNREADABLE,
    }
)


def body_of(
    job: Job, app: StravaSettings, rules: Iterable[Rule], archives: Iterable[Archive], now: float
) -> bytes | AttemptResult:
    """The bytes, wherever they are now; or what it means that they are not there."""
    changed = False
    for path in dict.fromkeys([job.path, *activities.other_paths(job.athlete, job.file_sha256)]):
        try:
            reading = file_reader.read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            return results.file_unreadable(
                job, uploads.FILE_UNREADABLE(reason=error.strerror or str(error)), now
            )
        if reading is None:
            return results.file_unreadable(job, uploads.FILE_BEING_CHANGED(), now)
        if reading.sha256 == job.file_sha256:
            if path != job.path:
                activities.moved(job.activity_id, path)
            body = formats.body_of(reading.body, reading.sha256, job.sha256)
            return results.archive_unreadable(job) if body is None else body
        changed = changed or path == job.path
    if changed:
        return _changed(job, job.path, app, rules, now)
    away = _missing_folder(job.path, archives)
    if away is not None:
        stored_uploads.wait_for_folder(away, now + results.FOLDER_SECONDS)
        return results.folder_away(job, now)
    return results.file_gone(job)


def _changed(job: Job, path: str, app: StravaSettings, rules: Iterable[Rule], now: float) -> AttemptResult:
    """Other bytes are at the path now. Half of a new copy may become these again: then they are waited for."""
    arrival = admission.admit(
        path,
        job.athlete,
        AdmissionRules(app.auto_upload, app.since, tuple(rules)),
        now,
        Stability.CLOSED,
    )
    if arrival in _HALF:
        return results.file_unreadable(job, uploads.FILE_BEING_CHANGED(), now)
    return results.file_changed(job)


def _missing_folder(path: str, archives: Iterable[Archive]) -> Path | None:
    """The watched folder that a file was in and that is away; None if it is there."""
    own = [one.folder for one in archives if Path(path).is_relative_to(one.folder)] or [Path(path).parent]
    return next((folder for folder in own if not folder.is_dir()), None)
