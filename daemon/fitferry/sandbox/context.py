"""The look-alike that the views of an application speak for, and its faults; `server.create_app` names them."""

from __future__ import annotations

from flask import current_app
from werkzeug.local import LocalProxy

from fitferry.sandbox.fake_strava import FakeStrava
from fitferry.sandbox.faults import Faults

world: FakeStrava = LocalProxy(lambda: current_app.extensions["world"])  # type: ignore[assignment]  # it stands for one
faults: Faults = LocalProxy(lambda: current_app.extensions["faults"])  # type: ignore[assignment]  # as above
