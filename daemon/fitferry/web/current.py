"""What a view needs of the request that it answers: the daemon's parts, the language, who asks, and for what."""

from __future__ import annotations

from flask import current_app, g, request

from fitferry.core.messages import Json, Message
from fitferry.web.context import WebContext
from fitferry.web.credentials import Caller, caller_of
from fitferry.web.language import ViewerLocale

EXTENSION = "fitferry"
PROCESS_TAG = "PROCESS_TAG"
"""The key in the configuration of what is another in each process: the next one counts its changes anew."""


def web_context() -> WebContext:
    """The daemon's parts behind this application."""
    context: WebContext = current_app.extensions[EXTENSION]
    return context


def locale() -> ViewerLocale:
    """The language and time zone of whoever asks."""
    found: ViewerLocale = g.locale
    return found


def caller() -> Caller:
    return caller_of(web_context(), request.environ)


def message_json(message: Message) -> dict[str, Json]:
    """A message for programs; also as data for those that say it in another language."""
    said: dict[str, Json] = {"message": str(message)}
    if request.headers.get("Fitferry-Messages") == "codes":
        said["text"] = message.to_values()
    return said


def wants_json() -> bool:
    """Whether the client would rather have JSON than a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
