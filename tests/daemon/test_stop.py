"""A stop at any moment of a large upload: clean, quick, and the next start goes on. A hundred: bench/stop.py."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness
from fitferry.sandbox import Sandbox
from fitferry.sandbox.faults import InjectedFault

Ride = Callable[..., bytes]
pytestmark = pytest.mark.slow
LARGE = 24_900_000


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DaemonHarness]:
    """A daemon in a folder of its own that is connected."""
    with Sandbox(processing_seconds=0.05) as sandbox:
        home = DaemonHarness(tmp_path, sandbox)
        home.start()
        home.connect()
        yield home
        if not home.process_has_ended():
            home.stop()


@pytest.mark.parametrize("seed", range(3))
def test_a_stop_in_the_middle_of_25_mb_loses_and_doubles_nothing(
    home: DaemonHarness, ride: Ride, seed: int
) -> None:
    """While the body leaves, while the answer is waited for, and after it."""
    rng = random.Random(seed)  # noqa: S311  # the same every time
    home.sandbox.faults.add(InjectedFault("POST /uploads", "slow", seconds=0.5))
    body = ride(serial=seed + 1)
    home.drop("large.fit", ride(serial=seed + 1, padding=LARGE - len(body)))
    time.sleep(rng.uniform(0.1, 0.9))
    assert home.stop() == 0
    home.start()
    (done,) = home.completed()

    assert [done["strava_activity_id"]] == list(home.sandbox.world.activities)
    assert len(home.sandbox.world.uploads) == 1


def test_a_stop_in_the_middle_of_a_refresh_keeps_the_connection(home: DaemonHarness, ride: Ride) -> None:
    """However little time uploads are given: an answer that nobody takes would cost the connection."""
    home.stop()
    home.program = [str(Path(__file__).parents[1] / "support" / "daemon_no_drain.py")]
    home.start()
    home.sandbox.world.expire()
    home.sandbox.faults.add(InjectedFault("POST /oauth/token", "slow", seconds=2))
    asked = len(home.sandbox.world.requests)
    home.drop("a.fit", ride())
    home.wait(lambda: any(one["path"] == "/oauth/token" for one in home.sandbox.world.requests[asked:]))
    assert home.stop() == 0
    home.start()

    assert home.completed()
    assert home.status()["problems"] == []
