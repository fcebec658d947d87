"""The time limit of a whole request."""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import Any, Self

from fitferry.system.alarms import Alarms


class RequestDeadline:
    """A time limit for a whole request: when it is over, the request's socket is shut down.

    Each read and write has a limit of its own, not their sum: a server that sends one byte now and then would hold a
    worker for ever.
    """

    def __init__(self, seconds: float, alarms: Alarms) -> None:
        self.over = False
        self.opened_ahead = False
        self.body_began = False
        self.seconds = seconds
        self._socket: socket.socket | None = None
        self._alarms = alarms

    def __enter__(self) -> Self:
        self._alarm = self._alarms.set(self.seconds, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarms.cancel(self._alarm)

    def watch(self, connection: socket.socket, *, opened_ahead: bool = False) -> None:
        """Take the request's socket, as soon as there is one."""
        self._socket, self.opened_ahead = connection, opened_ahead
        if self.over:  # the address was found too late: nothing may be sent any more
            self._end()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Take the socket where httpx makes it, for a proxy: by what its transport tells of each step."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.watch(info["return_value"].get_extra_info("socket"))

    def _end(self) -> None:
        self.over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed in the meantime: the request has ended by itself
                # The plain method: SSLSocket's own would pull its state from under the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
