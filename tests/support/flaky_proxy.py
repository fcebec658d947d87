"""The wire between Fitferry and Strava, for tests: a proxy that breaks connections in every way that wires have."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

CHUNK = 65_536
Behaviour = Callable[["Wire", socket.socket, bytes], None]
"""What is done with a request whose head and whose body until then have been read."""


class Wire:
    """A port that passes everything on to a server, unless it is told to break. A context manager."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.over = threading.Event()
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.behaviour: Behaviour | None = None
        self.only = b"POST /api/v3/uploads"
        """Only requests that begin so are broken."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._listener.close()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._take, args=(peer,), daemon=True).start()

    def _take(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            begin = peer.recv(CHUNK)
            if self.behaviour is not None and begin.startswith(self.only):
                self.behaviour(self, peer, begin)
            elif begin:
                self._pass(peer, begin)

    def _pass(self, peer: socket.socket, begin: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            server.sendall(begin)
            back = threading.Thread(target=_pipe, args=(server, peer), daemon=True)
            back.start()
            _pipe(peer, server)
            back.join(60)

    def answer_of(self, request: bytes) -> bytes:
        """What the server says to a whole request."""
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            server.sendall(request.replace(b"keep-alive", b"close"))
            server.shutdown(socket.SHUT_WR)
            parts = []
            while part := server.recv(CHUNK):
                parts.append(part)
            return b"".join(parts)


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def read_all(peer: socket.socket, begin: bytes, share: float = 1.0) -> bytes:
    """Read a request until so much of its body is there."""
    while b"\r\n\r\n" not in begin:
        begin += peer.recv(CHUNK)
    head, _, _ = begin.partition(b"\r\n\r\n")
    wanted = len(head) + 4 + int(_length(head) * share)
    while len(begin) < wanted and (data := peer.recv(min(CHUNK, wanted - len(begin)))):
        begin += data
    return begin


def reset(peer: socket.socket) -> None:
    """End a connection with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def reset_at(share: float) -> Behaviour:
    """Break off when so much of the body has come."""

    def behave(_wire: Wire, peer: socket.socket, begin: bytes) -> None:
        read_all(peer, begin, share)
        reset(peer)

    return behave


def silent_end(_wire: Wire, peer: socket.socket, begin: bytes) -> None:
    """FIN, without an answer, and without having told the server."""
    read_all(peer, begin)


def lost_answer(wire: Wire, peer: socket.socket, begin: bytes) -> None:
    """The server has done it, and the answer is lost."""
    wire.answer_of(read_all(peer, begin))
    reset(peer)


def half_answer(wire: Wire, peer: socket.socket, begin: bytes) -> None:
    """The server has done it; half its answer arrives."""
    answer = wire.answer_of(read_all(peer, begin))
    peer.sendall(answer[: len(answer) * 2 // 3])


def black_hole(wire: Wire, peer: socket.socket, begin: bytes) -> None:
    """Nothing at all comes back."""
    read_all(peer, begin)
    wire.over.wait(60)


def dribble(_wire: Wire, peer: socket.socket, begin: bytes) -> None:
    """A byte now and then, for ever."""
    read_all(peer, begin)
    peer.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(400):
        peer.sendall(b" ")
        time.sleep(0.05)


def saying(answer: bytes) -> Behaviour:
    """Answer this, without asking the server."""

    def behave(_wire: Wire, peer: socket.socket, begin: bytes) -> None:
        read_all(peer, begin)
        peer.sendall(answer)

    return behave


def http(status: str, body: bytes, *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
