"""The real daemon as one user of the machine, an attacker as another, who may write into its folder: a race."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fitferry
import folder_attacker
from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox

DAEMON, ATTACKER, GROUP = 61_001, 61_002, 61_003
"""Two users who share nothing but the group of the watched folder."""
SECONDS = 0.15
"""That two names are exchanged as fast as can be."""
MAX_KILOBYTES = 300_000
"""The daemon's memory at its most, whatever it was made to read."""
WAYS = ["archive", "archive on another filesystem", "delete"]


def race(way: str, rounds: int) -> int:
    """Race the neighbour for so many rounds, and see that nothing outside the folder was reached; how often names went."""
    honest = hashlib.sha256(_ride(9_000)).hexdigest()
    with two_users() as place:
        home, private = place.home, place.private
        for number in range(rounds):
            (private / f"{number:03}.fit").write_bytes(_ride(1_000 + number))
            (home.rides / ".stock" / f"{number:03}.fit").write_bytes(_ride(1 + number))
        (private / "outside.fit").write_bytes(_ride(5_000))
        place.own()
        theirs = tree(private)
        (home.rides / ".uploaded").symlink_to(private)
        place.configure("delete" if way == "delete" else "archive")
        with archive_on_its_own(home.rides, wanted=way.endswith("filesystem")):
            home.start()
            home.connect()
            flips = place.attack(rounds)
            place.drop("honest.fit", _ride(9_000))
            home.wait(lambda: place.sent() > {honest})  # and a ride of the attacker
            peak = place.peak_memory()
            assert home.run("health").returncode == 0
            assert home.stop() == 0
            reachable = set(tree(home.rides).values())

        assert tree(private) == theirs
        assert not place.sent() & {hashlib.sha256(body).hexdigest() for body in theirs.values()}
        assert not reachable & set(theirs.values())
        assert flips > 20 * rounds
        assert peak < MAX_KILOBYTES
        assert not list(home.state.rglob("*.fit"))
        assert "unexpected_error" not in home.words()
    return flips


def _ride(serial: int) -> bytes:
    return ride(datetime(2026, 9, 21, 12, tzinfo=UTC), seconds=30, serial=serial)


class Place:
    """An installation of one user, a folder that is theirs alone, and a neighbour."""

    def __init__(self, folder: Path, sandbox: Sandbox, python: list[str]) -> None:
        self.python = python
        self.sandbox = sandbox
        self.private = folder / "private"
        self.private.mkdir()
        self.home = DaemonOfAnotherUser(folder, sandbox, python)
        self.home.state.mkdir()
        (self.home.rides / ".stock").mkdir()
        (self.home.rides / "uploaded").mkdir()

    def configure(self, after_upload: str) -> None:
        """Settings by which the folder is scanned all the time, besides what its events tell."""
        self.home.configure(archive=f'after_upload = "{after_upload}"')
        self.home.edit("[web]", "scan_interval = 0.3\n\n[web]")
        os.chown(self.home.config, DAEMON, DAEMON)

    def own(self) -> None:
        """Give everything to whom it belongs: the daemon's to the daemon, the watched folder to both."""
        for path in (self.home.config, self.home.state, self.private, *self.private.iterdir()):
            os.chown(path, DAEMON, DAEMON)
        self.private.chmod(0o700)
        for path in (self.home.rides, *self.home.rides.rglob("*")):
            os.chown(path, ATTACKER, GROUP)
            path.chmod(0o2770 if path.is_dir() else 0o660)

    def attack(self, rounds: int) -> int:
        """Let the neighbour play to the end; how often it exchanged names."""
        words = [str(self.home.rides), str(self.private), str(rounds), str(SECONDS)]
        ended = subprocess.run(  # ourselves
            [*self.python, "-c", Path(folder_attacker.__file__).read_text(encoding="utf-8"), *words],
            user=ATTACKER, group=GROUP, extra_groups=[], cwd="/", env={},
            capture_output=True, text=True, timeout=60 + 20 * rounds, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return int(ended.stdout)

    def drop(self, name: str, body: bytes) -> None:
        """A ride of somebody honest."""
        path = self.home.drop(name, body)
        os.chown(path, ATTACKER, GROUP)
        path.chmod(0o660)

    def sent(self) -> set[str]:
        """SHA-256 of everything that reached Strava."""
        return {upload.sha256 for upload in list(self.sandbox.world.uploads.values())}

    def peak_memory(self) -> int:
        """The daemon's memory at its most, in kB."""
        assert self.home.process is not None
        lines = Path(f"/proc/{self.home.process.pid}/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


class DaemonOfAnotherUser(DaemonHarness):
    """The daemon without any right but its own user's and the folder's group."""

    def __init__(self, folder: Path, sandbox: Sandbox, python: list[str]) -> None:
        super().__init__(folder, sandbox)
        self._python = python

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the daemon."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # ourselves
                [*self._python, "-m", "fitferry", "--config", str(self.config), "run"],
                user=DAEMON, group=DAEMON, extra_groups=[GROUP], cwd="/", stdout=log, stderr=log,
                env={},
            )  # fmt: skip
        return self.process


@contextlib.contextmanager
def two_users() -> Iterator[Place]:
    """A place that both can reach, and an interpreter that both can run, wherever root has its own."""
    homes = [
        Path(sys.base_prefix).resolve(),
        Path(sysconfig.get_path("purelib")),
        Path(fitferry.__file__).parents[1],
    ]
    with contextlib.ExitStack() as undo:
        # not pytest's own folder: each of its runs closes that to everybody else
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o711)
        seen = [
            undo.enter_context(mounted(home, folder / f"python-{place}")) for place, home in enumerate(homes)
        ]
        program = seen[0] / Path(sys.executable).resolve().relative_to(homes[0])
        modules = os.pathsep.join(map(str, seen[1:]))
        sandbox = undo.enter_context(Sandbox(processing_seconds=0.1, overall_limit=[100_000, 1_000_000]))
        place = Place(
            folder,
            sandbox,
            ["/usr/bin/env", f"PYTHONPATH={modules}", f"LD_LIBRARY_PATH={seen[0]}/lib", str(program)],
        )
        undo.callback(place.home.kill)
        yield place


@contextlib.contextmanager
def archive_on_its_own(rides: Path, *, wanted: bool) -> Iterator[None]:
    """A filesystem of its own where the archive is, so that files are copied there; if that is wanted."""
    if not wanted:
        yield
        return
    with mounted(Path("test"), rides / "uploaded", "-t", "tmpfs", "-o", "size=16m"):
        os.chown(rides / "uploaded", ATTACKER, GROUP)
        (rides / "uploaded").chmod(0o2770)
        yield


@contextlib.contextmanager
def mounted(what: Path, where: Path, *options: str) -> Iterator[Path]:
    """Mount something, without options a folder that is seen there, too."""
    where.mkdir(exist_ok=True)
    subprocess.run(["/bin/mount", *(options or ("--bind",)), str(what), str(where)], check=True)  # ourselves
    try:
        yield where
    finally:
        subprocess.run(["/bin/umount", "-l", str(where)], check=True)  # ourselves


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, through no link; what has no end is left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1_000_000_000
    }
