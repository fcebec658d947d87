"""The Debian package's papers; that it can be installed and used is proved by `make test-deb` (deb.sh)."""

from __future__ import annotations

import configparser
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import debian_package

TOP = Path(__file__).parent.parent.parent
PACKAGING = TOP / "packaging/debian"
DPKG = shutil.which("dpkg")
SCRIPTS = ("fitferry.sh", "postinst", "prerm", "postrm")


@pytest.mark.skipif(DPKG is None, reason="no dpkg: not a Debian")
def test_versions_sort_as_people_upgrade() -> None:
    """A release after its candidates, the same version for a newer Debian after the older one's."""
    bookworm, trixie = (debian_package.RELEASES[name] for name in ("bookworm", "trixie"))
    wanted = [
        debian_package.debian_version("0.1.0", bookworm),
        debian_package.debian_version("0.2.0a1", bookworm),
        debian_package.debian_version("0.2.0rc1", bookworm),
        debian_package.debian_version("0.2.0", bookworm),
        debian_package.debian_version("0.2.0", trixie),
        debian_package.debian_version("0.2.1", bookworm),
    ]

    for older, newer in itertools.pairwise(wanted):
        ended = subprocess.run([str(DPKG), "--compare-versions", older, "lt", newer], check=False)
        assert ended.returncode == 0, (older, newer)


def test_the_lock_is_divided_and_nothing_is_lost() -> None:
    """Each entry once: what has wheels, and what is built here."""
    text = (TOP / "requirements.lock").read_text(encoding="utf-8")
    wheels, sources = debian_package.split_lock(text)

    def names(lock: str) -> list[str]:
        return re.findall(r"(?m)^([a-z0-9-]+)==", lock)

    assert tuple(names(sources)) == debian_package.PURE_SOURCES
    assert sorted(names(wheels) + names(sources)) == sorted(names(text))
    assert (wheels + sources).count("--hash=") == text.count("--hash=")


@pytest.mark.parametrize("name", list(debian_package.RELEASES))
def test_the_control_file_has_every_field(name: str) -> None:
    """And names the Python that this release has."""
    release = debian_package.RELEASES[name]
    text = debian_package.control("1.2.3", release, "arm64", 4711)
    fields = configparser.ConfigParser(delimiters=[":"], interpolation=None)
    fields.read_string("[control]\n" + text)

    assert "{" not in text
    assert fields["control"]["Version"] == f"1.2.3+deb{release.number}"
    assert f"python3.{release.python}," in fields["control"]["Depends"]
    assert fields["control"]["Architecture"] == "arm64"
    assert fields["control"]["Installed-Size"] == "4711"
    assert all(len(line) <= 80 for line in text.splitlines() if line.startswith(" "))


def test_wheels_are_taken_for_the_release_and_nothing_is_compiled() -> None:
    """Up to the release's glibc and no further."""
    options = debian_package.target_options(debian_package.RELEASES["bookworm"], "aarch64")

    assert "--only-binary=:all:" in options
    assert "--platform=manylinux_2_36_aarch64" in options
    assert "--platform=manylinux_2_37_aarch64" not in options
    assert {"--python-version=3.11", "--abi=cp311", "--abi=abi3"} <= set(options)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_shell_can_read_the_scripts(name: str) -> None:
    """Debian's own, which is dash; and each ends at the first failure."""
    text = (PACKAGING / name).read_text(encoding="utf-8")

    assert re.search(r"(?m)^set -eu?$", text)
    subprocess.run(["/bin/sh", "-n", str(PACKAGING / name)], check=True)


def test_the_unit_starts_what_the_package_installs() -> None:
    """At the place where the scripts look for it."""
    unit = (TOP / "systemd/fitferry.service").read_text(encoding="utf-8")

    assert "ExecStart=/opt/fitferry/bin/fitferry run\n" in unit
    assert "program=/opt/fitferry/bin/fitferry\n" in (PACKAGING / "fitferry.sh").read_text(encoding="utf-8")


def test_modes_and_times_do_not_depend_on_who_builds(tmp_path: Path) -> None:
    """A file is 0644, a program or folder 0755, all of the commit's time."""
    (tmp_path / "bin").mkdir(mode=0o700)
    debian_package.put(tmp_path / "bin/program", "x", 0o700)
    debian_package.put(tmp_path / "text", "x", 0o600)
    (tmp_path / "link").symlink_to("nowhere")

    debian_package.finish(tmp_path, 1_000_000_000)

    modes = {path.name: path.lstat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.name != "link"}
    assert modes == {"bin": 0o755, "program": 0o755, "text": 0o644}
    assert {path.lstat().st_mtime for path in tmp_path.rglob("*")} == {1_000_000_000}


@pytest.mark.parametrize("script", sorted((TOP / "tests/install").glob("*.sh")), ids=lambda path: path.name)
def test_what_the_proofs_take_from_the_repository_is_there(script: Path) -> None:
    """They are run by hand, so nobody would notice when a file is moved."""
    text = script.read_text(encoding="utf-8")
    places = "\n".join(line for line in text.splitlines() if re.match(r"(here|top)=", line))
    for variable, path in set(re.findall(r"\$(here|top)/([\w./-]+)", text)):
        if not path.startswith((".venv", "..")):
            found = subprocess.run(
                ["/bin/bash", "-euc", f'{places}\ntest -e "${variable}/{path}"', str(script)], check=False
            )
            assert found.returncode == 0, f"{variable}/{path}"
