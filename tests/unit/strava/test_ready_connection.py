"""A connection that is opened ahead: used once, only while it is young and silent."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fakes import APP
from fitferry.core.errors import StravaError
from fitferry.core.strava import StravaErrorKind
from fitferry.strava import Strava
from fitferry.strava.direct_transport import DirectTransport
from fitferry.strava.ready_connection import ReadyConnection
from patience import wait_for

ANSWER = (
    b'{"id": 77, "error": null, "status": "Your activity is still being processed.", "activity_id": null}'
)


class Server:
    """A server on the loopback that counts connections, and answers each request with an accepted upload."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.peers: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.closes_silently = False
        self.accepted = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer)
            if self.closes_silently:
                peer.close()
            else:
                threading.Thread(target=self._answer, args=(peer,), daemon=True).start()
            self.accepted.release()

    def _answer(self, peer: socket.socket) -> None:
        got = b""
        while b"--\r\n" not in got[-64:]:
            piece = peer.recv(65_536)
            if not piece:
                return
            got += piece
        self.requests.append(got)
        peer.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER))
        peer.close()

    def close(self) -> None:
        """Stop listening, and leave nothing open."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join()
        for peer in self.peers:
            peer.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server."""
    made = Server()
    yield made
    made.close()


def upload(strava: Strava) -> int:
    """Send a ride; the number of its upload."""
    return strava.upload(b"ride" * 50_000, token="t", external_id="ab", data_type="fit").upload_id


def to(server: Server) -> Strava:
    """A client of the server."""
    return Strava(replace(APP, api=f"http://127.0.0.1:{server.port}"))


def test_an_upload_goes_over_the_connection_that_was_opened_ahead(server: Server) -> None:
    """Once; the next one opens its own."""
    with to(server) as strava:
        strava.prepare_upload()
        strava.prepare_upload()
        assert server.accepted.acquire(timeout=60)
        assert upload(strava) == 77
        assert len(server.peers) == 1
        assert upload(strava) == 77

    assert len(server.peers) == 2
    assert server.requests[0].count(b"ride" * 50_000) == 1


def test_a_connection_that_the_server_has_closed_is_not_used(server: Server) -> None:
    """It is no longer silent: a fresh one is opened, and nothing is uncertain."""
    server.closes_silently = True
    with to(server) as strava:
        strava.prepare_upload()
        assert server.accepted.acquire(timeout=60)
        server.closes_silently = False
        time.sleep(0.05)  # the end of the connection travels over the loopback
        assert upload(strava) == 77

    assert len(server.peers) == 2


def test_a_connection_that_grew_old_is_closed_and_not_used(server: Server) -> None:
    """Nobody holds a connection to Strava for long."""
    ready = ReadyConnection("127.0.0.1", server.port, None, max_age=0.05)
    ready.prepare()
    assert server.accepted.acquire(timeout=60)
    wait_for(lambda: not ready.is_prepared())

    assert ready.take("127.0.0.1", server.port) is None


def test_where_nothing_can_be_opened_ahead_the_request_says_so() -> None:
    """A failure ahead is no failure yet."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and kept, so that nobody else listens there
        with Strava(replace(APP, api=f"http://127.0.0.1:{held.getsockname()[1]}")) as strava:
            strava.prepare_upload()
            with pytest.raises(StravaError) as raised:
                upload(strava)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.UNREACHABLE, False)


def test_a_fault_while_one_is_opened_ahead_does_not_end_the_thread_that_opens_them() -> None:
    """The name has a part that no address can have, which the standard library does not expect."""
    ready = ReadyConnection("x" * 64, 1, None)
    for _ in range(2):
        ready.prepare()
        wait_for(lambda: not ready.is_prepared())

    assert not ready.is_prepared()


class _Connection(socket.socket):
    """A connection opened ahead that breaks at the n-th write."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes

    def send(self, data: Any, flags: int = 0, /) -> int:  # noqa: ARG002  # a socket's
        """Break, or take it."""
        self.left -= 1
        if self.left < 0:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        return len(data)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:  # noqa: ARG002  # a socket's
        """The other side says nothing."""
        raise ConnectionResetError(errno.ECONNRESET, "reset")


class _Breaking(ReadyConnection):
    """The first connection breaks."""

    def __init__(self, port: int, writes: int) -> None:
        super().__init__("127.0.0.1", port, None)
        self._first: _Connection | None = _Connection(writes)

    def take(self, host: str, port: int) -> socket.socket | None:
        """The breaking one, then none."""
        first, self._first = self._first, None
        return first or super().take(host, port)


def test_what_breaks_before_the_body_is_tried_once_on_a_fresh_connection(server: Server) -> None:
    """No byte of the file had left."""
    transport = DirectTransport(ssl.create_default_context, _Breaking(server.port, 0))
    with Strava(replace(APP, api=f"http://127.0.0.1:{server.port}"), transport=transport) as strava:
        assert upload(strava) == 77


def test_what_breaks_within_the_body_may_have_arrived(server: Server) -> None:
    """It is not sent again by this attempt."""
    transport = DirectTransport(ssl.create_default_context, _Breaking(server.port, 1))
    with (
        Strava(replace(APP, api=f"http://127.0.0.1:{server.port}"), transport=transport) as strava,
        pytest.raises(StravaError) as raised,
    ):
        upload(strava)

    assert (raised.value.kind, raised.value.sent) == (StravaErrorKind.BROKEN_OFF, True)
    assert server.requests == []
