"""A connection that is opened before it is needed: TCP and TLS cost two to three round trips before a file leaves."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable

import structlog

MAX_AGE = 15.0
"""Seconds after which a connection that was opened ahead is not used any more."""
_CONNECT_SECONDS = 10.0
_log = structlog.get_logger()
Trusted = Callable[[], ssl.SSLContext]
"""Reads the certificates that are trusted."""


def connect(
    host: str,
    port: int,
    trusted: Trusted | None,
    opened: Callable[[socket.socket], object] = lambda _connection: None,
) -> socket.socket:
    """Open a connection, with TLS where `trusted` is given. `opened`: takes the socket before the handshake.

    Raises OSError.
    """
    connection = socket.create_connection((host, port), _CONNECT_SECONDS)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if trusted is not None:
            connection = trusted().wrap_socket(
                connection, server_hostname=host, do_handshake_on_connect=False
            )
        opened(connection)
        if isinstance(connection, ssl.SSLSocket):
            connection.do_handshake()
    except BaseException:
        connection.close()
        raise
    return connection


class ReadyConnection:
    """Opens one connection to one address ahead, and gives it to the next request there.

    It is used once, and only while it is young and silent; otherwise a fresh one is opened. `trusted`: reads the
    certificates for TLS, None for a connection without.
    """

    def __init__(self, host: str, port: int, trusted: Trusted | None, *, max_age: float = MAX_AGE) -> None:
        self._address = (host, port)
        self._trusted = trusted
        self._max_age = max_age
        self._lock = threading.Lock()
        self._opening: _Opening | None = None
        self._wanted: queue.SimpleQueue[_Opening] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Open the connection in the background, unless that is done already. Returns at once."""
        with self._lock:
            if self._is_prepared():
                return
            self._opening = _Opening(lambda: connect(*self._address, self._trusted), self._max_age)
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

    def take(self, host: str, port: int) -> socket.socket | None:
        """The connection that was opened ahead; None if there is none that can be used."""
        if (host, port) != self._address:
            return None
        with self._lock:
            opening, self._opening = self._opening, None
        return opening.take() if opening is not None else None

    def _run(self) -> None:
        while True:
            opening = self._wanted.get()
            try:
                opening.run()
            except Exception:  # noqa: BLE001  # the thread has to outlive it: requests open connections themselves
                _log.exception("unexpected_error")


class _Opening:
    """One connection on its way; the thread that opens it closes it if nobody takes it in time."""

    def __init__(self, open_: Callable[[], socket.socket], max_age: float) -> None:
        self._open = open_
        self._max_age = max_age
        self._opened = threading.Event()
        self._taken = threading.Event()
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()
        self._begun = self._over = False

    def is_over(self) -> bool:
        """Whether there is nothing to take any more."""
        return self._over

    def take(self) -> socket.socket | None:
        """The open connection, once it is there; None if there is none that can be used, or nobody opens it yet."""
        if self._begun:
            self._opened.wait(_CONNECT_SECONDS)
        with self._lock:
            connection, self._connection = self._connection, None
        self._taken.set()
        if connection is not None and not _is_silent(connection):
            connection.close()  # the other side has closed it, or said something that nobody asked for
            return None
        return connection

    def run(self) -> None:
        """Open it, unless it is not wanted any more, and wait until it is taken or too old."""
        self._begun = True
        try:
            with contextlib.suppress(OSError):
                connection = None if self._taken.is_set() else self._open()
                with self._lock:
                    self._connection = connection
            self._opened.set()
            self._taken.wait(self._max_age)
        finally:
            self._opened.set()
            with self._lock:
                self._over = True
                connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()


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
