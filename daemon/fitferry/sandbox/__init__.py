"""A Strava look-alike for trying, testing and the demo; it knows nothing of the rest of Fitferry.

`world` is what Strava would know, `oauth`, `api` and `switches` are the addresses, `faults` what goes wrong
when it is told to, `server` serves it all. Where this differs from Strava, that is a bug.
"""

from fitferry.sandbox.fake_strava import FakeStrava
from fitferry.sandbox.server import Sandbox

__all__ = ["FakeStrava", "Sandbox"]
