"""Admission of a file: from its bytes to its activities and their jobs in the ledger (D1)."""

from __future__ import annotations

import os

import structlog

from fitferry.core import admission_rules
from fitferry.core.activity import (
    AdmissionDecision,
    AdmissionResult,
    FileKind,
    NewActivity,
    ParseResult,
    Stability,
)
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.upload import Status
from fitferry.formats import ArchiveMember
from fitferry.formats.thumbnail import draw
from fitferry.inbox import file_reader
from fitferry.storage import activities, uploads
from fitferry.storage.activities import File

_log = structlog.get_logger()
_NOT_WHOLE = frozenset({FileKind.UNFINISHED, FileKind.DAMAGED})


def admit(
    path: str,
    athlete: str,
    settings: AdmissionRules,
    now: float,
    stability: Stability = Stability.SETTLED,
    *,
    hold_old: bool = False,
    folder: str = "",
) -> AdmissionResult:
    """Read a file of a watched folder, and write down what it is.

    Of a file that is not whole nothing is written, until it has `STALLED`: then a held job says what is missing.
    `hold_old`: the folder is new to us, and what is old in it waits for a person's word.
    `folder`: the watched folder, see `file_reader.read`.
    """
    try:
        file_read = file_reader.read(path, folder)
    except FileNotFoundError:
        return AdmissionResult.GONE
    except OSError as error:
        _log.warning("file_unreadable", path=path, reason=error.strerror)
        return AdmissionResult.UNREADABLE
    if file_read is None:
        return AdmissionResult.CHANGED
    contents = file_reader.examine(file_read)
    activities.forget_file_faults(athlete, path, file_read.sha256)
    too_early = _too_early(contents.result, stability)
    if too_early is not None:
        _log.debug("file_incomplete", path=path, outcome=too_early, reason=contents.result.reason)
        return too_early
    fingerprint = file_read.fingerprint
    file = File(athlete, path, file_read.sha256, fingerprint.size, fingerprint)
    # A file without any activity is written down itself, so that it is known.
    items = contents.members or (ArchiveMember(file_read.sha256, contents.result),)

    def decision(item: ArchiveMember) -> AdmissionDecision:
        old = hold_old and admission_rules.is_old(
            item.result.facts.start_time, fingerprint.mtime_ns / 1e9, now
        )
        by_rule = admission_rules.skipped_by_rule(
            item.result, athlete, os.path.basename(path), settings.rules
        )
        return by_rule or admission_rules.decide(item.result, settings, old=old)

    new_activities = [
        NewActivity(item.sha256, item.result, decision(item), item.name, draw(item.result.samples))
        for item in items
    ]
    return _write(file, new_activities, now)


def restore_source(job_id: int, file: File, member: str) -> bool:
    """Let a known activity be read from another file that holds its bytes, too; True if that queued its job.

    A job that had lost its bytes is queued; any other takes them from there if they are no longer where they were.
    """
    if activities.came_back(job_id, file, member):
        return True
    job = uploads.get(job_id)
    if job is not None and not activities.is_still(job.athlete, job.path, job.file_sha256):
        activities.take_from(job_id, file, member)
    return False


def find_again() -> int:
    """Queue what was held because its file was gone and is there again, and drop what was unfinished and is gone."""
    gone = [job for job in uploads.with_status(Status.HELD, "file_gone") if os.path.exists(job.path)]
    for job in uploads.with_status(Status.HELD, activities.UNFINISHED):
        if not os.path.lexists(job.path) and os.path.isdir(os.path.dirname(job.path)):
            activities.forget_file_faults(job.athlete, job.path)
    return sum(uploads.requeue(job.id, [Status.HELD]) for job in gone)


def _too_early(found: ParseResult, stability: Stability) -> AdmissionResult | None:
    """Why a file is not admitted now, though it may be later; None if it is."""
    if found.kind in _NOT_WHOLE:
        return None if stability is Stability.STALLED else AdmissionResult.UNFINISHED
    return None if found.proven or stability is not Stability.CLOSED else AdmissionResult.UNSETTLED


def _write(file: File, new_activities: list[NewActivity], now: float) -> AdmissionResult:
    results = []
    admitted = activities.admit(file, new_activities, now)
    for new_activity, (job_id, is_new) in zip(new_activities, admitted, strict=True):
        result = _RESULTS[new_activity.admission.status] if is_new else AdmissionResult.KNOWN
        if not is_new and restore_source(job_id, file, new_activity.member):
            result = AdmissionResult.ADMITTED
        results.append(result)
        reason = new_activity.admission.error_message
        _log.info(
            "file_admitted",
            job=job_id,
            path=file.path,
            athlete=file.athlete,
            outcome=result,
            sport=new_activity.result.facts.sport,
            **({"reason": reason} if reason else {}),
        )
    return AdmissionResult.ADMITTED if AdmissionResult.ADMITTED in results else results[0]


_RESULTS = {
    Status.PENDING: AdmissionResult.ADMITTED,
    Status.HELD: AdmissionResult.HELD,
    Status.SKIPPED: AdmissionResult.SKIPPED,
}
