"""How a watched folder is doing, told of when it changes."""

from __future__ import annotations

from collections.abc import Callable

from fitferry.core.activity import WatchMethod, WatchState
from fitferry.system.event_log import EventLog

_log = EventLog(__name__)


class FolderState:
    """The state of one folder as it was published last. `changed`: wakes whoever shows it."""

    def __init__(self, folder: str, athlete: str, changed: Callable[[], None]) -> None:
        self.last = WatchState(folder, athlete, WatchMethod.POLL, available=False)
        self._changed = changed
        self._is_known = False

    def publish(self, state: WatchState) -> None:
        """Take a new state; that a folder came, went, or is watched otherwise is logged."""
        before, self.last = self.last, state
        if not self._is_known or (before.available, before.method) != (state.available, state.method):
            self._is_known = True
            log = _log.info if state.available else _log.warning
            log(
                "watch_state",
                folder=state.folder,
                outcome="available" if state.available else "away",
                method=state.method,
                reason=str(state.reason) if state.reason else None,
            )
        if state != before:
            self._changed()
