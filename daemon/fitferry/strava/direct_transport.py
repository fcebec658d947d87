"""HTTP/1.1 to Strava without a proxy, one request a connection. Owns h11."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator

import h11
import httpx

from fitferry.strava import ready_connection
from fitferry.strava.ready_connection import ReadyConnection
from fitferry.strava.request_deadline import RequestDeadline

_WRITE_SECONDS, _READ_SECONDS = 30.0, 60.0
"""Seconds until the other side takes more of what is sent, and until more of its answer comes."""
_READ_BYTES, _HEAD_BYTES = 65_536, 102_400
"""Bytes that are read at once, and of an answer's head at most."""


class DirectTransport(httpx.BaseTransport):
    """A connection for each request: the other side may close a kept one just as a body leaves.

    httpx's own transport takes 1.3 ms of CPU more for a ride (measured 2026-11-27). `trusted`: reads the certificates,
    when they are first needed.
    """

    def __init__(self, trusted: Callable[[], ssl.SSLContext], ready: ReadyConnection | None = None) -> None:
        self._trusted = trusted
        self._ready = ready

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and read the head of its answer.

        Raises httpx.ConnectError; once it is connected OSError, or httpx.ProtocolError, as the answer's body does.
        """
        deadline: RequestDeadline = request.extensions["deadline"]
        exchange = _Exchange(self._connection(request.url, deadline))
        try:
            exchange.send(request, deadline)
            head = exchange.head()
        except BaseException:
            exchange.close()
            raise
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=exchange)

    def _connection(self, url: httpx.URL, deadline: RequestDeadline) -> socket.socket:
        """The connection that was opened ahead, or a fresh one."""
        host, is_secure = url.raw_host.decode(), url.scheme == "https"
        port = url.port or (443 if is_secure else 80)
        ready = self._ready.take(host, port) if self._ready is not None else None
        if ready is not None:
            deadline.watch(ready, opened_ahead=True)
            return ready
        try:
            return ready_connection.connect(host, port, self._trusted if is_secure else None, deadline.watch)
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error


class _Exchange(httpx.SyncByteStream):
    """One request and its answer, whose body it is."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)

    def send(self, request: httpx.Request, deadline: RequestDeadline) -> None:
        """Send a request. Where the other side takes no more of it, it may have answered all the same."""
        self._connection.settimeout(_WRITE_SECONDS)
        try:
            self._write(
                h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            )
            deadline.body_began = True
            self._write(h11.Data(request.content))
            self._write(h11.EndOfMessage())
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        except TimeoutError:
            raise
        except OSError:
            pass

    def head(self) -> h11.Response:
        """The answer's head; those before it only say that it is to come."""
        self._connection.settimeout(_READ_SECONDS)
        while not isinstance(event := self._event(), h11.Response):
            pass
        return event

    def __iter__(self) -> Iterator[bytes]:
        while isinstance(event := self._event(), h11.Data):
            yield bytes(event.data)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _write(self, event: h11.Event) -> None:
        left = memoryview(self._http.send(event) or b"")
        while left:
            left = left[self._connection.send(left) :]

    def _event(self) -> object:
        """What the other side says next."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = self._connection.recv(_READ_BYTES)
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event
