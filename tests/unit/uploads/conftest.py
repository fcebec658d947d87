"""What the tests of uploads share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from fakes import APP, NOW, UPLOADS, InlineFolders
from fitferry.config.schema import Settings
from fitferry.uploads.commands import Actions
from fitferry.uploads.source_file import SourceFiles
from state_diagram import arrows
from worker_bench import Bench


@pytest.fixture
def bench(ledger: Path, tmp_path: Path) -> Iterator[Bench]:
    """A worker with an athlete and an empty folder, on an empty ledger; no job may go an arrow that DESIGN has not."""
    assert ledger.exists()
    folder = tmp_path / "rides"
    folder.mkdir()
    bench = Bench(folder)
    yield bench
    assert bench.changes() <= set(arrows())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All of the settings that what a person can do asks for."""
    known = SimpleNamespace(
        athletes=("me",), strava=APP, uploads=UPLOADS, state=SimpleNamespace(folder=tmp_path)
    )
    return cast("Settings", known)


@pytest.fixture
def woken() -> list[str]:
    """How often the workers were woken by what a person has done."""
    return []


@pytest.fixture
def actions(settings: Settings, woken: list[str]) -> Actions:
    """What a person can do."""
    files = SourceFiles(InlineFolders(), ())
    return Actions(
        settings,
        wake=lambda: woken.append("woken"),
        clock=lambda: NOW,
        has_lost_bytes=files.has_lost_bytes,
        read=files.read,
    )
