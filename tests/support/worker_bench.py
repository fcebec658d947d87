"""One athlete, a folder, Strava's answers, and the worker between them."""

from __future__ import annotations

from pathlib import Path

from fakes import (
    PROCESSING,
    READY,
    UPLOADS,
    Answers,
    Clock,
    InlineFolders,
    a_job,
    an_athlete,
    grant,
    oauth,
    refused,
    strava,
    the,
    tokens,
)
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth
from fitferry.config.schema import UploadSettings
from fitferry.core.upload import Job, Status
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.storage import breakers
from fitferry.strava import Strava
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.worker import UploadWorker
from state_diagram import seen_from_now_on

STALE = (401, refused("Athlete", "access_token", "invalid"))
"""Strava's answer to an access token that is good no more."""
REFUSED = (422, {"message": "Unprocessable"})
"""An answer of Strava's that charges the file."""


class Bench:
    """An athlete, a folder, Strava's side of the wire, and the attempts between them."""

    def __init__(
        self,
        folder: Path,
        scopes: str = "read,activity:write,activity:read_all",
        expires_in: float = 21_600,
    ) -> None:
        self.folder = folder
        self.clock = Clock()
        self.changes = seen_from_now_on()
        self.wire = Answers()
        self.wire.to("POST /uploads", (201, PROCESSING))
        self.wire.to("GET /uploads/N", (200, READY))
        self.wire.to("GET /athlete/activities", (200, []))
        self.wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
        self.dispatched: list[int] = []
        self.took: list[float] = []
        """Seconds that Strava took over each upload."""
        self.dispatcher = Dispatcher(
            can_send=lambda athlete, start_time: self.attempt.can_send(athlete, start_time),  # noqa: PLW0108  # made below
            dispatch=self.dispatched.append,
        )
        self.strava = strava(self.wire)
        self.tokens: AccessTokens = tokens(self.strava)
        self.oauth: OAuth = oauth(self.strava, self.tokens)
        self.attempt = self.worker(self.strava)
        an_athlete(self.tokens, scopes=scopes, expires_in=expires_in)

    def worker(self, client: Strava, settings: UploadSettings = UPLOADS) -> UploadWorker:
        """A worker that asks Strava through a client."""
        archives = [Archive(self.folder, self.folder / "uploaded")]
        return UploadWorker(
            client,
            self.tokens,
            uploads=settings,
            archives=archives,
            folders=InlineFolders(archives),
            dispatcher=self.dispatcher,
            took=self.took.append,
            clock=self.clock,
        )

    def job(self, name: str = "a.fit", body: bytes = b"ride") -> Job:
        """A file in the folder, admitted."""
        return a_job(self.folder / name, body)

    def try_(self, job: Job) -> Job:
        """One attempt; the job afterwards."""
        self.attempt(job.id)
        return the(job.id)

    def later(self, job: Job) -> Job:
        """The next attempt, when it is due."""
        self.clock.now = max(self.clock.now, the(job.id).next_attempt_at)
        open_breakers = breakers.open_breakers().values()
        self.clock.now = max([self.clock.now, *(breaker.until for breaker in open_breakers)])
        return self.try_(job)

    def complete(self, name: str = "a.fit") -> Job:
        """Upload a file; its job in the end."""
        job = self.job(name, name.encode())
        while self.try_(job).status is not Status.COMPLETED:
            self.later(job)
        return the(job.id)
