"""How are the pages put together? One Flask application with the guard around it."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, NotFound

from fitferry import __version__
from fitferry.core.errors import FitferryError, RequestRejected
from fitferry.web import api, forms, sign_in, views
from fitferry.web.context import WebContext
from fitferry.web.language import viewer
from fitferry.web.middleware import REFUSAL, UPLOAD_BYTES, Guard, Wsgi, cookie

_log = structlog.get_logger()
_IN_WORDS = {
    404: "there is nothing at this address",
    405: "this address cannot be asked in this way",
    413: "this request is larger than may be sent here",
}
"""What Werkzeug refuses, in words that are translated."""


def wsgi(site: WebContext) -> Wsgi:
    """The page and the API as a WSGI application, guarded."""
    app = Flask(__name__)
    app.logger.setLevel(logging.CRITICAL)
    app.url_map.merge_slashes = False  # what has another address is not there
    app.config["MAX_CONTENT_LENGTH"] = UPLOAD_BYTES
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(version=__version__)
    for part in (sign_in, api, views, forms):
        app.register_blueprint(part.blueprint(site))
    _know_the_viewer(app, site)
    _say_what_was_refused(app)
    _guard_sign_in(app, site)
    _answer_errors(app)
    website = urlsplit(site.settings.strava.website)
    # Browsers check where a form's redirects lead, too: "Connect with Strava" ends there.
    targets = [f"{website.scheme}://{website.netloc}"]
    return Guard(app, url=site.url, hosts=site.settings.web.hosts, form_targets=targets)


def _know_the_viewer(app: Flask, site: WebContext) -> None:
    @app.before_request
    def look() -> None:
        g.viewer = viewer(request, site.settings.web.language)

    @app.context_processor
    def words() -> dict[str, Any]:
        return {"viewer": g.viewer, "_": g.viewer.say}


def _say_what_was_refused(app: Flask) -> None:
    """Before anything else is looked at, also who is signed in."""

    @app.before_request
    def refuse() -> Any:
        refusal = request.environ.get(REFUSAL)
        return _told(refusal[1], refusal[2], refusal[0]) if refusal else None


def _guard_sign_in(app: Flask, site: WebContext) -> None:
    @app.before_request
    def let_in() -> Any:
        if sign_in.may_enter(site, request.path):
            return None
        if request.path.startswith("/api/"):
            return _error("unauthorized", "sign in, or send the API token", 401)
        return render_template("login.html", token=None, stranger=True), 401

    @app.after_request
    def renew(answer: Response) -> Response:
        session = cookie(request.environ)
        page = request.method == "GET" and request.path == "/" and answer.status_code == 200  # noqa: PLR2004  # OK
        return sign_in.set_cookie(site, answer, session) if session and page else answer


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(RequestRejected)
    def refused(error: RequestRejected) -> Any:
        return _told(error.code, str(error), error.status)

    @app.errorhandler(FitferryError)
    def planned(error: FitferryError) -> Any:
        return _told("failed", str(error), 500)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        if error.code == 405 and request.path.startswith("/api/"):  # noqa: PLR2004  # wrong method
            error = NotFound()  # the API is what its table names; all else is not there
        name = (error.name or "error").lower().replace(" ", "_")
        status = error.code or 500
        return _told(name, _IN_WORDS.get(status, "this request cannot be understood"), status)

    @app.errorhandler(Exception)
    def surprise(error: Exception) -> Any:
        _log.exception("surprise", path=request.path, error=type(error).__name__)
        return _told("internal", "something went wrong inside Fitferry; the log has the details", 500)


def _told(code: str, words: str, status: int) -> Any:
    if request.path.startswith("/api/"):
        return _error(code, words, status)
    if api.wants_json():
        return _error(code, g.viewer.of(words), status)  # the page's own script shows it
    return render_template("error.html", words=words), status


def _error(code: str, words: str, status: int) -> Any:
    return jsonify({"error": {"code": code, "message": words}}), status
