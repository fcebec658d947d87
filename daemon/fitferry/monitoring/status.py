"""How are things? One snapshot for the page, the status file, the commands and the metrics."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fitferry import __version__
from fitferry.core import rate_limit as allowances
from fitferry.core.activity import WatchState
from fitferry.core.filenames import shown
from fitferry.core.upload import (
    Athlete,
    AuthProblem,
    Backlog,
    Breaker,
    BreakerName,
    Job,
    Problem,
    Status,
    WaitingFor,
)
from fitferry.storage import accounts, breakers, queries, rate_limits, uploads

MANY = 40
"""From so many old activities on their way it is an import, and people ask when it will be done."""
NO_BACKLOG = Backlog(0, None, None, 0)
_STRAVA = "https://www.strava.com"
_TROUBLE = {
    AuthProblem.REVOKED: "Strava no longer accepts the connection of {name}: connect again on the page or with "
    "`fitferry connect {name}`; the uploads wait",
    AuthProblem.SCOPE: "{name} has not given the permission that uploads need: connect again and leave every box ticked",
    AuthProblem.KEY: "the stored connection of {name} cannot be opened, because the key is another one: connect again",
}
_NOT_CONNECTED = (
    "{name} is not connected to Strava yet: connect on the page or with `fitferry connect {name}`"
)


@dataclass(frozen=True, slots=True)
class Process:
    """What only the running daemon knows of itself. `troubles`: its own, and those of its folders."""

    pid: int
    started_at: float
    host: str
    port: int
    url: str
    watch: tuple[WatchState, ...]
    backlog: Backlog = NO_BACKLOG
    troubles: tuple[Problem, ...] = ()


class HealthErrors:
    """Since when each trouble of the process and of its folders lasts: the ledger knows nothing of these."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str | None, str], float] = {}

    def dated(self, found: Iterable[Problem]) -> list[Problem]:
        """What there is now, each with the moment at which it was there first."""
        there = {(one.code, one.athlete, one.subject): one for one in found}
        self._since = {key: self._since.get(key, one.since) for key, one in there.items()}
        return [replace(one, since=self._since[key]) for key, one in there.items()]


def of_folders(watch: Iterable[WatchState], now: float) -> Iterator[Problem]:
    """What is wrong with the watched folders now."""
    for one in watch:
        if not one.available and one.reason:
            words = (
                f"the folder {one.folder} cannot be read ({one.reason}): mount it or create it, or mend its path "
                "under [[watch]] in the settings; Fitferry goes on by itself when it is there"
            )
            yield Problem("folder_unavailable", words, now, one.athlete, one.folder)
        if one.unreadable:
            yield Problem("unreadable", _unreadable(one.unreadable), now, one.athlete, one.folder)


def snapshot(names: Iterable[str], process: Process, now: float) -> dict[str, Any]:
    """Everything that `status.json` says, see the file format in README.md."""
    people = [accounts.get(name) for name in names]
    open_breakers = breakers.open_breakers()
    counts = uploads.counts()
    found = problems(people, open_breakers, process)
    last = uploads.last_completed()
    return {
        "version": __version__,
        "pid": process.pid,
        "started_at": iso(process.started_at),
        "updated_at": iso(now),
        "web": {"host": process.host, "port": process.port, "url": process.url},
        "state": _state(found, open_breakers, counts, now),
        "problems": [
            {"code": p.code, "athlete": p.athlete, "message": p.message, "since": iso(p.since)} for p in found
        ],
        "athletes": [athlete(person) for person in people],
        "queue": {status.value: count for status, count in counts.items()},
        "rate_limit": _rate_limit(open_breakers, now),
        "last_upload": job(last, open_breakers, now) if last else None,
        "watch": [_watch(one) for one in process.watch],
        **_import(people, now),
    }


def athlete(person: Athlete) -> dict[str, Any]:
    """One athlete, as the API shows them."""
    return {
        "name": person.name,
        "connected": person.connected,
        "athlete_id": person.athlete_id,
        "display_name": person.display_name,
        "scopes": list(person.scopes),
    }


def job(
    job: Job, open_breakers: dict[BreakerName, Breaker], now: float, *, connected: bool = True
) -> dict[str, Any]:
    """One job, as the API shows it; waits that all jobs share are worked in."""
    waiting_for, next_attempt_at = waits(job, open_breakers, now, connected=connected)
    return {
        "id": job.id,
        "activity_id": job.activity_id,
        "athlete": job.athlete,
        "file": job.file,
        "status": job.status.value,
        "waiting_for": waiting_for.value if waiting_for else None,
        "strava_activity_id": job.strava_activity_id,
        "strava_url": f"{_STRAVA}/activities/{job.strava_activity_id}" if job.strava_activity_id else None,
        "error_code": job.error_code,
        "error_message": str(job.error_message) if job.error_message else None,
        "retry_count": job.retry_count,
        "created_at": iso(job.created_at),
        "completed_at": iso(job.completed_at),
        "next_attempt_at": iso(next_attempt_at),
        "sport": job.sport,
        "start_time": iso(job.start_time),
        "duration_s": _rounded(job.duration_s),
        "distance_m": _rounded(job.distance_m),
        "size": job.size,
        "sha256": job.sha256,
    }


def jobs_shown(found: Iterable[Job], now: float) -> list[dict[str, Any]]:
    """Several jobs, as the API shows them."""
    open_breakers = breakers.open_breakers()
    listed = list(found)
    connected = set(accounts.connected({one.athlete for one in listed}))
    return [job(one, open_breakers, now, connected=one.athlete in connected) for one in listed]


def backlog(waiting: Backlog) -> dict[str, Any]:
    """What waits for a decision, as the API shows it."""
    return {
        "count": waiting.count,
        "oldest": iso(waiting.oldest),
        "newest": iso(waiting.newest),
        "days": waiting.days,
    }


def waits(
    job: Job, open_breakers: dict[BreakerName, Breaker], now: float, *, connected: bool
) -> tuple[WaitingFor | None, float | None]:
    """What a job waits for, and until when: its own wait, or the one that all share."""
    if job.status not in {Status.PENDING, Status.PROCESSING} or job.claimed_at is not None:
        return None, None
    if not connected:
        return WaitingFor.CONNECTION, None
    shut = [
        breaker
        for breaker in open_breakers.values()
        if breaker.until > now or breaker.name is not BreakerName.RATE_LIMIT
    ]
    if shut:
        last = max(shut, key=lambda breaker: breaker.until)
        return WaitingFor(last.name), max(last.until, job.next_attempt_at, now)
    if job.next_attempt_at <= now:
        return job.own_wait if job.upload_id is not None else None, max(job.next_attempt_at, job.created_at)
    return job.own_wait, job.next_attempt_at


def problems_now(names: Iterable[str], process: Process) -> list[Problem]:
    """The problems of the snapshot, with what its JSON leaves out."""
    return problems([accounts.get(name) for name in names], breakers.open_breakers(), process)


def problems(
    people: Iterable[Athlete],
    open_breakers: dict[BreakerName, Breaker],
    process: Process,
) -> list[Problem]:
    """What needs a person, each once; it goes when it is over."""
    found = list(process.troubles)
    for person in people:
        if not person.connected:
            words = _TROUBLE[person.trouble] if person.trouble else _NOT_CONNECTED
            since = person.trouble_since if person.trouble_since is not None else process.started_at
            found.append(Problem("not_connected", words.format(name=person.name), since, person.name))
    settings = open_breakers.get(BreakerName.SETTINGS)
    if settings is not None:
        found.append(Problem(settings.code, str(settings.message), settings.since))
    if process.backlog.count:
        found.append(Problem("backlog", _backlog_in_words(process.backlog), process.backlog.since))
    return found


def write(path: Path, values: dict[str, Any]) -> None:
    """Replace the status file in one step. Not synced: it is worth nothing after a power cut."""
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    scratch.chmod(0o644)
    os.replace(scratch, path)  # noqa: PTH105  # one step, as the contract says


def iso(moment: float | None) -> str | None:
    """A time as the API shows it: UTC, ISO 8601, with Z."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _watch(one: WatchState) -> dict[str, Any]:
    """One folder; `note` and `receiving` are there only where there is something to say."""
    said: dict[str, Any] = {"note": one.note} if one.note else {}
    if one.receiving:
        said["receiving"] = [
            {"file": shown(file.path), "size": file.have, "of": file.want} for file in one.receiving
        ]
    return {
        "folder": one.folder,
        "athlete": one.athlete,
        "method": one.method,
        "available": one.available,
        **said,
    }


def _import(people: list[Athlete], now: float) -> dict[str, Any]:
    """When very many old activities will be done; nothing where there are few."""
    count = uploads.count_open(now - allowances.FRESH_SECONDS)
    if count <= MANY:
        return {}
    can_read = all(person.can_read for person in people)
    estimate_finish = allowances.estimate_finish(count, rate_limits.allowance(), now, can_read=can_read)
    done = queries.import_so_far(now - allowances.FRESH_SECONDS)
    return {
        "import": {"waiting": count, "done": done, "done_by": iso(estimate_finish - estimate_finish % 60)}
    }


def _unreadable(paths: tuple[str, ...]) -> str:
    first, more = shown(paths[0], whole=True), len(paths) - 1
    if more:
        return f"{first} and {more} more cannot be read: give Fitferry's user the right to read them; they are tried again then"
    return f"{first} cannot be read: give Fitferry's user the right to read it; it is tried again then"


def _backlog_in_words(waiting: Backlog) -> str:
    count, days = f"{waiting.count:,}", waiting.days
    first, last = (datetime.fromtimestamp(one or 0, UTC).year for one in (waiting.oldest, waiting.newest))
    if waiting.oldest is None:
        return f"{count} activities were there before Fitferry: decide on the page, or with `fitferry backlog`, what is to become of them"
    return (
        f"{count} activities from {first} to {last} were there before Fitferry, and uploading all takes about {days} "
        "day(s): decide on the page, or with `fitferry backlog`, whether all go to Strava, those since a day, or none"
    )


def _state(
    found: list[Problem], open_breakers: dict[BreakerName, Breaker], counts: dict[Status, int], now: float
) -> str:
    if found or counts[Status.FAILED]:
        return "attention"
    shut = any(
        breaker.until > now or breaker.name is BreakerName.NETWORK for breaker in open_breakers.values()
    )
    return "waiting" if shut else "ok"


def _rate_limit(open_breakers: dict[BreakerName, Breaker], now: float) -> dict[str, Any]:
    heard = allowances.expire_windows(rate_limits.allowance(), now)
    held = open_breakers.get(BreakerName.RATE_LIMIT)
    return {
        "overall": {"limit": list(heard.overall_limit), "usage": list(heard.overall_usage)},
        "read": {"limit": list(heard.read_limit), "usage": list(heard.read_usage)},
        "held_until": iso(held.until) if held and held.until > now else None,
    }


def _rounded(value: float | None) -> float | None:
    """Sums of binary fractions have long tails."""
    return None if value is None else round(value, 3)
