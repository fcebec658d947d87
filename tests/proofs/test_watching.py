"""What a folder's filesystem may do to us: limits, mounts, shares that raise no events. Mounts need root."""

from __future__ import annotations

import errno
import functools
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import Clock, a_receiver
from fitferry.core.activity import AdmissionResult, FileEvent, Stability, WatchMethod
from fitferry.core.messages import Message, folders
from fitferry.inbox import Scanner, WatchedFolder
from fitferry.inbox.file_events import Watcher
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.surroundings import Surroundings
from fitferry.storage import activities
from fitferry.storage.seen_files import File
from fitferry.system import mounts
from fitferry.system.safe_files import OpenFolder
from patience import PATIENCE, wait_for
from watching import Ears, mounted, needs_root, watch_settings

pytestmark = pytest.mark.usefixtures("ledger")
ROOT = "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
MOUNTS = f"""\
{ROOT}\
30 22 0:40 / {{rides}}/nas rw - cifs //nas/rides rw
31 22 0:41 / {{rides}}/disk rw - ext4 /dev/vdb rw
32 22 0:42 / {{rides}}/@eaDir/nas rw - nfs4 nas:/ rw
"""


class Door:
    """Takes every file, and remembers it as the ledger does."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.came = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """Called while a file is taken."""

    def admit(self, path: str, look: FileLook, stability: Stability, *, announced: bool) -> AdmissionResult:  # noqa: ARG002  # as every receiver
        assert stability in Stability
        self.meanwhile()
        signature = look.file.fingerprint
        activities.admit(File("me", path, path, signature.size, signature), [], 0)
        self.taken.append(path)  # last: the test may go on at once
        return AdmissionResult.ADMITTED

    note: Message | None = None

    def on_scan_finished(self, folder: OpenFolder, count: int, *, complete: bool) -> None:  # noqa: ARG002  # as every receiver
        assert folder.handle

    def on_file_gone(self, path: str) -> None:
        assert path

    def on_away(self) -> None:
        self.came -= 1

    def on_available(self) -> None:
        self.came += 1

    def tidy(self) -> Message | None:
        return None

    def names(self) -> list[str]:
        return sorted(Path(path).name for path in self.taken)


class Bench:
    """A folder whose scanner is stepped by hand, with real events."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.clock = Clock(1000)
        self.wall_clock: Callable[[], float] = time.time
        self.ears = Ears()
        self.door = Door()
        self.scanner = self.build()

    def build(self, method: WatchMethod = WatchMethod.EVENTS, **surroundings: Any) -> Scanner:
        """A scanner of the folder, whose events this bench hears if nobody else is to."""
        given = {"watcher": self.ears, **surroundings}
        return Scanner(
            watch_settings(self.folder, method),
            self.door,
            without=frozenset(),
            changed=lambda: None,
            surroundings=Surroundings(clock=self.clock, wall_clock=lambda: self.wall_clock(), **given),  # noqa: PLW0108  # a test sets another
        )

    def pass_(self, seconds: float) -> float:
        self.clock.forward(seconds)
        return self.scanner.step()

    def age(self, name: str, seconds: float = 60) -> None:
        """Let it be so long since a file was changed: nobody can set the time of a change."""
        now = (self.folder / name).stat().st_ctime + seconds
        self.wall_clock = lambda: now


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench with an empty folder."""
    bench = Bench(tmp_path / "rides")
    yield bench
    bench.scanner.stop()


class Refused(Watcher):
    """A watcher for which the kernel has no room."""

    def __init__(self, *given: Any, number: int, **options: Any) -> None:
        super().__init__(*given, **options)
        self.number = number

    def start(self) -> None:
        raise OSError(self.number, os.strerror(self.number))


class ShortOfWatches(Watcher):
    """A watcher that was given room for some of the folders below."""

    def watches(self) -> int:
        return 7


@pytest.mark.parametrize(
    ("number", "sysctl"),
    [(errno.ENOSPC, "fs.inotify.max_user_watches"), (errno.EMFILE, "fs.inotify.max_user_instances")],
)
def test_at_the_kernels_limit_the_folder_is_scanned_and_the_sysctl_named(
    bench: Bench, number: int, sysctl: str
) -> None:
    """Files are found all the same, ten seconds later."""
    bench.scanner = bench.build(watcher=functools.partial(Refused, number=number))
    seconds = bench.pass_(0)
    (bench.folder / "a.fit").write_bytes(b"x")
    bench.pass_(10)

    assert seconds <= 10
    assert (bench.scanner.state.method, bench.door.names()) == ("poll", ["a.fit"])
    assert sysctl in str(bench.scanner.state.notes[0])


def test_folders_that_were_left_out_at_the_limit_are_noticed(bench: Bench) -> None:
    """Watchdog swallows the limit for folders below; two scans show it."""
    bench.scanner = bench.build(watcher=ShortOfWatches)
    for number in range(20):
        (bench.folder / str(number)).mkdir()
    bench.pass_(0)
    assert not bench.scanner.state.notes
    bench.pass_(0)

    assert "fs.inotify.max_user_watches" in str(bench.scanner.state.notes[0])


def test_a_real_watcher_counts_what_it_watches(bench: Bench) -> None:
    """The number that the check above relies on."""
    for number in range(5):
        (bench.folder / str(number)).mkdir()
    bench.pass_(0)

    assert bench.ears.watchers[str(bench.folder)].watches() == 6


def test_a_folder_that_is_a_link_is_watched_where_it_leads(tmp_path: Path) -> None:
    """And its files keep the names that the person gave them."""
    (tmp_path / "disk").mkdir()
    link = tmp_path / "rides"
    link.symlink_to("disk")
    heard: queue.Queue[str] = queue.Queue()
    watcher = Watcher(
        str(link), recursive=True, hint=lambda path, _sign: heard.put(path), rescan=lambda: None
    )
    watcher.start()
    try:
        (tmp_path / "disk" / "a.fit").touch()
        assert heard.get(timeout=60) == str(link / "a.fit")
    finally:
        watcher.stop()


def test_a_file_that_no_event_told_of_makes_the_folder_scanned_often(bench: Bench) -> None:
    """It was written by another machine; the status says so."""
    bench.pass_(0)
    bench.ears.are_closed = True
    (bench.folder / "a.fit").write_bytes(b"x")
    bench.age("a.fit")
    assert bench.pass_(0) > 5
    seconds = bench.pass_(300)

    assert bench.door.names() == ["a.fit"]
    assert seconds <= 10
    assert "no event came for a.fit" in str(bench.scanner.state.notes[0])


def test_a_file_whose_event_is_still_on_its_way_proves_nothing(bench: Bench) -> None:
    """It was written in this moment, as the scan went by."""
    bench.pass_(0)
    bench.ears.are_closed = True
    (bench.folder / "a.fit").write_bytes(b"x")
    bench.age("a.fit", 1)
    bench.pass_(300)

    assert (bench.door.names(), bench.scanner.state.notes) == (["a.fit"], ())


def test_the_first_scan_and_one_after_lost_events_prove_nothing_either(bench: Bench) -> None:
    """Files from before, and from while events were lost, come without."""
    (bench.folder / "a.fit").write_bytes(b"x")
    bench.age("a.fit")
    bench.pass_(0)
    bench.ears.are_closed = True
    (bench.folder / "b.fit").write_bytes(b"x")
    bench.age("b.fit")
    bench.scanner.rescan()
    bench.pass_(0)

    assert (bench.door.names(), bench.scanner.state.notes) == (["a.fit", "b.fit"], ())


def test_a_folder_that_cannot_be_read_is_away_and_one_below_it_is_told_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watchdog would say that all is well."""
    (bench.folder / "closed").mkdir()
    (bench.folder / "a.fit").write_bytes(b"x")
    closed = {str(bench.folder / "closed")}
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(bench.folder / path) in closed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    bench.pass_(0)
    bench.pass_(1)
    assert bench.scanner.state.available
    assert bench.scanner.state.unreadable == (str(bench.folder / "closed"),)
    closed.add(str(bench.folder))
    bench.pass_(300)

    closed_folder = f"{bench.folder} is closed to Fitferry's user"
    assert (bench.scanner.state.available, str(bench.scanner.state.reason)) == (False, closed_folder)


def test_a_folder_that_does_not_answer_is_away(bench: Bench) -> None:
    """Its own thread hangs in the kernel and cannot say so."""
    states = []

    def hang() -> None:
        states.append(bench.scanner.state)
        bench.clock.forward(61)
        states.append(bench.scanner.state)

    bench.door.meanwhile = hang
    (bench.folder / "a.fit").write_bytes(b"x")
    bench.pass_(0)
    before, after = states

    assert before.available
    assert (after.available, str(after.reason)) == (False, "it does not answer")


@pytest.mark.parametrize(
    ("method", "kind", "deaf", "expected"),
    [
        ("auto", "ext4", False, "events"),
        ("auto", "cifs", False, "poll"),
        ("auto", "nfs4", False, "poll"),
        ("auto", "fuse.mergerfs", False, "poll"),
        ("auto", "9p", False, "poll"),
        ("auto", "virtiofs", False, "poll"),
        ("auto", "ext4", True, "poll"),
        ("events", "cifs", True, "events"),
        ("poll", "ext4", False, "poll"),
    ],
)
def test_the_method_follows_the_mount_unless_it_is_given(
    bench: Bench, method: str, kind: str, deaf: bool, expected: str
) -> None:
    """Network, FUSE, a virtual machine's shares, WSL2 and Docker Desktop are polled."""
    bench.scanner = bench.build(
        WatchMethod(method), filesystem=lambda _folder: kind, lacks_inotify=lambda: deaf
    )
    bench.pass_(0)

    assert bench.scanner.state.method == expected


class Grove:
    """A watched folder with mounts below it, whose list a test writes; its threads run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nas = folder / "nas"
        self.table: str | None = ROOT
        """The kernel's list of mounts; None: the real one."""
        self.looks = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """Called while the list of mounts is looked at."""
        self.ears = Ears()
        self.doors: dict[Path, Door] = {}
        """Where the files go, of the folder and of each mount that has a scanner of its own."""
        self.tree = self.build()

    def build(self, method: WatchMethod = WatchMethod.AUTO) -> WatchedFolder:
        return WatchedFolder(
            watch_settings(self.folder, method),
            self.receive,
            without=frozenset(),
            changed=lambda: None,
            surroundings=Surroundings(check=3600.0, watcher=self.ears, read_mountinfo=self.read_mountinfo),
        )

    def receive(self, folder: str, _owns: Callable[[str], bool]) -> Door:
        return self.doors.setdefault(Path(folder), Door())

    def read_mountinfo(self) -> str:
        self.looks += 1
        found = mounts.read_mountinfo() if self.table is None else self.table
        self.meanwhile()
        return found

    def start(self) -> None:
        self.tree.start()
        wait_for(lambda: self.doors[self.folder].came)

    def mount(self, table: str) -> None:
        """Let other filesystems be mounted, and see that the folder's thread has taken note of it."""
        self.table, looks = table, self.looks
        self.tree.scanners()[0].check()  # as `mounts.calling_on_change` lets it
        wait_for(lambda: self.looks > looks)
        self.settle(self.folder)

    def put(self, path: Path, body: bytes = b"x") -> None:
        """Put a file into a folder that is watched: whole, as rsync does it."""
        hidden = path.with_name(f".{path.name}")
        hidden.write_bytes(body)
        hidden.rename(path)

    def settle(self, part: Path) -> None:
        """Wait until the thread of the folder, or of a mount, is done with what it was at."""
        self.tree.run(str(part / "a.fit"), lambda: None, PATIENCE)

    def taken(self) -> dict[Path, list[str]]:
        return {part: door.names() for part, door in self.doors.items()}


@pytest.fixture
def grove(tmp_path: Path) -> Iterator[Grove]:
    """Over a folder in which something may be mounted."""
    (tmp_path / "rides/nas").mkdir(parents=True)
    grove = Grove(tmp_path / "rides")
    yield grove
    grove.tree.stop()


def test_a_mount_below_that_hides_writes_gets_a_scanner_of_its_own(grove: Grove) -> None:
    """Polled, whatever the folder around it is; other mounts are the folder's own business, as is what is left out."""
    for name in ("nas", "disk", "@eaDir/nas"):
        (grove.folder / name).mkdir(parents=True, exist_ok=True)
        (grove.folder / name / f"{name[:3]}.fit").write_bytes(name.encode())
    grove.table = MOUNTS.format(rides=grove.folder)
    grove.start()
    wait_for(lambda: grove.taken() == {grove.folder: ["dis.fit"], grove.nas: ["nas.fit"]})

    assert list(grove.ears.watchers) == [str(grove.folder)]
    assert grove.tree.state.notes == (folders.POLLED(folder=str(grove.nas)),)


def test_a_mount_that_comes_while_others_are_looked_at_is_not_missed(grove: Grove) -> None:
    """The kernel tells of each once, and what is not told of is looked for much later."""

    def mount() -> None:
        if grove.looks == 1:
            grove.table = MOUNTS.format(rides=grove.folder)
            grove.tree.scanners()[0].check()

    grove.meanwhile = mount
    grove.start()
    wait_for(lambda: grove.nas in grove.doors)


def test_a_mount_that_goes_gives_its_place_back(grove: Grove) -> None:
    """And the folder's own watches are built anew."""
    grove.table = MOUNTS.format(rides=grove.folder)
    grove.start()
    grove.put(grove.nas / "a.fit", b"on the share")
    for scanner in grove.tree.scanners():
        scanner.rescan()
    wait_for(lambda: grove.taken() == {grove.folder: [], grove.nas: ["a.fit"]})
    grove.mount(ROOT)
    wait_for(lambda: f"scanner {grove.nas}" not in {thread.name for thread in threading.enumerate()})
    grove.put(grove.nas / "b.fit", b"in the folder")
    wait_for(lambda: grove.taken() == {grove.folder: ["b.fit"], grove.nas: ["a.fit"]})

    assert (grove.ears.made, grove.tree.state.notes) == (2, ())


def test_a_mount_elsewhere_changes_nothing(grove: Grove) -> None:
    """Container hosts mount all day."""
    grove.start()
    grove.mount(f"{ROOT}23 1 0:40 / /elsewhere rw - cifs //nas rw\n")

    assert (grove.ears.made, grove.doors[grove.folder].came) == (1, 1)


@pytest.mark.parametrize("method", [WatchMethod.EVENTS, WatchMethod.POLL])
def test_a_method_that_is_given_counts_for_all_of_the_folder(grove: Grove, method: WatchMethod) -> None:
    """Whoever says so knows; but what may hang has a thread of its own."""
    grove.tree = grove.build(method)
    grove.table = MOUNTS.format(rides=grove.folder)
    grove.start()
    grove.settle(grove.nas)
    is_polled = method is WatchMethod.POLL

    assert set(grove.doors) == {grove.folder, grove.nas}
    assert set(grove.ears.watchers) == (set() if is_polled else {str(grove.folder), str(grove.nas)})
    assert grove.tree.state.notes == ((folders.POLLED(folder=str(grove.nas)),) if is_polled else ())


def test_thousands_of_nested_folders_do_not_end_the_events(bench: Bench) -> None:
    """The walk that watchdog makes of what is new is recursive, and its thread would end with it."""
    bench.pass_(0)
    (bench.folder / "deep").mkdir()
    handle = os.open(bench.folder / "deep", os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("a", dir_fd=handle)
        below = os.open("a", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    (bench.folder / "ride.fit").write_bytes(b"x")
    deadline = time.monotonic() + 60
    while not bench.door.taken and time.monotonic() < deadline:
        bench.pass_(0.1)
    subprocess.run(
        ["/bin/rm", "-rf", str(bench.folder / "deep")], check=True
    )  # pytest's own way is recursive

    assert bench.door.names() == ["ride.fit"]
    assert bench.ears.watchers[str(bench.folder)].alive()


@needs_root
def test_a_mount_is_told_of_as_soon_as_it_is_there(tmp_path: Path) -> None:
    """By the kernel, so that nobody has to look every few seconds."""
    changed = threading.Event()
    with mounts.calling_on_change(changed.set):
        for _ in range(2):
            with mounted(tmp_path):
                assert changed.wait(60)
                changed.clear()
            assert changed.wait(60)
            changed.clear()


@pytest.mark.parametrize("how", ["renamed", "deleted"])
def test_a_folder_that_goes_is_noticed_by_its_event(bench: Bench, how: str) -> None:
    """Whoever comes in its place is watched at once."""
    bench.pass_(0)
    if how == "renamed":
        bench.folder.rename(bench.folder.with_name("old"))
    else:
        bench.folder.rmdir()
    assert bench.ears.lost_events.wait(PATIENCE)
    bench.folder.mkdir()
    (bench.folder / "a.fit").write_bytes(b"x")
    bench.pass_(0)
    bench.pass_(1)

    assert bench.door.names() == ["a.fit"]


@needs_root
def test_a_disk_that_is_mounted_over_the_folder_is_watched(bench: Bench) -> None:
    """The service was started before it; and again when the disk is taken away."""
    bench.pass_(0)
    with mounted(bench.folder):
        (bench.folder / "on-disk.fit").write_bytes(b"x")
        bench.scanner.check()  # as `mounts.calling_on_change` does
        bench.pass_(10)
        bench.pass_(1)
        assert bench.door.names() == ["on-disk.fit"]
    (bench.folder / "below.fit").write_bytes(b"x")
    bench.scanner.check()
    bench.pass_(10)
    bench.pass_(1)

    assert bench.door.names() == ["below.fit", "on-disk.fit"]


@needs_root
def test_a_disk_that_is_mounted_below_the_folder_is_watched(grove: Grove) -> None:
    """It is local: its events are heard, once the watches were built anew."""
    grove.table = None
    grove.start()
    door = grove.doors[grove.folder]
    with mounted(grove.nas):
        grove.put(grove.nas / "a.fit", b"x")
        grove.tree.scanners()[0].check()
        wait_for(lambda: door.came == 2)
        wait_for(lambda: door.names() == ["a.fit"])
        grove.put(grove.nas / "b.fit", b"x")
        wait_for(lambda: (str(grove.nas / "b.fit"), FileEvent.CLOSED) in grove.ears.heard)
        wait_for(lambda: door.names() == ["a.fit", "b.fit"])
        grove.tree.stop()


def test_a_folder_whose_first_look_fails_is_looked_at_again_soon(tmp_path: Path) -> None:
    """Not after a minute: until then nothing would be watched, and nobody told why."""
    surprises = [RuntimeError("the ledger is busy")]

    def look_at_mounts() -> None:
        if surprises:
            raise surprises.pop()

    scanner = Scanner(
        watch_settings(tmp_path),
        a_receiver(tmp_path),
        without=frozenset(),
        changed=lambda: None,
        checked=look_at_mounts,
        surroundings=Surroundings(away=0.01, check=2 * PATIENCE),
    )
    scanner.start()
    try:
        wait_for(lambda: scanner.state.available)
    finally:
        scanner.stop()
