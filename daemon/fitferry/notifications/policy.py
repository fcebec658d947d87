"""What is a person told, and when? A problem once, its end once, a failure once; a summary instead of a storm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from fitferry.core.messages import Message
from fitferry.core.problems import Problem, ProblemCode, resolved
from fitferry.core.upload import Job, Status
from fitferry.i18n.translator import Translator
from fitferry.storage import sent_notifications
from fitferry.storage import uploads as stored_uploads

STORM_SECONDS = 60.0
STORM = 3
"""More messages than this within a minute become one."""
_QUIET = frozenset({ProblemCode.INTERNAL})
"""Problems of the ledger itself: it could not remember that it told of them."""


class NotificationPolicy:
    """From what is so now to messages in somebody's `words`; `put(title, body)` sends one."""

    def __init__(self, put: Callable[[str, str], None], words: Translator, *, uploads: bool) -> None:
        self._put = put
        self._words = words
        self._uploads = uploads
        self._sent: deque[float] = deque(maxlen=STORM)
        self._held_back: list[str] = []

    def observe(self, problems: Iterable[Problem], now: float) -> None:
        """Tell of what is new; called whenever something may have changed. `problems`: all that there are."""
        found = {one.key: one for one in problems if one.code not in _QUIET}
        told = sent_notifications.told()
        for key in found.keys() - told:
            sent_notifications.tell(key, now)
            self._say("Fitferry: action needed", found[key].message, now)
        for key in told - found.keys():
            sent_notifications.forget_sent(key)
            self._say("Fitferry: resolved", resolved(key), now)
        self._tell_outcomes(now)
        self._tell_rest(now)

    def _tell_outcomes(self, now: float) -> None:
        until = sent_notifications.outcomes_sent_until()
        done = stored_uploads.finished_since(until) if until is not None else []
        last = max((job.completed_at or 0.0 for job in done), default=None)
        if until is None or last is not None:
            sent_notifications.set_outcomes_sent_until(now if last is None else last)
        for job in done:
            if job.status is Status.FAILED:
                reason = self._words.of(str(job.error_message or "no reason given"))
                self._say("Fitferry: an upload failed", f"{job.file}: {reason}", now)
            elif self._uploads and job.error_code != "duplicate":
                self._say("Fitferry: uploaded", _uploaded(job), now)

    def _say(self, title: str, english: Message | str, now: float) -> None:
        """Send it, or keep it for a summary where the last minute has seen too many."""
        words = self._words.of(english)
        full = len(self._sent) == STORM and now - self._sent[0] < STORM_SECONDS
        if full or self._held_back:
            self._held_back.append(words)
        else:
            self._sent.append(now)
            self._put(self._words.of(title), words)

    def _tell_rest(self, now: float) -> None:
        if len(self._sent) < STORM or now - self._sent[0] >= STORM_SECONDS:
            self.finish(now)

    def finish(self, now: float) -> None:
        """Send what was kept for a summary: at a stop it would be lost, and it counts as told."""
        if self._held_back:
            count, first = len(self._held_back), self._held_back[:5]
            more = [self._words.of(f"… and {count - len(first)} more")] if count > len(first) else []
            self._held_back = []
            self._sent.append(now)
            self._put(self._words.of(f"Fitferry: {count} things happened"), "\n".join([*first, *more]))


def _uploaded(job: Job) -> str:
    return f"{job.file}: https://www.strava.com/activities/{job.strava_activity_id}"
