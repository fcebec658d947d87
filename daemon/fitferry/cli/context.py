"""What does a command work on? The settings, the state folder, the daemon if one runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fitferry.config import Settings, load
from fitferry.core.errors import FitferryError
from fitferry.system import lockfile, state_dir


class Context:
    """The options of the group, and what is found through them."""

    def __init__(self, config: str | None) -> None:
        self.config = Path(config) if config else None

    def settings(self, *, require_app: bool = False) -> Settings:
        """The settings. Raises SettingsError."""
        return load(self.config, os.environ, require_app=require_app)

    def folder(self) -> Path:
        """The state folder."""
        return self.settings().state.folder

    def daemon_runs(self) -> bool:
        """Whether a daemon holds the lock of the state folder."""
        return lockfile.held(self.folder())

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself. Raises FerryError where there is nothing to be read."""
        path = self.folder() / state_dir.STATUS
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FitferryError(f"there is no status in {path}: has `fitferry run` been started?") from error
        return found

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """The ledger, open for looking. Raises FerryError."""
        from fitferry.storage import database  # noqa: PLC0415  # not every command needs it

        path = self.folder() / state_dir.STATE_DB
        if not path.exists():
            raise FitferryError(f"there is no history in {path.parent}: has `fitferry run` been started?")
        try:
            with database.opened_to_read(path):
                yield
        except database.DatabaseError as error:
            words = f"the history in {path} cannot be read ({error}); are you the user who runs Fitferry?"
            raise FitferryError(words) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[Settings]:
        """The ledger, open for a change, while no daemon runs. Raises CannotRun where one does."""
        from fitferry.storage import database  # noqa: PLC0415  # not every command needs it

        settings = self.settings()
        state_dir.prepare(settings.state.folder)
        os.umask(0o077)
        with (
            lockfile.taken(settings.state.folder),
            database.opened(settings.state.folder / state_dir.STATE_DB),
        ):
            yield settings
