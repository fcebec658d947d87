"""An attempt under way: what it has asked and heard so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from fitferry import formats
from fitferry.core.activity import Sample, Thumbnail
from fitferry.core.errors import ClaimLost
from fitferry.core.retry_policy import Action
from fitferry.core.upload import Job
from fitferry.formats.thumbnail import draw
from fitferry.storage import activities

_log = structlog.get_logger()


@dataclass(slots=True)
class RunningAttempt:
    """An attempt under way.

    `revision`: the job's row as last read or written. `sent`: the body may have left. `answered`: Strava has answered
    a request, `served`: and not with an error. `token`: the access token that was used last. `is_marked`: that it is
    being sent is written already. `samples`: of an activity that is still to be drawn.
    """

    job: Job
    action: Action
    bulk: bool = False
    revision: int = field(init=False)
    sent: bool = False
    answered: bool = False
    served: bool = False
    token: str = field(default="", repr=False)
    is_marked: bool = False
    body: bytes = field(default=b"", repr=False)
    samples: Sequence[Sample] | None = field(default=None, repr=False)
    thumbnail: Thumbnail | None = None

    def __post_init__(self) -> None:
        self.revision = self.job.row_revision

    def wrote(self, revision: int | None) -> None:
        """Note the row's new revision. Raises ClaimLost if somebody else has decided on the job."""
        if revision is None:
            raise ClaimLost
        self.revision = revision

    def as_written(self) -> Job:
        """The job as the ledger has it now."""
        return replace(self.job, uncertain=True) if self.sent and self.job.upload_id is None else self.job

    def draw_thumbnail(self) -> None:
        """Draw the activity if it has no thumbnail yet and its samples or bytes are here; no fault costs an upload."""
        try:
            if self.samples is None and self.body and not activities.has_thumbnail(self.job.activity_id):
                self.samples = formats.examine(self.body, self.job.sha256).result.samples
            if self.samples is not None:
                self.thumbnail = draw(self.samples)
        except Exception:  # noqa: BLE001  # as the docstring says
            _log.exception("unexpected_error")
