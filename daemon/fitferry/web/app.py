"""How are the pages put together? One Flask application with the guard around it."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from fitferry import __version__
from fitferry.errors import FerryError, Refused
from fitferry.web import api, doors, pages
from fitferry.web.guard import UPLOAD_BYTES, Guard, Wsgi, cookie
from fitferry.web.site import Site

_log = structlog.get_logger()


def wsgi(site: Site) -> Wsgi:
    """The page and the API as a WSGI application, guarded."""
    app = Flask(__name__)
    app.logger.setLevel(logging.CRITICAL)
    app.config["MAX_CONTENT_LENGTH"] = UPLOAD_BYTES
    app.jinja_env.filters.update(nicely=pages.nicely, kilometres=pages.kilometres, moment=pages.moment)
    app.jinja_env.globals.update(version=__version__)
    for blueprint in (doors.blueprint(site), api.blueprint(site), pages.blueprint(site)):
        app.register_blueprint(blueprint)
    _guard_sign_in(app, site)
    _answer_errors(app)
    website = urlsplit(site.settings.strava.website)
    # Browsers check where a form's redirects lead, too: "Connect with Strava" ends there.
    targets = [f"{website.scheme}://{website.netloc}"]
    return Guard(app, url=site.url, hosts=site.settings.web.hosts, form_targets=targets)


def _guard_sign_in(app: Flask, site: Site) -> None:
    @app.before_request
    def let_in() -> Any:
        if doors.may_enter(site):
            return None
        if request.path.startswith("/api/"):
            return _error("unauthorized", "sign in, or send the API token", 401)
        return render_template("login.html", token=None, stranger=True), 401

    @app.after_request
    def renew(answer: Response) -> Response:
        session = cookie(request.environ)
        page = request.method == "GET" and request.path == "/" and answer.status_code == 200  # noqa: PLR2004  # OK
        return doors.set_cookie(site, answer, session) if session and page else answer


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(Refused)
    def refused(error: Refused) -> Any:
        return _told(error.code, str(error), error.status)

    @app.errorhandler(FerryError)
    def planned(error: FerryError) -> Any:
        return _told("failed", str(error), 500)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        name = (error.name or "error").lower().replace(" ", "_")
        return _told(name, error.description or "", error.code or 500)

    @app.errorhandler(Exception)
    def surprise(error: Exception) -> Any:
        _log.exception("surprise", path=request.path, error=type(error).__name__)
        return _told("internal", "something went wrong inside Fitferry; the log has the details", 500)


def _told(code: str, words: str, status: int) -> Any:
    if request.path.startswith("/api/"):
        return _error(code, words, status)
    return render_template("error.html", words=words), status


def _error(code: str, words: str, status: int) -> Any:
    return jsonify({"error": {"code": code, "message": words}}), status
