"""Sends the notifications that wait in the database, and beats while all is well.

In a thread of its own: an address that hangs must not hold up an upload. A notification leaves the database only
when its messenger has taken it; until then it is tried again, also after a restart.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator

import structlog

from fitferry.core.messages import Renderer, notifications
from fitferry.notifications.messengers import Messengers
from fitferry.storage import sent_notifications
from fitferry.storage.database import DatabaseError
from fitferry.storage.sent_notifications import Notification, WaitingNotification
from fitferry.system.work_thread import WorkThread

BEAT_SECONDS = 15.0
"""How long a heartbeat may take."""
UNWELL_SECONDS = 2.0
"""How soon what is not well is looked at again."""
STORM_SECONDS = 60.0
STORM = 3
"""More messages than this within a minute become one."""
RETRY_SECONDS = (30.0, 60.0, 300.0, 1800.0, 3600.0)
"""How soon a message that was not taken is tried again; the last repeats."""
KEEP_SECONDS = 7 * 86_400.0
"""A message that nobody has taken for so long says nothing new any more."""
SUMMARY_LINES = 5
STOP_SECONDS = 2.0
"""How long a message on its way is waited for at a stop."""

_log = structlog.get_logger()


class Notifier:
    """The thread that sends and beats; `well` says whether to beat, `now` is the wall clock."""

    def __init__(
        self,
        messengers: Messengers,
        renderer: Renderer,
        *,
        heartbeat_url: str | None,
        heartbeat_interval: float,
        well: Callable[[], bool],
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        unwell_seconds: float = UNWELL_SECONDS,
    ) -> None:
        self._messengers = messengers
        self._renderer = renderer
        self._heartbeat_url = heartbeat_url
        self._interval = heartbeat_interval
        self._well = well
        self._now = now
        self._clock = clock
        self._unwell_seconds = unwell_seconds
        self._beat_at = clock()
        self._send_at: float | None = clock()
        self._failures = 0
        self._sent: deque[float] = deque(maxlen=STORM)
        self._urgent: deque[Notification] = deque(maxlen=STORM)
        self._thread = WorkThread("notifier", self._work, self._failed)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Send from here to the end; what is not sent by then waits for the next start."""
        if not self._messengers.addresses and self._heartbeat_url is None:
            yield
            return
        self._thread.start()
        try:
            yield
        finally:
            self._thread.stop(STOP_SECONDS)

    def wake(self) -> None:
        """Look whether a notification waits; returns at once."""
        if self._failures == 0:  # what failed keeps its delay
            self._send_at = self._clock()
        self._thread.wake()

    def send_now(self, notification: Notification) -> None:
        """Send one that the database cannot keep; returns at once."""
        self._urgent.append(notification)
        self._thread.wake()

    def _work(self) -> float | None:
        for work in (self._send_urgent, self.deliver, self._beat):
            try:
                work()
            except Exception as error:  # noqa: BLE001  # of dozens of services: the others go on
                self._failed(error)
        return self._seconds_to_wait()

    def _failed(self, error: Exception) -> float:
        _log.warning("notification_failed", error=type(error).__name__)
        return self._retry_later()

    def _seconds_to_wait(self) -> float | None:
        due = [self._send_at] if self._send_at is not None and self._messengers.addresses else []
        due += [self._beat_at] if self._heartbeat_url is not None else []
        return max(0.0, min(due) - self._clock()) if due else None

    def _send_urgent(self) -> None:
        while self._urgent:
            notification = self._urgent.popleft()
            self._messengers.send(*self._texts(notification))

    def deliver(self) -> None:
        """Send what waits and is due: one by one, or as a summary where the last minute has no room for so many."""
        if self._send_at is None or self._send_at > self._clock() or not self._messengers.addresses:
            return
        self._send_at = None
        try:
            rows = sent_notifications.waiting()
        except DatabaseError:
            self._send_at = self._clock() + STORM_SECONDS
            return
        room = self._room()
        if rows and room == 0:
            self._send_at = self._sent[0] + STORM_SECONDS
            return
        batches = [[row] for row in rows] if len(rows) <= room else [rows]
        taken = [self._send(batch) for batch in batches]
        if all(taken):
            self._failures = 0
        else:
            self._retry_later()

    def _room(self) -> int:
        """How many messages may go out now."""
        while self._sent and self._sent[0] <= self._clock() - STORM_SECONDS:
            self._sent.popleft()
        return STORM - len(self._sent)

    def _send(self, batch: list[WaitingNotification]) -> bool:
        """Send one notification, or several as one message; whether everybody has taken it."""
        known = set(self._messengers.addresses)
        wanted = {to for row in batch for to in (known if row.addresses is None else row.addresses)} & known
        self._sent.append(self._clock())
        missing = self._messengers.send(*self._summary(batch), sorted(wanted))
        ids = [row.id for row in batch]
        if missing and batch[-1].created_at > self._now() - KEEP_SECONDS:
            _log.warning("notification_failed", services=self._messengers.kinds(missing))
            sent_notifications.not_taken(ids, missing)
            return False
        sent_notifications.taken(ids)
        return True

    def _summary(self, batch: list[WaitingNotification]) -> tuple[str, str]:
        if len(batch) == 1:
            return self._texts(batch[0].notification)
        render = self._renderer.render
        lines = [self._texts(row.notification)[1] for row in batch[:SUMMARY_LINES]]
        if len(batch) > SUMMARY_LINES:
            lines.append(render(notifications.MORE(rest=len(batch) - SUMMARY_LINES)))
        return render(notifications.SUMMARY(count=len(batch))), "\n".join(lines)

    def _texts(self, notification: Notification) -> tuple[str, str]:
        return self._renderer.render(notification.title), self._renderer.render(notification.body)

    def _retry_later(self) -> float:
        """Try again what was not taken; in how many seconds."""
        delay = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        self._failures += 1
        self._send_at = self._clock() + delay
        return delay

    def _beat(self) -> None:
        if self._heartbeat_url is None or self._beat_at > self._clock():
            return
        self._beat_at = self._clock() + min(self._interval, self._unwell_seconds)
        try:
            if self._well():
                self._beat_at = self._clock() + self._interval
                beat(self._heartbeat_url)
        except Exception as error:  # noqa: BLE001  # whatever it is: the next heartbeat may be heard
            _log.warning("heartbeat_failed", error=type(error).__name__)


def beat(url: str) -> None:
    """Call a heartbeat's address. Raises OSError."""
    import urllib.request  # noqa: PLC0415  # 1 MB, with http.client and email, that few need

    with urllib.request.urlopen(url, timeout=BEAT_SECONDS) as answer:  # noqa: S310  # the settings allow http and https
        answer.read(1024)
