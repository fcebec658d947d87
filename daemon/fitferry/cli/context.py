"""What a command works on: the settings, the state folder, the daemon if one runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fitferry.config import paths
from fitferry.core.api_types import StatusJson
from fitferry.core.errors import FitferryError
from fitferry.core.messages import cli, verbatim
from fitferry.system import lockfile, state_dir

if TYPE_CHECKING:
    from fitferry.config.schema import Settings


class Context:
    """The options of the group, and what is found through them."""

    def __init__(self, config: str | None) -> None:
        self.config = Path(config) if config else None
        self._settings: Settings | None = None

    def settings(self, *, require_app: bool = False) -> Settings:
        """The settings. Raises SettingsError."""
        from fitferry.config.load import load  # noqa: PLC0415  # `status` and `health` do without

        if require_app:
            return load(self.config, os.environ)
        if self._settings is None:
            self._settings = load(self.config, os.environ, require_app=False)
        return self._settings

    def folder(self) -> Path:
        """The state folder. Raises SettingsError where the settings cannot be read."""
        found = paths.peek(str(self.config) if self.config else None, os.environ)
        return found[0] if found is not None else self.settings().state.folder

    def daemon_runs(self) -> bool:
        """Whether a daemon holds the lock of the state folder."""
        return lockfile.held(self.folder())

    def status_file(self) -> StatusJson:
        """What the daemon wrote of itself last. Raises FitferryError where there is nothing to be read."""
        path = self.folder() / state_dir.STATUS
        try:
            found: StatusJson = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FitferryError(cli.NO_STATUS(path=str(path))) from error
        return found

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """The ledger, open for looking. Raises FitferryError."""
        from fitferry.storage import database  # noqa: PLC0415  # not every command needs it

        path = self.folder() / state_dir.STATE_DB
        try:
            if not path.exists():
                raise FitferryError(cli.NO_HISTORY(folder=str(path.parent)))
            with database.opened_to_read(path):
                yield
        except (database.DatabaseError, OSError) as error:
            reason = verbatim(str(error) or type(error).__name__)
            raise FitferryError(cli.HISTORY_UNREADABLE(path=str(path), reason=reason)) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[Settings]:
        """The ledger, open for a change, while no daemon runs. Raises CannotRun where one does."""
        from fitferry.storage import database  # noqa: PLC0415  # not every command needs it

        settings = self.settings()
        state_dir.prepare(settings.state.folder)
        os.umask(0o077)
        with (
            state_dir.as_its_owner(settings.state.folder),
            lockfile.taken(settings.state.folder),
            database.opened(settings.state.folder / state_dir.STATE_DB),
        ):
            yield settings
