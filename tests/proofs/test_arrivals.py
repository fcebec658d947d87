"""Every way in which people's devices and copiers put a file into a folder: all found, no half one ever taken.

Real files, real events, the real scanner and ledger; a file without an event would need an hour to settle.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers.inotify_c import InotifyFD

from documents import gz, zipped
from fakes import ADMISSION, NOW
from fitferry.core.activity import AdmissionResult, IncompleteFile, Stability, WatchMethod
from fitferry.core.printable import printable
from fitferry.core.upload import Status
from fitferry.inbox import WatchedFolder
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.first_scan import FirstScan
from fitferry.inbox.folder_receiver import FolderReceiver
from fitferry.inbox.surroundings import Surroundings
from fitferry.storage import queries
from fitferry.system.safe_files import OpenFolder
from patience import PATIENCE, wait_for
from watching import Ears, watch_settings

Ride = Callable[..., bytes]
pytestmark = pytest.mark.usefixtures("ledger")


class Inbox:
    """A watched folder with everything between the kernel and the ledger."""

    def __init__(self, folder: Path, ride: Ride) -> None:
        self.folder = folder
        self.ride = ride
        self.arrived = threading.Condition()
        self.serial = 0
        self.ears = Ears()
        self.ends = contextlib.ExitStack()

    def start(self, *, settle: float = 3600.0, **surroundings: Any) -> None:
        """Begin to watch, and wait until the first scan is over."""
        scanned = threading.Event()

        def receive(folder: str, _owns: Callable[[str], bool]) -> FolderReceiver:
            return _Observed(self, scanned, Path(folder))

        self.tree = WatchedFolder(
            watch_settings(self.folder, WatchMethod.EVENTS, settle=settle),
            receive,
            without=frozenset(),
            changed=self.changed,
            surroundings=Surroundings(watcher=self.ears, **surroundings),
        )
        self.ends.callback(self.tree.stop)
        self.tree.start()
        if self.folder.is_dir():
            assert scanned.wait(PATIENCE)

    def changed(self) -> None:
        """Something is different now."""
        with self.arrived:
            self.arrived.notify_all()

    def body(self, **facts: object) -> bytes:
        """Another ride."""
        self.serial += 1
        return self.ride(serial=self.serial, **facts)

    def files(self, status: Status = Status.PENDING) -> list[str]:
        """What was taken, by name."""
        return sorted(job.file for job in queries.listed(limit=100_000, status=status))

    def wait_for(self, *names: str, status: Status = Status.PENDING) -> bool:
        """Whether exactly these are taken before long."""
        with self.arrived:
            return self.arrived.wait_for(lambda: self.files(status) == sorted(names), timeout=PATIENCE)

    def wait_until(self, check: Callable[[], bool]) -> bool:
        """Whether something is so before long."""
        with self.arrived:
            return self.arrived.wait_for(check, timeout=PATIENCE)


class _Observed(FolderReceiver):
    """A receiver that wakes the test."""

    def __init__(self, inbox: Inbox, scanned: threading.Event, folder: Path) -> None:
        first_scan = FirstScan(str(folder), "me", ADMISSION, wake=lambda: None, clock=lambda: NOW)
        super().__init__(first_scan)
        self._inbox = inbox
        self._scanned = scanned

    def admit(self, path: str, look: FileLook, stability: Stability, *, announced: bool) -> AdmissionResult:
        arrival = super().admit(path, look, stability, announced=announced)
        self._inbox.changed()
        return arrival

    def on_scan_finished(self, folder: OpenFolder, count: int, *, complete: bool) -> None:
        super().on_scan_finished(folder, count, complete=complete)
        self._scanned.set()
        self._inbox.changed()


@pytest.fixture
def inbox(tmp_path: Path, ride: Ride) -> Iterator[Inbox]:
    """A folder that is not watched yet."""
    (tmp_path / "rides").mkdir()
    inbox = Inbox(tmp_path / "rides", ride)
    with inbox.ends:
        yield inbox


def copy(inbox: Inbox, target: Path) -> None:
    """As cp, scp, Samba and a slow writer do it: create, write, close."""
    target.write_bytes(inbox.body())


def move(inbox: Inbox, target: Path) -> None:
    """From elsewhere on the same filesystem: no close is ever reported."""
    outside = inbox.folder.parent / "outside.fit"
    outside.write_bytes(inbox.body())
    outside.rename(target)


def rsync(inbox: Inbox, target: Path) -> None:
    """Into a hidden name beside it, then renamed."""
    temporary = target.with_name(f".{target.name}.AbC123")
    temporary.write_bytes(inbox.body())
    temporary.rename(target)


def rsync_delayed(inbox: Inbox, target: Path) -> None:
    """All into a hidden folder, then renamed together."""
    hidden = inbox.folder / ".~tmp~"
    hidden.mkdir(exist_ok=True)
    (hidden / target.name).write_bytes(inbox.body())
    (hidden / target.name).rename(target)


def overwrite(inbox: Inbox, target: Path) -> None:
    """In place, as `rsync --inplace` does it."""
    target.write_bytes(b"something that was there before")
    with target.open("r+b") as file:
        file.write(inbox.body())


def visible_temporary(inbox: Inbox, target: Path) -> None:
    """Under a name that says that it is not done."""
    temporary = target.with_name(target.name + ".part")
    temporary.write_bytes(inbox.body())
    temporary.rename(target)


def two_openings(inbox: Inbox, target: Path) -> None:
    """Written, closed, opened again, written to the end."""
    body = inbox.body()
    target.write_bytes(body[:500])
    with target.open("ab") as file:
        file.write(body[500:])


def pre_sized(inbox: Inbox, target: Path) -> None:
    """The length first, the content later, as Windows does it."""
    body = inbox.body()
    with target.open("wb") as file:
        file.truncate(len(body))
        file.flush()
        for start in range(0, len(body), 400):
            file.seek(start)
            file.write(body[start : start + 400])
            file.flush()


def by_cp(inbox: Inbox, target: Path) -> None:
    """The real command, with the old times kept."""
    outside = inbox.folder.parent / "outside.fit"
    outside.write_bytes(inbox.body())
    os.utime(outside, (1, 1))
    subprocess.run(["cp", "-p", str(outside), str(target)], check=True)  # noqa: S607  # the one on the path


WAYS = [copy, move, rsync, rsync_delayed, overwrite, visible_temporary, two_openings, pre_sized, by_cp]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_file_is_taken_however_it_arrives(inbox: Inbox, way: Callable[[Inbox, Path], None]) -> None:
    """By its event alone: no settling, no scan; once, and whole."""
    inbox.start()
    way(inbox, inbox.folder / "ride.fit")

    assert inbox.wait_for("ride.fit")


@pytest.mark.parametrize("way", [copy, move, rsync, rsync_delayed], ids=lambda way: way.__name__)
def test_a_file_is_taken_however_it_arrives_in_a_folder_below(
    inbox: Inbox, way: Callable[[Inbox, Path], None]
) -> None:
    """Also in one that was made a moment ago: its watch may come too late for the event, so it may have to settle."""
    inbox.start(settle=0.2)
    below = inbox.folder / "2026/11"
    below.mkdir(parents=True)
    way(inbox, below / "ride.fit")

    assert inbox.wait_for("ride.fit")


def test_a_hard_link_is_taken_when_it_has_settled(inbox: Inbox) -> None:
    """The kernel says only that it is there; its last change was long enough ago or is waited for."""
    inbox.start(settle=0.2)
    outside = inbox.folder.parent / "outside.fit"
    outside.write_bytes(inbox.body())
    os.link(outside, inbox.folder / "ride.fit")

    assert inbox.wait_for("ride.fit")


def test_a_link_to_a_file_is_followed_only_within_the_folder(inbox: Inbox) -> None:
    """What lies elsewhere may be somebody else's."""
    inbox.start(settle=0.2)
    hidden = inbox.folder / ".store"
    hidden.mkdir()
    for number, folder in enumerate((inbox.folder.parent, hidden)):
        (folder / "outside.fit").write_bytes(inbox.body())
        (inbox.folder / f"{number}.fit").symlink_to(folder / "outside.fit")
    copy(inbox, inbox.folder / "last.fit")

    assert inbox.wait_for("1.fit", "last.fit")


def test_a_tree_that_is_moved_in_is_taken_whole(inbox: Inbox) -> None:
    """The kernel names only its top."""
    inbox.start(settle=0.2)
    outside = inbox.folder.parent / "outside/2026/11"
    outside.mkdir(parents=True)
    (inbox.folder.parent / "outside/a.fit").write_bytes(inbox.body())
    (outside / "b.fit").write_bytes(inbox.body())
    (inbox.folder.parent / "outside").rename(inbox.folder / "inside")

    assert inbox.wait_for("a.fit", "b.fit")


def test_a_tree_that_is_copied_in_is_taken_whole(inbox: Inbox) -> None:
    """Folders and files come faster than their watches."""
    inbox.start(settle=0.2)
    outside = inbox.folder.parent / "outside"
    names = []
    for number in range(60):
        (outside / f"{number % 20}").mkdir(parents=True, exist_ok=True)
        (outside / f"{number % 20}/{number}.fit").write_bytes(inbox.body())
        names.append(f"{number}.fit")
    shutil.copytree(outside, inbox.folder / "inside")

    assert inbox.wait_for(*names)


def test_a_folder_that_is_renamed_inside_changes_nothing(inbox: Inbox) -> None:
    """The same bytes at another path; files that come afterwards are found there."""
    (inbox.folder / "one").mkdir()
    inbox.start(settle=0.2)
    copy(inbox, inbox.folder / "one/a.fit")
    assert inbox.wait_for("a.fit")
    (inbox.folder / "one").rename(inbox.folder / "two")
    copy(inbox, inbox.folder / "two/b.fit")

    assert inbox.wait_for("a.fit", "b.fit")


def test_a_slow_copy_is_shown_and_taken_when_it_is_done(inbox: Inbox) -> None:
    """Nothing of it before."""
    inbox.start(settle=0.05, shown_after=0.0, measure=0.0)
    body = inbox.body()
    with (inbox.folder / "ride.fit").open("wb", buffering=0) as file:
        file.write(body[: len(body) // 2])
        half = IncompleteFile(str(inbox.folder / "ride.fit"), len(body) // 2, len(body))
        assert inbox.wait_until(lambda: inbox.tree.state.receiving == (half,))
        assert inbox.files() == []
        file.write(body[len(body) // 2 :])

    assert inbox.wait_for("ride.fit")
    assert inbox.wait_until(lambda: not inbox.tree.state.receiving)


def test_a_copy_that_stalls_where_a_segment_ends_is_waited_for(inbox: Inbox, ride: Ride) -> None:
    """It looks whole there, but its writer has not closed it."""
    late = [0.0]
    inbox.start(settle=0.05, clock=lambda: time.monotonic() + late[0])
    first, second = ride(serial=1), ride(serial=2)
    with (inbox.folder / "chain.fit").open("wb", buffering=0) as file:
        file.write(first)
        copy(inbox, inbox.folder / "a.fit")
        assert inbox.wait_for("a.fit")
        late[0] = 60.0  # a thousand times as long as a file needs to settle
        for taken in (
            ["a.fit", "b.fit"],
            ["a.fit", "b.fit", "c.fit"],
        ):  # after the first all that is due was looked at
            copy(inbox, inbox.folder / taken[-1])
            assert inbox.wait_for(*taken)
        file.write(second)

    assert inbox.wait_for("a.fit", "b.fit", "c.fit", "chain.fit")
    assert next(job for job in queries.listed() if job.file == "chain.fit").size == len(first + second)


def test_archives_are_taken_as_soon_as_they_are_whole(inbox: Inbox) -> None:
    """They prove it themselves; each activity in a zip is one."""
    inbox.start()
    (inbox.folder / "one.fit.gz").write_bytes(gz(inbox.body()))
    (inbox.folder / "both.zip").write_bytes(zipped({"a.fit": inbox.body(), "b.fit": inbox.body()}))

    assert inbox.wait_for("one.fit.gz", "both.zip/a.fit", "both.zip/b.fit")


@pytest.mark.parametrize(
    "name",
    [
        b"n\xff\xfe\x80.fit",
        b"new\nline.fit",
        b"\"quotes'.fit",
        b"-rf.fit",
        "\u202etif.fit".encode(),
        "e\u0301.fit".encode(),
        b"a" * 251 + b".fit",
        b" .fit",
        b"$(reboot);&.fit",
        b"A.FIT",
    ],
)
def test_any_name_that_linux_allows_is_taken(inbox: Inbox, name: bytes) -> None:
    """Names are bytes; the ledger keeps them exactly, and shows a sign in place of what a terminal would obey."""
    inbox.start()
    (inbox.folder / os.fsdecode(name)).write_bytes(inbox.body())
    assert inbox.wait_until(lambda: len(inbox.files()) == 1)
    (job,) = queries.listed()

    assert os.fsencode(job.path).rsplit(b"/", 1)[-1] == name
    assert job.file == printable(name.decode(errors="replace"))


def test_the_same_ride_under_many_names_is_one_job(inbox: Inbox) -> None:
    """Conflict copies, copies below, copies again, renamed, touched."""
    inbox.start(settle=0.05)
    body = inbox.body()
    for name in ("a.fit", "a (1).fit", "a.sync-conflict-20260101-120000-ABC.fit"):
        (inbox.folder / name).write_bytes(body)
    (inbox.folder / "sub").mkdir()
    (inbox.folder / "sub/a.fit").write_bytes(body)
    (inbox.folder / "a.fit").rename(inbox.folder / "renamed.fit")
    os.utime(inbox.folder / "renamed.fit", (1, 1))
    copy(inbox, inbox.folder / "last.fit")
    assert inbox.wait_until(lambda: "last.fit" in inbox.files())

    assert len(inbox.files()) == 2


def test_very_many_files_at_once_are_all_found(inbox: Inbox) -> None:
    """More than hints are kept for: what is forgotten is scanned for."""
    inbox.start(settle=0.05, max_hints=50)
    names = [f"{number}.fit" for number in range(400)]
    bodies = [inbox.body(seconds=1) for _ in names]
    for name, body in zip(names, bodies, strict=True):
        (inbox.folder / name).write_bytes(body)

    assert inbox.wait_for(*names)


def test_an_overflow_of_the_kernels_queue_becomes_a_scan(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one: nobody reads it until it is full, and a ride comes when it is."""
    go, read = threading.Event(), os.read

    def read_later(handle: int, size: int) -> bytes:
        if isinstance(threading.current_thread(), InotifyFD):
            go.wait(PATIENCE)
        return read(handle, size)

    inbox.start(settle=0.05)
    monkeypatch.setattr(os, "read", read_later)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text(encoding="ascii"))
    for number in range(most + 1):
        os.close(os.open(inbox.folder / f"{number % 2}.txt", os.O_WRONLY | os.O_CREAT))
    copy(inbox, inbox.folder / "ride.fit")
    go.set()

    assert inbox.wait_for("ride.fit")
    assert inbox.ears.lost_events.is_set()


def test_a_handler_that_raises_stops_nothing(inbox: Inbox) -> None:
    """Watchdog's thread would end of it, in silence."""
    inbox.start(settle=0.05)
    raised: list[str] = []

    def once(path: str) -> None:
        if not raised:
            raised.append(path)
            raise RuntimeError("a bug")

    inbox.ears.before = once
    copy(inbox, inbox.folder / "a.fit")
    copy(inbox, inbox.folder / "b.fit")

    assert inbox.wait_for("a.fit", "b.fit")
    assert raised
    assert inbox.ears.watchers[str(inbox.folder)].alive()


def test_a_watcher_whose_threads_died_is_built_anew(inbox: Inbox) -> None:
    """It happened on copies of whole trees, without a word."""
    inbox.start(settle=0.05, check=0.05)
    for thread in threading.enumerate():
        if isinstance(thread, InotifyFD):
            thread.stop()
    wait_for(lambda: inbox.ears.made == 2)
    copy(inbox, inbox.folder / "ride.fit")

    assert inbox.wait_for("ride.fit")


@pytest.mark.parametrize("how", ["missing at first", "deleted", "renamed", "replaced"])
def test_a_folder_that_goes_and_comes_is_watched_again(inbox: Inbox, how: str) -> None:
    """Without a restart; while it is away, the status says so."""
    if how == "missing at first":
        inbox.folder.rmdir()
    inbox.start(settle=0.05, check=0.05, away=0.05)
    tree = inbox.tree
    if how == "deleted":
        inbox.folder.rmdir()
    elif how in {"renamed", "replaced"}:
        inbox.folder.rename(inbox.folder.with_name("old"))
    if how != "replaced":
        assert inbox.wait_until(lambda: not tree.state.available)
        assert str(tree.state.reason) == "No such file or directory" or how == "missing at first"
    inbox.folder.mkdir()
    assert inbox.wait_until(lambda: tree.state.available)
    copy(inbox, inbox.folder / "ride.fit")

    assert inbox.wait_for("ride.fit")


def test_a_file_that_cannot_be_read_is_told_of_and_taken_later(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest of the share wrote it; then somebody gives us the right."""
    body, path = inbox.body(), inbox.folder / "ride.fit"
    real = os.open

    def refuse(name: str, *given: int, **options: int) -> int:
        if name == path.name and blocked:
            raise PermissionError(13, "Permission denied", name)
        return real(name, *given, **options)

    blocked = [True]
    monkeypatch.setattr(os, "open", refuse)
    inbox.start(settle=0.05)
    path.write_bytes(body)
    assert inbox.wait_until(lambda: bool(inbox.tree.state.unreadable))
    blocked.clear()
    path.chmod(0o644)
    inbox.tree.scanners()[0].rescan()

    assert inbox.wait_for("ride.fit")
    assert inbox.wait_until(lambda: not inbox.tree.state.unreadable)


@contextlib.contextmanager
def samba(share: Path, own: Path) -> Iterator[list[str]]:
    """A Samba server on loopback; the command that talks to its one share."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own.mkdir()
    folders = (
        "private dir",
        "lock directory",
        "state directory",
        "cache directory",
        "pid directory",
        "ncalrpc dir",
    )
    lines = [f"{name} = {own}" for name in folders]
    config = own / "smb.conf"
    config.write_text(
        "[global]\nmap to guest = Bad User\nbind interfaces only = yes\ninterfaces = 127.0.0.1\n"
        f"smb ports = {port}\nlog file = {own}/log\ndisable spoolss = yes\nload printers = no\n"
        + "\n".join(lines)
        + f"\n[rides]\npath = {share}\nguest ok = yes\nread only = no\nforce user = root\n",
        encoding="utf-8",
    )
    server = subprocess.Popen(  # the system's own
        ["smbd", "-F", "-s", str(config)],  # noqa: S607  # the one on the path
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield ["smbclient", "-N", "-p", str(port), "-s", str(config), "//127.0.0.1/rides", "-c"]
    finally:
        server.terminate()
        server.wait(60)


def put(client: list[str], source: Path, words: str) -> None:
    """Have Samba's client do something with a file, as soon as the server is up."""
    for _ in range(600):
        done = subprocess.run(
            [*client, words.format(source)], capture_output=True, check=False
        )  # our own words
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(done.stdout)


needs_samba = pytest.mark.skipif(
    os.geteuid() != 0 or not (shutil.which("smbd") and shutil.which("smbclient")),
    reason="needs root, and Samba's server and client",
)


@needs_samba
def test_files_that_come_by_samba_are_taken_by_their_events(inbox: Inbox) -> None:
    """Put, put under another name and renamed, put into a folder below."""
    (inbox.folder / "2026").mkdir()
    inbox.start()
    source = inbox.folder.parent / "source.fit"
    with samba(inbox.folder, inbox.folder.parent / "samba") as client:
        for words in ("put {} a.fit", "put {} b.fit.part; rename b.fit.part b.fit", "cd 2026; put {} c.fit"):
            source.write_bytes(inbox.body())
            put(client, source, words)

    assert inbox.wait_for("a.fit", "b.fit", "c.fit")


@needs_samba
def test_a_file_that_comes_by_samba_into_a_new_folder_is_taken(inbox: Inbox) -> None:
    """The folder's watch may come too late for the event, so it may have to settle."""
    inbox.start(settle=0.2)
    source = inbox.folder.parent / "source.fit"
    source.write_bytes(inbox.body())
    with samba(inbox.folder, inbox.folder.parent / "samba") as client:
        put(client, source, "mkdir 2026; cd 2026; put {} a.fit")

    assert inbox.wait_for("a.fit")
