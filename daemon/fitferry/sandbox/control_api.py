"""The addresses below /_sandbox, where tests and people look into the sandbox and tell it what to do."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint, jsonify, request

from fitferry.sandbox.fake_strava import FakeStrava, Switches
from fitferry.sandbox.faults import Faults, InjectedFault


def blueprint(world: FakeStrava, faults: Faults) -> Blueprint:
    """The addresses below /_sandbox."""
    switches = Blueprint("switches", __name__, url_prefix="/_sandbox")

    @switches.get("/uploads")
    def uploads() -> Any:
        return jsonify(world.arrived())

    @switches.route("/activities", methods=["GET", "POST"])
    def activities() -> Any:
        if request.method == "POST":
            given = {
                "athlete": 1001,
                "name": "Another road",
                "sport_type": "Ride",
                "distance": 0.0,
                **_body(),
            }
            return jsonify(asdict(world.add_activity(**given))), 201
        return jsonify([asdict(one) for one in world.activities.values()])

    @switches.post("/activities/<int:activity_id>/delete")
    def delete(activity_id: int) -> Any:
        world.activities[activity_id].deleted = True
        return jsonify({})

    @switches.route("/requests", methods=["GET", "DELETE"])
    def requests() -> Any:
        if request.method == "DELETE":
            world.requests.clear()
        return jsonify(world.requests)

    @switches.route("/faults", methods=["POST", "DELETE"])
    def set_faults() -> Any:
        if request.method == "DELETE":
            faults.clear()
            return jsonify({})
        try:
            faults.add(InjectedFault(**_body()))
        except (TypeError, ValueError) as error:
            return jsonify({"message": str(error)}), 400
        return jsonify({}), 201

    @switches.route("/settings", methods=["GET", "POST"])
    def settings() -> Any:
        wanted = _body() if request.method == "POST" else {}
        unknown = wanted.keys() - {one.name for one in fields(Switches)}
        if unknown:
            return jsonify({"message": f"no such settings: {', '.join(sorted(unknown))}"}), 400
        for name, value in wanted.items():
            setattr(world.switches, name, value)
        return jsonify(asdict(world.switches))

    @switches.post("/athlete")
    def sit_down() -> Any:
        world.switches.athlete = int(_body()["id"])
        return jsonify({})

    @switches.post("/revoke/<int:athlete_id>")
    def revoke(athlete_id: int) -> Any:
        world.remove_app(athlete_id)
        return jsonify({})

    @switches.post("/expire")
    def expire() -> Any:
        world.expire(float(_body().get("seconds", 0)))
        return jsonify({})

    return switches


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
