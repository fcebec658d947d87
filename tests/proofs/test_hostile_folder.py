"""Whoever can write into a watched folder reads, overwrites and sends nothing that is not theirs, and stops nobody."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon_harness import harness
from fakes import (
    ADMISSION,
    NOW,
    Clock,
    InlineFolders,
    a_job,
    a_receiver,
    admit_file,
    receive,
    recorded,
    the,
)
from fitferry.core.activity import AdmissionResult, FileEvent, Stability, WatchMethod, WatchState
from fitferry.core.messages import folders
from fitferry.core.problems import ProblemCode
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import AfterUpload, AttemptResult, Job, Outcome, Status
from fitferry.inbox import Scanner, file_reader
from fitferry.inbox.first_scan import FirstScan
from fitferry.inbox.folder_tasks import FolderAway
from fitferry.inbox.surroundings import Surroundings
from fitferry.monitoring import status
from fitferry.storage import activities, queries, seen_files, uploads
from fitferry.system import deadline, mounts, safe_files
from fitferry.system.deadline import FolderState
from fitferry.system.safe_files import LinkInPath
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.file_tidier import FileTidier
from fitferry.uploads.source_file import FileGone, SourceFiles
from patience import PATIENCE
from watching import watch_settings

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
needs_fuse = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="needs root and /dev/fuse"
)
Ride = Callable[..., bytes]
TB = 1 << 40


@pytest.fixture
def where(tmp_path: Path, ledger: Path) -> Archive:
    """A watched folder."""
    assert ledger.is_relative_to(tmp_path)
    folder = tmp_path / "rides"
    folder.mkdir()
    return Archive(folder, folder / "uploaded")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A folder of the daemon's user that nobody else can read."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "key").write_bytes(b"the key")
    return folder


def done(job: Job, wanted: AfterUpload) -> None:
    """Let a job be completed, with what is to become of its file."""
    step = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=7)
    recorded(job.id, step, NOW, after_upload_action=wanted)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, through no link."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize("link", ["uploaded", "uploaded/2026", "uploaded/2026/11"])
def test_nothing_is_archived_through_a_link(where: Archive, secret: Path, link: str) -> None:
    """Whichever folder on the way it stands for; the file stays, and the problem names the link."""
    (where.folder / "2026/11").mkdir(parents=True)
    job = a_job(where.folder / "2026/11/a.fit")
    done(job, AfterUpload.ARCHIVE)
    (where.folder / link).parent.mkdir(parents=True, exist_ok=True)
    (where.folder / link).symlink_to(secret)
    failure = FileTidier([where])()

    assert str(failure) == f"{where.folder / link} is a link"
    assert tree(where.folder) == {"2026/11/a.fit": b"ride"}
    assert tree(secret) == {"key": b"the key"}
    assert the(job.id).after_upload_action is AfterUpload.ARCHIVE


@needs_root
@pytest.mark.parametrize("name", ["a.fit", ".{}.fitferry"], ids=["the archive's name", "the copy's name"])
def test_a_link_that_waits_at_the_copys_name_is_not_written_through(
    where: Archive, secret: Path, name: str
) -> None:
    """On another filesystem a copy is made, in a file of our own."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    where.archive.mkdir()
    with mounted(where.archive):
        (where.archive / name.format(job.file_sha256[:16])).symlink_to(secret / "key")
        (where.archive / "b.fit").symlink_to(secret / "new")
        assert FileTidier([where])() is None

        assert b"ride" in tree(where.archive).values()
        assert not (where.folder / "a.fit").exists()
        assert tree(secret) == {"key": b"the key"}
        (copied,) = [path for path in where.archive.iterdir() if path.is_file() and not path.is_symlink()]
        assert copied.stat().st_mode & 0o777 == 0o644


@needs_root
def test_a_link_that_is_laid_when_the_way_was_cleared_is_not_written_through(
    where: Archive, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look at the copy's name and its making; the file stays, and is moved the next time."""
    job = a_job(where.folder / "a.fit")
    done(job, AfterUpload.ARCHIVE)
    where.archive.mkdir()
    unlink, laid = os.unlink, [False]

    def lay(name: str, *, dir_fd: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            unlink(name, dir_fd=dir_fd)
        if not laid[0] and os.path.samestat(os.fstat(dir_fd), where.archive.stat()):
            laid[0] = True
            os.symlink(secret / "new", name, dir_fd=dir_fd)

    with mounted(where.archive):
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", lay)
            assert FileTidier([where])() is not None
        assert tree(secret) == {"key": b"the key"}
        assert tree(where.folder) == {"a.fit": b"ride"}
        assert FileTidier([where])() is None
        assert tree(where.folder) == {"uploaded/a.fit": b"ride"}
    assert laid[0]


@pytest.mark.parametrize("wanted", [AfterUpload.ARCHIVE, AfterUpload.DELETE])
def test_a_source_that_is_exchanged_for_a_link_after_its_check_gives_nothing_away(
    where: Archive, secret: Path, monkeypatch: pytest.MonkeyPatch, wanted: AfterUpload
) -> None:
    """What was renamed aside is opened through no link, and verified there."""
    job = a_job(where.folder / "a.fit")
    done(job, wanted)
    rename = os.rename

    def exchange(name: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if name == "a.fit":
            (where.folder / "a.fit").unlink()
            (where.folder / "a.fit").symlink_to(secret / "key")
        rename(name, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", exchange)
    FileTidier([where])()

    assert tree(where.folder) == {}
    assert (where.folder / "a.fit").is_symlink()
    assert tree(secret) == {"key": b"the key"}


@pytest.mark.parametrize("wanted", [AfterUpload.ARCHIVE, AfterUpload.DELETE])
def test_a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(
    where: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: AfterUpload
) -> None:
    """Names are used only in the folder that is open."""
    (where.folder / "sub").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/a.fit").write_bytes(b"ride")
    job = a_job(where.folder / "sub/a.fit")
    done(job, wanted)
    rename = os.rename

    def exchange(name: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if name == "a.fit":
            rename(where.folder / "sub", where.folder / "aside")
            (where.folder / "sub").symlink_to(tmp_path / "theirs")
        rename(name, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", exchange)
    FileTidier([where])()

    assert tree(tmp_path / "theirs") == {"a.fit": b"ride"}
    assert tree(where.folder) == ({"uploaded/sub/a.fit": b"ride"} if wanted is AfterUpload.ARCHIVE else {})


@pytest.mark.parametrize("kind", ["absolute", "relative", "by a folder", "through another link", "proc"])
def test_a_link_that_leads_out_of_the_folder_is_not_read(
    where: Archive, tmp_path: Path, ride: Ride, kind: str
) -> None:
    """Somebody else's ride goes to nobody else's account, whoever may read it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/a.fit").write_bytes(ride())
    path = where.folder / "a.fit"
    match kind:
        case "absolute":
            path.symlink_to(tmp_path / "theirs/a.fit")
        case "relative":
            path.symlink_to("../theirs/a.fit")
        case "by a folder":
            (where.folder / "folder").symlink_to(tmp_path / "theirs")
            path.symlink_to("folder/a.fit")
        case "through another link":
            (where.folder / "one").symlink_to(tmp_path / "theirs/a.fit")
            path.symlink_to("one")
        case _:
            path.symlink_to("/proc/self/pagemap")
    result = admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))

    assert result is AdmissionResult.UNREADABLE
    assert sum(uploads.counts().values()) == 0


def test_a_link_into_another_watched_folder_is_not_followed_either(where: Archive, ride: Ride) -> None:
    """It lies inside this one, and belongs to another athlete."""
    theirs = where.folder / "kim"
    theirs.mkdir()
    (theirs / "a.fit").write_bytes(ride())
    (where.folder / "b.fit").symlink_to("kim/a.fit")
    scanner, _ = scanner_of(where.folder, without=frozenset({str(theirs)}))
    for _ in range(3):
        scanner.step()

    assert sum(uploads.counts().values()) == 0
    assert "links that lead out of the folder are not followed (b.fit)" in str(scanner.state.notes[0])


def test_a_job_whose_file_became_a_link_is_not_sent(where: Archive, secret: Path) -> None:
    """The bytes behind it are never read."""
    job = a_job(where.folder / "a.fit")
    (where.folder / "a.fit").unlink()
    (where.folder / "a.fit").symlink_to(secret / "key")

    with pytest.raises((FileGone, Exception), match="link"):
        SourceFiles(InlineFolders([where]), [where]).read(job)


def test_a_fifo_that_takes_the_place_of_a_file_holds_nobody_up(where: Archive, ride: Ride) -> None:
    """It is opened without waiting for somebody at its other end."""
    path = where.folder / "a.fit"
    path.write_bytes(ride())
    stat_before = path.stat()
    path.unlink()
    os.mkfifo(path)
    found: list[AdmissionResult] = []
    thread = threading.Thread(
        target=lambda: found.append(admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))),
        daemon=True,
    )
    thread.start()
    thread.join(60)

    assert stat_before.st_size
    assert found == [AdmissionResult.GONE]


def test_a_file_that_grows_while_it_is_read_ends_at_the_bound(
    where: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its size was said to be."""
    path = where.folder / "a.fit"
    path.write_bytes(b"x")
    pread, read = os.pread, [0]

    def grow(handle: int, size: int, start: int) -> bytes:
        with path.open("ab") as file:
            file.truncate(path.stat().st_size + 8 * (1 << 20))
        chunk = pread(handle, size, start)
        read[0] += len(chunk)
        return chunk

    monkeypatch.setattr(os, "pread", grow)
    assert file_reader.read(str(path), str(where.folder)) is None
    assert read[0] <= MAX_FILE_BYTES + 1


@pytest.mark.parametrize("head", [b"", b"PK\x03\x04"], ids=["nothing", "a zip"])
def test_a_file_of_eight_terabytes_is_neither_read_nor_hashed_to_its_end(where: Archive, head: bytes) -> None:
    """It is full of holes, and costs its writer nothing."""
    path = where.folder / ("a.zip" if head else "a.fit")
    with path.open("wb") as file:
        file.write(head)
        try:
            file.truncate(8 * TB)
        except OSError:
            file.truncate(TB // 64)  # this filesystem takes no more
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.process_time()
    result = admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))

    assert result in {AdmissionResult.HELD, AdmissionResult.SKIPPED, AdmissionResult.UNFINISHED}
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before.ru_maxrss < 200_000


def test_what_is_held_goes_with_its_file_and_stays_dismissed_while_its_bytes_stay(
    where: Archive, ride: Ride
) -> None:
    """Touching a file is no reason to ask again; another attempt at the copy is."""
    scanner, clock = scanner_of(where.folder)
    path = where.folder / "a.fit"
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


def test_junk_that_is_gone_is_forgotten_and_nothing_else(where: Archive, ride: Ride) -> None:
    """After a complete scan of a folder that is there; what somebody dismissed stays."""
    for name in ("a.fit", "b.fit", "c.fit"):
        (where.folder / name).write_bytes(b"no activity: " + name.encode())
        admit_file(str(where.folder / name), "me", ADMISSION, NOW, folder=str(where.folder))
    (where.folder / "ride.fit").write_bytes(ride())
    admit_file(str(where.folder / "ride.fit"), "me", ADMISSION, NOW, folder=str(where.folder))
    for name in ("a.fit", "ride.fit"):
        (where.folder / name).unlink()
    receiver = a_receiver(where.folder)
    with safe_files.open_folder(str(where.folder)) as folder:
        receiver.on_scan_finished(folder, 2, complete=False)
        assert len(queries.listed(status=Status.SKIPPED)) == 3
        receiver.on_scan_finished(folder, 2, complete=True)

    assert sorted(job.file for job in queries.listed(status=Status.SKIPPED)) == ["b.fit", "c.fit"]
    assert seen_files.seen("me", str(where.folder / "a.fit")) is None
    assert uploads.counts()[Status.PENDING] == 1


def test_names_that_are_gone_are_forgotten_so_that_renaming_for_ever_fills_no_disk(
    where: Archive, ride: Ride
) -> None:
    """At once where an event tells it, otherwise after a complete scan; the place of a known ride stays."""
    (scanner, _), receiver = scanner_of(where.folder), a_receiver(where.folder)
    scanner.step()

    def take(name: str) -> Path:
        path = where.folder / name
        path.write_bytes(ride())
        admit_file(str(path), "me", ADMISSION, NOW, folder=str(where.folder))
        return path

    def known() -> set[str]:
        paths = [str(where.folder / f"{name}.fit") for name in ("first", "told", "missed", "there")]
        return {Path(path).stem for path in seen_files.seen_at("me", paths)}

    first, told, missed, _ = (take(f"{name}.fit") for name in ("first", "told", "missed", "there"))
    for path in (first, told, missed):
        path.unlink()
    assert known() == {"first", "told", "missed", "there"}
    for path in (first, told):
        scanner.hint(str(path), FileEvent.APPEARED)
    scanner.step()
    assert known() == {"first", "missed", "there"}
    with safe_files.open_folder(str(where.folder)) as folder:
        receiver.on_scan_finished(folder, 1, complete=False)
        assert known() == {"first", "missed", "there"}
        receiver.on_scan_finished(folder, 1, complete=True)

    assert known() == {"first", "there"}
    assert len(queries.listed()) == 1


def test_junk_beyond_the_bound_is_remembered_and_not_listed(where: Archive) -> None:
    """The problem tells of it, and a ride is taken all the same; it is over when there is room again."""
    first_scan = FirstScan(str(where.folder), "me", ADMISSION, wake=lambda: None, clock=Clock(), max_junk=3)

    def take(name: str) -> AdmissionResult:
        (where.folder / name).write_bytes(b"no activity: " + name.encode())
        return receive(first_scan, where.folder / name, Stability.STALLED, announced=True)

    assert {take(f"{number}.fit") for number in range(3)} == {AdmissionResult.SKIPPED}
    assert first_scan.note == folders.MUCH_JUNK(limit=3)
    size = len(queries.listed(status=Status.SKIPPED))
    take("beyond.fit")
    assert len(queries.listed(status=Status.SKIPPED)) == size == 3
    assert (
        seen_files.seen("me", str(where.folder / "beyond.fit")) is not None
    )  # it is not read again and again
    (problem,) = status.of_folders(
        [WatchState(str(where.folder), "me", WatchMethod.POLL, available=True, notes=(first_scan.note,))], NOW
    )
    assert (problem.code, "more than 3 files" in str(problem.message)) == (ProblemCode.FOLDER_BOUND, True)

    for number in range(3):
        (where.folder / f"{number}.fit").unlink()
    with safe_files.open_folder(str(where.folder)) as folder:
        activities.prune_gone("me", str(where.folder), lambda path: folder.exists(folder.relative(path)))
    first_scan.on_scan_finished(1)
    assert first_scan.note is None


def test_a_scanner_without_descriptors_pauses_and_goes_on(
    where: Archive, ride: Ride, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes no file for unreadable, and does not fill the log with each of them."""
    scanner, clock = scanner_of(where.folder)
    scanner.step()
    names = [f"{number}.fit" for number in range(50)]
    for number, name in enumerate(names):
        (where.folder / name).write_bytes(ride(serial=number + 1))
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise OSError(24, "Too many open files", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        for name in names:
            scanner.hint(str(where.folder / name), FileEvent.CLOSED)
        scanner.step()
        assert scanner.state.available
        assert not scanner.state.unreadable
    clock.forward(1)
    scanner.step()

    assert len(queries.listed()) == len(names)
    assert capsys.readouterr().out.count("Too many open files") <= 2


def test_jobs_of_a_folder_that_is_away_are_not_due(where: Archive) -> None:
    """However long it takes; they are as soon as it is back."""
    job = a_job(where.folder / "a.fit")
    scanner, clock = scanner_of(where.folder)
    scanner.step()
    assert the(job.id).next_attempt_at <= NOW
    where.folder.rename(where.folder.with_name("off"))
    scanner.check()
    scanner.step()
    assert not scanner.state.available
    assert (the(job.id).next_attempt_at > NOW, str(the(job.id).own_wait)) == (True, "file")
    with pytest.raises(FolderAway):
        scanner.run(lambda: None, 1)
    where.folder.with_name("off").rename(where.folder)
    clock.forward(5)
    scanner.step()

    assert the(job.id).next_attempt_at <= NOW


def test_a_mended_permission_is_noticed_within_a_minute(
    where: Archive, ride: Ride, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an event, a scan or a restart: a chmod changes no byte."""
    scanner, clock = scanner_of(where.folder, scan_interval=86_400)
    (where.folder / "a.fit").write_bytes(ride())
    real, closed = os.open, [True]

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.fit" and closed:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    scanner.step()
    clock.forward(1)
    scanner.step()
    assert scanner.state.unreadable == (str(where.folder / "a.fit"),)
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
    where: Archive, kind: str, *, is_ours: bool
) -> None:
    """A share that does not answer is the share's; a loop of ours is ours."""
    hangs, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        goes_on.wait(PATIENCE)

    scanner, clock = scanner_of(where.folder, tidy=hang, filesystem=lambda _folder: kind)
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


def scanner_of(
    folder: Path,
    *,
    without: frozenset[str] = frozenset(),
    scan_interval: float | None = None,
    tidy: Callable[[], None] = lambda: None,
    filesystem: Callable[[Path], str] = mounts.filesystem,
) -> tuple[Scanner, Clock]:
    """A scanner that a test steps by hand, and its clock."""
    clock = Clock(1000)
    scanner = Scanner(
        watch_settings(folder, scan_interval=scan_interval),
        a_receiver(folder, tidy=tidy),
        without=without,
        changed=lambda: None,
        surroundings=Surroundings(clock=clock, filesystem=filesystem),
    )
    return scanner, clock


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A small filesystem of its own at a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "test", str(folder)], check=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607


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


def test_links_that_lead_in_a_circle_are_given_up(tmp_path: Path) -> None:
    """The kernel does so, too."""
    (tmp_path / "a.fit").symlink_to("b.fit")
    (tmp_path / "b.fit").symlink_to("a.fit")
    with (
        safe_files.open_folder(str(tmp_path)) as folder,
        pytest.raises(LinkInPath),
        folder.file("a.fit"),
    ):
        pass
