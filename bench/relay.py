"""A relay that makes a way long: what goes through it arrives half a round trip later, and connections cost one more.

It carries bytes and knows nothing of TLS, whose handshake pays its round trips by itself. The handshake of TCP is the
kernel's and takes no time on the loopback, so the first bytes of a connection wait for one round trip more.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Self


class Relay:
    """Listens on the loopback and carries to a port there; `round_trip` in seconds."""

    def __init__(self, to_port: int, round_trip: float) -> None:
        self._to_port, self._round_trip = to_port, round_trip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            opened = time.monotonic()
            far = socket.create_connection(("127.0.0.1", self._to_port))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _carry(near, far, opened + self._round_trip, self._round_trip / 2)
            _carry(far, near, opened, self._round_trip / 2)


def _carry(source: socket.socket, sink: socket.socket, not_before: float, delay: float) -> None:
    """Carry one direction: each piece leaves `delay` after it came, and none `not_before` that plus a time."""
    on_the_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def take() -> None:
        while True:
            try:
                piece = source.recv(262_144)
            except OSError:
                piece = b""
            on_the_way.put((max(time.monotonic(), not_before) + delay, piece))
            if not piece:
                return

    def give() -> None:
        while True:
            due, piece = on_the_way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if piece:
                    sink.sendall(piece)
                    continue
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return

    for work in (take, give):
        threading.Thread(target=work, daemon=True).start()
