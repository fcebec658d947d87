"""Waitress in a thread of its own, hardened against slow and greedy clients. Owns waitress.

What is asked for is judged when the headers are there: a body that will be refused is answered at once and never
kept. Headers have a deadline, open connections a bound that pushes out the slowest, and /healthz a thread of its
own, so that neither slow clients nor slow pages make a container's check fail. At rest the loop wakes once a minute.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.web.listening import listening_hosts, listening_sockets
from fitferry.web.middleware import HEALTH, RequestFilter

THREADS = 4
LINGER_SECONDS = 5.0
"""How long what still comes is taken and thrown away after an answer that ends the connection: a reset would
destroy the answer on its way."""
MAX_HEADER_BYTES = 32_768
_REST_SECONDS = 60.0
_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take.

    `connections`: open at once. `header_seconds`: for a request's headers, from their first byte or the connection's
    begin. `idle_seconds`: of silence, between two requests, within a body, and while an answer should be taken.
    """

    connections: int = 100
    header_seconds: float = 10.0
    idle_seconds: float = 30.0


class Request(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """One request, judged when its headers are there."""

    body_limit: int | None = None
    path = ""
    """Waitress gives none to what it cannot read."""
    judge: Callable[[dict[str, str]], int]

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.began = time.monotonic()
        self.judge = adj.judge

    def received(self, data: bytes) -> int:
        """Take some bytes; how many of them were this request's."""
        count: int = super().received(data)
        if self.body_limit is not None and self.body_bytes_received > self.body_limit and not self.error:
            self._refuse(length=self.body_bytes_received)
        if self.completed:
            self.expect_continue = False  # nothing more is wanted
        return count

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers. Raises ParsingError for a body of two lengths: what follows could be another request."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # an address such as http://[::1, a length of thousands of digits
            raise ParsingError("Not understood") from error
        chunked = self.chunked or "TRANSFER_ENCODING" in self.headers
        if chunked and ("CONTENT_LENGTH" in self.headers or not self.chunked):
            raise ParsingError("A body has one length")
        if self.body_rcv is None:
            return
        environ = {"REQUEST_METHOD": self.command, "PATH_INFO": self.path}
        for name, value in self.headers.items():
            environ[name if name.startswith("CONTENT_") else f"HTTP_{name}"] = value
        self.body_limit = self.judge(environ)
        if self.content_length > self.body_limit or self.body_limit == 0:
            self._refuse()

    def _refuse(self, length: int | None = None) -> None:
        """Answer now, without the body: the application finds out by the same headers why."""
        self.body_rcv, self.content_length, self.completed = None, 0, True
        self.headers["CONNECTION"] = "close"
        self.connection_close = True
        if length is not None:
            self.headers["CONTENT_LENGTH"] = str(length)


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    parser_class = Request
    close_when_flushed: bool
    lingers_until: float | None = None

    def __init__(self, *given: Any, **options: Any) -> None:
        self.waits_since = time.monotonic()
        super().__init__(*given, **options)

    def readable(self) -> bool:
        return self.lingers_until is not None or bool(super().readable())

    def handle_read(self) -> None:
        """Take bytes; after the last answer they are thrown away."""
        if self.lingers_until is None:
            super().handle_read()
            return
        with contextlib.suppress(OSError):
            if self.recv(65_536):
                return
        self.handle_close()

    def handle_write(self) -> None:
        """Send; after the last answer close only the way out, so that it arrives."""
        if self.close_when_flushed and not self.total_outbufs_len and self.lingers_until is None:
            self.close_when_flushed = False
            self.lingers_until = time.monotonic() + LINGER_SECONDS
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
            return
        super().handle_write()

    def service(self) -> None:
        """Answer a request, in a thread; where others answer from now on, this connection ends."""
        if self.adj.released and self.requests:
            self.requests[0].headers["CONNECTION"] = "close"
        super().service()
        self.waits_since = time.monotonic()

    def is_overdue(self, now: float) -> bool:
        """Whether this connection has been slow for too long."""
        if self.lingers_until is not None:
            return now > self.lingers_until
        if self.requests:
            return False
        limits: Limits = self.adj.limits
        if self.request is not None and not self.request.headers_finished:
            return bool(now - self.request.began > limits.header_seconds)
        never_spoke = self.creation_time == self.last_activity
        silence = now - self.waits_since if never_spoke else time.time() - self.last_activity
        return bool(silence > (limits.header_seconds if never_spoke else limits.idle_seconds))


class Listener(TcpWSGIServer):  # type: ignore[misc]  # waitress ships no types
    channel_class = Channel

    def handle_accept(self) -> None:
        """Take a connection; where there are too many, the one goes that has been waited for longest."""
        channels = [channel for channel in self._map.values() if isinstance(channel, Channel)]
        if len(channels) >= self.adj.limits.connections:
            waiting = [channel for channel in channels if not channel.requests]
            if waiting:
                min(waiting, key=lambda channel: channel.waits_since).handle_close()
        super().handle_accept()

    def add_task(self, channel: Channel) -> None:
        """Let a thread answer; health has one of its own."""
        health = bool(channel.requests) and channel.requests[0].path == HEALTH
        (self.adj.health_dispatcher if health else self.task_dispatcher).add_task(channel)

    def maintenance(self, now: float) -> None:
        """Nothing: the loop looks after all connections."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the set-up in the browser leaves to the daemon: a server that listens, and what its browser signs in with."""

    server: Server
    login_token: str


class Server:
    """The addresses at which an application is served."""

    def __init__(self, host: str, port: int, *, url: str | None = None, limits: Limits | None = None) -> None:
        self._hosts = listening_hosts(host, url)
        self._limits = limits or Limits()
        self.port = port
        """The port that it listens on; of 0 it becomes a free one."""
        self._kept: list[socket.socket] = []
        self._loop: Loop | None = None

    @contextlib.contextmanager
    def serving(self, app: RequestFilter[Any]) -> Iterator[None]:
        """Serve from here to the end. Raises OSError where the port is taken or no such host is known."""
        sockets, self._kept = self._kept or listening_sockets(self._hosts, self.port), []
        self.port = sockets[0].getsockname()[1]
        self._loop = loop = Loop(app, sockets, self._limits)
        thread = threading.Thread(target=loop.run, name="web", daemon=True)
        thread.start()
        try:
            yield
        finally:
            loop.stop()
            thread.join(timeout=5)
            if not thread.is_alive():
                loop.close()

    def hand_over(self) -> None:
        """Take no new connections, and keep listening: who comes now waits for whoever calls `serving` next."""
        if self._loop is not None and not self._kept:
            self._kept = self._loop.release()


class Loop:
    """Waitress' event loop over all listening sockets."""

    def __init__(self, app: RequestFilter[Any], sockets: Iterable[socket.socket], limits: Limits) -> None:
        self._map: dict[int, Any] = {}
        self._ended = False
        self._dispatchers = [ThreadedTaskDispatcher() for _ in range(2)]
        pages, health = self._dispatchers
        pages.set_thread_count(THREADS)
        health.set_thread_count(1)
        adj = Adjustments(
            max_request_header_size=MAX_HEADER_BYTES,
            # Each request has a limit of its own below this.
            max_request_body_size=2 * UPLOAD_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
            connection_limit=1_000_000,  # we count ourselves
        )
        adj.judge, adj.health_dispatcher, adj.limits, adj.released = app.body_limit, health, limits, False
        self._adj = adj
        self._listeners = [
            Listener(
                app,
                self._map,
                True,
                listening,
                dispatcher=pages,
                adj=adj,
                sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
                bind_socket=False,
            )
            for listening in sockets
        ]

    def run(self) -> None:
        """Serve until `stop`; then `close`."""
        while not self._ended:
            open_channels = [channel for channel in self._map.values() if isinstance(channel, Channel)]
            wasyncore.poll2(_TICK_SECONDS if open_channels else _REST_SECONDS, self._map)
            now = time.monotonic()
            for channel in open_channels:
                if channel.connected and channel.is_overdue(now):
                    channel.handle_close()

    def release(self) -> list[socket.socket]:
        """Accept nothing from here on, and let connections end; the sockets, which still listen."""
        kept = [listener.socket.dup() for listener in self._listeners]
        for listener in self._listeners:
            listener.accepting = False
        self._adj.released = True
        self._listeners[0].pull_trigger()
        return kept

    def stop(self) -> None:
        """End the loop with all connections: a page that is kept open would keep it alive."""
        for dispatcher in self._dispatchers:
            dispatcher.shutdown()
        self._ended = True
        self._listeners[0].pull_trigger()

    def close(self) -> None:
        """Close all sockets, once nothing runs any more: `stop` writes to one of them."""
        wasyncore.close_all(self._map)
