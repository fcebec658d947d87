"""Is this file taken? From its bytes to its activities and their jobs in the ledger (D1)."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from fitferry import formats
from fitferry.config import StravaSettings
from fitferry.core import rules as core_rules
from fitferry.core.activity import (
    AdmissionDecision,
    AdmissionResult,
    FileKind,
    NewActivity,
    ParseResult,
    Stability,
    StatFingerprint,
)
from fitferry.core.rules import Rule, skipped_by
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import Status
from fitferry.formats import ArchiveMember, FileContents
from fitferry.storage import activities, uploads
from fitferry.storage.activities import File

OLD_SECONDS = 7 * 86_400.0
"""An activity that started longer ago may be one of many that were there before Fitferry was."""
_log = structlog.get_logger()
_CHUNK = 1 << 20
_WHOLE = frozenset({FileKind.ACTIVITY, FileKind.OTHER, FileKind.UNKNOWN})


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that was read in one piece: its bytes (none if it is too large) and their SHA-256."""

    body: bytes
    sha256: str
    signature: StatFingerprint


def admit(
    path: str,
    athlete: str,
    strava: StravaSettings,
    now: float,
    still: Stability = Stability.SETTLED,
    *,
    hold_old: bool = False,
    rules: Iterable[Rule] = (),
) -> AdmissionResult:
    """Look at a file in a watched folder, and write down what it is.

    Of a file that is not whole nothing is written, until it has `STALLED`: then a held job says what is missing.
    `hold_old`: the folder is new to us, and what is old in it waits for a person's word.
    """
    try:
        reading = read(path)
    except FileNotFoundError:
        return AdmissionResult.GONE
    except OSError as error:
        _log.warning("file cannot be read", path=path, reason=error.strerror)
        return AdmissionResult.UNREADABLE
    if reading is None:
        return AdmissionResult.CHANGED
    content = examine(reading)
    activities.forget_unfinished(athlete, path, reading.sha256)
    arrival = _not_yet(content.found, still)
    if arrival is not None:
        _log.debug("not yet", path=path, outcome=arrival, reason=content.found.reason)
        return arrival
    file = File(athlete, path, reading.sha256, reading.signature.size, reading.signature)
    # A file without any activity is written down itself, so that it is known.
    items = content.items or (ArchiveMember(reading.sha256, content.found),)

    def admission(item: ArchiveMember) -> AdmissionDecision:
        old = hold_old and _is_old(item, file, now)
        return _skipped(item.found, file, rules) or decide(item.found, strava, old=old)

    newcomers = [NewActivity(item.sha256, item.found, admission(item), item.name) for item in items]
    return _take(file, newcomers, now)


def found_again(job_id: int, file: File, member: str) -> bool:
    """Bytes that are known are in another file, too: True if a job was queued that had lost them.

    Any other job takes them from there if they are no longer where they were.
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
            activities.forget_unfinished(job.athlete, job.path)
    return sum(uploads.requeue(job.id, [Status.HELD]) for job in gone)


def read(path: str) -> FileRead | None:
    """Read a regular file whole; None if it changed meanwhile. Raises OSError."""
    # Not blocking: a FIFO of that name must not hold the scanner.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise FileNotFoundError(path)
        keep = before.st_size <= MAX_FILE_BYTES
        digest, chunks = hashlib.sha256(), []
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if keep:
                chunks.append(chunk)
        after = os.fstat(handle)
    if StatFingerprint.of(before) != StatFingerprint.of(after):
        return None
    return FileRead(b"".join(chunks), digest.hexdigest(), StatFingerprint.of(after))


def examine(reading: FileRead) -> FileContents:
    """What the bytes say; more than Strava takes is not looked into."""
    if reading.signature.size > MAX_FILE_BYTES:
        words = f"larger than the 25 MB that Strava takes ({reading.signature.size:,} bytes)"
        return FileContents(ParseResult(FileKind.OTHER, reason=words))
    return formats.examine(reading.body, reading.sha256)


def decide(found: ParseResult, strava: StravaSettings, *, old: bool = False) -> AdmissionDecision:
    """What a file is admitted as, by the settings. `old`: nobody has said yet what is to become of old files."""
    match found.verdict:
        case FileKind.OTHER | FileKind.UNKNOWN:
            return AdmissionDecision(Status.SKIPPED, "no_activity", f"not an activity: {found.reason}")
        case FileKind.UNFINISHED | FileKind.DAMAGED:
            return AdmissionDecision(Status.HELD, activities.UNFINISHED, found.reason)
    if strava.since is not None and starts_before(found.facts.start_time, strava.since):
        return before_since(strava.since)
    if not strava.auto_upload:
        return AdmissionDecision(
            Status.HELD, "auto_upload", "waits for somebody to upload it (auto_upload is off)"
        )
    if old and strava.since is None:
        return AdmissionDecision(Status.HELD, "backlog", "was there before Fitferry: waits for your decision")
    return AdmissionDecision(Status.PENDING)


def _skipped(found: ParseResult, file: File, rules: Iterable[Rule]) -> AdmissionDecision | None:
    """The word of a rule that an activity is not to be uploaded."""
    if found.verdict is not FileKind.ACTIVITY:
        return None
    number = skipped_by(
        rules, core_rules.subject_of_facts(file.athlete, os.path.basename(file.path), found.facts)
    )
    return None if number is None else AdmissionDecision(Status.SKIPPED, "rule", f"skipped by rule {number}")


def before_since(since: date) -> AdmissionDecision:
    """What an activity is admitted as that started before `since`."""
    return AdmissionDecision(Status.HELD, "since", f"started before {since}, see since in [strava]")


def starts_before(start_time: float | None, since: date | None) -> bool:
    """Whether an activity started before a local day began; one that does not say when did not."""
    if since is None or start_time is None:
        return False
    return start_time < midnight(since)


def midnight(day: date) -> float:
    """When a local day begins."""
    return datetime(day.year, day.month, day.day).astimezone().timestamp()


def _not_yet(found: ParseResult, still: Stability) -> AdmissionResult | None:
    """Why a file is not taken now, though it may be later; None if it is."""
    if found.verdict not in _WHOLE:
        return None if still is Stability.STALLED else AdmissionResult.UNFINISHED
    provable = found.proven and found.verdict is not FileKind.UNKNOWN
    return None if provable or still is not Stability.CLOSED else AdmissionResult.UNSETTLED


def _is_old(item: ArchiveMember, file: File, now: float) -> bool:
    """Whether an activity started long ago; where it does not say when, its file's age stands in."""
    started = item.found.facts.start_time
    if started is None and file.signature is not None:
        started = file.signature.mtime_ns / 1e9
    return started is not None and started < now - OLD_SECONDS


def _take(file: File, newcomers: list[NewActivity], now: float) -> AdmissionResult:
    arrivals = []
    for new_activity, (job_id, new) in zip(newcomers, activities.admit(file, newcomers, now), strict=True):
        arrival = _ARRIVALS[new_activity.admission.status] if new else AdmissionResult.KNOWN
        if not new and found_again(job_id, file, new_activity.member):
            arrival = AdmissionResult.ADMITTED
        arrivals.append(arrival)
        words = new_activity.admission.error_message
        _log.info(
            "admitted",
            job=job_id,
            path=file.path,
            athlete=file.athlete,
            outcome=arrival,
            sport=new_activity.found.facts.sport,
            **({"reason": words} if words else {}),
        )
    return AdmissionResult.ADMITTED if AdmissionResult.ADMITTED in arrivals else arrivals[0]


_ARRIVALS = {
    Status.PENDING: AdmissionResult.ADMITTED,
    Status.HELD: AdmissionResult.HELD,
    Status.SKIPPED: AdmissionResult.SKIPPED,
}
