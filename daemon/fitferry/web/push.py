"""Named tokens for phones and programs: how people make them, and the files that are brought with them."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from fitferry.auth.oauth import digest
from fitferry.core.api_tokens import Permission
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import web
from fitferry.storage import api_tokens
from fitferry.web import named_tokens
from fitferry.web.api.uploads import athlete_of_upload, jobs_taken
from fitferry.web.current import web_context
from fitferry.web.dashboard import render_page
from fitferry.web.middleware import IN, is_loopback, origin_of_url

pages = Blueprint("push", __name__)
_QR_SCALE = 5


@pages.get("/tokens")
def tokens() -> ResponseReturnValue:
    """The named tokens, and a form for a new one."""
    return render_page("tokens.html", tokens=api_tokens.listed(), athletes=web_context().settings.athletes)


@pages.post("/tokens")
def make_token() -> ResponseReturnValue:
    """A new token, shown this once: what it is for, its address, and as a QR code for a phone."""
    permission = Permission.READ if request.form.get("can") == Permission.READ else Permission.UPLOAD
    name = request.form.get("name", "").strip()
    token, secret = named_tokens.create(name, permission, request.form.get("athlete") or None)
    return render_page(
        "token.html",
        token=token,
        secret=secret,
        qr=_qr_code(secret) if permission is Permission.UPLOAD else None,
        base=_base(),
        out_of_reach=is_loopback(urlsplit(_base()).hostname or ""),
    )


@pages.get("/push")
def push() -> ResponseReturnValue:
    """What a phone needs to send files, for whoever holds an `upload` token: the QR code leads here."""
    secret = request.args.get("token", "")
    token = api_tokens.use(digest(secret), web_context().clock())
    if token is None or token.permission is not Permission.UPLOAD:
        raise RequestRejected(RejectionCode.UNAUTHORIZED, web.TOKEN_UNKNOWN())
    return render_template("push.html", token=token, secret=secret, base=_base(), path=IN)


@pages.put(f"{IN}<path:name>")
def put_file(name: str) -> ResponseReturnValue:
    """Queue the activity in a body; the same bytes again are answered with the job that is known."""
    body, file = request.get_data(cache=False), name.rpartition("/")[2]
    return jobs_taken(web_context().actions.upload_file(body, file, athlete_of_upload(None)))


def _base() -> str:
    """How this browser reaches Fitferry, so that a phone may, too."""
    url = web_context().url()
    if request.headers.get("Origin", "").lower() == origin_of_url(url):
        return origin_of_url(url)  # a proxy may ask under a name of its own
    return request.host_url.rstrip("/")


def _qr_code(secret: str) -> str:
    """The address of the phone's page as the path of an SVG, and how wide it is."""
    import segno  # noqa: PLC0415  # a megabyte that only this page needs

    code = segno.make_qr(f"{_base()}/push?{urlencode({'token': secret})}", error="m")
    return str(code.svg_data_uri(scale=_QR_SCALE, border=4, dark="#000", light="#fff"))
