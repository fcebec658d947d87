"""The one request of a command to the daemon: what is sent, and what is no answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from fitferry.cli import local_http


class Daemon:
    """Answers once, in pieces; keeps what it was asked."""

    def __init__(self, *answer: bytes) -> None:
        self.asked = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.thread = threading.Thread(target=self._answer, args=(answer,))

    def _answer(self, answer: tuple[bytes, ...]) -> None:
        with self.listener.accept()[0] as connection:
            while not self.asked.endswith(b"body"):
                self.asked += connection.recv(1000)
            for piece in answer:
                connection.sendall(piece)


@contextlib.contextmanager
def answering(*answer: bytes) -> Iterator[Daemon]:
    """A daemon that answers one request."""
    daemon = Daemon(*answer)
    daemon.thread.start()
    try:
        yield daemon
    finally:
        daemon.thread.join()
        daemon.listener.close()


def ask(daemon: Daemon) -> tuple[int, bytes]:
    """Send a request with a body."""
    headers = {"Accept": "application/json"}
    return local_http.ask(
        "POST", "/x?a=1", host="127.0.0.1", port=daemon.port, seconds=10, headers=headers, body=b"body"
    )


def test_an_answer_in_pieces_is_put_together() -> None:
    """To the end of the connection."""
    with answering(b"HTTP/1.0 40", b"9 Conflict\r\nA: b\r\n\r", b"\nfirst, ", b"\r\n\r\nsecond") as daemon:
        assert ask(daemon) == (409, b"first, \r\n\r\nsecond")

    head, _, body = daemon.asked.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /x?a=1 HTTP/1.0",
        f"Host: 127.0.0.1:{daemon.port}".encode(),
        b"Content-Length: 4",
        b"Accept: application/json",
    ]
    assert body == b"body"


@pytest.mark.parametrize("answer", [b"", b"nonsense 200 OK\r\n\r\n", b"HTTP/1.0", b"HTTP/1.0 OK\r\n\r\n"])
def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    """Another program may listen there."""
    with answering(answer) as daemon, pytest.raises(ValueError, match=r"HTTP|invalid literal"):
        ask(daemon)


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/ä"])
def test_an_address_cannot_bring_headers_along(path: str) -> None:
    """Nothing is sent."""
    with pytest.raises(ValueError, match=r"blanks|ascii"):
        local_http.ask("GET", path, host="127.0.0.1", port=1, seconds=1)


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("", "127.0.0.1"), ("192.0.2.7", "192.0.2.7")],  # noqa: S104  # what a daemon listens on
)
def test_a_daemon_that_listens_everywhere_is_asked_here(host: str, address: str) -> None:
    """Wildcards are no addresses."""
    assert local_http.reached_by(host) == address
