"""Which notifications there are: a problem once, its end once, an upload that failed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fitferry.core.messages import notifications
from fitferry.core.problems import Problem, ProblemCode, resolved
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.storage import sent_notifications
from fitferry.storage import uploads as stored_uploads
from fitferry.storage.sent_notifications import Notification

AGAIN_SECONDS = 600.0
"""What is new about a problem is told so long after it was told last: a first scan finds many damaged files."""


class NotificationPolicy:
    """Turns what is so now into notifications that wait in the database until a messenger takes them.

    `wake`: called when one waits. `send_now`: for a problem of the database itself, which could not remember it.
    """

    def __init__(
        self, wake: Callable[[], None], send_now: Callable[[Notification], None], *, uploads: bool
    ) -> None:
        self._wake = wake
        self._send_now = send_now
        self._uploads = uploads
        self._internal: Problem | None = None

    def update(self, problems: Iterable[Problem], now: float) -> None:
        """Take note of what is new; called whenever something may have changed. `problems`: all that there are."""
        current = {problem.key: problem for problem in problems}
        self._update_internal(
            next((problem for problem in current.values() if problem.code is ProblemCode.INTERNAL), None)
        )
        self._update_problems(
            {key: problem for key, problem in current.items() if problem.code is not ProblemCode.INTERNAL},
            now,
        )
        self._update_outcomes(now)
        if sent_notifications.any_waiting():
            self._wake()

    def _update_internal(self, problem: Problem | None) -> None:
        before, self._internal = self._internal, problem
        if problem is not None and before is None:
            self._send_now(Notification(notifications.ACTION_NEEDED(), problem.message))
        if problem is None and before is not None:
            self._send_now(Notification(notifications.RESOLVED(), before.resolved))

    def _update_problems(self, current: dict[str, Problem], now: float) -> None:
        """A problem is new when it begins, and, after a while, when it is about a newer job than before."""
        sent = sent_notifications.sent_problems()
        for key, problem in current.items():
            latest, at = sent.get(key, (-1, -AGAIN_SECONDS))
            if problem.latest > latest and abs(now - at) >= AGAIN_SECONDS:
                message = Notification(notifications.ACTION_NEEDED(), problem.message)
                sent_notifications.problem_sent(key, problem.latest, message, now)
        for key in sent.keys() - current.keys():
            message = Notification(notifications.RESOLVED(), resolved(key))
            sent_notifications.problem_resolved(key, message, now)

    def _update_outcomes(self, now: float) -> None:
        until = sent_notifications.outcomes_sent_until()
        if until is None:
            sent_notifications.outcomes_sent(stored_uploads.last_finish_number(), [], now)
            return
        jobs, last = stored_uploads.finished_after(until)
        if last > until:
            messages = [message for job in jobs if (message := self._outcome(job))]
            sent_notifications.outcomes_sent(last, messages, now)

    def _outcome(self, job: Job) -> Notification | None:
        if job.status is Status.FAILED:
            reason = job.error_message or notifications.NO_REASON()
            return Notification(
                notifications.UPLOAD_FAILED(), notifications.FAILED(file=job.file, reason=reason)
            )
        if self._uploads and job.error_code is not ErrorCode.DUPLICATE:
            body = notifications.UPLOADED_FILE(file=job.file, url=job.strava_url or "")
            return Notification(notifications.UPLOADED(), body)
        return None
