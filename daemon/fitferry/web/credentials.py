"""Who asks: a browser that is signed in, a program with the API token, or one with a named token.

Knows nothing of Flask: it is asked before a request's body is read, and makes the link that is logged at a start.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from wsgiref.types import WSGIEnvironment

from fitferry.auth.oauth import digest
from fitferry.storage import api_tokens, sessions
from fitferry.web.context import WebContext
from fitferry.web.middleware import HEALTH, IN, SECRET_PATHS, UPLOAD_PATHS, cookie

READ_PATHS = frozenset(
    {"/metrics", "/api/v1/status", "/api/v1/strava/uploads", "/api/v1/strava/uploads/pending"}
)
"""What a `read` token may GET."""


class Access(StrEnum):
    NONE = "none"
    FULL = "full"
    READ = "read"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `athlete`: the one that an `upload` token is bound to."""

    access: Access
    athlete: str | None = None
    by_session: bool = False
    """Whether a browser's cookie says so, and no token."""

    @property
    def signed_in(self) -> bool:
        """Whether everything is open to this caller."""
        return self.access is Access.FULL

    def may(self, method: str, path: str) -> bool:
        """Whether this caller is let through to an address."""
        match self.access:
            case Access.FULL:
                return True
            case Access.READ:
                return method in {"GET", "HEAD"} and path in READ_PATHS
            case Access.UPLOAD:
                return (method in {"PUT", "POST"} and path.startswith(IN)) or (
                    method == "POST" and path in UPLOAD_PATHS
                )
            case Access.NONE:
                return False


_CALLER = "fitferry.caller"


def is_open(path: str) -> bool:
    """Whether an address needs no sign-in at all."""
    return path in SECRET_PATHS or path == HEALTH or path.startswith("/static/")


def caller_of(context: WebContext, environ: WSGIEnvironment) -> Caller:
    """Who sent a request; found out once."""
    if _CALLER not in environ:
        environ[_CALLER] = _identify(context, environ)
    found: Caller = environ[_CALLER]
    return found


def _identify(context: WebContext, environ: WSGIEnvironment) -> Caller:
    token = _token(environ)
    if token:
        if is_api_token(context, token):
            return Caller(Access.FULL)
        named = api_tokens.use(digest(token), context.clock())
        if named is not None:
            return Caller(Access(named.permission.value), named.athlete)
    session = cookie(environ)
    if session is not None and sessions.session_is_good(digest(session), context.clock()):
        return Caller(Access.FULL, by_session=True)
    return Caller(Access.NONE)


def is_api_token(context: WebContext, token: str) -> bool:
    return hmac.compare_digest(token.encode(), context.api_token.encode())


def make_login_link(context: WebContext) -> str:
    """A link into the page, good for ten minutes and once."""
    token = secrets.token_urlsafe(24)
    sessions.add_link(digest(token), context.clock())
    return f"{context.url()}/login?token={token}"


def _token(environ: WSGIEnvironment) -> str | None:
    """The token of a request: as Bearer, or below /in/ also as Basic password."""
    kind, _, value = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic" and str(environ.get("PATH_INFO", "")).startswith(IN):
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return None
    return None
