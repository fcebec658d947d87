"""The look-alike that the views of an application speak for, and its faults."""

from __future__ import annotations

from flask import Flask, current_app
from werkzeug.local import LocalProxy

from fitferry.sandbox.fake_strava import FakeStrava
from fitferry.sandbox.faults import Faults

world: FakeStrava = LocalProxy(lambda: current_app.extensions["world"])  # type: ignore[assignment]  # it stands for one
faults: Faults = LocalProxy(lambda: current_app.extensions["faults"])  # type: ignore[assignment]  # as above


def bind(app: Flask, app_world: FakeStrava, app_faults: Faults) -> None:
    """Let the views of an application speak for a look-alike."""
    app.extensions.update(world=app_world, faults=app_faults)
