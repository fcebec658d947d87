"""The gate on branches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import branches


def report(**taken: int) -> dict[str, object]:
    """What coverage reports of packages with a hundred branches in two files each."""
    files = {
        f"daemon/fitferry/{package}/{name}.py": {"summary": {"num_branches": 50, "covered_branches": count}}
        for package, all_taken in taken.items()
        for name, count in (("one", min(all_taken, 50)), ("other", max(all_taken - 50, 0)))
    }
    return {
        "files": {
            **files,
            "daemon/fitferry/core/x.py": {"summary": {"num_branches": 0, "covered_branches": 0}},
        }
    }


@pytest.mark.parametrize(("taken", "code", "word"), [(95, 0, "auth: 95.0"), (94, 1, "fewer than 95 %")])
def test_each_package_takes_its_share_of_the_branches(
    tmp_path: Path, taken: int, code: int, word: str
) -> None:
    """A package that takes all makes up for no other."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report(core=100, auth=taken)), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, branches.__file__, str(path)], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, word in ended.stdout + ended.stderr) == (code, True)
    assert branches.shares(report(core=100, auth=taken)) == {"auth": taken, "core": 100}
