"""Everything that is said to people: messages as data, and the template of each code, by area."""

from fitferry.core.messages import (
    cli,
    files,
    folders,
    inspection,
    notifications,
    problems,
    settings,
    sign_in,
    sports,
    strava,
    system,
    uploads,
    web,
)
from fitferry.core.messages.message import (
    ENGLISH,
    TEMPLATES,
    Json,
    Message,
    Param,
    Renderer,
    Template,
    as_message,
    define,
    define_plural,
    placeholders,
    verbatim,
)

AREAS = (
    cli,
    files,
    folders,
    inspection,
    notifications,
    problems,
    settings,
    sign_in,
    sports,
    strava,
    system,
    uploads,
    web,
)

__all__ = [
    "AREAS",
    "ENGLISH",
    "TEMPLATES",
    "Json",
    "Message",
    "Param",
    "Renderer",
    "Template",
    "as_message",
    "define",
    "define_plural",
    "placeholders",
    "verbatim",
]
