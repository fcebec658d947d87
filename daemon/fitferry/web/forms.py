"""What do the page's buttons do? Each is a form, and leads back to the page with a word on what was done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, g, redirect, request

from fitferry.core.errors import RequestRejected
from fitferry.core.upload import Status
from fitferry.i18n.translator import say
from fitferry.web.api import finish_sign_in, take_files, wants_json
from fitferry.web.context import WebContext

FLASH_MESSAGES = {
    "disconnected": say("Disconnected."),
    "queued": say("Queued."),
    "known": say("This activity is on Strava already."),
    "aside": say("Put aside."),
    "decided": say("Decided."),
    "tried": say("Fitferry asks Strava again, as soon as there is something to upload."),
}
"""What the page may say of what was just done: a closed set, so that no link can put words into its mouth."""


def blueprint(site: WebContext) -> Blueprint:  # noqa: C901  # a list of small views
    """The addresses below /do."""
    deeds = Blueprint("deeds", __name__, url_prefix="/do")

    @deeds.post("/connect")
    def connect() -> Any:
        url, _ = site.oauth.consent_url(athlete_in(request.form, site), site.clock())
        return redirect(url, 303)

    @deeds.post("/paste")
    def paste() -> Any:
        found = parse_qs(urlsplit(request.form.get("address", "").strip()).query)
        return finish_sign_in(site, {name: values[0] for name, values in found.items()})

    @deeds.post("/disconnect")
    def disconnect() -> Any:
        site.oauth.disconnect(athlete_in(request.form, site))
        return _back("disconnected")

    @deeds.post("/upload")
    def upload() -> Any:
        word = "known" if all(job.status is Status.COMPLETED for job in take_files(site)) else "queued"
        return {"words": g.viewer.of(FLASH_MESSAGES[word])} if wants_json() else _back(word)

    @deeds.post("/send/<int:activity_id>")
    def send(activity_id: int) -> Any:
        site.actions.upload_again(activity_id, again="again" in request.form)
        return _back("queued")

    @deeds.post("/dismiss/<int:activity_id>")
    def dismiss(activity_id: int) -> Any:
        site.actions.dismiss(activity_id)
        return _back("aside")

    @deeds.post("/failed")
    def failed() -> Any:
        if request.form.get("decision") == "retry":
            site.actions.retry_failed()
            return _back("queued")
        site.actions.dismiss_failed()
        return _back("aside")

    @deeds.post("/try")
    def try_now() -> Any:
        site.actions.try_now()
        return _back("tried")

    @deeds.post("/backlog")
    def decide() -> Any:
        decision, day = request.form.get("decision", ""), request.form.get("date", "")
        site.actions.decide_backlog(decision, _day(day) if decision == "since" else None)
        return _back("decided")

    return deeds


def athlete_in(given: Mapping[str, str], site: WebContext) -> str:
    """The athlete that a form or an address names. Raises Refused."""
    name = given.get("athlete", "")
    if name not in site.settings.athletes:
        raise RequestRejected(
            "unknown_athlete", say("there is no athlete {name!r} in the settings", name=name), 404
        )
    return name


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestRejected("bad_value", say("please choose a day")) from error


def _back(word: str) -> Any:
    return redirect(f"/?said={word}", 303)
