"""What is said of Strava's answers."""

from __future__ import annotations

from fitferry.core.messages.message import Message, define, verbatim

NOT_STRAVA = define("not_strava", "something that is not Strava answered ({answer})")
SERVER_ERROR = define("server_error", "Strava had an error of its own ({answer})")
GRANT_REFUSED = define("grant_refused", "Strava no longer accepts this sign-in ({answer})")
NO_UPLOAD_NUMBER = define("no_upload_number", "Strava took the upload without giving it a number")
NO_API = define("no_api", "no Strava API answers there ({answer})")
UNREACHABLE = define("unreachable", "Strava cannot be reached: {reason}")
BROKEN_OFF = define("broken_off", "the connection to Strava broke off: {reason}")
NO_END = define("no_end", "no end after {seconds:number} s")
USED_UP = define("used_up", "Strava's rate limit is used up for now")
NOT_READABLE = define("not_readable", "something that is not Strava answered")

TIME_MISSING = define("strava_time_missing", "Time information is missing from file")
MALFORMED = define("strava_malformed", "The upload appears to be malformed and we are unable to process it")
PROCESSING_FAILED = define("strava_processing_failed", "There was an error processing your activity")
_KNOWN = {reason.text.lower(): reason() for reason in (TIME_MISSING, MALFORMED, PROCESSING_FAILED)}


def from_strava(text: str) -> Message:
    """Why Strava cannot use a file: the reasons that are known (seen 2026-11) are translated, others stay its words."""
    return _KNOWN.get(text.strip().rstrip(".").lower()) or verbatim(text)
