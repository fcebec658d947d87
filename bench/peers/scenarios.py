"""What is done to each contender, and what comes of it? Each scenario has a folder and a sandbox of its own."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import statistics
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.peers.contenders import Contender, wait
from bench.peers.table import Cells, Figure

from fit_writer import ride
from fitferry.sandbox import Sandbox
from fitferry.sandbox.faults import InjectedFault

LARGE = 20_000_000
"""More bytes than sockets hold: while the server does not read them, they are on their way."""
FIRST, LAST = 15.0, 15.0
"""Seconds that a file may take where nothing goes wrong, and where something does."""
PATIENCE = 30.0
"""The same where it is only timed, so that a busy machine spoils no figure."""
SAMPLING = 25.0
"""No further file is taken after so many seconds; after half as many where files are renamed."""
HELD = 2.0
"""Seconds that the server holds an upload in the midst of which the contender is killed."""
REST, IDLE, LONG_REST = 3.0, 20.0, 120.0
SLOWLY = 0.2
"""Seconds between two looks that cost the contender something."""
AWAY = 47 * 3600
"""Rides of the last two days are fresh: Fitferry holds older ones back while there are newer ones."""
ELSEWHERE = "goes elsewhere"


class RequestStage:
    """A contender with the athlete's permission that does not run yet, and the sandbox that it sends to."""

    def __init__(self, contender: Contender, sandbox: Sandbox) -> None:
        self.it, self.world, self.faults = contender, sandbox.world, sandbox.faults
        self._begin, self._numbers = int(time.time()) - AWAY, itertools.count()

    def ride(self, padding: int = 0) -> bytes:
        """Another hour's ride."""
        return ride(self._begin + 4000 * next(self._numbers), seconds=3600, padding=padding)

    def drop(self, body: bytes, name: str = "ride.fit") -> float:
        """Put a file there as a copy does; when it was closed."""
        (self.it.inbox / name).write_bytes(body)
        return time.time()

    def rename(self, body: bytes, name: str) -> float:
        """Move a file there from outside; when that was."""
        elsewhere = self.it.folder / name
        elsewhere.write_bytes(body)
        done = time.time()
        elsewhere.rename(self.it.inbox / name)
        return done

    def posts(self) -> list[float]:
        """When uploads began to arrive; where it goes elsewhere, its requests to the proxy."""
        return [
            note["began_at"]
            for note in list(self.world.requests)
            if note["method"] == "CONNECT" or (note["method"], note["path"]) == ("POST", "/uploads")
        ]

    def whole(self, body: bytes) -> list[float]:
        """When this file began to arrive, each time that it came whole; its first request if it goes elsewhere."""
        digest = hashlib.sha256(body).hexdigest()
        came = [one.began_at for one in list(self.world.uploads.values()) if one.sha256 == digest]
        return came if self.it.to_strava else self.posts()


def closed(stage: RequestStage, files: int) -> Cells:
    """From the close to the POST; each file once the last one is done."""
    stage.it.start()
    before = len(stage.world.requests)
    found = _sampled(stage, stage.drop, files, SAMPLING)
    requests, made = len(stage.world.requests) - before, len(stage.world.activities)
    return {
        "close to POST": found,
        "requests per activity": Figure(requests / made, "") if made else ELSEWHERE,
    }


def renamed(stage: RequestStage, files: int) -> Cells:
    """The same where a file is moved in from outside."""
    stage.it.start()
    return {"rename from outside to POST": _sampled(stage, stage.rename, files, SAMPLING / 2)}


def at_start(stage: RequestStage) -> Cells:
    """A whole and a half file that are there before it is."""
    body, half = stage.ride(), stage.ride()
    stage.drop(body, "whole.fit")
    stage.drop(half[: len(half) // 2], "half.fit")
    began = time.time()
    stage.it.start()
    wait(lambda: stage.whole(body), FIRST)
    time.sleep(5)
    found = stage.whole(body)
    sent = any(one.size < len(half) for one in stage.world.uploads.values())
    return {
        "whole file present at start": Figure((found[0] - began) * 1000, "ms") if found else "**not found**",
        "half file present at start": "**sent**" if sent else "not sent",
    }


def copied(stage: RequestStage, pauses: list[float], *, close: bool = False) -> Figure | str:
    """A copy with pauses between its pieces, closed meanwhile or not; from its last byte to the POST."""
    stage.it.start()
    body, path = stage.ride(), stage.it.inbox / "ride.fit"
    size = math.ceil(len(body) / (len(pauses) + 1))
    file = path.open("wb")
    for number, pause in enumerate([0.0, *pauses]):
        if close:
            file.close()
        time.sleep(pause)
        if close:
            file = path.open("ab")
        file.write(body[size * number : size * (number + 1)])
        file.flush()
    file.close()
    last = time.time()
    wait(lambda: stage.whole(body), FIRST)
    sent, came = stage.whole(body), len(stage.world.uploads)
    if came > len(sent):
        return f"**half sent**, {'then the whole' if sent else 'never the whole'}"
    if not sent:
        return f"**never sent**{', listed as done' if stage.it.known() else ''}"
    return Figure((sent[0] - last) * 1000, "ms", "whole after")


def refused(stage: RequestStage, fault: str) -> Figure | str:
    """The first upload goes wrong; from the close to the POST that is the last one needed."""
    stage.it.start()
    stage.faults.add(InjectedFault("POST /uploads", fault))
    done = stage.drop(stage.ride())
    if not stage.it.to_strava:
        return "**process ends** when refused" if wait(stage.it.has_ended, FIRST + LAST) else ELSEWHERE
    if wait(stage.it.known, LAST, SLOWLY):
        return Figure(stage.posts()[-1] - done, "s", "sent again after")
    again = stage.it.next_try()
    return f"kept until {again}" if again else f"**not sent again** in {LAST:.0f} s"


def dropped(stage: RequestStage) -> str:
    """The upload is accepted, and the connection dies before the answer."""
    if not stage.it.to_strava:
        return ELSEWHERE
    refused(stage, "drop_after")
    return _account(stage)


def killed(stage: RequestStage, padding: int) -> str:
    """SIGKILL while the server holds the upload: a large one is on its way, a small one will be accepted."""
    if not stage.it.to_strava:
        return ELSEWHERE
    stage.it.start()
    stage.faults.add(InjectedFault("POST /uploads", "slow", seconds=HELD))
    stage.drop(stage.ride(padding))
    if not wait(stage.posts, FIRST):
        return "**never sent**"
    time.sleep(HELD / 3)
    stage.it.end()
    time.sleep(HELD)
    stage.it.start()
    wait(stage.it.known, LAST, SLOWLY)
    return _account(stage)


def idle(stage: RequestStage) -> Cells:
    """Nothing happens, after one upload where it can do one."""
    stage.it.start()
    if stage.it.to_strava:
        stage.drop(stage.ride())
        wait(stage.it.known, FIRST, SLOWLY)
    time.sleep(REST)
    before, began = _counts(stage.it.family()), time.monotonic()
    time.sleep(IDLE)
    after, took = _counts(stage.it.family()), time.monotonic() - began
    return {
        "CPU at rest": Figure((after[0] - before[0]) / 1e6 / took, "ms/s"),
        "wake-ups at rest": Figure((after[1] - before[1]) / took, "/s"),
        "memory at rest (RSS)": Figure(after[2] / 1e6, "MB"),
    }


def rested(stage: RequestStage) -> Figure | str:
    """From the close to the POST when nothing has happened for two minutes."""
    if not stage.it.to_strava:
        return ELSEWHERE  # and its first refusal ends it
    stage.it.start()
    first = stage.ride()
    stage.drop(first, "first.fit")
    wait(lambda: stage.whole(first), PATIENCE)
    time.sleep(LONG_REST)
    body = stage.ride()
    done = stage.drop(body)
    if not wait(lambda: stage.whole(body), PATIENCE):
        return f"**not within {PATIENCE:.0f} s**"
    return Figure((stage.whole(body)[0] - done) * 1000, "ms")


TOGETHER: dict[str, Callable[[RequestStage], Figure | str]] = {
    "close to POST after two minutes of rest": rested,
    "copy of 8 s": partial(copied, pauses=[0.5] * 16),
    "copy that stalls for 9 s": partial(copied, pauses=[9.0]),
    "copy that breaks off, resumed after 9 s": partial(copied, pauses=[9.0], close=True),
    "503 once": partial(refused, fault="error_503"),
    "429 once": partial(refused, fault="rate_limited"),
    "dropped after accept": dropped,
    "kill -9 while it sends, restart": partial(killed, padding=LARGE),
    "kill -9 before the answer, restart": partial(killed, padding=0),
}
"""They wait more than they work, so they run at the same time."""


def run(kind: type[Contender], programs: Path, certificate: tuple[Path, Path], files: int) -> Cells:
    """All scenarios for one contender."""

    def play(scenario: Callable[[RequestStage], Cells]) -> Cells:
        try:
            with _stage(kind, programs, certificate) as stage:
                return scenario(stage)
        except (AssertionError, OSError, ValueError):
            traceback.print_exc()
            return {}

    def play_named(named: tuple[str, Callable[[RequestStage], Figure | str]]) -> Cells:
        return play(lambda stage: {named[0]: named[1](stage)})

    cells = play(partial(closed, files=files)) | play(partial(renamed, files=files)) | play(at_start)
    with ThreadPoolExecutor(len(TOGETHER)) as pool:
        for found in pool.map(play_named, TOGETHER.items()):
            cells |= found
    return cells | play(idle)


@contextlib.contextmanager
def _stage(kind: type[Contender], programs: Path, certificate: tuple[Path, Path]) -> Iterator[RequestStage]:
    with (
        tempfile.TemporaryDirectory(prefix="peers-") as folder,
        Sandbox(certificate=certificate if kind.to_strava else None) as sandbox,
    ):
        contender = kind(Path(folder), sandbox, programs)
        try:
            contender.sign_in()
            yield RequestStage(contender, sandbox)
        finally:
            contender.end()


def _sampled(
    stage: RequestStage, put: Callable[[bytes, str], float], files: int, seconds: float
) -> Figure | str:
    waits: list[float] = []
    began = time.monotonic()
    while len(waits) < files and (not waits or time.monotonic() - began < seconds):
        if stage.it.has_ended():
            stage.it.start()
        name, posts, known = f"{time.time_ns()}.fit", len(stage.posts()), stage.it.known()
        done = put(stage.ride(), name)
        if not wait(lambda: len(stage.posts()) > posts, PATIENCE):  # noqa: B023  # it is called here alone
            return f"**not within {PATIENCE:.0f} s**"
        waits.append((stage.posts()[posts] - done) * 1000)
        wait(lambda: stage.it.known() > known or stage.it.has_ended(), PATIENCE, SLOWLY)  # noqa: B023  # the same
        (stage.it.inbox / name).unlink()
        time.sleep(0.5)
    p95 = sorted(waits)[int(len(waits) * 0.95)]
    return Figure(statistics.median(waits), "ms", f"median of {len(waits)} (p95 {p95:.1f}):")


def _account(stage: RequestStage) -> str:
    made, sent = len(stage.world.activities), len(stage.posts())
    known = "known" if stage.it.known() else "**not known**"
    return f"{made} at Strava, {known} here, sent {sent} x"


def _counts(pids: list[int]) -> tuple[int, int, int]:
    """Nanoseconds of CPU, wake-ups, bytes resident; of all threads of these processes."""
    cpu = wakes = resident = 0
    for pid in pids:
        process = Path(f"/proc/{pid}")
        resident += int(_field(process, "VmRSS").split()[0]) * 1024
        for task in (process / "task").iterdir():
            cpu += int((task / "schedstat").read_text().split()[0])
            wakes += int(_field(task, "voluntary_ctxt_switches"))
    return cpu, wakes, resident


def _field(of: Path, name: str) -> str:
    lines = (of / "status").read_text().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:"))
