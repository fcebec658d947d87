"""The REST API: uploads, activities, the athlete; rate-limit headers on every answer."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from fitferry.sandbox.context import world
from fitferry.sandbox.oauth import athlete, error
from fitferry.sandbox.records import Activity, iso

MAX_BYTES = 25_000_000
DATA_TYPES = frozenset({"fit", "fit.gz", "tcx", "tcx.gz", "gpx", "gpx.gz"})
READ = frozenset({"activity:read", "activity:read_all"})
_FLAGS = ("commute", "trainer", "hide_from_home")
_CHANGEABLE = ("name", "description", "sport_type", "commute", "trainer", "hide_from_home", "gear_id")

View = Callable[..., ResponseReturnValue]


api = Blueprint("api", __name__)
"""The addresses of the REST API, which are served below each of its bases."""


def needs(*scopes: str) -> Callable[[View], View]:
    """Let only tokens pass that have one of these scopes."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def checked(**values: int) -> ResponseReturnValue:
            return view(**values) if set(scopes).intersection(g.token.scopes) else _missing(scopes[0])

        return checked

    return decorate


@api.before_request
def let_in() -> ResponseReturnValue | None:
    read = not (request.method == "POST" and request.path.endswith("/uploads"))
    over = world.count(read=read)
    g.read = read
    if over is not None:
        field = "rate limit" if over == "overall" else "read rate limit"
        return error(429, "Rate Limit Exceeded", "Application", field, "exceeded")
    return _admitted()


@api.after_request
def with_rate_limit(answer: Response) -> Response:
    switches = world.switches
    answer.headers["X-RateLimit-Limit"] = _pair(switches.overall_limit)
    answer.headers["X-RateLimit-Usage"] = _pair(world.usage("overall"))
    answer.headers["X-ReadRateLimit-Limit"] = _pair(switches.read_limit)
    lone = switches.lone_comma and not g.get("read", True)
    answer.headers["X-ReadRateLimit-Usage"] = "," if lone else _pair(world.usage("read"))
    return answer


@api.post("/uploads")
@needs("activity:write")
def upload() -> ResponseReturnValue:
    """Take a file in; fields come in the form or in the address, as different clients send them."""
    began = request.environ.get("sandbox.began", time.time())
    fields = {name: value for name, value in request.values.items() if name != "access_token"}
    sent = request.files.get("file")
    body = sent.read() if sent is not None else b""
    if not body:
        return error(400, "Bad Request", "Upload", "data", "empty")
    if len(body) > MAX_BYTES:
        return error(413, "Payload Too Large", "Upload", "data", "too large")
    fields["data_type"] = fields.get("data_type", "").lower()
    if fields["data_type"] not in DATA_TYPES:
        return error(400, "Bad Request", "Upload", "data_type", "invalid")
    name = (sent.filename if sent is not None else None) or "upload"
    upload = world.receive(g.token.athlete, body, fields, name, began)
    if request.environ.get("sandbox.forever"):
        upload.ready_at = float("inf")
    return jsonify(world.upload_fields(upload)), 201


@api.get("/uploads/<int:upload_id>")
@needs("activity:write")
def upload_status(upload_id: int) -> ResponseReturnValue:
    found = world.upload(upload_id, g.token.athlete)
    return jsonify(found) if found else error(404, "Record Not Found", "Upload", "id", "invalid")


@api.get("/athlete")
def whoami() -> ResponseReturnValue:
    detailed = "profile:read_all" in g.token.scopes
    more = {"resource_state": 3, "bikes": [], "shoes": []} if detailed else {}
    return jsonify({**athlete(g.token.athlete), **more})


@api.get("/athlete/activities")
@needs(*READ)
def listed() -> ResponseReturnValue:
    after, before = request.args.get("after", 0.0, float), request.args.get("before", 1e12, float)
    page, size = request.args.get("page", 1, int), min(request.args.get("per_page", 30, int), 200)
    found = world.listed(g.token.athlete, after, before)[(page - 1) * size : page * size]
    return jsonify([_summary(activity) for activity in found])


@api.route("/activities/<int:activity_id>", methods=["GET", "PUT"])
def activity(activity_id: int) -> ResponseReturnValue:
    found = world.activities.get(activity_id)
    if found is None or found.deleted or found.athlete != g.token.athlete:
        return error(404, "Record Not Found", "Activity", "id", "invalid")
    allowed = READ if request.method == "GET" else {"activity:write"}
    if not allowed.intersection(g.token.scopes):
        return _missing(min(allowed))
    if request.method == "PUT":
        problem = _change(found, request.get_json(silent=True))
        if problem is not None:
            return problem
    return jsonify({**_summary(found), "resource_state": 3, "description": found.description})


@api.post("/oauth/deauthorize")
def deauthorize() -> ResponseReturnValue:
    world.revoke(g.token.access)
    return jsonify({"access_token": g.token.access})


def _admitted() -> Response | None:
    """Find whose token it is; the answer that refuses it, if it is nobody's."""
    kind, _, access = request.headers.get("Authorization", "").partition(" ")
    if kind not in {"Bearer", "access_token"} or (kind == "access_token" and world.switches.header_only):
        access = ""
    if not access and not world.switches.header_only:
        access = request.values.get("access_token", "")
    token = world.bearer(access)
    if token is None:
        return error(401, "Authorization Error", "Athlete", "access_token", "invalid")
    if world.switches.inactive:
        return error(403, "Forbidden", "Application", "Status", "Inactive")
    g.token = token
    return None


def _missing(scope: str) -> Response:
    field = f"{scope}_permission".replace("read_all_", "read_")
    return error(401, "Authorization Error", "AccessToken", field, "missing")


def _change(activity: Activity, changes: Any) -> Response | None:
    """Apply a JSON body; query parameters are passed over, as Strava does (stravalib#716). The answer to a bad one."""
    changes = {} if changes is None else changes
    if not isinstance(changes, dict):
        return error(400, "Bad Request", "Activity", "body", "invalid")
    gear = changes.get("gear_id")
    if gear not in {None, "none", *world.switches.gear}:
        return error(400, "Bad Request", "Activity", "gear_id", "invalid")
    if any(not isinstance(changes.get(name, False), bool) for name in _FLAGS):
        return error(400, "Bad Request", "Activity", "flag", "invalid")
    for name in _CHANGEABLE:
        if name in changes:
            setattr(activity, name, changes[name])
    return None


def _summary(activity: Activity) -> dict[str, Any]:
    return {
        "id": activity.id,
        "resource_state": 2,
        "athlete": {"id": activity.athlete, "resource_state": 1},
        "name": activity.name,
        "type": activity.sport_type,
        "sport_type": activity.sport_type,
        "start_date": iso(activity.start),
        "start_date_local": iso(activity.start),
        "timezone": "(GMT+00:00) UTC",
        "utc_offset": 0.0,
        "elapsed_time": int(activity.elapsed),
        "moving_time": int(activity.elapsed),
        "distance": activity.distance,
        "total_elevation_gain": 0.0,
        "trainer": activity.trainer,
        "commute": activity.commute,
        "hide_from_home": activity.hide_from_home,
        "manual": False,
        "private": False,
        "gear_id": activity.gear_id,
        "external_id": activity.external_id,
        "upload_id": activity.upload_id,
    }


def _pair(numbers: list[int]) -> str:
    return f"{numbers[0]},{numbers[1]}"
