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
from fitferry.core.messages.message import ENGLISH as ENGLISH
from fitferry.core.messages.message import TEMPLATES as TEMPLATES
from fitferry.core.messages.message import Json as Json
from fitferry.core.messages.message import Message as Message
from fitferry.core.messages.message import Param as Param
from fitferry.core.messages.message import Renderer as Renderer
from fitferry.core.messages.message import Template as Template
from fitferry.core.messages.message import as_message as as_message
from fitferry.core.messages.message import define as define
from fitferry.core.messages.message import define_plural as define_plural
from fitferry.core.messages.message import placeholders as placeholders
from fitferry.core.messages.message import verbatim as verbatim
