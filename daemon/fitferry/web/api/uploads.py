"""Uploads: bringing files, what became of them, and what a person decides."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from fitferry.core.api_types import JobJson
from fitferry.core.errors import RejectionCode, RequestRejected
from fitferry.core.messages import web
from fitferry.core.upload import Job
from fitferry.monitoring import status_json
from fitferry.storage import queries
from fitferry.uploads import commands
from fitferry.web import arguments
from fitferry.web.arguments import ACTIVITY
from fitferry.web.current import caller, web_context

api = Blueprint("uploads", __name__, url_prefix="/api/v1")
MAX_LIMIT = 200
_LIMIT = 50


@api.get("/status")
def snapshot() -> ResponseReturnValue:
    """How things are, as in status.json."""
    return jsonify(status_json.to_json(web_context().snapshot()))


@api.post(f"/strava/upload/{ACTIVITY}")
def upload_known(activity_id: int) -> ResponseReturnValue:
    again = arguments.flag(arguments.json_body(), "again")
    return _shown(web_context().actions.upload(activity_id, again=again)), 202


@api.post("/strava/upload")
@api.post("/activity/upload")
def upload_file() -> ResponseReturnValue:
    """Queue the activities in the files of a multipart body."""
    return jobs_taken(files_of_form())


def jobs_taken(jobs: list[Job]) -> ResponseReturnValue:
    """The answer to files that were brought: the first job, and the numbers of all where there are several."""
    shown = status_json.jobs_shown(jobs, web_context().clock())[0]
    if len(jobs) > 1:
        shown["jobs"] = [job.id for job in jobs]
    return jsonify(shown), 202


def files_of_form() -> list[Job]:
    """Queue the activities in the files of a multipart body: of all of them, or of none."""
    files = request.files.getlist("file")
    if not files:
        raise RequestRejected(RejectionCode.NO_FILE, web.NO_FILE_PART())
    athlete = athlete_of_upload(request.form.get("athlete"))
    brought = [(file.read(), file.filename or "upload.fit") for file in files]
    return web_context().actions.upload_files(brought, athlete)


def athlete_of_upload(name: str | None) -> str:
    """Whose file it is: as the request says, or as the caller's token does."""
    bound = caller().athlete
    if bound and name and name != bound:
        raise RequestRejected(RejectionCode.OTHER_ATHLETE, web.OTHER_ATHLETE(name=bound))
    return arguments.known_athlete(bound or name)


@api.post(f"/strava/dismiss/{ACTIVITY}")
def dismiss(activity_id: int) -> ResponseReturnValue:
    return _shown(web_context().actions.dismiss(activity_id))


@api.post(f"/strava/repair/{ACTIVITY}")
def repair(activity_id: int) -> ResponseReturnValue:
    """Repair a held FIT file that breaks off, and queue the repaired copy."""
    return _shown(web_context().actions.repair_upload(activity_id)), 202


@api.post("/strava/retry")
def retry() -> ResponseReturnValue:
    """Put failed jobs back into the queue, or all of them."""
    body, actions = arguments.json_body(), web_context().actions
    if body.get("failed") is True:
        jobs = actions.retry_failed()
    else:
        again = arguments.flag(body, "again")
        jobs = actions.retry_jobs(arguments.job_ids(body, "jobs"), again=again)
    return jsonify({"uploads": status_json.jobs_shown(jobs, web_context().clock())})


@api.get("/strava/backlog")
def backlog() -> ResponseReturnValue:
    return jsonify(
        status_json.backlog(commands.backlog(web_context().settings.athletes, web_context().clock()))
    )


@api.post("/strava/backlog")
def decide_backlog() -> ResponseReturnValue:
    body = arguments.json_body()
    day = arguments.day(body, "date")
    decision = arguments.text(body, "decision") or ""
    return jsonify(status_json.backlog(web_context().actions.decide_backlog(decision, day)))


@api.get("/strava/uploads")
def uploads() -> ResponseReturnValue:
    """The history, newest first."""
    limit = arguments.query_number("limit", high=MAX_LIMIT) or _LIMIT
    athlete = request.args.get("athlete")
    jobs = queries.listed(
        status=arguments.query_status(),
        athlete=arguments.known_athlete(athlete) if athlete else None,
        before=arguments.query_number("before"),
        limit=limit + 1,
    )
    page = jobs[:limit]
    more = page[-1].id if page and len(jobs) > limit else None
    return jsonify({"uploads": status_json.jobs_shown(page, web_context().clock()), "next_before": more})


@api.get("/strava/uploads/pending")
def pending() -> ResponseReturnValue:
    """What is not done yet, in the order in which it will be tried."""
    jobs = status_json.jobs_shown(queries.unfinished(), web_context().clock())
    return jsonify({"uploads": jobs, "next_before": None})


def _shown(job: Job) -> JobJson:
    (shown,) = status_json.jobs_shown([job], web_context().clock())
    return shown
