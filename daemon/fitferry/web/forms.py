"""The page's buttons: each is a form that does what the API does, and leads back to the page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import date
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import web
from fitferry.core.problems import HELD_FILES
from fitferry.core.upload import Status
from fitferry.i18n.translator import LANGUAGES
from fitferry.storage import queries, sessions
from fitferry.web import consent, named_tokens
from fitferry.web.api.uploads import files_of_form
from fitferry.web.arguments import ACTIVITY, MAX_ID, required_athlete
from fitferry.web.current import locale, wants_json, web_context
from fitferry.web.language import LANGUAGE_COOKIE
from fitferry.web.security_log import log_event

forms = Blueprint("forms", __name__, url_prefix="/do")
FLASH_MESSAGES = {
    "disconnected": web.DISCONNECTED(),
    "queued": web.QUEUED(),
    "known": web.ON_STRAVA_ALREADY(),
    "dismissed": web.DISMISSED(),
    "decided": web.DECIDED(),
    "tried": web.TRIED(),
}
"""What the page may say of what was just done: a closed set, so that no link can put words into its mouth."""
_MANY = 10_000
"""More are never held for one reason."""


@forms.post("/connect")
def connect() -> ResponseReturnValue:
    """Lead to Strava's consent page."""
    begin = consent.begin_here if "paste" in request.form else consent.begin
    return begin(_athlete())


@forms.post("/paste")
def paste() -> ResponseReturnValue:
    """Take the address on which a browser ended after Strava's consent page."""
    try:
        query = parse_qs(urlsplit(request.form.get("address", "").strip()).query)
    except ValueError:  # no address at all, such as http://[::1
        query = {}
    return consent.finish({name: values[0] for name, values in query.items()})


@forms.post("/disconnect")
def disconnect() -> ResponseReturnValue:
    """Revoke an athlete's tokens."""
    web_context().oauth.disconnect(_athlete())
    return _back_to_page("disconnected")


@forms.post("/upload")
def upload() -> ResponseReturnValue:
    """Queue the chosen files."""
    flash = "known" if all(job.status is Status.COMPLETED for job in files_of_form()) else "queued"
    if wants_json():
        return {"message": locale().render(FLASH_MESSAGES[flash])}
    return _back_to_page(flash)


@forms.post(f"/upload/{ACTIVITY}")
@forms.post(f"/retry/{ACTIVITY}")
def upload_known(activity_id: int) -> ResponseReturnValue:
    """Queue an activity that is known, or has failed; `again` also one that is on Strava."""
    web_context().actions.upload(activity_id, again="again" in request.form)
    return _back_to_page("queued")


@forms.post(f"/repair/{ACTIVITY}")
def repair(activity_id: int) -> ResponseReturnValue:
    """Repair a held FIT file that breaks off, and queue the repaired copy."""
    web_context().actions.repair_upload(activity_id)
    return _back_to_page("queued")


@forms.post("/retry")
def retry_failed() -> ResponseReturnValue:
    web_context().actions.retry_failed()
    return _back_to_page("queued")


@forms.post(f"/dismiss/{ACTIVITY}")
def dismiss(activity_id: int) -> ResponseReturnValue:
    web_context().actions.dismiss(activity_id)
    return _back_to_page("dismissed")


@forms.post("/dismiss")
def dismiss_failed() -> ResponseReturnValue:
    web_context().actions.dismiss_failed()
    return _back_to_page("dismissed")


@forms.post("/try-now")
def try_now() -> ResponseReturnValue:
    """Let what waits for the settings be tried at once."""
    web_context().actions.try_now()
    return _back_to_page("tried")


@forms.post("/backlog")
def decide_backlog() -> ResponseReturnValue:
    decision, day = request.form.get("decision", ""), request.form.get("date", "")
    web_context().actions.decide_backlog(decision, _day(day) if decision == "since" else None)
    return _back_to_page("decided")


@forms.post("/selected")
def selected() -> ResponseReturnValue:
    """Retry or dismiss the chosen rides; what cannot be is left as it is."""
    activities = [number for number in request.form.getlist("activity", type=int) if 0 < number <= MAX_ID]
    return _do_each("upload" if request.form.get("action") == "retry" else "dismiss", activities)


@forms.post("/held/<code>/<action>")
def held(code: str, action: str) -> ResponseReturnValue:
    """Upload or dismiss all files of an athlete that are held for one reason."""
    if code not in HELD_FILES or action not in {"upload", "dismiss"}:
        raise RequestRejected(RejectionCode.UNKNOWN, web.NOTHING_HERE())
    athlete = request.form.get("athlete") or None
    jobs = queries.listed(status=Status.HELD, athlete=athlete, limit=_MANY)
    return _do_each(action, [job.activity_id for job in jobs if job.error_code == code])


@forms.post("/language")
def language() -> ResponseReturnValue:
    """Remember in which language this browser reads."""
    answer = make_response(redirect("/", 303))
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=365 * 86_400, samesite="Lax", httponly=True)
    return answer


@forms.post("/tokens/revoke")
def revoke_token() -> ResponseReturnValue:
    named_tokens.revoke(request.form.get("name", ""))
    return redirect("/tokens", 303)


@forms.post("/sessions/end")
def end_sessions() -> ResponseReturnValue:
    """Sign every browser out, this one too."""
    log_event("sessions_ended", outcome="ok", count=sessions.end_all())
    return _back_to_page("")


def _do_each(action: str, activities: Iterable[int]) -> ResponseReturnValue:
    """Upload or dismiss several activities, as far as each can be."""
    act = web_context().actions.dismiss if action == "dismiss" else web_context().actions.upload
    for activity_id in activities:
        with contextlib.suppress(RequestRejected):
            act(activity_id)
    return _back_to_page("dismissed" if action == "dismiss" else "queued")


def _back_to_page(flash: str) -> Response:
    """Lead a browser back to the page, which says by `flash` what was done."""
    return redirect(f"/?done={flash}", 303)


def _athlete() -> str:
    return required_athlete(request.form.get("athlete", ""))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestRejected(RejectionCode.BAD_VALUE, web.CHOOSE_A_DAY()) from error
