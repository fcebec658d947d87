"""Where does a peer find what it needs? In a venv of its own below the cache, made at its first run."""

from __future__ import annotations

import glob
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

NEWEST = 20
"""No Python 3 beyond this one is looked for."""
PLACES = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin")
"""Where others than the PATH's are, below the home."""


class NotRun(Exception):
    """Why a contender cannot be run here."""


def made(cache: Path, name: str, packages: tuple[str, ...], minor: int) -> Path:
    """The programs of a venv that holds the packages, on Python 3.`minor` or newer."""
    folder = cache / name
    stamp, wanted = folder / "installed", "\n".join(packages)
    if not stamp.exists() or stamp.read_text() != wanted:
        python = _python(minor)
        shutil.rmtree(folder, ignore_errors=True)
        _run([python, "-m", "venv", str(folder)])
        _run([str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages])
        stamp.write_text(wanted)
    return folder / "bin"


def _python(minor: int) -> str:
    if sys.version_info >= (3, minor):
        return sys.executable
    places = [*os.environ.get("PATH", "").split(os.pathsep), *(str(Path.home() / place) for place in PLACES)]
    for place, number in itertools.product(places, range(minor, NEWEST)):
        for found in glob.glob(f"{place}/python3.{number}"):  # noqa: PTH207  # the pattern is absolute
            # It may be a signpost only, to a version that is not chosen: ask.
            if subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
                return found
    raise NotRun(f"needs Python 3.{minor}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise NotRun(f"could not be installed: {(done.stderr.strip() or 'no word').splitlines()[-1]}")
