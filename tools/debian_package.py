"""Build the Debian package: `python tools/debian_package.py --release bookworm --arch arm64`.

Every package is built on any machine, for each release and architecture alike: the wheels of the target are unpacked into
a virtual environment that is laid out by hand in /opt/fitferry and uses Debian's own Python. Nothing is compiled here and
nothing of the target is run. Two builds of one commit give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from release import commit_time, project_version

TOP = Path(__file__).parent.parent
PACKAGING = TOP / "packaging" / "debian"
PURE_SOURCES = ("fitparse",)
"""What has no wheel on the index: pure Python, so its wheel is built here, for all architectures."""
OLDEST_GLIBC = 17
"""manylinux_2_17, also called manylinux2014: the oldest for which wheels are still made."""


@dataclass(frozen=True)
class Release:
    """A release of Debian: its number, the minor version of its Python, the minor version of its glibc."""

    number: int
    python: int
    glibc: int


RELEASES = {"bookworm": Release(12, 11, 36), "trixie": Release(13, 13, 41)}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of an architecture, and the one in wheels. armhf: cffi, msgspec and PyYAML have no wheel for it."""


def debian_version(version: str, release: Release) -> str:
    """Debian's form of a version: a pre-release sorts before its release, a newer Debian's after an older one's."""
    upstream = re.sub(r"\.?(a|b|rc|dev)(\d+)", r"~\1\2", version)
    return f"{upstream}+deb{release.number}"


def run(*words: str | Path, **environ: str) -> None:
    """Run a command that has to succeed."""
    subprocess.run([str(word) for word in words], check=True, env={**os.environ, **environ})


def pip(*words: str | Path, **environ: str) -> None:
    """Run pip, quietly."""
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words, **environ)


def split_lock(text: str) -> tuple[str, str]:
    """The lock's entries with wheels on the index, and those without."""
    entries = re.split(r"(?m)^(?=\S)", text)
    sources = [entry for entry in entries if re.split("==", entry, maxsplit=1)[0] in PURE_SOURCES]
    return "".join(entry for entry in entries if entry not in sources), "".join(sources)


def target_options(release: Release, machine: str) -> list[str]:
    """How pip is told to take wheels for another machine, and nothing that would have to be compiled."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(OLDEST_GLIBC, release.glibc + 1)]
    options = [f"--platform={name}" for name in (*platforms, f"manylinux2014_{machine}")]
    options += [f"--python-version=3.{release.python}", "--implementation=cp"]
    return [*options, f"--abi=cp3{release.python}", "--abi=abi3", "--abi=none", "--only-binary=:all:"]


def install_wheels(source: Path, site: Path, release: Release, machine: str, epoch: int) -> None:
    """Unpack the locked wheels for the target, and Fitferry's own, into `site`."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with_wheels, without = split_lock((source / "requirements.lock").read_text(encoding="utf-8"))
        (work / "wheels.lock").write_text(with_wheels, encoding="utf-8")
        (work / "sources.lock").write_text(without, encoding="utf-8")
        target = target_options(release, machine)
        place = ["install", "--no-deps", "--no-compile", f"--target={site}"]
        pip(*place, *target, "--require-hashes", "-r", work / "wheels.lock")
        stamp = {"SOURCE_DATE_EPOCH": str(epoch)}
        pip(
            *("wheel", "--no-deps", "--require-hashes", "-w", work / "own", "-r", work / "sources.lock"),
            **stamp,
        )
        pip("wheel", "--no-deps", "--no-build-isolation", "-w", work / "own", source, **stamp)
        wheels = sorted((work / "own").glob("*.whl"))
        impure = [wheel.name for wheel in wheels if not wheel.name.endswith("-none-any.whl")]
        if impure:
            raise SystemExit(f"not for every architecture: {', '.join(impure)}")
        shutil.rmtree(site / "bin", ignore_errors=True)
        pip(*place, *target, "--no-index", *wheels)
    shutil.rmtree(site / "bin", ignore_errors=True)
    for record in site.glob("*.dist-info/RECORD"):
        # The scripts are gone, and where a wheel lay on this machine is nobody's business.
        kept = [
            line
            for line in record.read_text(encoding="utf-8").splitlines(keepends=True)
            if not line.startswith("../../bin/") and "/direct_url.json," not in line
        ]
        record.write_text("".join(sorted(kept)), encoding="utf-8")
    for url in site.glob("*.dist-info/direct_url.json"):
        url.unlink()


def lay_out(source: Path, root: Path, release: Release, machine: str, epoch: int) -> None:
    """Everything that the package installs, below `root`."""
    python = f"python3.{release.python}"
    home = root / "opt/fitferry"
    install_wheels(source, home / "lib" / python / "site-packages", release, machine, epoch)
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to(f"/usr/bin/{python}")
    (home / "bin/python").symlink_to("python3")
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.{release.python}\n",
        encoding="utf-8",
    )
    put(
        home / "bin/fitferry",
        "#!/opt/fitferry/bin/python3\nimport sys\nfrom fitferry.__main__ import main\nsys.exit(main())\n",
        0o755,
    )
    put(root / "usr/bin/fitferry", (PACKAGING / "fitferry.sh").read_text(encoding="utf-8"), 0o755)
    units = root / "usr/lib/systemd"
    put(units / "system/fitferry.service", (source / "systemd/fitferry.service").read_text(encoding="utf-8"))
    put(
        units / "system/fitferry.service.d/10-configured.conf",
        (PACKAGING / "configured.conf").read_text(encoding="utf-8"),
    )
    put(
        units / "user/fitferry.service",
        (source / "systemd/user/fitferry.service")
        .read_text(encoding="utf-8")
        .replace("%h/.local/bin/fitferry", "/opt/fitferry/bin/fitferry"),
    )
    for kind in ("sysusers", "tmpfiles"):
        text = (source / f"systemd/fitferry.{kind}").read_text(encoding="utf-8")
        put(root / f"usr/lib/{kind}.d/fitferry.conf", text)
    pages = TOP / "docs/reference"
    put_gzipped(root / "usr/share/man/man1/fitferry.1.gz", (pages / "fitferry.1").read_bytes())
    for shell, place in {
        "bash": "bash-completion/completions/fitferry",
        "zsh": "zsh/vendor-completions/_fitferry",
        "fish": "fish/vendor_completions.d/fitferry.fish",
    }.items():
        put(root / "usr/share" / place, (pages / f"fitferry.{shell}").read_text(encoding="utf-8"))
    papers = root / "usr/share/doc/fitferry"
    put(papers / "copyright", (source / "LICENSE").read_text(encoding="utf-8"))
    put_gzipped(papers / "CHANGELOG.md.gz", (source / "CHANGELOG.md").read_bytes())
    for example in ("config.example.toml", "systemd/credentials.conf"):
        put(
            papers / "examples" / Path(example).name,
            (source / example).read_text(encoding="utf-8"),
        )


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def put_gzipped(path: Path, content: bytes) -> None:
    """Write a compressed file, without name and time in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def control(version: str, release: Release, arch: str, size: int) -> str:
    """The package's control file; `size` in KiB."""
    return (
        (PACKAGING / "control")
        .read_text(encoding="utf-8")
        .format(
            version=debian_version(version, release), arch=arch, python=f"python3.{release.python}", size=size
        )
    )


def finish(root: Path, epoch: int) -> None:
    """Modes and times that do not depend on who builds it, and when."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def build(source: Path, release_name: str, arch: str, out: Path, *, fast: bool = False) -> Path:
    """Build one package from the tree at `source`; its path. `fast`: hardly compressed."""
    release = RELEASES[release_name]
    epoch = commit_time(source)
    version = project_version(source)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        lay_out(source, root, release, MACHINES[arch], epoch)
        finish(root, epoch)
        files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        meta = root / "DEBIAN"
        size = sum(path.stat().st_size for path in files) // 1024
        put(meta / "control", control(version, release, arch, size))
        sums = (f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files)
        put(meta / "md5sums", "".join(sums))
        for script in ("postinst", "prerm", "postrm"):
            put(meta / script, (PACKAGING / script).read_text(encoding="utf-8"), 0o755)
        for path in [meta, *meta.iterdir()]:
            os.utime(path, (epoch, epoch))
        out.mkdir(parents=True, exist_ok=True)
        package = out / f"fitferry_{debian_version(version, release)}_{arch}.deb"
        run(
            *(
                "dpkg-deb",
                "--root-owner-group",
                *(("-Zgzip", "-z1") if fast else ("-Zxz",)),
                "--build",
                root,
                package,
            ),
            SOURCE_DATE_EPOCH=str(epoch),
        )
    return package


def own_release() -> str:
    """The release of Debian that this machine runs; the oldest that is built where it runs none of them."""
    facts = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    name = facts.get("VERSION_CODENAME", "").strip('"')
    return name if name in RELEASES else next(iter(RELEASES))


def own_architecture() -> str:
    """Debian's name of this machine's architecture."""
    ended = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def main() -> None:
    """Build the packages that were asked for; without a word, the one for this machine."""
    parser = argparse.ArgumentParser(description="Build Debian packages.")
    parser.add_argument("--source", type=Path, default=TOP, help="the tree; this one by default")
    parser.add_argument("--release", action="append", choices=[*RELEASES, "own", "all"])
    parser.add_argument("--arch", action="append", choices=[*MACHINES, "own", "all"])
    parser.add_argument("--out", type=Path, default=TOP / "dist")
    parser.add_argument("--fast", action="store_true", help="hardly compressed, for a try")
    given = parser.parse_args()
    releases = {"own": [own_release()], "all": list(RELEASES)}
    machines = {"own": [own_architecture()], "all": list(MACHINES)}
    for release in dict.fromkeys(
        one for word in given.release or ["own"] for one in releases.get(word, [word])
    ):
        for arch in dict.fromkeys(
            one for word in given.arch or ["own"] for one in machines.get(word, [word])
        ):
            print(build(given.source.resolve(), release, arch, given.out, fast=given.fast))


if __name__ == "__main__":
    main()
