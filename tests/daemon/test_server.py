"""The server against slow, greedy and malformed clients, over real sockets of the loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIEnvironment

import pytest

from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.web.listening import listening_hosts
from fitferry.web.middleware import OTHER_BYTES, RequestFilter
from fitferry.web.server import Limits, Loop, Server
from web_client import TOKEN, Page

ANY, ANY6 = "0.0.0.0", "::"  # noqa: S104  # settings that people have
pytestmark = pytest.mark.usefixtures("ledger")
FOREVER = 60.0
"""Seconds within which anything answers that answers at all."""


@contextlib.contextmanager
def served(page: Page, **limits: Any) -> Iterator[int]:
    """The port of a page that is served."""
    server = Server("127.0.0.1", 0, limits=Limits(**limits))
    with server.serving(page.app):
        yield server.port


def opened(port: int) -> socket.socket:
    """A connection to the page."""
    return socket.create_connection(("127.0.0.1", port), timeout=FOREVER)


def head(port: int, path: str, *lines: str, method: str = "GET") -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines, "", ""]).encode()


def everything(client: socket.socket) -> bytes:
    """All that the server sends until it closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            found += part
    return found


def test_a_loop_that_has_ended_by_itself_can_be_stopped(tmp_path: Path) -> None:
    """It may see that it is to end before it is woken for that; its sockets stay open until then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop = Loop(Page(tmp_path).app, [listener.dup()], Limits())
        loop.stop()
        loop.run()

        loop.stop()
        loop.close()


def test_who_connects_between_two_servers_waits_for_the_second(tmp_path: Path) -> None:
    """The set-up hands over to the daemon: whoever clicks meanwhile finds it; what is open before ends with its answer."""
    page, server = Page(tmp_path), Server("127.0.0.1", 0)
    with server.serving(page.app):
        before = opened(server.port)
        before.sendall(head(server.port, "/healthz"))
        assert status(before.recv(65_536)) == 200
        server.hand_over()
        before.sendall(head(server.port, "/healthz"))
        assert b"Connection: close" in everything(before)
        between = opened(server.port)
        between.sendall(head(server.port, "/healthz", "Connection: close"))
    before.close()
    with server.serving(page.app), between:
        assert status(everything(between)) == 200


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("path", "length", "lines", "expected"),
    [
        ("/login", OTHER_BYTES + 1, (), 413),
        ("/nowhere", OTHER_BYTES + 1, (), 401),
        ("/api/v1/strava/upload", 25_000_000, (), 401),
        ("/api/v1/strava/upload", 25_000_000, ("Authorization: Bearer wrong",), 401),
        ("/api/v1/strava/upload", UPLOAD_BYTES + 1, (f"Authorization: Bearer {TOKEN}",), 413),
        ("/api/v1/strava/upload", 10**15, (f"Authorization: Bearer {TOKEN}",), 413),
        ("/api/v1/strava/retry", OTHER_BYTES + 1, (f"Authorization: Bearer {TOKEN}",), 413),
        ("/login", 100, ("Origin: http://evil.example",), 403),
        ("/login", OTHER_BYTES + 1, ("Expect: 100-continue",), 413),
        ("/in/a.fit", 25_000_000, (), 401),
    ],
)
def test_a_body_is_judged_by_the_headers_alone(
    tmp_path: Path, path: str, length: int, lines: tuple[str, ...], expected: int
) -> None:
    """The answer comes before a single byte of the body was sent, and ends the connection."""
    with served(Page(tmp_path)) as port, opened(port) as client:
        client.sendall(head(port, path, f"Content-Length: {length}", *lines, method="POST"))
        answer = everything(client)

    assert expected == status(answer)
    assert b"100 Continue" not in answer


def test_an_answer_to_a_refused_body_arrives_although_the_body_is_sent(tmp_path: Path) -> None:
    """Most clients read only when they have sent everything; a reset would destroy the answer."""
    with served(Page(tmp_path)) as port, opened(port) as client:
        client.sendall(head(port, "/api/v1/strava/upload", "Content-Length: 8000000", method="POST"))
        client.sendall(b"x" * 8_000_000)
        client.shutdown(socket.SHUT_WR)

        assert status(everything(client)) == 401


def test_a_chunked_body_ends_where_it_grows_too_large(tmp_path: Path) -> None:
    """It does not say how long it will be, so it is counted."""
    with served(Page(tmp_path)) as port, opened(port) as client:
        client.sendall(head(port, "/login", "Transfer-Encoding: chunked", method="POST"))
        with contextlib.suppress(ConnectionError):
            for _ in range(10):
                client.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

        assert status(everything(client)) == 413


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 60"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Transfer-Encoding: gzip, chunked", "Content-Length: 5"),
    ],
)
def test_a_body_of_two_lengths_ends_the_connection(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """What follows could be somebody else's request: it is not answered."""
    with served(Page(tmp_path)) as port, opened(port) as client:
        client.sendall(head(port, "/login", *lines, method="POST") + b"0\r\n\r\n" + head(port, "/healthz"))
        answer = everything(client)

    assert status(answer) in {400, 501}
    assert answer.count(b"HTTP/1.1") == 1
    assert b'"ok"' not in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n\r\n\r\n",
        b"get /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: a\rHost: evil.example\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nnonsense\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nContent-Length: %s\r\n\r\n" % (b"9" * 5_000),
        b"\x16\x03\x01\x00\xa5\x01\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_and_logged_by_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], sent: bytes
) -> None:
    """Whoever speaks another language learns so, and fills no log."""
    with served(Page(tmp_path)) as port, opened(port) as client:
        client.sendall(sent)
        answer = everything(client)

    assert 400 <= status(answer) < 500
    # How many requests wait for a thread on a busy machine is not of what was sent.
    records = [record for record in caplog.records if record.name != "waitress.queue"]
    assert (records, capsys.readouterr().out) == ([], "")


def test_headers_have_a_deadline(tmp_path: Path) -> None:
    """One that dribbles them is closed, one that says nothing too; who is quick is answered."""
    with (
        served(Page(tmp_path), header_seconds=1.0) as port,
        opened(port) as dribbling,
        opened(port) as silent,
    ):
        dribbling.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert everything(dribbling) == everything(silent) == b""
        with opened(port) as quick:
            quick.sendall(head(port, "/healthz", "Connection: close"))
            assert status(everything(quick)) == 200


def test_the_slowest_goes_where_there_are_too_many_connections(tmp_path: Path) -> None:
    """Sixty slow ones shut nobody out."""
    with served(Page(tmp_path), connections=5) as port, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(opened(port)) for _ in range(60)]
        for one in slow:
            with contextlib.suppress(ConnectionError):
                one.sendall(b"GET / HTTP/1.1\r\nX: ")
        client = stack.enter_context(opened(port))
        client.sendall(head(port, "/healthz", "Connection: close"))

        assert status(everything(client)) == 200
        assert everything(slow[0]) == b""


def test_health_answers_while_every_page_is_slow(tmp_path: Path) -> None:
    """A container's check must not depend on free threads."""
    let_go = threading.Event()

    def slow(_environ: WSGIEnvironment, start: Any) -> list[bytes]:
        let_go.wait(FOREVER)
        start("200 OK", [("Content-Length", "0")])
        return []

    page = Page(tmp_path)
    app = RequestFilter(
        slow,
        url=page.context.url,
        hosts=(),
        health_error=page.context.health_error,
        may_enter=lambda _environ: None,
    )
    server = Server("127.0.0.1", 0)
    with server.serving(app), contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(opened(server.port)).sendall(head(server.port, "/"))
        with opened(server.port) as client:
            client.sendall(head(server.port, "/healthz", "Connection: close"))
            assert status(everything(client)) == 200
        let_go.set()


def test_headers_are_bounded(tmp_path: Path) -> None:
    """One of 142 kB cost a third of a second."""
    with served(Page(tmp_path)) as port, opened(port) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(head(port, "/", "Accept-Language: " + "en," * 50_000))

        assert status(everything(client)) == 431


@pytest.mark.parametrize(
    ("host", "url", "expected"),
    [
        ("127.0.0.1", None, ("127.0.0.1",)),
        ("localhost", None, ("127.0.0.1", "::1")),
        ("LOCALHOST", None, ("127.0.0.1", "::1")),
        ("127.0.0.1", "http://localhost:8480", ("127.0.0.1", "::1")),
        ("::1", "http://localhost:8480", ("::1", "127.0.0.1")),
        (ANY, "http://localhost:8480", (ANY, "::1")),
        (ANY6, "http://localhost:8480", (ANY6, ANY)),
        (ANY6, None, (ANY6, ANY)),
        ("192.168.1.7", "https://rides.example", ("192.168.1.7",)),
        ("192.168.1.7", "http://192.168.1.7:8480", ("192.168.1.7",)),
        ("192.168.1.7", None, ("192.168.1.7", "127.0.0.1")),
        ("nas.local", "http://127.0.0.1:8480", ("nas.local", "127.0.0.1")),
        ("::1", None, ("::1", "127.0.0.1")),
        ("127.0.0.1", "http://[::1]:8480", ("127.0.0.1", "::1")),
        (ANY, None, (ANY,)),
        ("", None, (ANY6, ANY)),
    ],
)
def test_no_loopback_address_that_links_lead_to_is_left_free(
    host: str, url: str | None, expected: tuple[str, ...]
) -> None:
    """Another user of the machine could listen on it, and be given our links."""
    assert expected == listening_hosts(host, url)


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7"])
def test_an_address_that_the_machine_does_not_have_is_no_start(tmp_path: Path, host: str) -> None:
    """Although the loopback address could be listened on."""
    with pytest.raises(OSError), Server(host, 0).serving(Page(tmp_path).app):  # noqa: PT011  # which one depends on the machine
        pass


def has_ipv6() -> bool:
    """Whether the loopback has an IPv6 address."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6")
@pytest.mark.parametrize("host", ["localhost", "::"])
def test_both_kinds_of_addresses_are_listened_on(tmp_path: Path, host: str) -> None:
    """At the same port."""
    server = Server(host, 0)
    with server.serving(Page(tmp_path).app):
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, server.port), timeout=FOREVER) as client:
                client.sendall(head(server.port, "/healthz", "Connection: close"))
                assert status(everything(client)) == 200


@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6")
def test_a_loopback_address_that_another_user_holds_is_no_start(tmp_path: Path) -> None:
    """Who listens on [::1] would be given the login link."""
    with socket.socket(socket.AF_INET6) as attacker:
        attacker.bind(("::1", 0))
        attacker.listen()
        server = Server("localhost", attacker.getsockname()[1])
        with pytest.raises(OSError, match="in use"), server.serving(Page(tmp_path).app):
            pass


def test_health_does_not_build_the_page(tmp_path: Path) -> None:
    """A container asks it every half minute."""
    page = Page(tmp_path)
    answer = page.ask("GET", "/healthz")

    assert answer.status_code == 200
    assert not page.app.application.is_built
