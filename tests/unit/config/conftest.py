"""An empty home for tests of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings_files import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty home, in which settings are looked for."""
    return Place(tmp_path)
