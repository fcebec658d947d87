"""What do people see? The page, the questions before what cannot be undone, health and metrics."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_hex
from typing import Any

from flask import Blueprint, Response, g, make_response, render_template, request

from fitferry.core.errors import RequestRejected
from fitferry.core.upload import Status
from fitferry.monitoring import metrics
from fitferry.storage import accounts, uploads
from fitferry.web.context import WebContext
from fitferry.web.dashboard import overview, wanted
from fitferry.web.forms import FLASH_MESSAGES, athlete_in

STALE_SECONDS = 60
"""What the page shows depends on the clock, too: it is made anew so often at least."""


def blueprint(site: WebContext) -> Blueprint:
    """The pages outside the API."""
    pages = Blueprint("pages", __name__)
    process = token_hex(4)

    @pages.get("/")
    def page() -> Any:
        tag = _tag(site, process)
        # The page's script asks so every two seconds; browsers themselves are told to keep nothing.
        if request.headers.get("If-None-Match") == tag:
            return Response(status=304, headers={"ETag": tag})
        want = wanted(request.args, site.settings.athletes)
        said = FLASH_MESSAGES.get(request.args.get("said", ""))
        answer = make_response(render_template("page.html", said=said, **overview(site, g.viewer, want)))
        answer.headers["ETag"] = tag
        return answer

    @pages.get("/disconnect")
    def ask_disconnect() -> Any:
        return render_template("disconnect.html", person=accounts.get(athlete_in(request.args, site)))

    @pages.get("/again/<int:activity_id>")
    def ask_again(activity_id: int) -> Any:
        job = uploads.of_activity(activity_id)
        if job is None or job.status is not Status.COMPLETED:
            raise RequestRejected("unknown", f"there is no completed activity {activity_id}", 404)
        return render_template("again.html", job=job)

    @pages.get("/healthz")
    def healthz() -> Any:
        wrong = site.health_error()
        return {"status": "ok"} if wrong is None else ({"status": "unhealthy", "reason": wrong}, 503)

    @pages.get("/metrics")
    def numbers() -> Any:
        return Response(site.metrics(), content_type=metrics.CONTENT_TYPE)

    return pages


def _tag(site: WebContext, process: str) -> str:
    """What the page's content depends on, in short; `process`, because the next one counts its changes anew."""
    viewer = g.viewer
    parts = (
        process,
        site.revision(),
        int(site.clock() // STALE_SECONDS),
        site.health_error(),
        viewer.locale,
        viewer.zone,
        request.query_string,
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:20]}"'
