"""What is a person told, and when? A problem once, its end once, a failure once; a summary instead of a storm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from fitferry.ledger import jobs, notices
from fitferry.model import Job, Status

STORM_SECONDS = 60.0
STORM = 3
"""More messages than this within a minute become one."""
_QUIET = frozenset({"internal"})
"""Problems of the ledger itself: it could not remember that it told of them."""


class Telling:
    """From what is so now to messages; `put(title, body)` sends one."""

    def __init__(self, put: Callable[[str, str], None], *, uploads: bool) -> None:
        self._put = put
        self._uploads = uploads
        self._sent: deque[float] = deque(maxlen=STORM)
        self._held_back: list[str] = []

    def observe(self, problems: Iterable[dict[str, Any]], now: float) -> None:
        """Tell of what is new; called whenever something may have changed. `problems`: as in the status."""
        found = {_key(one): one for one in problems if one["code"] not in _QUIET}
        told = notices.told()
        for key in found.keys() - told:
            notices.tell(key, now)
            self._say("Fitferry needs you", found[key]["message"], now)
        for key in told - found.keys():
            notices.untell(key)
            self._say("Fitferry: it is over", f"No longer so: {_in_words(key)}", now)
        self._tell_outcomes(now)
        self._tell_rest(now)

    def _tell_outcomes(self, now: float) -> None:
        until = notices.outcomes_told_until()
        done = jobs.finished_since(until) if until is not None else []
        last = max((job.completed_at or 0.0 for job in done), default=None)
        if until is None or last is not None:
            notices.outcomes_were_told(now if last is None else last)
        for job in done:
            if job.status is Status.FAILED:
                self._say(
                    "Fitferry: an upload failed", f"{job.file}: {job.error_message or 'no reason given'}", now
                )
            elif self._uploads and job.error_code != "duplicate":
                self._say("Fitferry: uploaded", _uploaded(job), now)

    def _say(self, title: str, words: str, now: float) -> None:
        """Send it, or keep it for a summary where the last minute has seen too many."""
        full = len(self._sent) == STORM and now - self._sent[0] < STORM_SECONDS
        if full or self._held_back:
            self._held_back.append(words)
        else:
            self._sent.append(now)
            self._put(title, words)

    def _tell_rest(self, now: float) -> None:
        if self._held_back and (len(self._sent) < STORM or now - self._sent[0] >= STORM_SECONDS):
            count, first = len(self._held_back), self._held_back[:5]
            more = [f"… and {count - len(first)} more"] if count > len(first) else []
            self._held_back = []
            self._sent.append(now)
            self._put(f"Fitferry: {count} things happened", "\n".join([*first, *more]))


def _key(problem: dict[str, Any]) -> str:
    return f"{problem['code']}/{problem['athlete'] or ''}"


def _in_words(key: str) -> str:
    code, _, athlete = key.partition("/")
    words = code.replace("_", " ")
    return f"{words} ({athlete})" if athlete else words


def _uploaded(job: Job) -> str:
    return f"{job.file}: https://www.strava.com/activities/{job.strava_activity_id}"
