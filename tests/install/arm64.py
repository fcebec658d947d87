"""Runs Fitferry on arm64: `make test-arm64`, as root, with debootstrap and, on another machine, qemu-user-static.

The package of `make deb` for arm64 is installed in a small arm64 Debian; its program shows the demo there, and the quick tests
of the parts that work on bytes and numbers (core, formats, storage) run by its Python against its modules.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from packaging.requirements import Requirement

from debian_package import MACHINES, RELEASES, TOP, build, pip, target_options

HERE = Path(__file__).parent
PACKAGES = "systemd,python3,ca-certificates,tzdata"
JUDGES = ("pytest", "pytest-timeout", "hypothesis", "stravalib")
"""What these tests import beside the program."""
TESTS = ("tests/unit/core", "tests/unit/formats", "tests/unit/storage")
PATIENCE = 600
"""Seconds for one test: qemu is ten to twenty times slower than the machine."""

DEMO = f"""
import sys
import fitferry.demo
from fitferry.__main__ import main

assert fitferry.demo.PATIENCE < {PATIENCE}
fitferry.demo.PATIENCE = {PATIENCE}
sys.argv = ["fitferry", "demo"]
main()
"""
"""`fitferry demo`, with the same patience: its own 20 seconds are for a machine, not for qemu on a busy one."""


def closure(names: tuple[str, ...]) -> set[str]:
    """The distributions that these need, themselves included, by normalized names."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return found


def locked(names: set[str]) -> str:
    """Their entries of the lock."""
    entries = re.split(r"(?m)^(?=\S)", (TOP / "requirements-dev.lock").read_text(encoding="utf-8"))
    return "".join(entry for entry in entries if entry.split("==")[0] in names)


def inside(root: Path, *words: str, **environ: str) -> str:
    """What a command prints in the arm64 Debian; it has to succeed."""
    settings = [f"{name}={value}" for name, value in environ.items()]
    ended = subprocess.run(
        ["/usr/sbin/chroot", str(root), "/usr/bin/env", "HOME=/root", "LC_ALL=C.UTF-8", *settings, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit {ended.returncode}\n{ended.stdout[-8000:]}")
    return ended.stdout


def say(words: str) -> None:
    """Report one thing that is as it should be."""
    sys.stdout.write(f"ok  {words}\n")
    sys.stdout.flush()


def prepare(root: Path, release: str) -> None:
    """The Debian, the package, the tests and what they import."""
    subprocess.run([HERE / "qemu.sh"], check=True)
    subprocess.run(
        [HERE / "debian.sh", root, PACKAGES, release, "arm64"], check=True, stdout=subprocess.DEVNULL
    )
    for folder in ("src", "judges", "debs"):
        shutil.rmtree(root / folder, ignore_errors=True)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="ascii")
    package = build(TOP, release, "arm64", root / "debs", fast=True)
    inside(root, "dpkg", "--install", f"/debs/{package.name}")
    say(f"{package.name} is installed, byte code and user made")
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as lock:
        lock.write(locked(closure(JUDGES)))
        lock.flush()
        options = target_options(RELEASES[release], MACHINES["arm64"])
        place = ["install", "--no-deps", "--no-compile", f"--target={root / 'judges'}"]
        pip(*place, *options, "--require-hashes", "-r", lock.name)
    (root / "src").mkdir()
    for name in ("pyproject.toml", "config.example.toml"):
        shutil.copy(TOP / name, root / "src")
    for name in ("tests", "tools"):
        shutil.copytree(TOP / name, root / "src" / name)


def main() -> None:
    """Install, show the demo, test."""
    release = sys.argv[1] if len(sys.argv) > 1 else "bookworm"
    root = Path(tempfile.gettempdir()) / f"fitferry-arm64-{release}"
    prepare(root, release)
    for kind in ("proc", "sys"):
        subprocess.run(["/usr/bin/mount", "--bind", f"/{kind}", root / kind], check=True)
    subprocess.run(["/usr/bin/mount", "--bind", "/dev", root / "dev"], check=True)
    try:
        machine = inside(root, "uname", "-m").strip()
        assert machine == "aarch64", machine
        where = inside(
            root,
            "/opt/fitferry/bin/python3",
            "-c",
            "import fitferry, msgspec._core as m, fastcrc; print(fitferry.__file__, m.__file__)",
        )
        assert "aarch64-linux-gnu" in where, where
        say(f"{inside(root, 'fitferry', '--version').strip()} runs on {machine}")
        began = time.monotonic()
        shown = inside(root, "/opt/fitferry/bin/python3", "-c", DEMO)
        sys.stdout.write(shown)
        say(f"fitferry demo, {time.monotonic() - began:.0f} s by qemu")
        tested = inside(
            root,
            *("sh", "-c", 'cd /src && exec /opt/fitferry/bin/python3 -m pytest "$@"', "sh"),
            *("-q", "-p", "no:cacheprovider", "-m", "not slow", f"--timeout={PATIENCE}", *TESTS),
            PYTHONPATH="/judges",
        )
        sys.stdout.write(tested[-1500:])
        say("the quick tests of core, formats and storage pass on arm64")
    finally:
        for kind in ("dev", "sys", "proc"):
            subprocess.run(["/usr/bin/umount", root / kind], check=False)
    sys.stdout.write("all is well\n")


if __name__ == "__main__":
    main()
