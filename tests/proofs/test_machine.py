"""Any order of files, clocks, answers, deaths and starts: what must hold, holds. A machine that tries many orders."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fakes import (
    ADMISSION,
    APP,
    NOW,
    UPLOADS,
    Clock,
    InlineFolders,
    admit_file,
    an_athlete,
    grant,
    recheck_held,
    tokens,
)
from fit_writer import ride
from fitferry.core import retry_results
from fitferry.core.activity import Stability
from fitferry.core.upload import OPEN, ErrorCode, Job, Status
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.storage import attempts, breakers, database, holds, uploads
from fitferry.storage.mapping import JobsStatement
from fitferry.storage.models import JobRow
from fitferry.strava import Strava
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.scheduler import select_due
from fitferry.uploads.worker import UploadWorker
from state_diagram import arrows, seen_from_now_on

NAMES = ["a.fit", "b.fit", "sub/c.fit"]
BODIES = [ride(NOW - 7200 - 10_000 * number, seconds=20, serial=number + 1) for number in range(5)]
OLD = [ride(NOW - 400 * 86_400 - 10_000 * number, seconds=20, serial=number + 10) for number in range(3)]
LONGEST = retry_results.longest_wait(UPLOADS)
ANSWERS = ["ok", "ok", "ok", "lost after", "lost before", "500", "503", "429", "html", "refused", "stale"]


every_job = JobsStatement(JobRow.id > 0, order=(JobRow.id,))
"""Asked so often that making the statement anew would take a third of the machine's time."""


class Death(BaseException):
    """The process is gone in the middle of a request."""


class Server:
    """Strava with a mood: it takes every file that reaches it, refuses no duplicates, and may lose its answers."""

    def __init__(self) -> None:
        self.mood = "ok"
        self.deadly = False
        self.stale = False
        self.arrived: list[str] = []
        self.looked = 0
        self.meanwhile: Callable[[], None] | None = None

    def transport(self) -> httpx.MockTransport:
        """The wire."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:  # noqa: C901, PLR0911  # one line a mood
        request.read()
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        path = request.url.path.removeprefix("/api/v3")
        if path == "/oauth/token":
            self.stale = False
            return httpx.Response(200, json=grant(expires_at=NOW + 10**9))
        upload = request.method == "POST" and path == "/uploads"
        if self.stale:
            return httpx.Response(
                401, json={"errors": [{"resource": "Athlete", "field": "access_token", "code": "invalid"}]}
            )
        mood, self.mood = self.mood, "ok"
        if mood == "refused":
            raise httpx.ConnectError("refused")
        if mood == "lost before":
            raise httpx.ReadError("reset")
        if mood in {"500", "503"}:
            return httpx.Response(int(mood), json={})
        if mood == "429":
            return httpx.Response(429, json={})
        if mood == "html":
            return httpx.Response(200, content=b"<html>")
        if mood == "stale":
            self.stale = True
            return self._answer(request)
        answer = self._take(request) if upload else self._say(path)
        if self.deadly:
            self.deadly = False
            raise Death
        if mood == "lost after":
            raise httpx.ReadError("reset")
        return httpx.Response(201 if upload else 200, content=json.dumps(answer).encode())

    def _take(self, request: httpx.Request) -> dict[str, Any]:
        body = request.content
        external_id = body.split(b'name="external_id"')[1].split(b"\r\n\r\n")[1].split(b"\r\n")[0].decode()
        self.arrived.append(external_id)
        answer: dict[str, Any] = self._say(f"/uploads/{len(self.arrived)}")
        return answer

    def _say(self, path: str) -> Any:
        if path == "/athlete/activities":
            self.looked += 1
            return [
                {
                    "id": 9000 + number,
                    "external_id": f"{external_id}.fit",
                    "start_date": "2026-09-21T10:00:00Z",
                    "elapsed_time": 20,
                }
                for number, external_id in enumerate(self.arrived, 1)
            ]
        number = int(path.rsplit("/", 1)[-1])
        return {
            "id": number,
            "error": None,
            "status": "Your activity is ready.",
            "activity_id": 9000 + number,
        }


DECISIONS = ["none", "all", "retry", "dismiss", "now", "nothing dismissed"]


def dismissed() -> list[Job]:
    """What a person has put aside."""
    return [job for job in uploads.with_status(Status.SKIPPED) if job.error_code is ErrorCode.DISMISSED]


def people(decision: str) -> None:
    """What a person may do on the page, to every upload at once."""
    ids = [job.id for job in every_job()]
    match decision:
        case "none":
            holds.dismiss_all(ErrorCode.BACKLOG)
        case "all":
            holds.release_holds(ErrorCode.BACKLOG, since=None)
        case "retry":
            for job in uploads.with_status(Status.FAILED):
                uploads.requeue(job.id, [Status.FAILED])
        case "dismiss":
            for job_id in ids:
                uploads.dismiss(job_id)
        case "now":
            for job_id in ids:
                uploads.requeue(job_id, [Status.PENDING, Status.HELD, Status.FAILED])
        case _:
            for job in dismissed():
                uploads.requeue(job.id, [Status.SKIPPED])


@functools.cache
def empty_ledger() -> bytes:
    """The file of an empty ledger, which takes longer to make than most runs of the machine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        with database.opened(path):
            pass
        return path.read_bytes()


class Machine(RuleBasedStateMachine):
    """A folder, a ledger, a clock, a server, and a daemon that may die and start again."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "rides"
        (self.folder / "sub").mkdir(parents=True)
        self.clock = Clock()
        self.server = Server()
        (self.root / "state.db").write_bytes(empty_ledger())
        self.opened = database.opened(self.root / "state.db")
        self.opened.__enter__()
        database.run("PRAGMA synchronous = OFF")  # power cuts are not among the rules
        self.changes = seen_from_now_on()
        self.ever: set[str] = set()
        self.sends: dict[str, float] = {}
        self.judged = 0
        self.dispatched: list[int] = []
        self.boot()

    def teardown(self) -> None:
        try:
            self.finish()
            self.nothing_is_doubled()
            assert self.changes() <= set(arrows())
        finally:
            self.opened.__exit__(None, None, None)
            shutil.rmtree(self.root)

    @rule(name=st.sampled_from(NAMES), body=st.sampled_from(BODIES))
    def write(self, name: str, body: bytes) -> None:
        """A file comes, or is overwritten."""
        (self.folder / name).write_bytes(body)
        self.ever.add(hashlib.sha256(body).hexdigest())
        admit_file(str(self.folder / name), "me", ADMISSION, self.clock(), Stability.CLOSED)

    @rule(name=st.sampled_from(NAMES), body=st.sampled_from(BODIES))
    def write_at_once(self, name: str, body: bytes) -> None:
        """A file comes and is written as being sent in the same commit, where nothing is in its way."""
        (self.folder / name).write_bytes(body)
        self.ever.add(hashlib.sha256(body).hexdigest())
        path = str(self.folder / name)
        admit_file(path, "me", ADMISSION, self.clock(), Stability.CLOSED, dispatcher=self.dispatcher)

    @rule(mood=st.sampled_from(ANSWERS))
    def take_dispatched(self, mood: str) -> None:
        """A worker takes what it was given at once; Strava is in some mood."""
        for job_id in [self.dispatched.pop(0) for _ in list(self.dispatched)]:
            self.server.mood = mood
            self.attempt_one(job_id)

    @rule()
    def lose_dispatched(self) -> None:
        """The queue loses what it held."""
        self.dispatched.clear()

    @rule(name=st.sampled_from(NAMES), body=st.sampled_from(OLD))
    def write_old(self, name: str, body: bytes) -> None:
        """A file of long ago comes, in a folder that was never seen before."""
        (self.folder / name).write_bytes(body)
        self.ever.add(hashlib.sha256(body).hexdigest())
        admit_file(
            str(self.folder / name), "me", ADMISSION, self.clock(), Stability.CLOSED, hold_old=self.clock()
        )

    @rule(name=st.sampled_from(NAMES), body=st.sampled_from(BODIES), share=st.floats(0, 0.99))
    def write_half(self, name: str, body: bytes, share: float) -> None:
        """A copy is on its way."""
        (self.folder / name).write_bytes(body[: int(len(body) * share)])
        admit_file(str(self.folder / name), "me", ADMISSION, self.clock(), Stability.SETTLED)

    @rule(source=st.sampled_from(NAMES), name=st.sampled_from(NAMES))
    def rename(self, source: str, name: str) -> None:
        """A file gets another name, perhaps one that is taken."""
        if (self.folder / source).exists() and source != name:
            (self.folder / source).rename(self.folder / name)
            admit_file(str(self.folder / name), "me", ADMISSION, self.clock(), Stability.CLOSED)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        """A file goes."""
        (self.folder / name).unlink(missing_ok=True)

    @rule(seconds=st.sampled_from([0.5, 3, 61, 301, 901, 7300]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.forward(seconds)

    @rule(seconds=st.sampled_from([-86_400.0, -3600.0, 3600.0, 86_400.0]))
    def jump(self, seconds: float) -> None:
        """The clock is set."""
        self.clock.forward(seconds)
        self.sends = {}  # a wait that began before is not to be measured by it

    @rule(mood=st.sampled_from(ANSWERS))
    def work(self, mood: str) -> None:
        """What is due is attempted; Strava is in some mood."""
        for job_id in select_due(["me"], UPLOADS, self.clock())[0]:
            self.server.mood = mood
            self.attempt_one(job_id)

    @rule()
    def die_at_work(self) -> None:
        """The process dies when the server has done its part, and is started again."""
        due = select_due(["me"], UPLOADS, self.clock())[0]
        if due:
            self.server.mood, self.server.deadly = "ok", True
            with contextlib.suppress(Death):
                self.attempt_one(due[0])
            self.server.deadly = False
        self.boot()

    @rule()
    def boot(self) -> None:
        """A start."""
        attempts.release_interrupted(LONGEST, UPLOADS.uncertain_delay, self.clock())
        breakers.probe_after_start(self.clock())
        strava = Strava(APP, transport=self.server.transport())
        kept = tokens(strava)
        an_athlete(kept, expires_in=10**9)
        self.dispatched.clear()
        self.dispatcher = Dispatcher(
            can_send=lambda athlete, start_time: self.attempts.can_send(athlete, start_time),  # noqa: PLW0108  # made below
            dispatch=self.dispatched.append,
        )
        self.attempts = UploadWorker(
            strava,
            kept,
            uploads=UPLOADS,
            archives=[Archive(self.folder, self.folder / "uploaded")],
            folders=InlineFolders([Archive(self.folder, self.folder / "uploaded")]),
            dispatcher=self.dispatcher,
            clock=self.clock,
        )

    @rule(decision=st.sampled_from(DECISIONS))
    def decide(self, decision: str) -> None:
        """A person presses a button."""
        people(decision)

    @rule(decision=st.sampled_from(DECISIONS), mood=st.sampled_from(ANSWERS))
    def decide_meanwhile(self, decision: str, mood: str) -> None:
        """A person presses a button while Strava is asked, and another worker sees it at once."""

        def meanwhile() -> None:
            people(decision)
            for job_id in select_due(["me"], UPLOADS, self.clock())[0]:
                self.attempt_one(job_id)
            self.server.mood = mood

        for job_id in select_due(["me"], UPLOADS, self.clock())[0][:1]:
            self.server.meanwhile = meanwhile
            self.attempt_one(job_id)
            self.server.meanwhile = None

    @rule()
    def find(self) -> None:
        """The daemon looks for what was gone."""
        recheck_held(self.folder)

    def finish(self) -> None:
        """All is well from now on, and people dismiss nothing: whatever lies in the folder goes up."""
        self.server.mood, self.server.stale, self.server.meanwhile = "ok", False, None
        self.boot()
        for decision in ("nothing dismissed", "all", "retry"):
            people(decision)
        for path in sorted(self.folder.rglob("*.fit")):
            admit_file(str(path), "me", ADMISSION, self.clock(), Stability.CLOSED)
        for _ in range(40):
            if not any(uploads.counts()[status] for status in OPEN):
                break
            for job_id in select_due(["me"], UPLOADS, self.clock())[0]:
                self.attempt_one(job_id)
            self.clock.forward(400)
        for path in self.folder.rglob("*.fit"):
            job = uploads.of_bytes("me", hashlib.sha256(path.read_bytes()).hexdigest())
            half = job is None or job.error_code in {"unfinished", "no_activity"}  # an empty file is nothing
            assert half or (job is not None and job.status is Status.COMPLETED), (path.name, job)

    def attempt_one(self, job_id: int) -> None:
        """One attempt, and what must not happen in it."""
        before = uploads.get(job_id)
        assert before is not None
        if before.is_being_sent:  # and no worker has begun to
            before = before.before_sending()
        arrived, looked = len(self.server.arrived), self.server.looked
        try:
            self.attempts(job_id)
        finally:
            # What a worker beside this one sent meanwhile is its own.
            ours = self.server.arrived[max(arrived, self.judged) :]
            self.judged = len(self.server.arrived)
            if before.external_id in ours:
                self.was_sent(before, looked)

    def was_sent(self, before: Job, looked: int) -> None:
        """Nothing uncertain goes out again without a look before it."""
        assert not before.uncertain or self.server.looked > looked
        last = self.sends.get(before.external_id)
        assert last is None or self.clock() - last >= UPLOADS.uncertain_delay
        self.sends[before.external_id] = self.clock()

    @invariant()
    def nothing_is_doubled(self) -> None:
        """Although this server refuses no duplicates."""
        assert len(self.server.arrived) == len(set(self.server.arrived))

    @invariant()
    def every_job_makes_sense(self) -> None:
        """One a hash; done means an id; nobody waits longer than the longest delay."""
        found = every_job()
        assert len({job.sha256 for job in found}) == len(found)
        assert {job.sha256 for job in found if job.error_code != "unfinished"} >= self.ever
        for job in found:
            assert not job.is_being_sent or self.dispatcher.count_begun()
            if job.status is Status.COMPLETED:
                assert job.strava_activity_id is not None
        if any(job.status in OPEN for job in found):
            select_due(["me"], UPLOADS, self.clock())
            waits = [job.next_attempt_at for job in every_job() if job.status in OPEN]
            assert max(waits, default=0) <= self.clock() + LONGEST

    @invariant()
    def what_arrived_is_never_forgotten(self) -> None:
        """What the server has is done, accepted, or will be looked for before it is sent again."""
        for external_id in self.server.arrived:
            job = uploads.of_bytes("me", external_id)
            assert job is not None
            done = job.status is Status.COMPLETED or job.upload_id is not None
            assert done or job.uncertain or job.status in {Status.HELD, Status.SKIPPED, Status.FAILED}


Machine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = pytest.mark.timeout(1800)(Machine.TestCase)
