"""One request to the daemon on this machine over a plain socket: http.client, with email below it, is slow to import."""

from __future__ import annotations

import socket
from collections.abc import Mapping

_AT_ONCE = 65_536
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # what it listens on, not what we do


def reached_by(host: str) -> str:
    """The address to ask at, of the one that the daemon listens on."""
    return _WILDCARDS.get(host, host)


def ask(
    method: str,
    path: str,
    *,
    host: str,
    port: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> tuple[int, bytes]:
    """The status and the body of an answer. `seconds`: of silence at most.

    Raises OSError where nobody answers, ValueError for what is no answer.
    """
    if any(letter <= " " for letter in path):
        raise ValueError("an address without blanks")
    # The port alone counts: what the daemon listens under may be none of the page's names.
    sent = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    request = "\r\n".join(lines).encode("ascii") + body
    # Bytes: of a text Python would load the tables of all letters, to look whether a name has others than ASCII.
    name = host.encode() if host.isascii() else host
    with socket.create_connection((name, port), timeout=seconds) as connection:  # type: ignore[arg-type]  # getaddrinfo takes both
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(_AT_ONCE), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if not answer.startswith(b"HTTP/1.") or len(words) < 2:  # noqa: PLR2004  # the version and the status
        raise ValueError("no HTTP")
    return int(words[1]), content
