"""How does a message reach a person? Over Apprise, and a heartbeat over plain HTTP. Owns apprise, which is an extra.

A message is sent in a thread of its own: an address that hangs must not hold up an upload.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fitferry.core.errors import FitferryError

SECONDS = 15.0
"""How long a heartbeat may take."""
UNWELL_SECONDS = 2.0
"""How soon what is not well is looked at again."""
MAX_WAITING = 100
"""Messages that wait at most; more are dropped, with a word in the log."""

_log = logging.getLogger(__name__)


def send(urls: Sequence[str], title: str, body: str) -> list[str]:
    """Send a message to every address; the addresses' kinds (`ntfy`, never more: they hold secrets) that failed.

    Raises FerryError where Apprise is not installed.
    """
    failed = []
    for url in urls:
        apprise = _apprise()
        one = apprise.Apprise()
        if not one.add(url) or not one.notify(title=title, body=body):
            failed.append(url.split(":", 1)[0])
    return failed


def beat(url: str) -> None:
    """Call a heartbeat's address. Raises OSError."""
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  # the settings allow http and https
        answer.read(1024)


class Notifier:
    """Sends what it is given, one after the other, and beats while `well` says so."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        heartbeat_url: str | None,
        heartbeat_interval: float,
        well: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._urls = tuple(urls)
        self._heartbeat_url = heartbeat_url
        self._interval = heartbeat_interval
        self._well = well
        self._clock = clock
        self._beat_at = clock()
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Send from here to the end; what is not sent by then is dropped. Nothing runs where nobody is to be told."""
        if not self._urls and self._heartbeat_url is None:
            yield
            return
        self._thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            self._thread.join(timeout=2)

    def put(self, title: str, body: str) -> None:
        """Have a message sent; returns at once."""
        if self._urls:
            try:
                self._waiting.put_nowait((title, body))
            except queue.Full:
                _log.warning("notification dropped: too many wait")

    def _run(self) -> None:
        while True:
            seconds = None if self._heartbeat_url is None else max(0.0, self._beat_at - self._clock())
            try:
                message = self._waiting.get(timeout=seconds)
            except queue.Empty:
                self._beat()
                continue
            if message is None:
                return
            self._send(*message)

    def _send(self, title: str, body: str) -> None:
        try:
            failed = send(self._urls, title, body)
        except Exception as error:  # noqa: BLE001  # dozens of services, each with errors of its own
            _log.warning("notification failed: %s", type(error).__name__)
        else:
            if failed:
                _log.warning("notification failed: %s", ", ".join(failed))

    def _beat(self) -> None:
        self._beat_at = self._clock() + min(self._interval, UNWELL_SECONDS)
        try:
            if self._heartbeat_url is not None and self._well():
                self._beat_at = self._clock() + self._interval
                beat(self._heartbeat_url)
        except Exception as error:  # noqa: BLE001  # the thread has to outlive it: messages wait in it, too
            _log.warning("heartbeat failed: %s", type(error).__name__)


def _apprise() -> Any:
    try:
        import apprise  # noqa: PLC0415  # an extra, and large: only who is to be told pays for it
    except ImportError as error:
        raise FitferryError(
            "notifications need Apprise: install Fitferry with `pip install 'fitferry[notify]'`"
        ) from error
    return apprise
