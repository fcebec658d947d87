"""Admission of a file: from its bytes to its activities and their jobs in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from fitferry.core import admission_rules, filenames
from fitferry.core.activity import (
    AdmissionDecision,
    AdmissionResult,
    FileKind,
    NewActivity,
    ParseResult,
    Stability,
    StatFingerprint,
)
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.upload import Job, Status
from fitferry.formats import ArchiveMember
from fitferry.formats.thumbnail import draw
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.file_reader import FileLook
from fitferry.storage import activities, seen_files, uploads
from fitferry.storage.seen_files import File
from fitferry.system import safe_files

_log = structlog.get_logger()
_INCOMPLETE = frozenset({FileKind.UNFINISHED, FileKind.DAMAGED})


def admit(
    path: str,
    look: FileLook,
    athlete: str,
    settings: AdmissionRules,
    now: float,
    stability: Stability,
    *,
    folder: str = "",
    hold_old: float | None = None,
    list_junk: bool = True,
    clock_unknown: bool = False,
    dispatcher: Dispatcher | None = None,
) -> AdmissionResult:
    """Write down what a file of a watched folder is.

    Of a file that is not whole nothing is written, until it has `STALLED`: then a held job says what is missing.
    `hold_old`: the time by which the age of what is in a new folder is judged: what is old waits for a person's word.
    `clock_unknown`: how old it is was judged by our clock alone.
    `dispatcher`: how what can be sent at once reaches a worker.
    `list_junk`: whether what is no activity gets a job that says so, or is only remembered.
    `folder`: the watched folder.
    """
    file_read, contents = look.file, look.contents
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
        old = hold_old is not None and admission_rules.is_old(
            item.result.facts.start_time, fingerprint.mtime_ns / 1e9, hold_old
        )
        name = filenames.shown(path) + (f"/{item.name}" if item.name else "")
        by_rule = admission_rules.skipped_by_rule(item.result, athlete, name, settings.rules)
        return by_rule or admission_rules.decide(item.result, settings, old=old, clock_unknown=clock_unknown)

    if not list_junk and contents.result.kind is FileKind.NO_ACTIVITY:
        seen_files.remember(file)
        return AdmissionResult.SKIPPED
    new_activities = [NewActivity(item.sha256, item.result, decision(item), item.name) for item in items]
    if dispatcher is not None and file_read.body and not file_read.is_too_large:
        dispatcher.put(file_read.sha256, file_read.body)
    else:
        dispatcher = None
    return _write(file, new_activities, now, lambda job: _has_lost_bytes(job, folder), dispatcher)


def restore_source(
    job_id: int, file: File, member: str, has_lost_bytes: Callable[[Job], bool] = lambda _job: False
) -> bool:
    """Let a known activity be read from another file that holds its bytes, too; True if that queued its job.

    A job that is held because its bytes are gone is queued; any other takes them from there where `has_lost_bytes`.
    """
    if activities.came_back(job_id, file, member):
        return True
    job = uploads.get(job_id)
    if job is not None and (
        seen_files.holds_other_bytes(job.athlete, job.path, job.file_sha256) or has_lost_bytes(job)
    ):
        activities.take_from(job_id, file, member)
    return False


def _too_early(found: ParseResult, stability: Stability) -> AdmissionResult | None:
    """Why a file is not admitted now, though it may be later; None if it is."""
    if found.kind in _INCOMPLETE:
        return None if stability is Stability.STALLED else AdmissionResult.UNFINISHED
    return None if found.proven or stability is not Stability.CLOSED else AdmissionResult.UNSETTLED


def _has_lost_bytes(job: Job, folder: str) -> bool:
    """Whether a job's file is in the same watched folder, and not there any more or changed since it was read."""
    if not folder or not job.path.startswith(f"{folder}/"):
        return False  # in another folder, which may not answer: whoever sends it finds out
    try:
        with safe_files.open_folder(folder) as inside:
            now = StatFingerprint.of(inside.stat(inside.relative(job.path)))
    except OSError:
        return True
    return seen_files.seen(job.athlete, job.path) != now


def _write(
    file: File,
    new_activities: list[NewActivity],
    now: float,
    has_lost_bytes: Callable[[Job], bool],
    dispatcher: Dispatcher | None,
) -> AdmissionResult:
    results = []
    sending, admitted = _admitted(file, new_activities, now, dispatcher)
    for new_activity, (job_id, is_new) in zip(new_activities, admitted, strict=True):
        result = _RESULTS[new_activity.admission.status] if is_new else AdmissionResult.KNOWN
        if job_id == sending:
            result = AdmissionResult.SENDING
        if not is_new and restore_source(job_id, file, new_activity.member, has_lost_bytes):
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


def _admitted(
    file: File, new_activities: list[NewActivity], now: float, dispatcher: Dispatcher | None
) -> tuple[int, list[tuple[int, bool]]]:
    """The job that was written as being sent in the same commit, 0 if none was; and all jobs, whether each is new.

    What can be sent at once is drawn by the worker that sends it, afterwards: drawing takes longer than sending.
    """
    only = new_activities[0] if len(new_activities) == 1 else None
    if dispatcher is None or only is None or not _can_be_sent(only, file.athlete, dispatcher):
        drawn = [replace(new, thumbnail=draw(new.result.samples)) for new in new_activities]
        return 0, activities.admit(file, drawn, now)
    with dispatcher.sending(only.result.samples) as sending:
        admitted = activities.admit(file, new_activities, now, begin_sending=sending.begin)
    return sending.job_id, admitted


def _can_be_sent(new_activity: NewActivity, athlete: str, dispatcher: Dispatcher) -> bool:
    decision = new_activity.admission
    settled = decision.status is Status.PENDING and not decision.age_unproven
    return settled and dispatcher.can_send(athlete, new_activity.result.facts.start_time)


_RESULTS = {
    Status.PENDING: AdmissionResult.ADMITTED,
    Status.HELD: AdmissionResult.HELD,
    Status.SKIPPED: AdmissionResult.SKIPPED,
}
