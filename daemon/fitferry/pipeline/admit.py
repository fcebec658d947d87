"""Is this file taken? From its bytes to an activity and a job in the ledger (D1)."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from datetime import date, datetime

import structlog

from fitferry import fit
from fitferry.config import StravaSettings
from fitferry.ledger import files, jobs
from fitferry.model import MAX_FILE_BYTES, Admission, Arrival, Inspection, Signature, Status, Verdict

_log = structlog.get_logger()
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read in one piece: its bytes (none if it is too large) and their SHA-256."""

    body: bytes
    sha256: str
    signature: Signature


def admit(path: str, athlete: str, strava: StravaSettings, now: float) -> Arrival:
    """Look at a file in a watched folder, and write down what it is; nothing is written for half a file."""
    try:
        reading = read(path)
    except FileNotFoundError:
        return Arrival.GONE
    except OSError as error:
        _log.warning("file cannot be read", path=path, reason=error.strerror)
        return Arrival.UNREADABLE
    if reading is None:
        return Arrival.CHANGED
    found = inspect(reading)
    admission = decide(found, strava)
    if admission is None:
        _log.info("unfinished", path=path, reason=found.reason)
        return Arrival.UNFINISHED
    return take(path, athlete, reading, found, admission, now)[1]


def take(
    path: str, athlete: str, reading: Reading, found: Inspection, admission: Admission, now: float
) -> tuple[int, Arrival]:
    """Write down an activity and its job (D1); the job's id, and whether it is new."""
    job_id, new = files.admit(
        athlete,
        path,
        reading.sha256,
        found,
        admission,
        now,
        size=reading.signature.size,
        signature=reading.signature,
    )
    arrival = _ARRIVALS[admission.status] if new else Arrival.KNOWN
    if not new and files.came_back(job_id, path):
        arrival = Arrival.ADMITTED
    reason = {"reason": admission.error_message} if admission.error_message else {}
    _log.info(
        "admitted", job=job_id, path=path, athlete=athlete, outcome=arrival, sport=found.facts.sport, **reason
    )
    return job_id, arrival


def find_again() -> int:
    """Queue what was held because its file was gone, and is there again; how many."""
    gone = [job for job in jobs.with_status(Status.HELD, "file_gone") if os.path.exists(job.path)]
    return sum(jobs.requeue(job.id, [Status.HELD]) for job in gone)


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


def inspect(reading: Reading) -> Inspection:
    """What the bytes say; more than Strava takes is not looked into."""
    if reading.signature.size > MAX_FILE_BYTES:
        words = f"larger than the 25 MB that Strava takes ({reading.signature.size:,} bytes)"
        return Inspection(Verdict.OTHER, reason=words)
    return fit.inspect(reading.body)


def decide(found: Inspection, strava: StravaSettings) -> Admission | None:
    """What a file is admitted as, by the settings; None while it is not whole."""
    match found.verdict:
        case Verdict.OTHER:
            return Admission(Status.SKIPPED, "no_activity", f"not an activity: {found.reason}")
        case Verdict.ACTIVITY if starts_before(found.facts.start_time, strava.since):
            return Admission(Status.HELD, "since", f"started before {strava.since}, see since in [strava]")
        case Verdict.ACTIVITY if not strava.auto_upload:
            return Admission(
                Status.HELD, "auto_upload", "waits for somebody to upload it (auto_upload is off)"
            )
        case Verdict.ACTIVITY:
            return Admission(Status.PENDING)
        case _:
            return None


def starts_before(start_time: float | None, since: date | None) -> bool:
    """Whether an activity started before a local day began; one that does not say when did not."""
    if since is None or start_time is None:
        return False
    return start_time < datetime(since.year, since.month, since.day).astimezone().timestamp()


def as_activity(found: Inspection) -> Inspection:
    """The same as an activity, for a file that a person insists on although its checksum is wrong."""
    return replace(found, verdict=Verdict.ACTIVITY)


_ARRIVALS = {
    Status.PENDING: Arrival.ADMITTED,
    Status.HELD: Arrival.HELD,
    Status.SKIPPED: Arrival.SKIPPED,
}
