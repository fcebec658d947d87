"""`fitferry health` by the shortest way: a container asks it once or twice a minute, on small machines.

Without click, without the settings as a whole. Where it does not find a healthy daemon, the ordinary command says why.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Mapping

from fitferry.config import paths

SECONDS = 10.0
"""How long an answer may take."""
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # what it listens on, not what we do


def is_healthy(option: str | None, environ: Mapping[str, str]) -> bool:
    """Whether a daemon holds the state folder's lock and answers that it is well."""
    found = paths.peek(option, environ)
    if found is None:
        return False
    folder = str(found[0])
    try:
        if not _is_locked(f"{folder}/lock"):
            return False
        with open(f"{folder}/status.json", encoding="utf-8") as file:  # noqa: PTH123  # Path would be slower
            web = json.load(file)["web"]
        return _answers(_WILDCARDS.get(web["host"], web["host"]), web["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _is_locked(path: str) -> bool:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _answers(host: str, port: int) -> bool:
    """Whether /healthz answers with 200."""
    with socket.create_connection((host, port), timeout=SECONDS) as connection:
        connection.sendall(f"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        answer = connection.recv(64)
    return answer.startswith((b"HTTP/1.0 200 ", b"HTTP/1.1 200 "))
