"""How is a watched folder received that was never seen before? Nobody's followers get ten years of old rides.

What is old in it is held while its first scan runs. Then a few are let go, and many wait for a person's word.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from fitferry.core.activity import AdmissionResult, Stability
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.upload import Status
from fitferry.inbox import admission
from fitferry.storage import activities, holds, matches, uploads

FEW = 20
"""So many old activities are no backlog."""
_log = structlog.get_logger()


class FirstScan:
    """One watched folder's way into the ledger."""

    def __init__(
        self,
        folder: str,
        athlete: str,
        settings: AdmissionRules,
        *,
        wake: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._athlete = athlete
        self._settings = settings
        self._poke = wake
        self._clock = clock
        self._new = not activities.folder_is_known(athlete, folder)
        self._was_empty = False

    def admit(self, path: str, still: Stability, *, told: bool) -> AdmissionResult:
        """Admit a file. `told`: an event told of it, so somebody has just put it there."""
        if self._new and self._was_empty and told:
            self._receive()
        arrival = admission.admit(
            path, self._athlete, self._settings, self._clock(), still, hold_old=self._new
        )
        if arrival is AdmissionResult.ADMITTED:
            self._poke()
        return arrival

    def on_scan_finished(self, count: int) -> None:
        """A whole scan is over, and everything that it found was looked at. `count`: of files.

        A folder without any is still new: a mount point whose disk comes later looks like this.
        """
        self._was_empty = count == 0
        if self._new and count:
            self._receive()

    def _receive(self) -> None:
        self._new = False
        activities.folder_scanned(self._athlete, self._folder, self._clock())
        old = holds.below(self._athlete, self._folder, "backlog")
        # What was found on Strava while the scan ran was old, too: the others are no fewer for it.
        if old and len(old) + len(matches.found_below(self._athlete, self._folder)) > FEW:
            _log.info("backlog", folder=self._folder, athlete=self._athlete, old_activities=len(old))
            return
        for job_id in old:
            uploads.requeue(job_id, [Status.HELD])
        self._poke()
