"""A threaded server in this process, so that connections can be dropped."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication as Wsgi
from wsgiref.types import WSGIEnvironment as Environ

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from fitferry.sandbox import oauth
from fitferry.sandbox.api import api
from fitferry.sandbox.control_api import control_api
from fitferry.sandbox.fake_strava import FakeStrava
from fitferry.sandbox.faults import Faults, plain, with_faults


class Sandbox:
    """A Strava look-alike on a port of its own; a context manager. Further keywords are its switches."""

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        certificate: tuple[Path, Path] | None = None,
        **first: Any,
    ) -> None:
        self.world = FakeStrava(clock, **first)
        self.faults = Faults()
        self._host, self._port, self._certificate = host, port, certificate
        self._server: Any
        self._thread: threading.Thread

    def __enter__(self) -> Self:
        with socket.create_server(
            (self._host, self._port)
        ) as listening:  # werkzeug ends the process where it cannot
            self._server = make_server(
                self._host,
                self._port,
                create_app(self.world, self.faults),
                threaded=True,
                request_handler=_Quiet,
                ssl_context=self._certificate,  # type: ignore[arg-type]  # it takes paths, too
                fd=listening.fileno(),
            )
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.faults.clear()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def port(self) -> int:
        return int(self._server.port)

    @property
    def url(self) -> str:
        """Its address; the API is there and below /api/v3."""
        return f"{'https' if self._certificate else 'http'}://{self._host}:{self.port}"


def create_app(world: FakeStrava, faults: Faults | None = None) -> Wsgi:
    """The sandbox as a WSGI application."""
    told = faults or Faults()
    app = Flask(__name__)
    app.logger.setLevel(logging.ERROR)
    app.extensions.update(world=world, faults=told)
    app.config["MAX_CONTENT_LENGTH"] = 40_000_000
    app.register_blueprint(control_api)
    for prefix in ("", "/api/v3"):
        name = f"base{prefix.replace('/', '_')}"
        app.register_blueprint(oauth.pages, url_prefix=prefix, name=f"oauth_{name}")
        app.register_blueprint(api, url_prefix=prefix, name=f"api_{name}")

    @app.before_request
    def old_base() -> Response | None:
        if request.path.startswith("/api/v3") and not world.switches.old_base:
            return oauth.error(404, "Resource Not Found", "Base", "path", "invalid")
        return None

    @app.after_request
    def dated(answer: Response) -> Response:
        answer.headers["Date"] = formatdate(world.clock() + world.switches.date_offset, usegmt=True)
        return answer

    return _noting(with_faults(_whole(app.wsgi_app), told), world)


def _whole(app: Wsgi) -> Wsgi:
    """Take no request whose body did not arrive to its end: a client that dies in the middle sent nothing."""

    def answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if len(body) < length:
            start("400 Bad Request", [("Content-Length", "0")])
            return [b""]
        environ["wsgi.input"] = io.BytesIO(body)
        return app(environ, start)

    return answer


def _noting(app: Wsgi, world: FakeStrava) -> Wsgi:
    """Note every request: what, when its first byte came, and what it was answered."""

    def answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/_sandbox"):
            return app(environ, start)
        environ["sandbox.began"] = time.time()
        note = {
            "method": environ["REQUEST_METHOD"],
            "path": plain(environ["PATH_INFO"]),
            "began_at": environ["sandbox.began"],
            "at": world.clock(),
            "status": None,
        }
        world.requests.append(note)

        def noting(status: str, headers: Any, *rest: Any) -> Any:
            note["status"] = int(status.split(maxsplit=1)[0])
            return start(status, headers, *rest)

        return app(environ, noting)

    return answer


class _Quiet(WSGIRequestHandler):
    """Without a line in the log for each request: addresses hold codes."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's own name
        pass

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without a Date of the server's own beside the application's."""
        self.send_response_only(code, message)

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the other side, or a fault of ours, has ended the connection
            super().handle()
