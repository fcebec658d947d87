"""What the page says."""

from __future__ import annotations

from fitferry.core.messages.message import define

FOREIGN_HOST = define(
    "foreign_host", "this name is not one of Fitferry's: add it to hosts in [web] if it should be"
)
FOREIGN_ORIGIN = define("foreign_origin", "this request came from another site's page")
BODY_TOO_LARGE = define("body_too_large", "a body may have {count:number} bytes here")
UPLOAD_TOO_LARGE = define("upload_too_large", "the file is larger than the 25 MB that Strava takes")
LENGTH_MISSING = define("length_missing", "a body has to say how long it is")
SIGN_IN_NEEDED = define("sign_in_needed", "sign in, or send the API token")
TOKEN_UNKNOWN = define("token_unknown", "this token is unknown, or was revoked")
NOT_PERMITTED = define("not_permitted", "this token is not good for that")
NOTHING_HERE = define("nothing_here", "there is nothing at this address")
WRONG_METHOD = define("wrong_method", "this address cannot be asked in this way")
REQUEST_TOO_LARGE = define("request_too_large", "this request is larger than may be sent here")
NOT_UNDERSTOOD = define("not_understood", "this request cannot be understood")
INTERNAL_ERROR = define("internal_error", "something went wrong inside Fitferry; the log has the details")
NO_FILE_PART = define("no_file_part", "the body has no part named file")
UNKNOWN_ATHLETE = define("unknown_athlete", "there is no athlete {name} in the settings")
OTHER_ATHLETE = define("other_athlete", "this token is for files of {name} only")
SIGN_IN_UNKNOWN = define("sign_in_unknown", "this sign-in is not known")
BODY_NO_OBJECT = define("body_no_object", "the body has to be a JSON object")
WANTS_TEXT = define("wants_text", "{name} has to be a text")
WANTS_FLAG = define("wants_flag", "{name} has to be true or false")
WANTS_NUMBERS = define("wants_numbers", "{name} has to be a list of numbers")
WANTS_DAY = define("wants_day", "date has to be a day such as 2026-01-31")
WANTS_RANGE = define("wants_range", "{name} has to be a number from {low} to {high}")
WANTS_ONE_OF = define("wants_one_of", "{name} has to be one of {choices}")
CHOOSE_A_DAY = define("choose_a_day", "please choose a day")
UNKNOWN_JOB = define("unknown_job", "there is no job {id}")
NOT_COMPLETED = define("not_completed", "there is no completed activity {id}")
TOKEN_NAME_WRONG = define(
    "token_name_wrong", "a token's name has 1 to 40 letters, digits, blanks, dots, dashes or underscores"
)
TOKEN_NAME_TAKEN = define("token_name_taken", "there is a token named {name} already: revoke it first")
NO_SUCH_TOKEN = define("no_such_token", "there is no token named {name}")
DISCONNECTED = define("page_disconnected", "Disconnected.")
QUEUED = define("page_queued", "Queued.")
ON_STRAVA_ALREADY = define("page_on_strava_already", "This activity is on Strava already.")
DISMISSED = define("page_dismissed", "Dismissed.")
DECIDED = define("page_decided", "Decided.")
TRIED = define("page_tried", "Fitferry asks Strava again, as soon as there is something to upload.")
REVOKED = define("page_token_revoked", "The token was revoked.")
