"""What is said of sign-ins: to Strava, and to the page."""

from __future__ import annotations

from fitferry.core.messages.message import define

CONNECTED = define("connected", "{name} is connected to Strava as {who}.")
LINK_OVER = define(
    "link_over", "this link is unknown, was used already, or is older than ten minutes: ask for a new one"
)
OTHER_BROWSER = define("other_browser", "this sign-in began in another browser, and can end only there")
