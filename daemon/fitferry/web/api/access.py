"""Who may come in: login links, sessions, named tokens, and the key."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from fitferry.core.api_tokens import ApiToken, Permission
from fitferry.core.api_types import iso
from fitferry.storage import api_tokens, sessions
from fitferry.web import arguments, named_tokens
from fitferry.web.credentials import make_login_link
from fitferry.web.current import web_context
from fitferry.web.security_log import log_event

api = Blueprint("access", __name__, url_prefix="/api/v1")


@api.post("/login-link")
def login_link() -> ResponseReturnValue:
    return jsonify({"url": make_login_link(web_context())}), 201


@api.post("/sessions/end")
def end_sessions() -> ResponseReturnValue:
    ended = sessions.end_all()
    log_event("sessions_ended", outcome="ok", count=ended)
    return jsonify({"ended": ended})


@api.post("/keys/rotate")
def rotate_keys() -> ResponseReturnValue:
    """Change the key, and encrypt every token anew."""
    web_context().rotate_keys()
    return jsonify({})


@api.get("/tokens")
def tokens() -> ResponseReturnValue:
    return jsonify({"tokens": [_shown(token) for token in api_tokens.listed()]})


@api.post("/tokens")
def make_token() -> ResponseReturnValue:
    """A new named token, shown this once."""
    body = arguments.json_body()
    permission = arguments.one_of(Permission, arguments.text(body, "can") or "", "can")
    name, athlete = arguments.text(body, "name") or "", arguments.text(body, "athlete")
    token, secret = named_tokens.create(name, permission, athlete)
    return jsonify({**_shown(token), "token": secret}), 201


@api.post("/tokens/revoke")
def revoke_token() -> ResponseReturnValue:
    named_tokens.revoke(arguments.text(arguments.json_body(), "name") or "")
    return jsonify({})


def _shown(token: ApiToken) -> dict[str, str | None]:
    return {
        "name": token.name,
        "can": token.permission.value,
        "athlete": token.athlete,
        "created_at": iso(token.created_at),
        "last_used_at": iso(token.last_used_at),
    }
