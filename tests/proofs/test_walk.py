"""The way of a file: which modules take it on, from the kernel's event to `completed`, in which order."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import pytest

import fitferry
from fitferry import daemon
from fitferry.config.load import load
from fitferry.core.upload import Status
from fitferry.sandbox import Sandbox
from fitferry.storage import database, uploads
from fitferry.system import state_dir
from fitferry.system.wakeup import WakeupPipe
from fitferry.web.server import Server
from patience import wait_for

PACKAGE = Path(fitferry.__file__).parent
WAY = [
    "inbox/file_events",
    "inbox/scanner",
    "inbox/file_intake",
    "inbox/file_reader",
    "formats/__init__",
    "inbox/folder_receiver",
    "inbox/first_scan",
    "inbox/admission",
    "storage/activities",
    "uploads/worker",
    "core/retry_policy",
    "uploads/source_file",
    "strava/client",
    "uploads/result_writer",
    "storage/attempts",
    "uploads/after_upload",
]
"""Who takes a file on. What these ask on the way and is done then (a fingerprint, a table, a parser) is left out."""
MOST = 16
FILE = "morning.fit"
CARRIERS = frozenset({"Job", "File", "FileRead", "NewActivity", "AttemptResult"})
"""Values that a file becomes on its way."""


class Walk:
    """Notes each module at the first call that is given the file, or what it has become."""

    def __init__(self) -> None:
        self.rooms: list[str] = []

    def note(self, frame: FrameType, event: str, _arg: object) -> None:
        """A profile function: cheap for everything that is not Fitferry's."""
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(str(PACKAGE)) and "sandbox" not in path:
            room = path[len(str(PACKAGE)) + 1 :].removesuffix(".py")
            if room not in self.rooms and self._is_given_it(frame):
                self.rooms.append(room)

    def _is_given_it(self, frame: FrameType) -> bool:
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        return any(self._is_it(frame.f_locals.get(name)) for name in names)

    def _is_it(self, value: object) -> bool:
        if isinstance(value, str):
            return value.endswith(FILE)
        return type(value).__name__ in CARRIERS or (isinstance(value, bytes) and value[8:12] == b".FIT")


@pytest.fixture
def walk() -> Iterator[Walk]:
    """Watches every thread that begins from now on."""
    noted = Walk()
    threading.setprofile(noted.note)
    yield noted
    threading.setprofile(None)
    sys.setprofile(None)


@contextlib.contextmanager
def running(folder: Path, sandbox: Sandbox) -> Iterator[daemon.Parts]:
    """The daemon's parts in this process, with an athlete connected."""
    (folder / "rides").mkdir()
    config = folder / "config.toml"
    config.write_text(
        f'[strava]\nclient_id = 12345\nclient_secret = "sandbox-secret"\nwebsite = "{sandbox.url}"\n'
        f'api = "{sandbox.url}/api/v3"\n[[watch]]\nfolder = "{folder / "rides"}"\n[web]\nport = 0\n'
        f'[state]\nfolder = "{folder}"\n[uploads]\ncheck_delays = [0.1]\n',
        encoding="utf-8",
    )
    settings = load(config, {})
    with (
        WakeupPipe() as wakeup,
        database.opened(folder / state_dir.STATE_DB, changed=wakeup.wake),
        contextlib.ExitStack() as stack,
    ):
        parts = daemon.Parts(settings, wakeup, Server("127.0.0.1", 0), check_later=False)
        daemon.run_parts(parts, stack)
        consent, _ = parts.oauth.consent_url("me", time.time())
        urllib.request.urlopen(consent).close()  # noqa: S310  # the sandbox
        yield parts


@pytest.mark.slow
def test_a_file_passes_few_modules_and_goes_forward_only(
    tmp_path: Path, walk: Walk, ride: Callable[..., bytes]
) -> None:
    """Each takes it on once: nobody who has handed it on is the next one again."""
    with Sandbox(consent="approve", processing_seconds=0.3) as sandbox, running(tmp_path, sandbox) as parts:
        wait_for(lambda: all(state.available for state in parts.folders.states()))
        (tmp_path / FILE).write_bytes(ride(start=datetime.now(UTC) - timedelta(hours=1)))
        (tmp_path / FILE).rename(tmp_path / "rides" / FILE)
        wait_for(lambda: uploads.counts()[Status.COMPLETED] == 1)

    assert [room for room in walk.rooms if room in WAY] == WAY
    assert len(WAY) <= MOST
