"""Who is signed in? One-time links, the API token, sessions in a cookie."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from fitferry.auth.oauth import digest
from fitferry.storage import sessions
from fitferry.web.context import WebContext
from fitferry.web.middleware import CALLBACK, COOKIE, cookie

_OPEN = frozenset({"/healthz", "/login", CALLBACK})


def make_login_link(site: WebContext) -> str:
    """A link into the page, good for ten minutes and once."""
    token = secrets.token_urlsafe(24)
    sessions.add_link(digest(token), site.clock())
    return f"{site.url()}/login?token={token}"


def may_enter(site: WebContext, path: str) -> bool:
    """Whether whoever asks may see what is at a path: it needs no sign-in, or they have one."""
    return path in _OPEN or path.startswith("/static/") or _has_token(site) or _has_session(site)


def blueprint(site: WebContext) -> Blueprint:
    """The page where one signs in."""
    pages = Blueprint("doors", __name__)

    @pages.get("/login")
    def look() -> Any:
        token = request.args.get("token", "")
        if sessions.link_is_good(digest(token), site.clock()):
            return render_template("login.html", token=token)
        return render_template("login.html", token=None), 400

    @pages.post("/login")
    def enter() -> Any:
        token = request.form.get("token") or request.args.get("token", "")
        by_link = bool(token) and sessions.use_link(digest(token), site.clock())
        if not by_link and not _is_api_token(site, request.form.get("api_token", "").strip()):
            return render_template("login.html", token=None), 400
        return _with_session(site, redirect("/", 303))

    @pages.post("/logout")
    def leave() -> Any:
        session = cookie(request.environ)
        if session:
            sessions.end_session(digest(session))
        answer = redirect("/", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return pages


def _with_session(site: WebContext, answer: Any) -> Response:
    session = secrets.token_urlsafe(32)
    sessions.add_session(digest(session), site.clock())
    return set_cookie(site, make_response(answer), session)


def set_cookie(site: WebContext, answer: Response, session: str) -> Response:
    """Let the browser keep its session for another ninety days."""
    answer.set_cookie(
        COOKIE,
        session,
        max_age=sessions.SESSION_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure or site.url().startswith("https://"),
        path="/",
    )
    return answer


def _has_token(site: WebContext) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and _is_api_token(site, token.strip())


def _is_api_token(site: WebContext, token: str) -> bool:
    return hmac.compare_digest(token.encode(), site.api_token.encode())


def _has_session(site: WebContext) -> bool:
    session = cookie(request.environ)
    return session is not None and sessions.session_is_good(digest(session), site.clock())
