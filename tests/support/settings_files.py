"""Files of settings for tests, and an empty home to load them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.config.keys import all_keys
from fitferry.config.load import load
from fitferry.config.schema import Settings
from fitferry.core.errors import SettingsError

KEYS = all_keys()
EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
APP = '[strava]\nclient_id = 12345\nclient_secret = "s"\n'
WATCH = '[[watch]]\nfolder = "/srv/rides"\n'


class Place:
    """A home with nothing in it but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "given.toml"
        self.environ: dict[str, str] = {}
        self.service = folder / "etc.toml"

    def load(self, text: str | None = None, *, require_app: bool = True) -> Settings:
        """The settings of a file with this text, or of no file."""
        if text is not None:
            self.file.write_text(text, encoding="utf-8")
            self.file.chmod(0o600)
        return load(
            self.file if text is not None else None,
            self.environ,
            require_app=require_app,
            home=self.folder,
            places=(self.folder / "etc.toml",),
            container=self.folder / "config",
            service=self.service,
        )

    def problems(self, text: str | None = None) -> dict[str, str]:
        """What is wrong with a file with this text: key to message."""
        with pytest.raises(SettingsError) as raised:
            self.load(text)
        return {problem.key: str(problem) for problem in raised.value.problems}
