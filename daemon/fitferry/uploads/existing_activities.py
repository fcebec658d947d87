"""Old activities that are on Strava already because they came by another road, found by listing, 200 a request.

They are never sent: each would cost a request, to be refused as a duplicate, or stand there twice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from fitferry.core.admission_rules import OLD_SECONDS
from fitferry.core.strava import ListedActivity
from fitferry.core.upload import Job, Status
from fitferry.storage import matches
from fitferry.strava.client import PAGE

MANY = 20
"""From so many on, looking first costs less than sending."""
AROUND = 86_400.0
"""How far from an activity's start it is looked for in a list, whatever else is: time zones may be off."""
PAUSES = (60.0, 300.0, 1800.0, 7200.0)
"""Seconds until a list that was not given is asked for again, for what is held."""
SAME_START = 60.0
SAME_ELAPSED = 0.05


def is_worth_it(job: Job, now: float) -> bool:
    """Whether to look for a job's activity before it is sent."""
    started = job.start_time
    if started is None or started >= now - OLD_SECONDS or job.compared_at is not None:
        return False
    first_time = job.sent_at is None and job.external_id == job.sha256
    return first_time and matches.many_uncompared(job.athlete, now - OLD_SECONDS, MANY)


def is_wanted(athletes: Iterable[str], now: float) -> bool:
    """Whether any held activity is still to be looked for, now or later."""
    return bool(matches.to_compare(athletes, now - OLD_SECONDS))


def next_held(athletes: Iterable[str], now: float, claimed: Collection[int] = ()) -> tuple[list[int], float]:
    """The held activity from which the next list is to be asked for, if any, and the seconds until another is."""
    ready, later = [], math.inf
    for job in matches.to_compare(athletes, now - OLD_SECONDS, claimed):
        _, until = matches.put_off_so_far(job.athlete)
        if 0 < until - now <= PAUSES[-1]:  # more is a clock that has jumped back
            later = min(later, until - now)
        else:
            ready.append(job.id)
    return ready[:1], later


def compare(job: Job, page: list[ListedActivity], now: float) -> int | None:
    """Write down what a page of the athlete's activities, newest first, shows; the activity of `job` itself.

    The page begins at `job`'s start plus AROUND, and covers every older one down to its own last.
    """
    start = job.start_time or 0.0
    reaches = min(listed.start_time for listed in page) + SAME_START if len(page) >= PAGE else 0.0
    others = matches.uncompared(job.athlete, min(reaches, start), start)
    found = {other.id: _match(other, page) for other in others if other.id != job.id}
    own = _match(job, page)
    # An attempt that is about to send the job writes by itself what came of it.
    found[job.id] = own if job.status is Status.HELD else None
    matches.compared(found, now)
    return own


def give_up(job: Job, now: float) -> None:
    """Strava's list cannot be had: what waits is sent as it is; what is held can wait, and keeps its place at last."""
    tries, _ = matches.put_off_so_far(job.athlete)
    if job.status is not Status.HELD:
        matches.compared({job.id: None}, now)
    elif tries < len(PAUSES):
        matches.put_off(job.id, tries + 1, now + PAUSES[tries])
    else:
        start = job.start_time or 0.0
        others = matches.uncompared(job.athlete, 0.0, start)
        matches.compared({other.id: None for other in others}, now)


def _match(job: Job, page: list[ListedActivity]) -> int | None:
    elapsed = job.elapsed_s if job.elapsed_s is not None else job.duration_s
    if job.start_time is None or elapsed is None:
        return None
    for listed in page:
        near = abs(listed.start_time - job.start_time) <= SAME_START
        as_long = abs(listed.elapsed_s - elapsed) <= SAME_ELAPSED * max(listed.elapsed_s, elapsed)
        if listed.id and near and as_long:
            return listed.id
    return None
