"""What people see: the page, one ride, the log, the questions before what cannot be undone; and the metrics."""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import uploads, web
from fitferry.core.upload import Status
from fitferry.monitoring import metrics
from fitferry.storage import accounts
from fitferry.storage import uploads as stored_uploads
from fitferry.system import logs
from fitferry.web.arguments import ACTIVITY, required_athlete
from fitferry.web.current import PROCESS_TAG, locale, web_context
from fitferry.web.dashboard import overview, render_page
from fitferry.web.details import details
from fitferry.web.forms import FLASH_MESSAGES
from fitferry.web.rides import wanted

pages = Blueprint("pages", __name__)
STALE_SECONDS = 60
"""What the page shows depends on the clock, too: it is made anew so often at least."""


@pages.get("/")
def page() -> ResponseReturnValue:
    tag = _tag()
    # The page's script asks so every two seconds; browsers themselves are told to keep nothing.
    if request.headers.get("If-None-Match") == tag:
        return Response(status=304, headers={"ETag": tag})
    want = wanted(request.args, web_context().settings.athletes)
    flash = FLASH_MESSAGES.get(request.args.get("done", ""))
    answer = make_response(
        render_template("page.html", flash=flash, **overview(web_context(), locale(), want))
    )
    answer.headers["ETag"] = tag
    return answer


@pages.get(f"/activity/{ACTIVITY}")
def activity(activity_id: int) -> ResponseReturnValue:
    job = stored_uploads.of_activity(activity_id)
    if job is None:
        raise RequestRejected(RejectionCode.UNKNOWN, uploads.UNKNOWN_ACTIVITY(id=activity_id))
    return render_page("details.html", **details(web_context(), locale(), job))


@pages.get("/log")
def log() -> ResponseReturnValue:
    """The last lines of the log."""
    return render_page("log.html", lines=logs.recent())


@pages.get("/help")
def help_page() -> ResponseReturnValue:
    """Where to go on from here."""
    return render_page("help.html")


@pages.get("/disconnect")
def ask_disconnect() -> ResponseReturnValue:
    """The question before an athlete is disconnected."""
    person = accounts.get(required_athlete(request.args.get("athlete", "")))
    return render_page("disconnect.html", person=person)


@pages.get(f"/again/{ACTIVITY}")
def ask_again(activity_id: int) -> ResponseReturnValue:
    """The question before an activity is sent once more."""
    job = stored_uploads.of_activity(activity_id)
    if job is None or job.status is not Status.COMPLETED:
        raise RequestRejected(RejectionCode.UNKNOWN, web.NOT_COMPLETED(id=str(activity_id)))
    return render_page("again.html", job=job)


@pages.get("/metrics")
def metrics_text() -> ResponseReturnValue:
    return Response(web_context().metrics(), content_type=metrics.CONTENT_TYPE)


def _tag() -> str:
    """What the page's content depends on, in short."""
    context, reader = web_context(), locale()
    parts = (
        current_app.config[PROCESS_TAG],
        context.revision(),
        int(context.clock() // STALE_SECONDS),
        context.health_error(),
        reader.cldr,
        reader.zone,
        request.host,
        request.query_string,
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:20]}"'
