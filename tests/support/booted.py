"""What the checks in a booted machine share: waiting, asking the daemon, saying what is as it should be."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ETC, STATE, RIDES = Path("/etc/fitferry"), Path("/var/lib/fitferry"), Path("/srv/rides")
PATIENCE = 60.0


def systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    """Tell systemd."""
    return subprocess.run(
        ["/bin/systemctl", *words], capture_output=True, text=True, check=False
    )  # fixed words


def shown(name: str) -> str:
    """A property of the service."""
    return systemctl("show", "--value", "-p", name, "fitferry").stdout.strip()


def wait(found: Callable[[], Any]) -> Any:
    """What is found before long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            value = found()
        except OSError:
            value = None
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"waited in vain for {found}")


def ask(path: str) -> Any:
    """Ask the daemon."""
    token = (STATE / "api-token").read_text(encoding="ascii").strip()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:8480{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # ourselves
        return json.load(answer)


def say(words: str) -> None:
    """Report one thing that is as it should be."""
    sys.stdout.write(f"ok  {words}\n")
    sys.stdout.flush()


def check(steps: Iterable[Callable[[], None]]) -> None:
    """Go through the steps; where one fails, show how the service is."""
    try:
        for step in steps:
            step()
        sys.stdout.write("all is well\n")
    except BaseException:
        traceback.print_exc()
        sys.stdout.write(systemctl("status", "--no-pager", "-l", "fitferry").stdout)
        raise
