"""What do people see? The status page and what its buttons do; it works without any script."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request

from fitferry import actions, status
from fitferry.errors import Refused
from fitferry.ledger import history
from fitferry.model import WAITS, Status
from fitferry.web import metrics
from fitferry.web.api import take_file
from fitferry.web.site import Site

PAGE = 50


def blueprint(site: Site) -> Blueprint:
    """The pages outside the API."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def page() -> Any:
        now = site.clock()
        before = request.args.get("before", "")
        found = history.listed(before=int(before) if before.isdecimal() else None, limit=PAGE + 1)
        return render_template(
            "status.html",
            now=site.snapshot(),
            waiting=status.jobs_shown(history.unfinished()[:PAGE], now),
            history=status.jobs_shown(found[:PAGE], now),
            older=found[PAGE - 1].id if len(found) > PAGE else None,
            backlog=status.backlog(actions.backlog(site.settings.athletes, now)),
            said=request.args.get("said", ""),
            waits={None: "is next", **WAITS},
        )

    @pages.get("/healthz")
    def healthz() -> Any:
        wrong = site.illness()
        return {"status": "ok"} if wrong is None else ({"status": "unhealthy", "reason": wrong}, 503)

    @pages.get("/metrics")
    def numbers() -> Any:
        return Response(metrics.text(site.snapshot()), content_type=metrics.CONTENT_TYPE)

    @pages.post("/do/connect")
    def connect() -> Any:
        url, _ = site.tokens.consent_url(_athlete(site), site.clock())
        return redirect(url, 303)

    @pages.post("/do/disconnect")
    def disconnect() -> Any:
        site.tokens.disconnect(_athlete(site))
        return _back(f"{_athlete(site)} is disconnected")

    @pages.post("/do/upload")
    def upload() -> Any:
        job, *others = take_file(site)
        done = job.status is Status.COMPLETED
        more = f" with {len(others)} more" if others else ""
        return _back(f"{job.file} is on Strava already" if done else f"{job.file} is queued{more}")

    @pages.post("/do/send/<int:activity_id>")
    def send(activity_id: int) -> Any:
        site.actions.upload_again(activity_id, again="again" in request.form)
        return _back("queued")

    @pages.post("/do/dismiss/<int:activity_id>")
    def dismiss(activity_id: int) -> Any:
        site.actions.dismiss(activity_id)
        return _back("put aside")

    @pages.post("/do/backlog")
    def decide() -> Any:
        decision, day = request.form.get("decision", ""), request.form.get("date", "")
        left = site.actions.decide_backlog(decision, _day(day) if decision == "since" else None)
        return _back(f"decided; {left.count} still wait")

    return pages


def nicely(seconds: float | None) -> str:
    """A duration for people: 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def kilometres(metres: float | None) -> str:
    """A distance for people."""
    return f"{metres / 1000:.1f} km" if metres else ""


def moment(text: str | None) -> str:
    """A time of the API for people, in the machine's own time zone."""
    if not text:
        return ""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _athlete(site: Site) -> str:
    name = request.form.get("athlete", "")
    if name not in site.settings.athletes:
        raise Refused("unknown_athlete", f"there is no athlete {name!r} in the settings", 404)
    return name


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("bad_value", "please choose a day") from error


def _back(words: str) -> Any:
    return redirect(f"/?said={quote(words)}", 303)
