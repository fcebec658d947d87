"""Folders that are away, closed, hung or full of junk: they are told of, and stop nobody."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon_harness import harness
from fakes import ADMISSION, NOW, Clock, a_job, a_receiver, admit_file, receive, the
from fitferry.core.activity import AdmissionResult, FileEvent, Stability, WatchMethod, WatchState
from fitferry.core.messages import folders
from fitferry.core.problems import ProblemCode
from fitferry.core.upload import Status
from fitferry.inbox.first_scan import FirstScan
from fitferry.inbox.folder_tasks import FolderAway
from fitferry.monitoring import status
from fitferry.storage import activities, queries, seen_files, uploads
from fitferry.system import deadline, safe_files
from fitferry.system.deadline import FolderState
from patience import PATIENCE
from watching import scanner_of

needs_fuse = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="needs root and /dev/fuse"
)
Ride = Callable[..., bytes]


@pytest.fixture
def rides(tmp_path: Path, ledger: Path) -> Path:
    """A watched folder."""
    assert ledger.is_relative_to(tmp_path)
    (tmp_path / "rides").mkdir()
    return tmp_path / "rides"


def test_what_is_held_goes_with_its_file_and_stays_dismissed_while_its_bytes_stay(
    rides: Path, ride: Ride
) -> None:
    """Touching a file is no reason to ask again; another attempt at the copy is."""
    scanner, clock = scanner_of(rides)
    path = rides / "a.fit"
    path.write_bytes(ride()[:-2] + b"xx")

    def settle() -> None:
        for _ in range(70):
            clock.forward(10)
            scanner.step()

    settle()
    (held,) = queries.listed(status=Status.HELD)
    assert held.error_code == "damaged"
    uploads.dismiss(held.id)
    os.utime(path)
    settle()
    assert [job.status for job in queries.listed(status=Status.SKIPPED)] == [Status.SKIPPED]
    assert queries.listed(status=Status.HELD) == []
    path.write_bytes(ride()[:-2] + b"yy")
    settle()
    assert len(queries.listed(status=Status.HELD)) == 1
    path.unlink()
    scanner.hint(str(path), FileEvent.APPEARED)
    scanner.step()

    assert queries.listed(status=Status.HELD) == []


def test_junk_that_is_gone_is_forgotten_and_nothing_else(rides: Path, ride: Ride) -> None:
    """After a complete scan of a folder that is there; what somebody dismissed stays."""
    for name in ("a.fit", "b.fit", "c.fit"):
        (rides / name).write_bytes(b"no activity: " + name.encode())
        admit_file(str(rides / name), "me", ADMISSION, NOW, folder=str(rides))
    (rides / "ride.fit").write_bytes(ride())
    admit_file(str(rides / "ride.fit"), "me", ADMISSION, NOW, folder=str(rides))
    for name in ("a.fit", "ride.fit"):
        (rides / name).unlink()
    receiver = a_receiver(rides)
    with safe_files.open_folder(str(rides)) as folder:
        receiver.on_scan_finished(folder, 2, complete=False)
        assert len(queries.listed(status=Status.SKIPPED)) == 3
        receiver.on_scan_finished(folder, 2, complete=True)

    assert sorted(job.file for job in queries.listed(status=Status.SKIPPED)) == ["b.fit", "c.fit"]
    assert seen_files.seen("me", str(rides / "a.fit")) is None
    assert uploads.counts()[Status.PENDING] == 1


def test_names_that_are_gone_are_forgotten_so_that_renaming_for_ever_fills_no_disk(
    rides: Path, ride: Ride
) -> None:
    """At once where an event tells it, otherwise after a complete scan; the place of a known ride stays."""
    (scanner, _), receiver = scanner_of(rides), a_receiver(rides)
    scanner.step()

    def take(name: str) -> Path:
        path = rides / name
        path.write_bytes(ride())
        admit_file(str(path), "me", ADMISSION, NOW, folder=str(rides))
        return path

    def known() -> set[str]:
        paths = [str(rides / f"{name}.fit") for name in ("first", "told", "missed", "there")]
        return {Path(path).stem for path in seen_files.seen_at("me", paths)}

    first, told, missed, _ = (take(f"{name}.fit") for name in ("first", "told", "missed", "there"))
    for path in (first, told, missed):
        path.unlink()
    assert known() == {"first", "told", "missed", "there"}
    for path in (first, told):
        scanner.hint(str(path), FileEvent.APPEARED)
    scanner.step()
    assert known() == {"first", "missed", "there"}
    with safe_files.open_folder(str(rides)) as folder:
        receiver.on_scan_finished(folder, 1, complete=False)
        assert known() == {"first", "missed", "there"}
        receiver.on_scan_finished(folder, 1, complete=True)

    assert known() == {"first", "there"}
    assert len(queries.listed()) == 1


def test_junk_beyond_the_bound_is_remembered_and_not_listed(rides: Path) -> None:
    """The problem tells of it, and a ride is taken all the same; it is over when there is room again."""
    first_scan = FirstScan(str(rides), "me", ADMISSION, wake=lambda: None, clock=Clock(), max_junk=3)

    def take(name: str) -> AdmissionResult:
        (rides / name).write_bytes(b"no activity: " + name.encode())
        return receive(first_scan, rides / name, Stability.STALLED, announced=True)

    assert {take(f"{number}.fit") for number in range(3)} == {AdmissionResult.SKIPPED}
    assert first_scan.note == folders.MUCH_JUNK(limit=3)
    size = len(queries.listed(status=Status.SKIPPED))
    take("beyond.fit")
    assert len(queries.listed(status=Status.SKIPPED)) == size == 3
    assert seen_files.seen("me", str(rides / "beyond.fit")) is not None  # it is not read again and again
    (problem,) = status.of_folders(
        [WatchState(str(rides), "me", WatchMethod.POLL, available=True, notes=(first_scan.note,))], NOW
    )
    assert (problem.code, "more than 3 files" in str(problem.message)) == (ProblemCode.FOLDER_BOUND, True)

    for number in range(3):
        (rides / f"{number}.fit").unlink()
    with safe_files.open_folder(str(rides)) as folder:
        activities.prune_gone("me", str(rides), lambda path: folder.exists(folder.relative(path)))
    first_scan.on_scan_finished(1)
    assert first_scan.note is None


def test_a_scanner_without_descriptors_pauses_and_goes_on(
    rides: Path, ride: Ride, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes no file for unreadable, and does not fill the log with each of them."""
    scanner, clock = scanner_of(rides)
    scanner.step()
    names = [f"{number}.fit" for number in range(50)]
    for number, name in enumerate(names):
        (rides / name).write_bytes(ride(serial=number + 1))
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise OSError(24, "Too many open files", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        for name in names:
            scanner.hint(str(rides / name), FileEvent.CLOSED)
        scanner.step()
        assert scanner.state.available
        assert not scanner.state.unreadable
    clock.forward(1)
    scanner.step()

    assert len(queries.listed()) == len(names)
    assert capsys.readouterr().out.count("Too many open files") <= 2


def test_jobs_of_a_folder_that_is_away_are_not_due(rides: Path) -> None:
    """However long it takes; they are as soon as it is back."""
    job = a_job(rides / "a.fit")
    scanner, clock = scanner_of(rides)
    scanner.step()
    assert the(job.id).next_attempt_at <= NOW
    rides.rename(rides.with_name("off"))
    scanner.check()
    scanner.step()
    assert not scanner.state.available
    assert (the(job.id).next_attempt_at > NOW, str(the(job.id).own_wait)) == (True, "file")
    with pytest.raises(FolderAway):
        scanner.run(lambda: None, 1)
    rides.with_name("off").rename(rides)
    clock.forward(5)
    scanner.step()

    assert the(job.id).next_attempt_at <= NOW


def test_a_mended_permission_is_noticed_within_a_minute(
    rides: Path, ride: Ride, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an event, a scan or a restart: a chmod changes no byte."""
    scanner, clock = scanner_of(rides, scan_interval=86_400)
    (rides / "a.fit").write_bytes(ride())
    real, closed = os.open, [True]

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.fit" and closed:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    scanner.step()
    clock.forward(1)
    scanner.step()
    assert scanner.state.unreadable == (str(rides / "a.fit"),)
    closed.clear()
    waited = 0.0
    while scanner.state.unreadable:
        pause = min(10.0, max(0.1, scanner.step()))
        clock.forward(pause)
        waited += pause
        assert waited <= 60

    assert [job.file for job in queries.listed()] == ["a.fit"]


@pytest.mark.parametrize(("kind", "is_ours"), [("ext4", True), ("nfs4", False)])
def test_a_scanner_that_hangs_is_an_illness_only_where_the_folder_is_our_own(
    rides: Path, kind: str, *, is_ours: bool
) -> None:
    """A share that does not answer is the share's; a loop of ours is ours."""
    hangs, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        goes_on.wait(PATIENCE)

    scanner, clock = scanner_of(rides, tidy=hang, filesystem=lambda _folder: kind)
    scanner.start()
    try:
        assert hangs.wait(PATIENCE)
        assert (scanner.state.available, scanner.health_error()) == (True, None)
        clock.forward(61)
        assert not scanner.state.available
        assert ("hangs" in str(scanner.health_error())) is is_ours
    finally:
        goes_on.set()
        scanner.stop()


def test_a_closed_folder_on_the_way_is_named(open_to_all: Path) -> None:
    """`/home/pi` is 0700: mounting or creating something would not help. As a user who is not root."""
    folder = open_to_all / "home/rides"
    folder.mkdir(parents=True)
    (open_to_all / "home").chmod(0o700)
    code = (
        "import os, sys\n"
        "from fitferry.system.deadline import look_at_folder\n"
        "os.setuid(65534) if os.geteuid() == 0 else os.chmod(sys.argv[2], 0)\n"
        "look = look_at_folder(sys.argv[1])\n"
        "print(look.state, look.path)\n"
    )
    done_ = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(open_to_all / "home")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    (open_to_all / "home").chmod(0o700)

    assert done_.stdout.split() == ["no_permission", str(open_to_all / "home")], done_.stderr


@needs_fuse
def test_a_frozen_mount_answers_by_its_deadline(tmp_path: Path) -> None:
    """Whoever asks after it goes on."""
    with frozen(tmp_path):
        assert deadline.look_at_folder(str(tmp_path), 0.2).state is FolderState.NO_ANSWER


@needs_fuse
@pytest.mark.parametrize("place", ["a folder of its own", "below the folder"])
def test_a_frozen_mount_stops_nothing_but_its_own_folder(tmp_path: Path, ride: Ride, place: str) -> None:
    """A fresh daemon starts, says how it is, takes the rides of other folders, and stops."""
    with harness(tmp_path) as home:
        nas = tmp_path / "nas" if place == "a folder of its own" else home.rides / "nas"
        nas.mkdir()
        extra = f'[[watch]]\nfolder = "{nas}"\n' if place == "a folder of its own" else ""
        home.configure(extra)
        with frozen(nas):
            home.start()
            home.connect()
            home.drop("ride.fit", ride())
            assert home.completed()
            assert home.run("health").returncode == 0
            assert home.run("status").returncode in {0, 3}
            assert home.stop() == 0


@contextlib.contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """A FUSE filesystem whose server never answers: whoever asks waits until it is taken away."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={handle},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"frozen", os.fsencode(folder), b"fuse", 0, options) != 0:
        os.close(handle)
        pytest.skip(f"FUSE cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        os.close(handle)  # everybody who waits is let go
        libc.umount2(os.fsencode(folder), 2)
