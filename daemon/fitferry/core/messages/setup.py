"""What the set-up in the browser says."""

from __future__ import annotations

from fitferry.core.messages.message import define, define_plural

NOT_SET_UP = define("not_set_up", "Fitferry is not set up yet: open the link in the log")
OPEN_LINK = define(
    "setup_open_link",
    "Fitferry has no settings yet. Open this link in a browser to set it up; from another machine put this one's "
    "name in place of {host}:",
)
LINK_OVER = define(
    "setup_link_over", "This link is not valid, or no longer valid. There is a new one in Fitferry's log."
)
APP_REFUSED = define(
    "setup_app_refused", "Strava does not know this id with this secret; press Save once more to keep them"
)
APP_FINE = define("setup_app_fine", "Strava knows this application")
SECRET_ODD = define(
    "setup_secret_odd",
    "a secret has 40 digits and letters from a to f; press Save once more to keep this one",
)
FOLDER_READABLE = define_plural(
    "setup_folder_readable",
    "found and readable: one activity file",
    "found and readable: {count:number} activity files",
)
FOLDER_MISSING = define("setup_folder_missing", "it is not there yet; it is watched as soon as it comes")
FOLDER_CLOSED = define("setup_folder_closed", "Fitferry may not read it: give its user access to {path}")
FOLDER_NO_ANSWER = define("setup_folder_no_answer", "it does not answer; it is watched as soon as it does")
FOLDER_NONE = define("setup_folder_none", "this is a file, not a folder")
SIGN_IN_NEEDED = define(
    "log_sign_in_needed",
    "Strava is not connected. Open this link in a browser and press Connect with Strava; it works once,"
    " for ten minutes:",
)
