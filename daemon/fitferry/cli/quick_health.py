"""`fitferry health` by the shortest way: a container asks it once or twice a minute, on small machines.

Without click, without the settings as a whole. Where it does not find a healthy daemon, the ordinary command says why.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping

from fitferry.cli import local_http
from fitferry.config import paths

SECONDS = 10.0
"""How long an answer may take."""
_OK = 200


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
        host, port = local_http.reached_by(web["host"]), web["port"]
        return local_http.ask("GET", "/healthz", host=host, port=port, seconds=SECONDS)[0] == _OK
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
