"""What is said of the machine: database, key, lock, disk, and the system's own errors."""

from __future__ import annotations

from fitferry.core.messages.message import define

NO_APPRISE = define(
    "no_apprise", "notifications need Apprise: install Fitferry with `pip install 'fitferry[notify]'`"
)
