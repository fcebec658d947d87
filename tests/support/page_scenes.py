"""Scenes for the eye: pages as people have them on some day, for screenshots and for tests in a browser."""

from __future__ import annotations

import contextlib
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

from fakes import an_athlete, recorded, sending
from fitferry.config.load import load
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    FileKind,
    IncompleteFile,
    NewActivity,
    ParseResult,
    Sample,
    WatchMethod,
    WatchState,
)
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import files, folders, strava, system, uploads
from fitferry.core.problems import Problem
from fitferry.core.strava import RateLimitHeaders, StravaErrorKind
from fitferry.core.upload import (
    AttemptResult,
    AuthProblem,
    Backlog,
    ErrorCode,
    Job,
    Outcome,
    Status,
    WaitingFor,
)
from fitferry.formats.thumbnail import draw
from fitferry.monitoring import status
from fitferry.storage import accounts, activities, breakers, rate_limits
from fitferry.storage import uploads as stored_uploads
from fitferry.storage.seen_files import File
from fitferry.web.server import Server
from fitferry.web.setup import PATH, SetUp, SetUpFilter
from web_client import Page

DAY = 86_400.0
NAMES = {
    "cycling": "2026-{:02}-{:02}-07-31-12.fit",
    "running": "Running_2026-{:02}-{:02}.fit",
    "swimming": "pool-{:02}{:02}.fit",
    "training": "gym-{:02}{:02}.fit",
    "hiking": "Wanderung {:02}-{:02}.gpx",
}


HOURS = {"cycling": 8.1, "running": 17.2, "swimming": 11.3, "hiking": 13.5, "training": 18.3}
"""When people are back from it, in UTC."""
PENDING = AdmissionDecision(Status.PENDING)


class Scene:
    """A page that is filled, with real times: a browser counts by its own clock."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.page = Page(folder, extra)
        self.page.clock.now = time.time()
        self.page.shown = self.snapshot
        self.watch = [WatchState("/srv/rides", "me", WatchMethod.EVENTS, available=True)]
        self.troubles: list[Problem] = []
        self.backlog = status.NO_BACKLOG
        self.count = 0
        self.dice = random.Random(7)  # noqa: S311  # a scene, the same every time

    @property
    def now(self) -> float:
        """The time of the scene."""
        return self.page.clock.now

    def snapshot(self) -> status.Snapshot:
        """What the daemon would say."""
        process = status.Process(
            pid=1,
            started_at=self.now - 9 * DAY,
            host="127.0.0.1",
            port=8480,
            url="http://localhost:8480",
            watch=tuple(self.watch),
            backlog=self.backlog,
            troubles=(*self.troubles, *status.of_folders(self.watch, self.now - DAY / 8)),
        )
        return status.snapshot(self.page.settings.athletes, process, self.now)

    def connect(self) -> None:
        """Somebody has signed in."""
        an_athlete(self.page.tokens, expires_in=time.time())

    def activity(
        self,
        sport: str = "cycling",
        *,
        days_ago: float = 0.1,
        name: str = "",
        admission: AdmissionDecision = PENDING,
        start_days_ago: float | None = None,
        step: AttemptResult | None = None,
    ) -> int:
        """One activity; the job's id."""
        self.count += 1
        came = self.now - days_ago * DAY
        start = came - 5_400 if start_days_ago is None else self.now - start_days_ago * DAY
        day = time.gmtime(start)
        known = name or NAMES.get(sport, "activity-{:02}{:02}.fit").format(day.tm_mon, day.tm_mday)
        km = {"cycling": 38.2, "running": 9.6, "swimming": 2.0, "hiking": 14.1}.get(sport, 0.0)
        share = 0.6 + self.dice.random()
        facts = ActivityFacts(
            kind="activity",
            sport=sport,
            start_time=start,
            duration_s=4_300 * share,
            elapsed_s=4_500 * share,
            distance_m=km * 1000 * share or None,
            sessions=1,
        )
        sha256 = f"{self.count:064}"
        found = ParseResult(FileKind.ACTIVITY, "fit", facts, samples=tuple(self._samples(sport)))
        file = File("me", f"/srv/rides/{known}", sha256, 81_234, None)
        ((job_id, _),) = activities.admit(
            file, [NewActivity(sha256, found, admission, thumbnail=draw(found.samples))], came
        )
        if step is not None:
            recorded(job_id, step, came + 9)
        return job_id

    def ago(self, days: int, hour: float) -> float:
        """How many days ago it was that hour, in UTC, so many days before today; before now in any case."""
        back = (self.now % DAY) / DAY + days - hour / 24
        return back if back > 0 else back + 1

    def done(self, sport: str, days_ago: float, name: str = "", **change: object) -> int:
        """An activity that is on Strava."""
        step = AttemptResult(
            Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=16_020_000_000 + self.count
        )
        return self.activity(sport, days_ago=days_ago, name=name, step=step, **change)  # type: ignore[arg-type]

    def _samples(self, sport: str) -> list[Sample]:
        """A round trip over hills, or a pulse indoors."""
        dice, steps = self.dice, 300
        if sport in {"swimming", "training"}:
            return [
                Sample(heart_rate=110 + 30 * math.sin(at / 23) + 20 * dice.random()) for at in range(steps)
            ]
        waves = [(dice.uniform(0.1, 0.5) / wave, dice.uniform(0, 7), wave) for wave in range(1, 6)]
        found = []
        for at in range(steps):
            turn = 2 * math.pi * at / steps
            out = 1 + sum(size * math.sin(wave * turn + phase) for size, phase, wave in waves)
            found.append(Sample(47.3 + 0.05 * out * math.sin(turn), 8.5 + 0.08 * out * math.cos(turn)))
        return found


def empty(scene: Scene) -> None:
    """The first look: nobody has signed in."""
    assert scene.now


def everyday(scene: Scene) -> None:
    """All is well; a year of activities."""
    scene.connect()
    sports = ["cycling", "running", "cycling", "swimming", "running", "hiking", "training", "cycling"]
    for back in range(340, 1, -3):
        season = 0.5 + 0.5 * math.cos(2 * math.pi * (back - 110) / 365)
        for _ in range(1 + (scene.dice.random() < season) + (scene.dice.random() < season / 2)):
            sport = sports[scene.count % len(sports)]
            came = scene.ago(back, HOURS[sport] + scene.dice.random())
            scene.done(sport, came, start_days_ago=came + 0.08)
    duplicate = AttemptResult(
        Outcome.DUPLICATE,
        Status.COMPLETED,
        strava_activity_id=16_019_444_321,
        error_code=ErrorCode.DUPLICATE,
        error_message=uploads.ALREADY_ON_STRAVA(),
    )
    came = scene.ago(1, 17.4)
    scene.activity("running", days_ago=came, start_days_ago=came + 0.06, step=duplicate)
    scene.done("training", scene.ago(1, 11.5))
    scene.done("cycling", scene.ago(0, 6.8))
    rate_limits.update(RateLimitHeaders((200, 2000), (14, 96), (100, 1000), (7, 48)), scene.now)


def busy(scene: Scene) -> None:
    """Files arrive, uploads go on, an import is under way."""
    everyday(scene)
    scene.watch = [
        WatchState(
            "/srv/rides",
            "me",
            WatchMethod.EVENTS,
            available=True,
            receiving=(IncompleteFile("/srv/rides/tour.fit", 912_000, 1_900_000),),
        ),
        WatchState(
            "/mnt/garmin",
            "me",
            WatchMethod.POLL,
            available=True,
            notes=(folders.POLLED(folder="/mnt/garmin/nas"),),
        ),
    ]
    for number in range(120):
        scene.activity("cycling", days_ago=0.01, start_days_ago=400 + number, name=f"old-{number:04}.fit")
    for number in range(42):
        scene.done("cycling", 0.02, f"older-{number:04}.fit", start_days_ago=600 + number)
    job = scene.activity("cycling", days_ago=0.0002, name="evening.fit")
    sending(job, scene.now)
    later = AttemptResult(Outcome.RETRY, Status.PENDING, WaitingFor.RETRY, scene.now + 270, failures=2)
    scene.activity("running", days_ago=0.005, name="interval.fit", step=later)
    rate_limits.update(RateLimitHeaders((200, 2000), (171, 1204), (100, 1000), (80, 420)), scene.now)


def trouble(scene: Scene) -> None:
    """Whatever may need a person, at once."""
    everyday(scene)
    accounts.clear_tokens("me", AuthProblem.REVOKED, scene.now - 7_000)
    scene.watch.append(
        WatchState("/mnt/usb", "me", WatchMethod.EVENTS, available=False, reason=system.NOT_FOUND())
    )
    held = AdmissionDecision(Status.HELD, ErrorCode.UNFINISHED, files.BYTES_OF(have=48_128, want=81_234))
    scene.activity("cycling", days_ago=0.02, name="cut-short.fit", admission=held)
    for number in range(30):
        reason = AdmissionDecision(Status.HELD, ErrorCode.BACKLOG, uploads.BEFORE_FITFERRY())
        scene.activity(
            "cycling",
            days_ago=3.3,
            start_days_ago=900 + 9 * number,
            name=f"2023-{number:03}.fit",
            admission=reason,
        )
    begun = scene.now - 900 * DAY
    scene.backlog = Backlog(30, begun - 261 * DAY, begun, 1, scene.now - 3.3 * DAY)
    failed(scene)
    breakers.open(
        BreakerTrip(BreakerName.NETWORK, scene.now + 45, StravaErrorKind.UNREACHABLE, strava.USED_UP()),
        scene.now - 600,
    )


def failed(scene: Scene) -> None:
    """An upload that was tried twice, and refused."""
    broken_off = AttemptResult(
        Outcome.RETRY,
        Status.PENDING,
        WaitingFor.RETRY,
        failures=1,
        error_code=StravaErrorKind.BROKEN_OFF,
        error_message=strava.BROKEN_OFF(reason=strava.NO_END(seconds=60)),
    )
    refused = AttemptResult(
        Outcome.FAILED,
        Status.FAILED,
        failures=1,
        error_code=StravaErrorKind.BAD_FILE,
        error_message=uploads.REJECTED(answer="the file is malformed"),
    )
    job_id = scene.activity("running", days_ago=0.01, name="<b>broken<i> & odd.fit", step=broken_off)
    recorded(job_id, refused, scene.now - 0.01 * DAY + 81)


def several(scene: Scene) -> None:
    """Two athletes, one of them connected; needs `SECOND_ATHLETE` in the settings."""
    scene.watch.append(WatchState("/srv/alex", "alex", WatchMethod.EVENTS, available=True))
    everyday(scene)


SECOND_ATHLETE = '[[watch]]\nfolder = "/srv/alex"\nathlete = "alex"\n'
SCENES = {"empty": empty, "everyday": everyday, "busy": busy, "trouble": trouble, "several": several}
EXTRA = {"several": SECOND_ATHLETE}
"""Settings beside the usual ones that a scene needs."""


@contextlib.contextmanager
def set_up(folder: Path) -> Iterator[tuple[SetUp, str]]:
    """The set-up page, served to whoever has its link; Strava is out of reach."""
    text = (
        f'[strava]\nwebsite = "http://127.0.0.1:9"\n[[watch]]\nfolder = {json.dumps(str(folder / "rides"))}\n'
    )
    base = folder / "base.toml"
    base.write_text(text, encoding="utf-8")
    (folder / "rides").mkdir()
    server = Server("127.0.0.1", 0)
    settings = load(base, {}, require_app=False)
    scene = SetUp(settings, folder / "config.toml", port=lambda: server.port, finished=lambda: None)
    with server.serving(SetUpFilter(scene)):
        scene.log_link()
        yield scene, f"http://127.0.0.1:{server.port}{PATH}?token={scene.token}"


def show(scene: Scene, path: str = "/", **headers: str) -> str:
    """What a browser gets."""
    answer = scene.page.ask("GET", path, headers=headers)
    assert answer.status_code == 200
    return answer.text


def named(name: str) -> Job:
    """The upload of the file of that name."""
    (found,) = [job for status in Status for job in stored_uploads.with_status(status) if job.file == name]
    return found
