"""Scripted faults, each for the next few requests of one kind."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication as Wsgi
from wsgiref.types import WSGIEnvironment as Environ

from flask import Response

from fitferry.sandbox.fit_facts import TIMELESS

JSON, HTML = "application/json; charset=utf-8", "text/html"


def _error(message: str, resource: str, field: str, code: str) -> str:
    """An error as Strava words it."""
    return json.dumps({"message": message, "errors": [{"resource": resource, "field": field, "code": code}]})


_TIMELESS = {"error": TIMELESS, "status": "There was an error processing your activity."}
ANSWERS: dict[str, tuple[int, str, str]] = {
    "error_500": (500, JSON, '{"message":"error"}'),
    "error_502": (502, HTML, "<html><h1>502 Bad Gateway</h1></html>"),
    "error_503": (503, HTML, "<html><h1>503</h1></html>"),
    "error_504": (504, HTML, "<html><h1>504</h1></html>"),
    "html_200": (200, HTML, "<html>Sign in to the Wi-Fi</html>"),
    "bad_json_types": (200, JSON, '{"id":"seven","status":5,"activity_id":"x"}'),
    "not_found": (404, JSON, ""),
    "redirect_301": (301, HTML, ""),
    "unauthorized": (401, JSON, _error("Authorization Error", "Athlete", "access_token", "invalid")),
    "rate_limited": (429, JSON, _error("Rate Limit Exceeded", "Application", "rate limit", "exceeded")),
    "inactive": (403, JSON, _error("Forbidden", "Application", "Status", "Inactive")),
    "upload_empty": (400, JSON, _error("Bad Request", "Upload", "data", "empty")),
    "upload_400": (400, JSON, json.dumps({"id": 0, "external_id": None, "activity_id": None, **_TIMELESS})),
}
"""What is answered instead of what was asked for: by Strava, or by somebody on the way."""
CONNECTION = {
    "drop_before",
    "drop_after",
    "drop_mid_answer",
    "truncated_json",
    "slow",
    "hang",
    "lost_token_answer",
}
KINDS = {*ANSWERS, *CONNECTION, "forever", "answer"}


@dataclass(slots=True)
class InjectedFault:
    """One kind of fault for the next `times` requests such as `POST /uploads`.

    `seconds`: for slow and hang. `status`, `body`, `content_type`: for the kind `answer`, which says just this.
    """

    on: str
    kind: str
    times: int = 1
    seconds: float = 1.0
    status: int = 403
    body: str = "<html><h1>Blocked by the gateway</h1></html>"
    content_type: str = "text/html"


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[InjectedFault] = []
        self.over = threading.Event()

    def add(self, fault: InjectedFault) -> None:
        if fault.kind not in KINDS:
            raise ValueError(f"no such fault: {fault.kind}; there are {', '.join(sorted(KINDS))}")
        with self._lock:
            self._queue.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
        self.over.set()
        self.over = threading.Event()

    def take(self, method: str, path: str) -> InjectedFault | None:
        """The fault of this request, if it has one."""
        with self._lock:
            for fault in self._queue:
                if fault.on in {f"{method} {path}", "*"} and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


def plain(path: str) -> str:
    """A path without its base and its ids, as faults name it."""
    path = path.removeprefix("/api/v3") or "/"
    parts = ["N" if part.isdigit() else part for part in path.split("/")]
    return "/".join(parts)


def with_faults(app: Wsgi, faults: Faults) -> Wsgi:
    """The application with faults in front of and behind it."""

    def answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = plain(environ["PATH_INFO"])
        fault = None if path.startswith("/_sandbox") else faults.take(environ["REQUEST_METHOD"], path)
        if fault is None:
            return app(environ, start)
        if fault.kind == "answer" or fault.kind in ANSWERS:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _given(fault, environ["REQUEST_METHOD"])(environ, start)
        return _connection_fault(fault, app, faults, environ, start)

    return answer


def _connection_fault(
    fault: InjectedFault, app: Wsgi, faults: Faults, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    peer = environ["werkzeug.socket"]
    if fault.kind == "drop_before":
        return _hang_up(peer, start)
    if fault.kind == "slow":
        time.sleep(fault.seconds)
        return app(environ, start)
    if fault.kind == "forever":
        environ["sandbox.forever"] = True
        return app(environ, start)
    answer = Response.from_app(app, environ, buffered=True)
    if fault.kind == "hang":
        faults.over.wait(fault.seconds)
        return _hang_up(peer, start)
    if fault.kind in {"drop_after", "lost_token_answer"}:
        return _hang_up(peer, start)
    half = answer.data[: len(answer.data) // 2]
    if fault.kind == "truncated_json":
        answer.headers["Content-Length"] = str(len(half))
    start(answer.status, answer.headers.to_wsgi_list())
    return _half(half, peer, drop=fault.kind == "drop_mid_answer")


def _half(half: bytes, peer: socket.socket, *, drop: bool) -> Iterable[bytes]:
    yield half
    if drop:
        _drop(peer)


def _hang_up(peer: socket.socket, start: StartResponse) -> list[bytes]:
    """End the connection without an answer; the server wants to have been given one all the same."""
    _drop(peer)
    start("500 Nobody hears this", [])
    return [b""]


def _drop(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        peer.shutdown(socket.SHUT_RDWR)


def _given(fault: InjectedFault, method: str) -> Response:
    """The answer of somebody on the way, or of Strava itself."""
    if fault.kind == "answer":
        return Response(fault.body, fault.status, content_type=fault.content_type)
    status, content_type, body = ANSWERS[fault.kind]
    if fault.kind == "bad_json_types" and method == "POST":
        status = 201
    headers = {"Location": "/somewhere/else"} if fault.kind == "redirect_301" else {}
    return Response(body, status, headers, content_type=content_type)
