"""The page and the API as one WSGI application, with the request filter in front of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog

from fitferry.auth.oauth import digest
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import web
from fitferry.storage import sessions
from fitferry.system import free_memory
from fitferry.system.loading import loading
from fitferry.web.context import WebContext
from fitferry.web.credentials import Access, caller_of, is_open
from fitferry.web.middleware import RequestFilter

_log = structlog.get_logger()


def wsgi(context: WebContext) -> RequestFilter[LazyApplication]:
    """The page and the API, filtered. Sessions that began under another API token than today's end here."""
    ended = sessions.end_of_other_tokens(digest(context.api_token))
    if ended:
        _log.warning("sessions_ended", count=ended, reason="the API token is another one")
    website = urlsplit(context.settings.strava.website)
    return RequestFilter(
        LazyApplication(context),
        url=context.url,
        hosts=context.settings.web.hosts,
        # Browsers check where a form's redirects lead, too: "Connect with Strava" ends there.
        form_targets=[f"{website.scheme}://{website.netloc}"],
        health_error=context.health_error,
        may_enter=lambda environ: _why_not(context, environ),
    )


class LazyApplication:
    """The Flask application, imported and built with the first request that needs it: at rest it costs 8 MB."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._app: WSGIApplication | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        return self.built()(environ, start)

    @property
    def is_built(self) -> bool:
        """Whether a request has needed it already."""
        return self._app is not None

    def built(self) -> WSGIApplication:
        with self._lock:
            if self._app is None:
                with loading():
                    from fitferry.web.language import locale_data  # noqa: PLC0415  # it imports babel

                    locale_data("en")  # first: Flask takes the room of what is let go of this
                    from fitferry.web.flask_app import build  # noqa: PLC0415  # it imports Flask and Jinja
                self._app = build(self._context)
                free_memory.trim()
        return self._app


def _why_not(context: WebContext, environ: WSGIEnvironment) -> RequestRejected | None:
    """Why a caller is not let through to an address; None if they are."""
    path = environ.get("PATH_INFO", "")
    if is_open(path):
        return None
    caller = caller_of(context, environ)
    if caller.may(environ["REQUEST_METHOD"], path):
        return None
    if caller.access is Access.NONE:
        why = web.TOKEN_UNKNOWN() if environ.get("HTTP_AUTHORIZATION") else web.SIGN_IN_NEEDED()
        return RequestRejected(RejectionCode.UNAUTHORIZED, why)
    return RequestRejected(RejectionCode.FORBIDDEN, web.NOT_PERMITTED())
