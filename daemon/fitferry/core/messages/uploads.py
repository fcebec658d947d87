"""What is said of uploads: reasons, and requests that cannot be done."""

from __future__ import annotations

from fitferry.core.messages.message import define

ALREADY_ON_STRAVA = define("already_on_strava", "already on Strava")
DELETED_ON_STRAVA = define(
    "deleted_on_strava", "the activity was deleted on Strava; retry sends it once more"
)
REJECTED = define("rejected", "Strava cannot use the file: {answer}")
UPLOAD_UNKNOWN = define("upload_unknown", "Strava does not know the upload that it had accepted")
UNEXPECTED_ERROR = define("unexpected_error", "something went wrong inside Fitferry; the log has the details")
FILE_CHANGED = define("file_changed", "the file was changed before it was sent")
FILE_CHANGED_AFTER = define(
    "file_changed_after",
    "the file was changed; what it held before was sent, and whether it arrived is not known",
)
FILE_GONE = define("upload_file_gone", "file is gone")
ARCHIVE_USELESS = define("archive_useless", "the archive cannot be unpacked")
FOLDER_AWAY = define("folder_away", "its folder is not there")
FILE_BEING_CHANGED = define("file_being_changed", "the file is being changed")
FOLDER_BUSY = define("folder_busy", "its folder is busy")
FILE_UNREADABLE = define("file_unreadable", "the file cannot be read ({reason})")
COMPLETED_ALREADY = define("completed_already", "this activity is on Strava already")
IN_FLIGHT = define("in_flight", "this activity is being uploaded right now")
EMPTY_FILE = define("upload_empty_file", "the file is empty")
NOT_FAILED = define("not_failed", "job {id} is {status}, not failed")
NOT_DISMISSIBLE = define(
    "not_dismissible", "only an upload that failed, is held, or that Strava does not finish can be dismissed"
)
BAD_DECISION = define("bad_decision", "the decision is one of all, none, or since with a date")
BAD_DAY = define("bad_day", "no activity can have started on that day")
UNKNOWN_ACTIVITY = define("unknown_activity", "there is no activity {id}")
NO_KNOWN_FORMAT = define("no_known_format", "this is no FIT, TCX or GPX file")
NO_ACTIVITY = define("upload_no_activity", "not an activity: {reason}")
NOT_WHOLE = define("upload_not_whole", "the file is not whole: {reason}")
OF_FILE = define("upload_of_file", "{file}: {reason}; none of these files was queued")
DATABASE_FAILED = define("database_failed", "the database cannot be written ({reason})")

HOOK_EXIT = define("hook_exit", "it ended with exit code {code}")
HOOK_TIMEOUT = define("hook_timeout", "it did not end within {seconds:duration}")
HOOK_NOT_STARTED = define("hook_not_started", "it cannot be started: {reason}")
NOT_REPAIRABLE = define("not_repairable", "only a held FIT file that is not whole can be repaired")
SOURCE_UNREADABLE = define("source_unreadable", "the file cannot be read now; please try again")

SKIPPED_BY_RULE = define("skipped_by_rule", "skipped by rule {rule:number}")
BEFORE_SINCE = define("before_since", "started before {since}, see since in [strava]")
AUTO_UPLOAD_OFF = define("auto_upload_off", "waiting until somebody uploads it (auto_upload is off)")
BEFORE_FITFERRY = define("before_fitferry", "there before Fitferry: waiting for your decision")

WAITING_CONNECTION = define("waiting_connection", "waiting for the connection to Strava")
WAITING_RATE_LIMIT = define("waiting_rate_limit", "waiting for Strava's limit")
WAITING_NETWORK = define("waiting_network", "waiting for Strava to be reachable")
WAITING_SETTINGS = define("waiting_settings", "waiting for a settings fix")
WAITING_FILE = define("waiting_file", "waiting for the file")
WAITING_CONFIRM = define("waiting_confirm", "checking whether it arrived")
WAITING_RETRY = define("waiting_retry", "waiting for the next try")
WAITING_PROCESSING = define("waiting_processing", "Strava is processing it")

DISMISSED = define("dismissed_by_hand", "dismissed")
PREVIOUS_ACCOUNT = define(
    "previous_account",
    "this was sent to the Strava account that was connected before: look for it there, or send it to the one that is "
    "connected now",
)
