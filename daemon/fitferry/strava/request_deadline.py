"""The time limit of a whole request."""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import Any, Self

from fitferry.system.alarms import Alarms


class RequestDeadline:
    """A time limit for a whole request: when it is over, the request's socket is shut down.

    httpx limits each read and write, not their sum: a server that sends one byte now and then would hold
    a worker for ever. httpcore's trace extension hands out the socket as soon as there is one.
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

    def trace(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = info["return_value"]
            self._socket = stream.get_extra_info("socket")
            self.opened_ahead = bool(stream.get_extra_info("opened_ahead"))
            if self.over:  # the address was found too late: nothing may be sent any more
                self._end()
        elif event.endswith("send_request_body.started"):
            self.body_began = True

    def _end(self) -> None:
        self.over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed in the meantime: the request has ended by itself
                # The plain method: SSLSocket's own would pull its state from under the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
