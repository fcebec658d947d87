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
from fitferry.core.activity import Admission, Arrival, Inspection, Newcomer, Signature, Stillness, Verdict
from fitferry.core.rules import Rule, skipped_by
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import Status
from fitferry.formats import Content, Item
from fitferry.storage import activities, uploads
from fitferry.storage.activities import File

OLD_SECONDS = 7 * 86_400.0
"""An activity that started longer ago may be one of many that were there before Fitferry was."""
_log = structlog.get_logger()
_CHUNK = 1 << 20
_WHOLE = frozenset({Verdict.ACTIVITY, Verdict.OTHER, Verdict.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read in one piece: its bytes (none if it is too large) and their SHA-256."""

    body: bytes
    sha256: str
    signature: Signature


def admit(
    path: str,
    athlete: str,
    strava: StravaSettings,
    now: float,
    still: Stillness = Stillness.SETTLED,
    *,
    hold_old: bool = False,
    rules: Iterable[Rule] = (),
) -> Arrival:
    """Look at a file in a watched folder, and write down what it is.

    Of a file that is not whole nothing is written, until it has `STALLED`: then a held job says what is missing.
    `hold_old`: the folder is new to us, and what is old in it waits for a person's word.
    """
    try:
        reading = read(path)
    except FileNotFoundError:
        return Arrival.GONE
    except OSError as error:
        _log.warning("file cannot be read", path=path, reason=error.strerror)
        return Arrival.UNREADABLE
    if reading is None:
        return Arrival.CHANGED
    content = examine(reading)
    activities.forget_unfinished(athlete, path, reading.sha256)
    arrival = _not_yet(content.found, still)
    if arrival is not None:
        _log.debug("not yet", path=path, outcome=arrival, reason=content.found.reason)
        return arrival
    file = File(athlete, path, reading.sha256, reading.signature.size, reading.signature)
    # A file without any activity is written down itself, so that it is known.
    items = content.items or (Item(reading.sha256, content.found),)

    def admission(item: Item) -> Admission:
        old = hold_old and _is_old(item, file, now)
        return _skipped(item.found, file, rules) or decide(item.found, strava, old=old)

    newcomers = [Newcomer(item.sha256, item.found, admission(item), item.name) for item in items]
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


def read(path: str) -> Reading | None:
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
    if Signature.of(before) != Signature.of(after):
        return None
    return Reading(b"".join(chunks), digest.hexdigest(), Signature.of(after))


def examine(reading: Reading) -> Content:
    """What the bytes say; more than Strava takes is not looked into."""
    if reading.signature.size > MAX_FILE_BYTES:
        words = f"larger than the 25 MB that Strava takes ({reading.signature.size:,} bytes)"
        return Content(Inspection(Verdict.OTHER, reason=words))
    return formats.examine(reading.body, reading.sha256)


def decide(found: Inspection, strava: StravaSettings, *, old: bool = False) -> Admission:
    """What a file is admitted as, by the settings. `old`: nobody has said yet what is to become of old files."""
    match found.verdict:
        case Verdict.OTHER | Verdict.UNKNOWN:
            return Admission(Status.SKIPPED, "no_activity", f"not an activity: {found.reason}")
        case Verdict.UNFINISHED | Verdict.DAMAGED:
            return Admission(Status.HELD, activities.UNFINISHED, found.reason)
    if strava.since is not None and starts_before(found.facts.start_time, strava.since):
        return before_since(strava.since)
    if not strava.auto_upload:
        return Admission(Status.HELD, "auto_upload", "waits for somebody to upload it (auto_upload is off)")
    if old and strava.since is None:
        return Admission(Status.HELD, "backlog", "was there before Fitferry: waits for your decision")
    return Admission(Status.PENDING)


def _skipped(found: Inspection, file: File, rules: Iterable[Rule]) -> Admission | None:
    """The word of a rule that an activity is not to be uploaded."""
    if found.verdict is not Verdict.ACTIVITY:
        return None
    number = skipped_by(
        rules, core_rules.subject_of_facts(file.athlete, os.path.basename(file.path), found.facts)
    )
    return None if number is None else Admission(Status.SKIPPED, "rule", f"skipped by rule {number}")


def before_since(since: date) -> Admission:
    """What an activity is admitted as that started before `since`."""
    return Admission(Status.HELD, "since", f"started before {since}, see since in [strava]")


def starts_before(start_time: float | None, since: date | None) -> bool:
    """Whether an activity started before a local day began; one that does not say when did not."""
    if since is None or start_time is None:
        return False
    return start_time < midnight(since)


def midnight(day: date) -> float:
    """When a local day begins."""
    return datetime(day.year, day.month, day.day).astimezone().timestamp()


def _not_yet(found: Inspection, still: Stillness) -> Arrival | None:
    """Why a file is not taken now, though it may be later; None if it is."""
    if found.verdict not in _WHOLE:
        return None if still is Stillness.STALLED else Arrival.UNFINISHED
    provable = found.proven and found.verdict is not Verdict.UNKNOWN
    return None if provable or still is not Stillness.CLOSED else Arrival.UNSETTLED


def _is_old(item: Item, file: File, now: float) -> bool:
    """Whether an activity started long ago; where it does not say when, its file's age stands in."""
    started = item.found.facts.start_time
    if started is None and file.signature is not None:
        started = file.signature.mtime_ns / 1e9
    return started is not None and started < now - OLD_SECONDS


def _take(file: File, newcomers: list[Newcomer], now: float) -> Arrival:
    arrivals = []
    for newcomer, (job_id, new) in zip(newcomers, activities.admit(file, newcomers, now), strict=True):
        arrival = _ARRIVALS[newcomer.admission.status] if new else Arrival.KNOWN
        if not new and found_again(job_id, file, newcomer.member):
            arrival = Arrival.ADMITTED
        arrivals.append(arrival)
        words = newcomer.admission.error_message
        _log.info(
            "admitted",
            job=job_id,
            path=file.path,
            athlete=file.athlete,
            outcome=arrival,
            sport=newcomer.found.facts.sport,
            **({"reason": words} if words else {}),
        )
    return Arrival.ADMITTED if Arrival.ADMITTED in arrivals else arrivals[0]


_ARRIVALS = {
    Status.PENDING: Arrival.ADMITTED,
    Status.HELD: Arrival.HELD,
    Status.SKIPPED: Arrival.SKIPPED,
}
