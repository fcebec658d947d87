"""Making and revoking named tokens."""

from __future__ import annotations

import re
import secrets

from fitferry.auth.oauth import digest
from fitferry.core.api_tokens import ApiToken, Permission
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import web
from fitferry.storage import api_tokens
from fitferry.web.arguments import known_athlete, required_athlete
from fitferry.web.current import web_context
from fitferry.web.security_log import log_event

_NAME = re.compile(r"[\w.-][\w .-]{0,39}")


def create(name: str, permission: Permission, athlete: str | None) -> tuple[ApiToken, str]:
    """A new named token and its secret, which is kept nowhere. Raises RequestRejected."""
    if not _NAME.fullmatch(name):
        raise RequestRejected(RejectionCode.BAD_VALUE, web.TOKEN_NAME_WRONG())
    owner = known_athlete(None) if athlete is None else required_athlete(athlete)
    bound = owner if permission is Permission.UPLOAD else None
    token, secret = ApiToken(name, permission, bound, web_context().clock(), None), secrets.token_urlsafe(24)
    if not api_tokens.add(token, digest(secret)):
        raise RequestRejected(RejectionCode.NAME_TAKEN, web.TOKEN_NAME_TAKEN(name=name))
    log_event("token_created", outcome="ok", name=name, can=permission.value, athlete=bound)
    return token, secret


def revoke(name: str) -> None:
    """Let a named token work no more. Raises RequestRejected where there is none of that name."""
    if not api_tokens.revoke(name):
        raise RequestRejected(RejectionCode.UNKNOWN, web.NO_SUCH_TOKEN(name=name))
    log_event("token_revoked", outcome="ok", name=name)
