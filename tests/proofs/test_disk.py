"""A disk that is full, read-only, or loses its files: nothing is forgotten, the page says why, and it passes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness
from fitferry.sandbox import Sandbox

Ride = Callable[..., bytes]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
pytestmark = pytest.mark.slow


@contextlib.contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Callable[..., None]]:
    """A filesystem of eight megabytes at a folder; call it to mount it otherwise."""
    folder.mkdir(exist_ok=True)

    def mount(*how: str) -> None:
        given = ",".join(["size=8m", *options, *how])
        subprocess.run(["mount", "-t", "tmpfs", "-o", given, "test", str(folder)], check=True)  # noqa: S607

    mount()
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DaemonHarness]:
    """A daemon in a folder of its own whose state folder is a small disk."""
    with Sandbox(processing_seconds=0.05) as sandbox, small_disk(tmp_path / "state"):
        home = DaemonHarness(tmp_path, sandbox)
        home.start()
        home.connect()
        yield home
        if not home.process_has_ended():
            home.stop(signal.SIGKILL)


def health(home: DaemonHarness) -> int:
    """What /healthz answers."""
    try:
        home.ask("GET", "/healthz")
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


@needs_root
def test_a_full_disk_forgets_nothing_and_goes_on_when_there_is_room(home: DaemonHarness, ride: Ride) -> None:
    """The files are admitted and uploaded at once then, not with the next look at everything a minute later.

    Meanwhile the page is ill and the process lives.
    """
    home.wait(lambda: list(home.state.glob("state-*.db")))  # the day's copy is made
    filler = home.state / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 512):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    for number in range(20):
        home.drop(f"{number}.fit", ride(serial=number + 1))
    home.wait(lambda: health(home) == 503)
    assert not home.process_has_ended()
    # The status file may be an old one that could not be replaced: the commands ask the daemon.
    assert home.run("status").returncode == 3
    assert "bad" in home.run("check").stdout
    for words in (
        ["login"],
        ["upload", str(home.rides / "7.fit")],
        ["token", "new", "phone", "--can", "read"],
    ):
        refused = home.run(*words)
        assert refused.returncode == 1
        assert "full" in refused.stderr or "space" in refused.stderr
    filler.unlink()
    home.wait(
        lambda: [job["status"] for job in home.history()] == ["completed"] * 20,
        45,
        "it stands still, with room",
    )
    done = home.history()

    assert len({one["strava_activity_id"] for one in done}) == 20
    assert len(home.sandbox.world.activities) == 20
    home.wait(lambda: health(home) == 200)
    home.wait(lambda: home.status()["problems"] == [])


@needs_root
@pytest.mark.parametrize("left", [0, 65_536, 262_144])
def test_a_first_start_on_a_full_disk_is_one_sentence(tmp_path: Path, left: int) -> None:
    """No traceback, wherever it ends; with room the same folder is begun."""
    with Sandbox() as sandbox, small_disk(tmp_path / "state"):
        home = DaemonHarness(tmp_path, sandbox)
        filler = home.state / "filler"
        free = os.statvfs(home.state).f_bavail * os.statvfs(home.state).f_frsize
        filler.write_bytes(bytes(free - left))
        ended = home.run("run")
        filler.unlink()

        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        assert "space" in ended.stderr or "full" in ended.stderr
        filler.write_bytes(bytes(free - left))
        assert "the disk has no room" in home.run("check").stdout
        filler.unlink()
        home.start()
        assert home.status()["state"] == "attention"
        home.stop()


@needs_root
def test_a_disk_that_fails_and_becomes_read_only_is_a_problem_and_loses_nothing(
    tmp_path: Path, ride: Ride
) -> None:
    """As a worn-out SD card does it; after a new mount and a start all goes on."""
    image, state = tmp_path / "image", tmp_path / "state"
    with image.open("wb") as file:
        file.truncate(48_000_000)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)  # noqa: S607  # the system's own
    state.mkdir()
    with Sandbox(processing_seconds=0.05) as sandbox, loop(image, state) as again:
        home = DaemonHarness(tmp_path, sandbox)
        home.start()
        home.connect()
        home.drop("one.fit", ride(serial=1))
        home.completed(1)
        subprocess.run(["mount", "-o", "remount,abort", str(state)], check=True)  # noqa: S607  # the same
        home.drop("two.fit", ride(serial=2))
        home.wait(lambda: health(home) == 503)
        assert not home.process_has_ended()
        home.stop(signal.SIGKILL)
        again()
        home.start()

        assert len(home.completed(2)) == 2
        assert len(sandbox.world.activities) == 2
        home.stop()


@contextlib.contextmanager
def loop(image: Path, folder: Path) -> Iterator[Callable[[], None]]:
    """A filesystem in a file; call it to mount it anew, checked and mended."""
    mount = ["mount", "-o", "loop", str(image), str(folder)]
    subprocess.run(mount, check=True)  # our own words

    def again() -> None:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607  # the system's own
        subprocess.run(["e2fsck", "-p", "-f", str(image)], check=False, stdout=subprocess.DEVNULL)  # noqa: S607
        subprocess.run(mount, check=True)  # our own words

    try:
        yield again
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607  # the same


@needs_root
def test_a_database_that_is_deleted_under_us_is_a_problem(home: DaemonHarness, ride: Ride) -> None:
    """What is written goes nowhere; after a restart and a sign-in the ride is found on Strava, and not doubled."""
    home.drop("one.fit", ride(serial=1))
    home.completed(1)
    for path in home.state.glob("state.db*"):
        path.unlink()
    home.wait(lambda: health(home) == 503, seconds=90)
    home.stop()
    home.start()

    assert home.status()["problems"][0]["code"] == "not_connected"
    home.connect()
    home.completed(1)
    assert len(home.sandbox.world.activities) == 1


@needs_root
def test_the_queue_can_be_deleted_at_any_time(home: DaemonHarness, ride: Ride) -> None:
    """It holds nothing that the ledger does not know."""
    for path in home.state.glob("queue.db*"):
        path.unlink()
    home.drop("one.fit", ride(serial=1))
    home.completed(1)
    home.stop(signal.SIGKILL)
    (home.state / "queue.db").write_bytes(b"garbage")
    home.start()
    home.drop("two.fit", ride(serial=2))

    assert len(home.completed(2)) == 2
