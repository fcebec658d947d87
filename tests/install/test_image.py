"""The image's papers; that it can be built and used is proved by `make test-image` (tests/install/image.py)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(HADOLINT is None, reason="hadolint has no wheel for this machine")
def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    """Not even in passing."""
    ended = subprocess.run(
        [str(HADOLINT), "--failure-threshold=style", str(TOP / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_what_the_image_copies_is_let_through_to_the_build() -> None:
    """`.dockerignore` shuts everything out but what it names."""
    let_through = {
        line[1:]
        for line in (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    lines = (TOP / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        word.removeprefix("./")
        for line in lines
        if line.startswith("COPY") and "--from" not in line
        for word in line.split()[1:-1]
        if not word.startswith("--")
    }

    assert copied
    assert copied <= let_through
    assert [name for name in copied if not (TOP / name).exists()] == []


def test_what_builds_the_wheel_is_copied_into_the_image() -> None:
    """The hook of the build, and the tools that it imports."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["path"]
    text = (TOP / hook).read_text(encoding="utf-8")
    tools = {
        f"tools/{path.stem}.py" for path in (TOP / "tools").glob("*.py") if f"from {path.stem} import" in text
    }
    dockerfile = (TOP / "Dockerfile").read_text(encoding="utf-8")

    assert [name for name in {hook, *tools} if f" {name} " not in dockerfile] == []
