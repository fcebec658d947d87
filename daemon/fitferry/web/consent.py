"""Strava's consent in a browser: it ends only in the one in which it began (RFC 9700 section 2.1).

A cookie on the host of `[web] url`, one for each state, says which browser that is. So a page that was asked for
under another name leads to that host first, by a one-time link, and the link of `fitferry connect` opens there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fitferry.auth.oauth import Callback, digest
from fitferry.core.errors import SignInFailed
from fitferry.core.messages import Message, sign_in
from fitferry.storage import accounts, oauth_states
from fitferry.storage import uploads as stored_uploads
from fitferry.web.current import caller, message_json, wants_json, web_context
from fitferry.web.middleware import cookie, is_at_url
from fitferry.web.security_log import log_event
from fitferry.web.sign_in import cookies_are_secure

pages = Blueprint("consent", __name__)
COOKIE_PREFIX = "fitferry_state_"


@pages.get("/connect")
def open_link() -> ResponseReturnValue:
    """A one-time link to Strava's consent; it is used up by a connection, not by a preview."""
    token = request.args.get("token", "")
    athlete = oauth_states.link_athlete(digest(token), web_context().clock())
    if athlete is None:
        return _result("state", sign_in.LINK_OVER(), 400, athlete=None)
    return begin_here(athlete, link=token)


def make_link(athlete: str) -> tuple[str, str]:
    """A one-time link that leads to Strava's consent for an athlete, good for ten minutes; and the token in it."""
    context, token = web_context(), secrets.token_urlsafe(24)
    oauth_states.create_link(digest(token), athlete, context.clock())
    return f"{context.url()}/connect?{urlencode({'token': token})}", token


def begin(athlete: str) -> Response:
    """Lead a signed-in browser to Strava's consent, on the way over url's host where it is at another."""
    if is_at_url(request.environ, web_context().url()):
        return begin_here(athlete)
    return make_response(redirect(make_link(athlete)[0], 303))


def finish(query: Mapping[str, str]) -> ResponseReturnValue:
    """The end of a consent: a page that says what happened, or JSON for the command that pasted it."""
    context = web_context()
    given = {name: query.get(name, "") for name in ("state", "code", "scope", "error")}
    secret = cookie(request.environ, _cookie_name(given["state"]))
    try:
        name = context.oauth.complete(Callback(**given), context.clock(), browser=secret)
    except SignInFailed as failed:
        if failed.code in {"state", "other_browser"}:
            # All else belongs to a state of ours, and is logged there.
            log_event("sign_in", outcome="refused", code=failed.code, peer=request.remote_addr)
        begun = oauth_states.consent(digest(given["state"]))
        athlete = begun.athlete if begun else context.settings.athletes[0]
        return _result(failed.code, failed.message, failed.status, athlete=athlete)
    stored_uploads.retry_now(name)
    context.connected()
    person = accounts.get(name)
    answer = make_response(
        _result("connected", sign_in.CONNECTED(name=name, who=person.display_name or ""), 200, athlete=None)
    )
    answer.delete_cookie(_cookie_name(given["state"]))
    return answer


def begin_here(athlete: str, *, link: str | None = None) -> Response:
    """Lead a browser to Strava's consent, which ends on url's host, or is pasted here where that is out of reach."""
    context, secret = web_context(), secrets.token_urlsafe(24)
    url, state = context.oauth.consent_url(athlete, context.clock(), browser=secret, link=link)
    answer = make_response(
        jsonify({"authorization_url": url, "state": state}) if wants_json() else redirect(url, 302)
    )
    answer.set_cookie(
        _cookie_name(state),
        secret,
        max_age=oauth_states.STATE_SECONDS,
        httponly=True,
        samesite="Lax",  # Strava's redirect comes from another site
        secure=cookies_are_secure(),
    )
    return answer


def _cookie_name(state: str) -> str:
    return COOKIE_PREFIX + digest(state)[:16]


def _result(code: str, message: Message, status: int, *, athlete: str | None) -> ResponseReturnValue:
    if wants_json():
        return jsonify({"outcome": code, **message_json(message)}), status
    return render_template(
        "callback.html", outcome=code, message=message, again=athlete, signed_in=caller().signed_in
    ), status
