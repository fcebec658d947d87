"""Everything that is said to people: messages as data, and the template of each code, by area."""

from fitferry.core.messages import (  # noqa: F401  # each defines the templates of its area
    cli,
    files,
    folders,
    inspection,
    notifications,
    problems,
    settings,
    setup,
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

__all__ = [
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
