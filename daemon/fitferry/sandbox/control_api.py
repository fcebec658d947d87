"""The addresses below /_sandbox, where tests and people look into the sandbox and tell it what to do."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from fitferry.sandbox.context import faults, world
from fitferry.sandbox.faults import InjectedFault
from fitferry.sandbox.records import Switches

control_api = Blueprint("control_api", __name__, url_prefix="/_sandbox")
"""The addresses below /_sandbox."""


@control_api.get("/uploads")
def uploads() -> ResponseReturnValue:
    return jsonify(world.arrived())


@control_api.route("/activities", methods=["GET", "POST"])
def activities() -> ResponseReturnValue:
    if request.method == "POST":
        given = {"athlete": 1001, "name": "Another road", "sport_type": "Ride", "distance": 0.0, **_body()}
        return jsonify(world.add_activity(**given)), 201
    return jsonify(list(world.activities.values()))


@control_api.post("/activities/<int:activity_id>/delete")
def delete(activity_id: int) -> ResponseReturnValue:
    world.activities[activity_id].deleted = True
    return jsonify({})


@control_api.route("/requests", methods=["GET", "DELETE"])
def requests() -> ResponseReturnValue:
    if request.method == "DELETE":
        world.requests.clear()
    return jsonify(world.requests)


@control_api.route("/faults", methods=["POST", "DELETE"])
def set_faults() -> ResponseReturnValue:
    if request.method == "DELETE":
        faults.clear()
        return jsonify({})
    try:
        faults.add(InjectedFault(**_body()))
    except (TypeError, ValueError) as error:
        return jsonify({"message": str(error)}), 400
    return jsonify({}), 201


@control_api.route("/settings", methods=["GET", "POST"])
def settings() -> ResponseReturnValue:
    wanted = _body() if request.method == "POST" else {}
    unknown = wanted.keys() - {field.name for field in fields(Switches)}
    if unknown:
        return jsonify({"message": f"no such settings: {', '.join(sorted(unknown))}"}), 400
    for name, value in wanted.items():
        setattr(world.switches, name, value)
    return jsonify(world.switches)


@control_api.post("/athlete")
def choose_athlete() -> ResponseReturnValue:
    world.switches.athlete = int(_body()["id"])
    return jsonify({})


@control_api.post("/revoke/<int:athlete_id>")
def revoke(athlete_id: int) -> ResponseReturnValue:
    world.remove_app(athlete_id)
    return jsonify({})


@control_api.post("/expire")
def expire() -> ResponseReturnValue:
    world.expire(float(_body().get("seconds", 0)))
    return jsonify({})


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
