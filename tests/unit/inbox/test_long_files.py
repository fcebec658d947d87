"""A file that takes long: others are answered meanwhile, and its folder is not taken for hung."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import a_receiver
from fitferry.inbox import Scanner, file_reader
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.surroundings import Surroundings
from fitferry.storage import uploads
from watching import watch_settings

MEMBERS = 5


@pytest.fixture
def archive(tmp_path: Path, ride: Callable[..., bytes]) -> Path:
    """A zip of several rides in a watched folder."""
    folder = tmp_path / "rides"
    folder.mkdir()
    with zipfile.ZipFile(folder / "export.zip", "w") as written:
        for number in range(MEMBERS):
            written.writestr(f"{number}.fit", ride(serial=number + 1))
    return folder / "export.zip"


@pytest.mark.usefixtures("ledger")
def test_a_folder_with_a_large_archive_answers_between_its_members(archive: Path) -> None:
    """After a minute of silence the daemon would be started anew, and begin with the same archive."""
    now, states, answered = [0.0], list[bool](), threading.Event()
    asked = threading.Thread(target=lambda: scanner.run(answered.set, 60))

    def forty_seconds(between: Callable[[], None]) -> None:
        """What each member of an archive takes on a very slow machine."""
        now[0] += 40
        states.append(scanner.state.available)
        between()
        if len(states) == 1:
            asked.start()
            while not answered.wait(0.01):  # the other thread may take its time to ask
                between()

    def look_slowly(
        path: str, folder: str, *, allowed: file_reader.Allowed, between: Callable[[], None]
    ) -> FileLook | None:
        return file_reader.look(path, folder, allowed=allowed, between=lambda: forty_seconds(between))

    scanner = Scanner(
        watch_settings(archive.parent),
        a_receiver(archive.parent),
        without=frozenset(),
        changed=lambda: None,
        surroundings=Surroundings(clock=lambda: now[0], look=look_slowly),
    )
    scanner.step()
    asked.join()

    assert sum(uploads.counts().values()) == MEMBERS
    assert states == [True] * MEMBERS
