"""What is said of sign-ins: to Strava, and to the page."""

from __future__ import annotations

from fitferry.core.messages.message import define

CONNECTED = define("connected", "{name} is connected to Strava as {who}.")
LINK_OVER = define(
    "link_over", "this link is unknown, was used already, or is older than ten minutes: ask for a new one"
)
OTHER_BROWSER = define("other_browser", "this sign-in began in another browser, and can end only there")
STATE_UNKNOWN = define(
    "state_unknown", "this sign-in is unknown, was used already, or is older than ten minutes"
)
CONSENT_REFUSED = define("consent_refused", "Strava says that consent was not given ({answer})")
SCOPE_MISSING = define(
    "scope_missing",
    "without the permission to upload (activity:write) nothing can be sent: please tick its box",
)
ACCOUNT_TAKEN = define(
    "account_taken",
    "this Strava account ({who}) is connected for {other} already: disconnect {other} first, or sign in to Strava "
    "with the other account",
)
OTHER_ACCOUNT = define(
    "other_account",
    "this is another Strava account ({who}) than the one that {athlete} had; disconnect first if that is meant",
)
CODE_INVALID = define("code_invalid", "the sign-in is no longer valid; please try again")
APP_UNKNOWN = define(
    "app_unknown", "Strava does not know this application: check client_id and client_secret ({answer})"
)
STRAVA_REFUSED = define("strava_refused_sign_in", "Strava refused the sign-in ({answer})")
STRAVA_UNREACHABLE = define("strava_unreachable_now", "Strava cannot be reached; please try again ({answer})")
STOPPING = define("stopping", "Fitferry is stopping")
NOT_SIGNED_IN = define("not_signed_in", "{athlete} is not connected to Strava")
