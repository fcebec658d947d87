"""First scan of a watched folder that was never seen before: nobody's followers get ten years of old rides.

What is old in it is held while its first scan runs. Then a few are let go, and many wait for a person's decision.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from fitferry.core import admission_rules
from fitferry.core.activity import AdmissionResult, Stability
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.messages import Message, folders
from fitferry.core.upload import ErrorCode, Status
from fitferry.inbox import admission
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.file_reader import FileLook
from fitferry.storage import activities, holds, matches, seen_files, uploads

FEW = 20
"""So many old activities are no backlog."""
MAX_JUNK = 10_000
"""Files of one folder that are no activities and have rows of their own; whoever can write there could fill the disk."""
_log = structlog.get_logger()


class FirstScan:
    """Admission of one folder's files, and what is different while the folder is new.

    `server_now`: the time by Strava's clock, None until that was heard in this run: a clock that is behind takes old
    activities for fresh ones, so their age is judged again then, see `UploadWorker` and `on_scan_finished`.
    `dispatcher`: how what can be sent at once reaches a worker.
    """

    def __init__(
        self,
        folder: str,
        athlete: str,
        settings: AdmissionRules,
        *,
        wake: Callable[[], None],
        clock: Callable[[], float],
        server_now: Callable[[], float | None] | None = None,
        dispatcher: Dispatcher | None = None,
        max_junk: int = MAX_JUNK,
    ) -> None:
        self._max_junk = max_junk
        self.folder = folder
        self.athlete = athlete
        self._settings = settings
        self.wake = wake
        self.clock = clock
        self._server_now = server_now or clock
        self._dispatcher = dispatcher
        self._new = not seen_files.folder_is_known(athlete, folder)
        self._was_empty = False
        self._junk = activities.count_junk(athlete, folder)

    @property
    def note(self) -> Message | None:
        return folders.MUCH_JUNK(limit=self._max_junk) if self._junk >= self._max_junk else None

    def admit(self, path: str, look: FileLook, stability: Stability, *, announced: bool) -> AdmissionResult:
        """Admit a file. `announced`: an event named it, so somebody has just put it there."""
        if self._new and self._was_empty and announced:
            self._finish()
        heard = self._server_now() if self._new else None
        result = admission.admit(
            path,
            look,
            self.athlete,
            self._settings,
            self.clock(),
            stability,
            hold_old=(self.clock() if heard is None else heard) if self._new else None,
            folder=self.folder,
            list_junk=self._junk < self._max_junk,
            clock_unknown=self._new and heard is None,
            dispatcher=self._dispatcher,
        )
        self._junk += result is AdmissionResult.SKIPPED
        if result is AdmissionResult.ADMITTED:
            self.wake()
        return result

    def on_scan_finished(self, count: int) -> None:
        """Note that a whole scan is over, and everything that it found was looked at. `count`: of files.

        A folder without any is still new: a mount point whose disk comes later looks like this.
        """
        self._was_empty = count == 0
        self._junk = activities.count_junk(self.athlete, self.folder)
        if self._new and count:
            self._finish()

    def _finish(self) -> None:
        now = self._server_now()
        if now is not None:
            self._judge_again(now)
        old = holds.below(self.athlete, self.folder, ErrorCode.BACKLOG)
        if now is None and (old or holds.unproven_below(self.athlete, self.folder)):
            return  # the next scan comes when Strava's clock is known
        self._new = False
        seen_files.folder_scanned(self.athlete, self.folder, self.clock())
        # What was found on Strava while the scan ran was old, too: the others are no fewer for it.
        if old and len(old) + len(matches.found_below(self.athlete, self.folder)) > FEW:
            holds.ages_are_proven(self.athlete, self.folder, ErrorCode.BACKLOG)
            _log.info("backlog", folder=self.folder, athlete=self.athlete, old_activities=len(old))
            return
        for job_id in old:
            uploads.requeue(job_id, [Status.HELD])
        self.wake()

    def _judge_again(self, now: float) -> None:
        """Judge by Strava's clock how old everything is that ours has judged."""
        for job in holds.jobs_held_below(self.athlete, self.folder, ErrorCode.BACKLOG):
            if not admission_rules.may_be_old(job.start_time, now):
                uploads.requeue(job.id, [Status.HELD])
                self.wake()
        for job in holds.unproven_below(self.athlete, self.folder):
            old = admission_rules.may_be_old(job.start_time, now)
            holds.prove_age(job.id, admission_rules.held_as_old() if old else None)
