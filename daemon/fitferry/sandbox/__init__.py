"""A Strava look-alike for trying, testing and the demo; it knows nothing of the rest of Fitferry.

`fake_strava` holds the state, `oauth`, `api` and `control_api` are the addresses, `faults` what goes wrong on
request, `server` serves it all. Where this differs from Strava, that is a bug.
"""

from fitferry.sandbox.fake_strava import FakeStrava
from fitferry.sandbox.server import Sandbox

__all__ = ["FakeStrava", "Sandbox"]
