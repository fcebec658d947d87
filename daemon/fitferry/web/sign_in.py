"""The pages on which a browser signs in and out: by a one-time link, or with the API token."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fitferry.auth.oauth import digest
from fitferry.storage import sessions
from fitferry.web.credentials import is_api_token
from fitferry.web.current import web_context
from fitferry.web.middleware import COOKIE, cookie
from fitferry.web.security_log import log_event

pages = Blueprint("sign_in", __name__)


@pages.get("/login")
def show_login() -> ResponseReturnValue:
    """The form behind a one-time link; looking at it uses nothing up."""
    token = request.args.get("token", "")
    if sessions.link_is_good(digest(token), web_context().clock()):
        return render_template("login.html", token=token)
    return render_template("login.html", token=None), 400


@pages.post("/login")
def login() -> ResponseReturnValue:
    context = web_context()
    token = request.form.get("token") or request.args.get("token", "")
    by_link = bool(token) and sessions.use_link(digest(token), context.clock())
    if not by_link and not is_api_token(context, request.form.get("api_token", "").strip()):
        log_event("sign_in", outcome="refused", by="link" if token else "api_token", peer=request.remote_addr)
        return render_template("login.html", token=None), 400
    log_event("sign_in", outcome="ok", by="link" if by_link else "api_token", peer=request.remote_addr)
    session = secrets.token_urlsafe(32)
    sessions.add_session(digest(session), context.clock(), api_token=digest(context.api_token))
    return set_session_cookie(make_response(redirect("/", 303)), session)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    session = cookie(request.environ)
    if session:
        sessions.end_session(digest(session))
        log_event("session_ended", outcome="ok", peer=request.remote_addr)
    answer = redirect("/", 303)
    answer.delete_cookie(COOKIE)
    return answer


def set_session_cookie(answer: Response, session: str) -> Response:
    """Let the browser keep its session for another ninety days."""
    answer.set_cookie(
        COOKIE,
        session,
        max_age=sessions.SESSION_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=cookies_are_secure(),
        path="/",
    )
    return answer


def cookies_are_secure() -> bool:
    """Whether the page is reached by HTTPS."""
    return request.is_secure or web_context().url().startswith("https://")
