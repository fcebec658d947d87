"""Files that programs bring: one raw body each, with a token that is good for this alone."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from fitferry.web.api.uploads import athlete_of_upload, jobs_taken
from fitferry.web.current import web_context

pages = Blueprint("incoming", __name__)


@pages.route("/in/<path:name>", methods=["PUT"])
def put_file(name: str) -> ResponseReturnValue:
    """Queue the activity in a body; the same bytes again are answered with the job that is known."""
    jobs = web_context().actions.upload_file(
        request.get_data(cache=False), name.rsplit("/", 1)[-1], athlete_of_upload(None)
    )
    return jobs_taken(jobs)
