"""The Flask application: its parts, what they are given, and how errors are answered."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, NotFound

from fitferry import __version__
from fitferry.core.api_types import UPLOAD_BYTES, iso
from fitferry.core.errors import FitferryError, RejectionCode, RequestRejected
from fitferry.core.messages import Message, system, uploads, verbatim, web
from fitferry.storage.database import DatabaseError
from fitferry.web import api, consent, forms, push, security_log, sign_in, views
from fitferry.web.context import WebContext
from fitferry.web.current import EXTENSION, PROCESS_TAG, caller, locale, message_json, wants_json, web_context
from fitferry.web.language import locale_of
from fitferry.web.middleware import IN, REFUSAL, cookie

_log = structlog.get_logger()
_MESSAGES = {404: web.NOTHING_HERE, 405: web.WRONG_METHOD, 413: web.REQUEST_TOO_LARGE}
"""What is said of what Werkzeug refuses."""


def build(context: WebContext) -> Flask:
    """The application with all its addresses."""
    app = Flask(__name__)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # what has another address is not there
    app.config["MAX_CONTENT_LENGTH"] = UPLOAD_BYTES
    app.config[PROCESS_TAG] = secrets.token_hex(4)
    app.config["MAX_FORM_PARTS"] = 2_000  # a selection of the whole page, and some
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(version=__version__, iso=iso)
    app.extensions.update({EXTENSION: context, security_log.EXTENSION: security_log.BoundedLog()})
    app.before_request(_choose_language)
    app.before_request(_answer_refused)
    app.after_request(_renew_session)
    app.context_processor(lambda: {"locale": g.locale, "_": g.locale.say})
    for part in (sign_in.pages, consent.pages, push.pages, views.pages, forms.forms, *api.BLUEPRINTS):
        app.register_blueprint(part)
    app.register_error_handler(RequestRejected, _rejected)
    app.register_error_handler(FitferryError, _failed)
    app.register_error_handler(HTTPException, _http_error)
    for kind in (DatabaseError, OSError):
        app.register_error_handler(kind, _not_written)
    app.register_error_handler(Exception, _unexpected)
    return app


def _choose_language() -> None:
    g.locale = locale_of(request, web_context().settings.web.language)


def _answer_refused() -> ResponseReturnValue | None:
    """Answer what was refused before any route; nothing else is looked at."""
    refusal: RequestRejected | None = request.environ.get(REFUSAL)
    if refusal is None:
        return None
    return _unauthorized(refusal) if refusal.code is RejectionCode.UNAUTHORIZED else _rejected(refusal)


def _unauthorized(refusal: RequestRejected) -> ResponseReturnValue:
    if request.path.startswith(("/api/", IN)):
        answer = _error_json(refusal.code, refusal.message)
        if request.path.startswith(IN):
            answer.headers["WWW-Authenticate"] = 'Basic realm="Fitferry", charset="UTF-8"'
        return answer, 401
    return render_template("login.html", token=None, stranger=True), 401


def _renew_session(answer: Response) -> Response:
    """Let the cookie of a browser that looks at the page last another ninety days."""
    session = cookie(request.environ)
    is_page = request.method == "GET" and request.path == "/" and answer.status_code == 200  # noqa: PLR2004  # OK
    return sign_in.set_session_cookie(answer, session) if session and is_page else answer


def _rejected(error: RequestRejected) -> ResponseReturnValue:
    return _error(error.code, error.message, error.status)


def _failed(error: FitferryError) -> ResponseReturnValue:
    return _error("failed", error.message, 500)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code == 405 and request.path.startswith("/api/"):  # noqa: PLR2004  # wrong method
        error = NotFound()  # the API is what its table names; all else is not there
    name = (error.name or "error").lower().replace(" ", "_")
    status = error.code or 500
    return _error(name, _MESSAGES.get(status, web.NOT_UNDERSTOOD)(), status)


def _unexpected(error: Exception) -> ResponseReturnValue:
    _log.exception("unexpected_error", path=request.path, error=type(error).__name__)
    return _error("internal", uploads.UNEXPECTED_ERROR(), 500)


def _not_written(error: Exception) -> ResponseReturnValue:
    """What the state folder did not take: a full disk is no secret, and nothing of the request is kept."""
    _log.exception("unexpected_error", path=request.path, error=type(error).__name__)
    reason = system.from_os_error(error) if isinstance(error, OSError) else verbatim(str(error))
    return _error("cannot_write", web.CANNOT_WRITE_NOW(reason=reason), 503)


def _error(code: str, message: Message, status: int) -> ResponseReturnValue:
    if request.path.startswith(("/api/", IN)):
        return _error_json(code, message), status
    if wants_json():  # the page's own script shows it
        return jsonify({"error": {"code": code, "message": locale().of(message)}}), status
    return render_template("error.html", message=message, signed_in=caller().signed_in), status


def _error_json(code: str, message: Message) -> Response:
    return jsonify({"error": {"code": code, **message_json(message)}})
