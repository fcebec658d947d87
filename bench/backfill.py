"""What does an import of 5,000 old files cost? Three days of it on a virtual clock, against the sandbox's windows.

    python bench/backfill.py [FILES] [DAYS] [--no-read]

The real pipeline, one attempt after the other, each taking SECONDS of the virtual clock; every seven hours a fresh
ride is dropped in. Each answer 429 is a failure of ours.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import httpx

from fakes import ADMISSION, APP, UPLOADS, Clock, InlineFolders, admit_file, an_athlete, tokens
from fit_writer import ride
from fitferry.core import rate_limit as limits
from fitferry.core.activity import Stability
from fitferry.core.upload import Status
from fitferry.sandbox.fake_strava import FakeStrava
from fitferry.sandbox.records import Token
from fitferry.sandbox.server import create_app
from fitferry.storage import database, open_jobs, queries, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.strava import Strava
from fitferry.system import logs
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.scheduler import select_due
from fitferry.uploads.worker import UploadWorker

BEGIN = datetime(2026, 9, 21, 5, 7, tzinfo=UTC).timestamp()
SECONDS = 1.0
"""How long one attempt takes."""
RIDE_EVERY = 7 * 3600 + 1234.0
LOOK_EVERY = 3600.0
"""How often somebody looks when it will be done."""
DAY = 86_400.0


class Import:
    """An athlete with many old files, and Strava on a virtual clock."""

    def __init__(self, folder: Path, *, can_read: bool) -> None:
        self.folder = folder
        self.clock = Clock(BEGIN)
        self.world = FakeStrava(self.clock, processing_seconds=4.0)
        self.world.grants[1001] = ("activity:write",)
        client = Strava(APP, transport=httpx.WSGITransport(create_app(self.world)), on_rate_limit=self.hear)
        kept = tokens(client)
        scopes = "read,activity:write" + (",activity:read_all" if can_read else "")
        self.world.tokens.append(
            Token(1001, tuple(scopes.split(",")), "access-1", "refresh-1", BEGIN + 1000 * DAY)
        )
        an_athlete(kept, scopes=scopes, expires_in=1000 * DAY)
        self.attempt = UploadWorker(
            client,
            kept,
            uploads=UPLOADS,
            archives=[Archive(folder, folder / "up")],
            folders=InlineFolders([Archive(folder, folder / "up")]),
            clock=self.clock,
        )
        self.waits: list[float] = []
        self.dropped: dict[int, float] = {}
        self.foreseen: list[float] = []
        self._can_read = can_read

    def hear(self, heard: object) -> None:
        """Note what an answer says of the rate limit."""
        rate_limits.update(heard, self.clock())  # type: ignore[arg-type]  # passed through

    def drop(self, start: float) -> int:
        """One file more; its job."""
        path = self.folder / f"{start:.0f}.fit"
        path.write_bytes(ride(start, seconds=120))
        admit_file(str(path), "me", ADMISSION, self.clock(), Stability.SETTLED)
        return queries.listed(limit=1)[0].id

    def run(self, days: float) -> None:
        """Let the time pass."""
        end, next_ride, next_look = BEGIN + days * DAY, BEGIN + 3600, BEGIN
        while self.clock() < end:
            if self.clock() >= next_look:
                self.foresee()
                next_look += LOOK_EVERY
            if self.clock() >= next_ride:
                self.dropped[self.drop(self.clock() - 3600)] = self.clock()
                next_ride += RIDE_EVERY
            due, seconds = select_due(["me"], UPLOADS, self.clock())
            for job_id in due:
                self.attempt(job_id)
                self.clock.forward(SECONDS / len(due))
            self.note_rides()
            if not due:
                self.clock.forward(max(0.5, min(seconds, next_ride - self.clock(), end - self.clock())))

    def foresee(self) -> None:
        """Note when the status says that the import will be done."""
        now = self.clock()
        old = open_jobs.count_open(now - limits.FRESH_SECONDS)
        if old:
            self.foreseen.append(
                limits.estimate_finish(old, rate_limits.current(), now, can_read=self._can_read)
            )

    def note_rides(self) -> None:
        """Note how long the fresh rides that are done by now have taken."""
        for job_id, since in list(self.dropped.items()):
            job = stored_uploads.get(job_id)
            if job is not None and job.upload_id is not None:
                self.waits.append(self.clock() - since)
                del self.dropped[job_id]


def main() -> None:
    """Run and print."""
    numbers = [word for word in sys.argv[1:] if not word.startswith("--")]
    files, days = int(numbers[0]) if numbers else 5_000, float(numbers[1]) if len(numbers) > 1 else 3.0
    can_read = "--no-read" not in sys.argv
    logs.configure("error", "json")
    with tempfile.TemporaryDirectory() as name, database.opened(Path(name) / "state.db"):
        _quick()
        one = Import(Path(name), can_read=can_read)
        for number in range(files):
            one.drop(BEGIN - 30 * DAY - number * 5000)
        one.run(days)
        _report(one, files, days)


def _quick() -> None:
    """No syncs: nothing here is to survive."""
    database.run("PRAGMA synchronous = OFF")


def _report(one: Import, files: int, days: float) -> None:
    statuses = [note["status"] for note in one.world.requests]
    done = queries.listed(limit=100_000, status=Status.COMPLETED)
    old = [job for job in done if (job.start_time or 0) < BEGIN - DAY]
    uploads = sum(note["method"] == "POST" for note in one.world.requests)
    print(
        f"{files:,} files, {days:g} days: {len(old):,} uploaded, {len(one.world.uploads) - len(done):,} on the way"
    )
    print(f"answers 429: {statuses.count(429)}")
    print(f"requests: {len(statuses):,} for {uploads:,} uploads, {len(statuses) / max(uploads, 1):.3f} each")
    per_day: dict[int, int] = {}
    for note in one.world.requests:
        per_day[int(note["at"] // DAY)] = per_day.get(int(note["at"] // DAY), 0) + 1
    print("requests a day: " + ", ".join(f"{count:,}" for _, count in sorted(per_day.items())))
    if one.waits:
        print(
            f"fresh rides: {len(one.waits)}, sent after at most {max(one.waits):.0f} s; still waiting: {len(one.dropped)}"
        )
    if len(old) == files:
        last = max(job.completed_at or 0 for job in old)
        off = [(foreseen - last) / (last - BEGIN) * 100 for foreseen in one.foreseen]
        print(
            f"done after {(last - BEGIN) / 3600:.2f} h; foreseen at the start {off[0]:+.1f} % off, "
            f"at any hour at most {max(off, key=abs):+.1f} %"
        )
    else:
        print(f"not done; foreseen at the start for {(one.foreseen[0] - BEGIN) / DAY:.2f} days")


if __name__ == "__main__":
    main()
