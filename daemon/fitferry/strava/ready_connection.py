"""A connection that is opened before it is needed: TCP and TLS cost two to three round trips before a file leaves."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from fitferry.system.event_log import EventLog

MAX_AGE = 15.0
"""Seconds after which a connection that was opened ahead is not used any more."""
_CONNECT_SECONDS = 10.0
_log = EventLog(__name__)
_ERRORS = (httpcore.NetworkError, httpcore.TimeoutException, OSError)


class ReadyConnection(httpcore.NetworkBackend):
    """Opens one connection to one address ahead, and gives it to the next request that connects there.

    It is used once, and only while it is young and silent; otherwise a fresh one is opened. `trusted`: reads the
    certificates for TLS, None for a connection without.
    """

    def __init__(
        self, host: str, port: int, trusted: Callable[[], ssl.SSLContext] | None, *, max_age: float = MAX_AGE
    ) -> None:
        self._address = (host, port)
        self._trusted = trusted
        self._max_age = max_age
        self._backend = httpcore.SyncBackend()
        self._lock = threading.Lock()
        self._opening: _Opening | None = None
        self._wanted: queue.SimpleQueue[_Opening] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Open the connection in the background, unless that is done already. Returns at once."""
        with self._lock:
            if self._is_prepared():
                return
            self._opening = _Opening(self._open, self._max_age)
            self._wanted.put(self._opening)
            if self._thread is None:  # and kept: to start one takes as long as to wait for it
                self._thread = threading.Thread(target=self._run, name="ready-connection", daemon=True)
                self._thread.start()

    def is_prepared(self) -> bool:
        """Whether a connection is open or being opened."""
        with self._lock:
            return self._is_prepared()

    def _is_prepared(self) -> bool:
        return self._opening is not None and not self._opening.is_over()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """The connection that was opened ahead, or a fresh one."""
        with self._lock:
            opening = self._opening if (host, port) == self._address else None
            if opening is not None:
                self._opening = None
        ready = opening.take(timeout) if opening is not None else None
        if ready is not None:
            return _ReadyStream(ready)
        return self._backend.connect_tcp(host, port, timeout, local_address, socket_options)

    def _run(self) -> None:
        while True:
            opening = self._wanted.get()
            try:
                opening.run()
            except Exception:  # noqa: BLE001  # the thread has to outlive it: requests open connections themselves
                _log.exception("unexpected_error")

    def _open(self) -> httpcore.NetworkStream:
        host, port = self._address
        stream = self._backend.connect_tcp(host, port, _CONNECT_SECONDS)
        if self._trusted is None:
            return stream
        return stream.start_tls(self._trusted(), host, _CONNECT_SECONDS)


class _Opening:
    """One connection on its way; the thread that opens it closes it if nobody takes it in time."""

    def __init__(self, connect: Any, max_age: float) -> None:
        self._connect = connect
        self._max_age = max_age
        self._opened = threading.Event()
        self._taken = threading.Event()
        self._stream: httpcore.NetworkStream | None = None
        self._lock = threading.Lock()
        self._begun = self._over = False

    def is_over(self) -> bool:
        """Whether there is nothing to take any more."""
        return self._over

    def take(self, timeout: float | None) -> httpcore.NetworkStream | None:
        """The open connection, once it is there; None if there is none that can be used, or nobody opens it yet."""
        if self._begun:
            self._opened.wait(timeout)
        with self._lock:
            stream, self._stream = self._stream, None
        self._taken.set()
        if stream is not None and not _is_silent(stream.get_extra_info("socket")):
            stream.close()  # the other side has closed it, or said something that nobody asked for
            return None
        return stream

    def run(self) -> None:
        """Open it, unless it is not wanted any more, and wait until it is taken or too old."""
        self._begun = True
        try:
            with contextlib.suppress(*_ERRORS):
                stream = None if self._taken.is_set() else self._connect()
                with self._lock:
                    self._stream = stream
            self._opened.set()
            self._taken.wait(self._max_age)
        finally:
            self._opened.set()
            with self._lock:
                self._over = True
                stream, self._stream = self._stream, None
            if stream is not None:
                stream.close()


def _is_silent(connection: socket.socket) -> bool:
    """Whether the other side is there and has said nothing: TLS 1.3's session tickets, which come at once, are taken."""
    connection.settimeout(0)
    try:
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


class _ReadyStream(httpcore.NetworkStream):
    """A stream whose TLS handshake is behind it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002  the handshake was made with the same
        server_hostname: str | None = None,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return self

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for; `opened_ahead` is ours."""
        return True if info == "opened_ahead" else self._stream.get_extra_info(info)
