"""A stop at any moment of a large upload: clean, quick, and the next start goes on. A hundred: bench/stop.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon_harness import DaemonHarness
from fitferry.sandbox import Sandbox
from fitferry.sandbox.fake_strava import FakeStrava
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


MOMENTS: dict[str, Callable[[FakeStrava], object]] = {
    "the file is read": lambda _world: True,
    "the body leaves": lambda world: any(one["method"] == "POST" for one in world.requests),
    "Strava has the file": lambda world: world.uploads,
}
"""And how the sandbox shows that it has come."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stop_in_the_middle_of_25_mb_loses_and_doubles_nothing(
    home: DaemonHarness, ride: Ride, moment: str
) -> None:
    """Wherever the ride is on its way."""
    world = home.sandbox.world
    world.requests.clear()
    home.sandbox.faults.add(InjectedFault("POST /uploads", "slow", seconds=0.5))
    home.drop("large.fit", ride(padding=LARGE - len(ride())))
    home.wait(lambda: MOMENTS[moment](world))
    assert home.stop() == 0
    home.start()
    (done,) = home.completed()

    assert [done["strava_activity_id"]] == list(world.activities)
    assert len(world.uploads) == 1


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
