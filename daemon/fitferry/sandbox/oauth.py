"""Sign-in: consent page, codes, tokens, revocation, as strict as Strava."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fitferry.sandbox.context import world
from fitferry.sandbox.records import SCOPES, Token


def error(status: int, message: str, resource: str, field: str, code: str) -> Response:
    """An error as Strava words it."""
    answer = jsonify({"message": message, "errors": [{"resource": resource, "field": field, "code": code}]})
    answer.status_code = status
    return answer


pages = Blueprint("oauth", __name__)
"""The addresses below /oauth."""


@pages.route("/oauth/authorize", methods=["GET", "POST"])
@pages.route("/oauth/mobile/authorize", methods=["GET", "POST"])
def authorize() -> ResponseReturnValue:
    problem = _authorize_problem()
    if problem is not None:
        return problem
    wanted = tuple(dict.fromkeys(["read", *request.args["scope"].split(",")]))  # read is granted in any case
    if request.method == "POST":
        chosen = tuple(scope for scope in wanted if scope == "read" or scope in request.form.getlist("scope"))
        return _back(chosen) if "authorize" in request.form else _denied()
    before = world.grants.get(world.switches.athlete, ())
    if request.args.get("approval_prompt", "auto") == "auto" and set(wanted) <= set(before):
        return _back(before)
    if world.switches.consent == "approve":
        return _back(tuple(scope for scope in wanted if scope not in world.switches.untick))
    if world.switches.consent == "deny":
        return _denied()
    first, last = world.athletes[world.switches.athlete]
    return render_template("consent.html", scopes=wanted, who=f"{first} {last}", host=_host())


@pages.post("/oauth/token")
def token() -> ResponseReturnValue:
    problem = _app_problem(request.values.get("client_id"), request.values.get("client_secret"))
    if problem is not None:
        return problem
    grant_type = request.values.get("grant_type")
    if grant_type == "authorization_code":
        found = world.exchange(request.values.get("code", ""))
        if found is None:
            return error(400, "Bad Request", "AuthorizationCode", "code", "invalid")
        return jsonify({**_token_fields(found), "athlete": athlete(found.athlete)})
    if grant_type == "refresh_token":
        found = world.refresh(request.values.get("refresh_token", ""))
        if found is None:
            return error(400, "Bad Request", "RefreshToken", "refresh_token", "invalid")
        return jsonify(_token_fields(found))
    return error(400, "Bad Request", "OAuth", "grant_type", "invalid")


@pages.post("/oauth/revoke")
def revoke() -> ResponseReturnValue:
    given = request.authorization
    app = (given.username, given.password) if given and given.type == "basic" else (None, None)
    if _app_problem(*app) is not None:
        return error(401, "Authorization Error", "Application", "", "invalid")
    world.revoke(request.values.get("token", ""))
    return "", 200


def athlete(athlete_id: int) -> dict[str, Any]:
    """The summary of an athlete."""
    first, last = world.athletes[athlete_id]
    return {
        "id": athlete_id,
        "username": first.lower(),
        "resource_state": 2,
        "firstname": first,
        "lastname": last,
        "city": None,
        "state": None,
        "country": None,
        "sex": None,
        "premium": True,
        "summit": True,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "badge_type_id": 1,
        "profile_medium": "https://example.invalid/medium.jpg",
        "profile": "https://example.invalid/large.jpg",
        "friend": None,
        "follower": None,
    }


def _token_fields(token: Token) -> dict[str, Any]:
    fields = {
        "token_type": "Bearer",
        "access_token": token.access,
        "refresh_token": token.refresh,
        "expires_at": int(token.expires_at),
        "expires_in": max(0, int(token.expires_at - world.clock())),
    }
    return {**fields, "scope": " ".join(token.scopes)} if world.switches.token_scope else fields


def _authorize_problem() -> Response | None:
    if request.args.get("client_id") != str(world.switches.client_id):
        return error(400, "Bad Request", "Application", "client_id", "invalid")
    host, domain = _host(), world.switches.callback_domain
    if not (host in {domain, "localhost", "127.0.0.1"} or host.endswith(f".{domain}")):
        return error(400, "Bad Request", "Application", "redirect_uri", "invalid")
    if request.args.get("response_type") != "code":
        return error(400, "Bad Request", "Authorize", "response_type", "invalid")
    scopes = request.args.get("scope", "")
    if not scopes or not set(scopes.split(",")) <= set(SCOPES):
        return error(400, "Bad Request", "Authorize", "scope", "invalid")
    return None


def _app_problem(client_id: str | None, secret: str | None) -> Response | None:
    if client_id != str(world.switches.client_id):
        return error(400, "Bad Request", "Application", "client_id", "invalid")
    if secret != world.switches.client_secret:
        return error(401, "Authorization Error", "Application", "", "invalid")
    return None


def _host() -> str:
    return urlsplit(request.args.get("redirect_uri", "")).hostname or ""


def _back(scopes: tuple[str, ...]) -> ResponseReturnValue:
    code = world.grant(scopes)
    if code is None:
        return "<h1>Error 403</h1><p>Limit of connected athletes exceeded</p>", 403
    query = {"state": request.args.get("state", ""), "code": code, "scope": ",".join(scopes)}
    return _redirect(query)


def _denied() -> ResponseReturnValue:
    query = {"error": "access_denied"}
    if "state" in request.args:
        query["state"] = request.args["state"]
    return _redirect(query)


def _redirect(query: dict[str, str]) -> ResponseReturnValue:
    target = request.args["redirect_uri"]
    return redirect(f"{target}{'&' if '?' in target else '?'}{urlencode(query)}")
