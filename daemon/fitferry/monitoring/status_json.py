"""The snapshot and its parts as JSON: the shapes of status.json and of the API, and the status file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from fitferry.core.activity import WatchState
from fitferry.core.api_types import (
    AthleteJson,
    BacklogJson,
    JobJson,
    ProblemJson,
    RateLimitJson,
    StatusJson,
    WatchJson,
    iso,
)
from fitferry.core.filenames import shown
from fitferry.core.messages import folders
from fitferry.core.printable import escaped_json
from fitferry.core.problems import Problem
from fitferry.core.strava import RateLimit
from fitferry.core.upload import Athlete, Backlog, Job
from fitferry.monitoring.status import JobView, Snapshot, job_views

_encode = json.JSONEncoder(ensure_ascii=False).encode


def to_json(snapshot: Snapshot) -> StatusJson:
    """Everything that `status.json` says."""
    process = snapshot.process
    values: StatusJson = {
        "version": snapshot.version,
        "pid": process.pid,
        "started_at": iso(process.started_at),
        "updated_at": iso(snapshot.updated_at),
        "web": {"host": process.host, "port": process.port, "url": process.url},
        "state": snapshot.state.value,
        "problems": [_problem(problem) for problem in snapshot.problems],
        "athletes": [athlete(person) for person in snapshot.athletes],
        "queue": {status.value: count for status, count in snapshot.queue.items()},
        "rate_limit": _rate_limit(snapshot.rate_limit, snapshot.held_until),
        "last_upload": job(snapshot.last_upload) if snapshot.last_upload else None,
        "watch": [_watch(state) for state in snapshot.watch],
    }
    progress = snapshot.history_import
    if progress is not None:
        done_by = iso(progress.done_by)
        values["import"] = {"waiting": progress.waiting, "done": progress.done, "done_by": done_by}
    return values


def athlete(person: Athlete) -> AthleteJson:
    """One athlete, as the API shows them."""
    return {
        "name": person.name,
        "connected": person.connected,
        "athlete_id": person.athlete_id,
        "display_name": person.display_name,
        "scopes": list(person.scopes),
    }


def jobs_shown(jobs: Iterable[Job], now: float) -> list[JobJson]:
    """Several jobs, as the API shows them."""
    return [job(view) for view in job_views(jobs, now)]


def job(view: JobView) -> JobJson:
    """One job, as the API shows it; waits that all jobs share are worked in.

    Where there is an `error_message`, `error_text` is the same as data, so that commands can translate it.
    """
    job = view.job
    values: JobJson = {
        "id": job.id,
        "activity_id": job.activity_id,
        "athlete": job.athlete,
        "file": job.file,
        "status": job.status.value,
        "waiting_for": view.waiting_for.value if view.waiting_for else None,
        "strava_activity_id": job.strava_activity_id,
        "strava_url": job.strava_url,
        "error_code": job.error_code,
        "error_message": str(job.error_message) if job.error_message else None,
        "retry_count": job.retry_count,
        "created_at": iso(job.created_at),
        "completed_at": iso(job.completed_at),
        "next_attempt_at": iso(view.next_attempt_at),
        "sport": None
        if (job.sport or "").isdecimal()
        else job.sport,  # a number has no name in the FIT profile
        "start_time": iso(job.start_time),
        "duration_s": _rounded(job.duration_s),
        "distance_m": _rounded(job.distance_m),
        "size": job.size,
        "sha256": job.sha256,
    }
    if job.error_message:
        values["error_text"] = job.error_message.to_values()
    return values


def backlog(waiting: Backlog) -> BacklogJson:
    """What waits for a decision, as the API shows it."""
    return {
        "count": waiting.count,
        "oldest": iso(waiting.oldest),
        "newest": iso(waiting.newest),
        "days": waiting.days,
    }


def write(path: Path, values: StatusJson) -> None:
    """Replace the status file in one step. Not synced: it is worth nothing after a power cut."""
    scratch = path.with_name(f".{path.name}.part")
    # Somebody may read it on a terminal; json's own indentation is made by Python and takes ten times as long.
    lines = ",\n".join(f" {_encode(name)}: {_encode(value)}" for name, value in values.items())
    with scratch.open("wb") as file:
        file.write(f"{{\n{escaped_json(lines)}\n}}\n".encode())
        os.fchmod(file.fileno(), 0o644)
    os.replace(scratch, path)  # noqa: PTH105  # one step, as the contract says


def _problem(problem: Problem) -> ProblemJson:
    """One problem; `text` is its message as data, so that commands can say it in another language."""
    return {
        "code": problem.code.value,
        "athlete": problem.athlete,
        "message": str(problem.message),
        "since": iso(problem.since),
        "text": problem.message.to_values(),
    }


def _watch(state: WatchState) -> WatchJson:
    """One folder; `looked_at`, `note` and `receiving` are there only where there is something to say."""
    values: WatchJson = {
        "folder": state.folder,
        "athlete": state.athlete,
        "method": state.method,
        "available": state.available,
    }
    if not state.is_looked_at:
        values["looked_at"] = False
    if state.notes:
        note = folders.NOTES(notes=state.notes)
        values |= {"note": str(note), "note_text": note.to_values()}
    if state.receiving:
        values["receiving"] = [
            {"file": shown(file.path), "size": file.have, "of": file.want} for file in state.receiving
        ]
    return values


def _rate_limit(limits: RateLimit, held_until: float | None) -> RateLimitJson:
    return {
        "overall": {"limit": list(limits.overall_limit), "usage": list(limits.overall_usage)},
        "read": {"limit": list(limits.read_limit), "usage": list(limits.read_usage)},
        "held_until": iso(held_until),
    }


def _rounded(value: float | None) -> float | None:
    """Sums of binary fractions have long tails."""
    return None if value is None else round(value, 3)
