"""The ranks of the package's folders and the owner of each library, as DESIGN.md has them."""

from __future__ import annotations

RANKS = [
    ["core"],
    ["system", "i18n"],
    ["config", "formats", "storage"],
    ["strava"],
    ["auth"],
    ["inbox"],
    ["uploads", "notifications", "monitoring"],
    ["web"],
    ["maintenance"],
    ["daemon"],
    ["sandbox"],
    ["demo"],
    ["cli"],
    ["__main__"],
]
"""Lowest first: a folder imports only from lower ranks. `sandbox` knows nothing of the rest."""

OWNERS = {
    "peewee": "storage",
    "playhouse": "storage.schema_update",
    "httpx": "strava",
    "h11": "strava",
    "huey": "uploads.job_queue",
    "fitparse": "formats.fit.verify",
    "watchdog": "inbox.file_events",
    "cryptography": "auth.token_cipher",
    "fastcrc": "formats.fit.crc",
    "tomli_w": "config.template",
    "waitress": "web.server",
    "babel": "web.language",
    "segno": "web.push",
    "prometheus_client": "monitoring.prometheus",
    "apprise": "notifications.messengers",
}
"""The one module, or for the tables the one folder, that imports a library."""

SHARED = {
    "flask": {"web", "sandbox"},
    "click": {"cli"},
    "rich": {"cli"},
    "msgspec": {"config", "strava"},
}
"""The folders that may import a library which several modules need."""
