"""How does the API answer? `/api/v1/`, for programs and for the commands; everything in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request

from fitferry.auth.oauth import Callback, digest
from fitferry.core.errors import RequestRejected, SignInFailed
from fitferry.core.upload import Job, Status
from fitferry.monitoring import status_json
from fitferry.storage import accounts, oauth_states, queries
from fitferry.storage import uploads as stored_uploads
from fitferry.uploads import commands
from fitferry.web.context import WebContext
from fitferry.web.middleware import CALLBACK
from fitferry.web.sign_in import make_login_link, may_enter

MAX_LIMIT = 200
MAX_ID = 2**63 - 1
"""The largest number that SQLite can look for."""


def blueprint(site: WebContext) -> Blueprint:  # noqa: C901  # a list of small views
    """The addresses below /api/v1."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")

    @api.get("/strava/auth")
    def auth() -> Any:
        athlete = _athlete(site, request.args.get("athlete"))
        paste = f"http://localhost:{site.port()}{CALLBACK}" if request.args.get("paste") else None
        url, state = site.oauth.consent_url(athlete, site.clock(), redirect_uri=paste)
        return jsonify({"authorization_url": url, "state": state}) if wants_json() else redirect(url, 302)

    @api.get("/strava/auth/outcome")
    def outcome() -> Any:
        consent = oauth_states.consent(digest(request.args.get("state", "")))
        if consent is None:
            raise RequestRejected("unknown", "this sign-in is not known", 404)
        return jsonify({"outcome": consent.outcome or "waiting", "message": str(consent.message or "")})

    @api.get("/strava/callback")
    def callback() -> Any:
        return finish_sign_in(site, request.args)

    @api.get("/strava/status")
    def connections() -> Any:
        people = [accounts.get(name) for name in site.settings.athletes]
        return jsonify(
            {
                "connected": all(one.connected for one in people),
                "athletes": [status_json.athlete(one) for one in people],
            }
        )

    @api.post("/strava/disconnect")
    def disconnect() -> Any:
        site.oauth.disconnect(_athlete(site, _text(_body(), "athlete")))
        return jsonify({})

    @api.post(f"/strava/upload/<int(max={MAX_ID}):activity_id>")
    def upload_known(activity_id: int) -> Any:
        again = _flag(_body(), "again")
        return _job(site, site.actions.upload_again(activity_id, again=again)), 202

    @api.post("/strava/upload")
    def upload_file() -> Any:
        found = take_files(site)
        shown = status_json.jobs_shown(found, site.clock())[0]
        several = {"jobs": [job.id for job in found]} if len(found) > 1 else {}
        return jsonify({**shown, **several}), 202

    @api.post(f"/strava/dismiss/<int(max={MAX_ID}):activity_id>")
    def dismiss(activity_id: int) -> Any:
        return _job(site, site.actions.dismiss(activity_id))

    @api.post("/strava/retry")
    def retry() -> Any:
        body = _body()
        if body.get("failed") is True:
            found = site.actions.retry_failed()
        else:
            found = [site.actions.retry(one, again=_flag(body, "again")) for one in _ids(body, "jobs")]
        return jsonify({"uploads": status_json.jobs_shown(found, site.clock())})

    @api.get("/strava/backlog")
    def backlog() -> Any:
        return jsonify(status_json.backlog(commands.backlog(site.settings.athletes, site.clock())))

    @api.post("/strava/backlog")
    def decide_backlog() -> Any:
        body = _body()
        day = _date(body["date"]) if "date" in body else None
        return jsonify(status_json.backlog(site.actions.decide_backlog(_text(body, "decision") or "", day)))

    @api.get("/strava/uploads")
    def uploads() -> Any:
        limit = _number("limit", 50, low=1, high=MAX_LIMIT)
        found = queries.listed(
            status=_status(request.args.get("status")),
            athlete=_athlete(site, request.args["athlete"]) if request.args.get("athlete") else None,
            before=_number("before", None),
            limit=(limit or 50) + 1,
        )
        page = found[:limit]
        more = page[-1].id if page and len(found) > len(page) else None
        return jsonify({"uploads": status_json.jobs_shown(page, site.clock()), "next_before": more})

    @api.get("/strava/uploads/pending")
    def pending() -> Any:
        return jsonify(
            {"uploads": status_json.jobs_shown(queries.unfinished(), site.clock()), "next_before": None}
        )

    @api.post("/login-link")
    def login_link() -> Any:
        return jsonify({"url": make_login_link(site)}), 201

    @api.post("/keys/rotate")
    def rotate() -> Any:
        site.rotate_keys()
        return jsonify({})

    return api


def finish_sign_in(site: WebContext, query: Mapping[str, str]) -> Any:
    """The end of a sign-in: a page that says what happened, or JSON for the command that pasted it."""
    given = {name: query.get(name, "") for name in ("state", "code", "scope", "error")}
    try:
        name = site.oauth.complete(Callback(**given), site.clock())
    except SignInFailed as failed:
        return _told(site, failed.code, str(failed), failed.status, given["state"])
    stored_uploads.retry_now(name)
    site.connected()
    person = accounts.get(name)
    words = f"{name} is connected to Strava as {person.display_name}."
    return _told(site, "connected", words, 200, given["state"])


def _told(site: WebContext, code: str, words: str, http_status: int, state: str) -> Any:
    if wants_json():
        return jsonify({"outcome": code, "message": words}), http_status
    consent, names = oauth_states.consent(digest(state)), site.settings.athletes
    who = consent.athlete if consent else names[0] if len(names) == 1 else None
    again = who if code not in {"connected", "app"} and may_enter(site, "/") else None
    return render_template("callback.html", outcome=code, words=words, again=again), http_status


def take_files(site: WebContext) -> list[Job]:
    """Queue the activities in the files of a multipart body."""
    sent = request.files.getlist("file")
    if not sent:
        raise RequestRejected("no_file", "the body has no part named file")
    athlete = _athlete(site, request.form.get("athlete"))
    found = [site.actions.take_upload(one.read(), one.filename or "upload.fit", athlete) for one in sent]
    return [job for jobs_of_one in found for job in jobs_of_one]


def wants_json() -> bool:
    """Whether the client would rather have JSON than a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _job(site: WebContext, job: Job) -> Any:
    (shown,) = status_json.jobs_shown([job], site.clock())
    return jsonify(shown)


def _athlete(site: WebContext, name: str | None) -> str:
    names = site.settings.athletes
    if not name:
        return "me" if "me" in names else names[0]
    if name not in names:
        raise RequestRejected("unknown_athlete", f"there is no athlete {name!r} in the settings", 404)
    return name


def _body() -> dict[str, Any]:
    if not request.get_data(cache=True):
        return {}
    try:
        body = request.get_json(silent=True, force=True)
    except RecursionError:  # thousands of brackets
        body = None
    if not isinstance(body, dict):
        raise RequestRejected("bad_json", "the body has to be a JSON object")
    return body


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestRejected("bad_value", f"{name} has to be a text")
    return value


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise RequestRejected("bad_value", f"{name} has to be true or false")
    return value


def _ids(body: dict[str, Any], name: str) -> list[int]:
    value = body.get(name)
    if not isinstance(value, list) or not value or not all(type(one) is int for one in value):
        raise RequestRejected("bad_value", f"{name} has to be a list of numbers")
    for job_id in value:
        if abs(job_id) > MAX_ID:
            raise RequestRejected("unknown", f"there is no job {job_id}", 404)
    return value


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise RequestRejected("bad_value", "date has to be a day such as 2026-01-31") from error


def _number(name: str, default: int | None, low: int = 1, high: int = MAX_ID) -> int | None:
    text = request.args.get(name)
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise RequestRejected("bad_value", f"{name} has to be a number from {low} to {high}")
    return int(text)


def _status(text: str | None) -> Status | None:
    if not text:
        return None
    try:
        return Status(text)
    except ValueError as error:
        raise RequestRejected("bad_value", f"status has to be one of {', '.join(Status)}") from error
