"""The connection to Strava: consent, its end, who is connected, and the way back."""

from __future__ import annotations

from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fitferry.auth.oauth import digest
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import verbatim, web
from fitferry.monitoring import status_json
from fitferry.storage import accounts, oauth_states
from fitferry.web import arguments, consent
from fitferry.web.current import caller, message_json, wants_json, web_context
from fitferry.web.middleware import CALLBACK

api = Blueprint("connection", __name__, url_prefix="/api/v1")
_OWN_NAVIGATION = frozenset({"same-origin", "none"})
"""What Sec-Fetch-Site says of a link of our own page, and of an address that was typed."""


@api.get("/strava/auth")
def auth() -> ResponseReturnValue:
    """Lead to Strava's consent page: at once for a token, for a browser only where it was meant."""
    context = web_context()
    if not caller().by_session:
        athlete = arguments.known_athlete(request.args.get("athlete"))
        paste = f"http://127.0.0.1:{context.port()}{CALLBACK}" if request.args.get("paste") else None
        url, state = context.oauth.consent_url(athlete, context.clock(), redirect_uri=paste)
        return jsonify({"authorization_url": url, "state": state}) if wants_json() else redirect(url, 302)
    # Another site's page may lead a browser here; only the browser itself can say so.
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in _OWN_NAVIGATION:
        raise RequestRejected(RejectionCode.ORIGIN, web.FOREIGN_ORIGIN())
    athlete = arguments.known_athlete(request.args.get("athlete"))
    if site is None:
        return render_template("connect.html", athlete=athlete)
    return consent.begin(athlete)


@api.post("/strava/connect-link")
def connect_link() -> ResponseReturnValue:
    """A one-time link that leads a browser straight to Strava's consent."""
    athlete = arguments.known_athlete(arguments.text(arguments.json_body(), "athlete"))
    url, state = consent.make_link(athlete)
    return jsonify({"url": url, "state": state}), 201


@api.get("/strava/auth/outcome")
def outcome() -> ResponseReturnValue:
    """What came of a consent, or of a link to one, so far."""
    state = oauth_states.consent(digest(request.args.get("state", "")))
    if state is None:
        raise RequestRejected(RejectionCode.UNKNOWN, web.SIGN_IN_UNKNOWN())
    said = message_json(state.message or verbatim(""))
    return jsonify({"outcome": state.outcome or "waiting", **said})


@api.get("/strava/callback")
def callback() -> ResponseReturnValue:
    """Where Strava's consent page leads back to; to ask for the headers alone uses nothing up."""
    return "" if request.method == "HEAD" else consent.finish(request.args)


@api.get("/strava/status")
def connections() -> ResponseReturnValue:
    athletes = [accounts.get(name) for name in web_context().settings.athletes]
    return jsonify(
        {
            "connected": all(athlete.connected for athlete in athletes),
            "athletes": [status_json.athlete(athlete) for athlete in athletes],
        }
    )


@api.post("/strava/disconnect")
def disconnect() -> ResponseReturnValue:
    """Revoke an athlete's tokens at Strava, and forget them."""
    athlete = arguments.known_athlete(arguments.text(arguments.json_body(), "athlete"))
    web_context().oauth.disconnect(athlete)
    return jsonify({})
