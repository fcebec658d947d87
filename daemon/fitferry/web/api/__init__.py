"""The API for programs and for the commands, below /api/v1; everything in JSON."""

from fitferry.web.api import access, connection, uploads

BLUEPRINTS = (connection.api, uploads.api, access.api)
