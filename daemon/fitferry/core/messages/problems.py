"""What is said of problems: title, what happened, what a person can do, and that it is resolved."""

from __future__ import annotations

from fitferry.core.messages.message import define, define_plural

WITH_ADVICE = define("problem_with_advice", "{what}: {advice}")

INTERNAL_TITLE = define("internal_title", "Internal problem")
INTERNAL = define("internal", "Fitferry itself has a problem ({reason})")
INTERNAL_ADVICE = define("internal_advice", "look at the log, and at the disk of the state folder")
INTERNAL_RESOLVED = define("internal_resolved", "Fitferry works again")

NOT_CONNECTED_TITLE = define("not_connected_title", "{athlete} is not connected")
NOT_CONNECTED = define("not_connected", "{athlete} is not connected to Strava yet")
NOT_CONNECTED_REVOKED = define(
    "not_connected_revoked", "Strava no longer accepts the connection of {athlete}"
)
NOT_CONNECTED_SCOPE = define(
    "not_connected_scope", "{athlete} has not given the permission that uploads need"
)
NOT_CONNECTED_KEY = define(
    "not_connected_key",
    "the stored connection of {athlete} cannot be opened, because the key is another one",
)
CONNECT_ADVICE = define(
    "connect_advice", "connect on the page or with `fitferry connect {athlete}`; uploads wait until then"
)
CONNECT_SCOPE_ADVICE = define("connect_scope_advice", "connect again and leave every box ticked")
CONNECTED_RESOLVED = define("connected_resolved", "{athlete} is connected")

SHARED_ACCOUNT_TITLE = define("shared_account_title", "One Strava account for two athletes")
SHARED_ACCOUNT = define(
    "shared_account", "{athlete} and {other} are connected to the same Strava account, which receives both"
)
SHARED_ACCOUNT_ADVICE = define(
    "shared_account_advice",
    "if that is not meant, disconnect both, then connect each one with their own account",
)
SHARED_ACCOUNT_RESOLVED = define("shared_account_resolved", "each athlete has a Strava account of their own")

APP_REFUSED_TITLE = define("app_refused_title", "Strava does not know the application")
APP_REFUSED = define(
    "app_refused",
    "Strava does not know this application: client_id or client_secret in [strava] is wrong ({answer})",
)
APP_REFUSED_ADVICE = define(
    "app_refused_advice", "compare both with strava.com/settings/api, then start Fitferry again"
)
APP_INACTIVE_TITLE = define("app_inactive_title", "The application needs a subscription")
APP_INACTIVE = define("app_inactive", "Strava has made the API application inactive")
APP_INACTIVE_ADVICE = define(
    "app_inactive_advice", "its owner needs a Strava subscription; Fitferry looks again every hour"
)
ATHLETE_LIMIT_TITLE = define("athlete_limit_title", "The application is full")
ATHLETE_LIMIT = define("athlete_limit", "Strava lets no further athlete use this API application ({answer})")
ATHLETE_LIMIT_ADVICE = define(
    "athlete_limit_advice", "its owner can raise the limit with Upgrade on strava.com/settings/api"
)
APP_RESOLVED = define("app_resolved", "Strava accepts the API application again")

WRONG_ADDRESS_TITLE = define("wrong_address_title", "Strava is not at its address")
WRONG_ADDRESS = define("wrong_address", "there is no Strava API at the address in [strava] api ({answer})")
WRONG_ADDRESS_ADVICE = define(
    "wrong_address_advice", "correct the address and start Fitferry again; it is wrong or has moved"
)
WRONG_ADDRESS_RESOLVED = define("wrong_address_resolved", "Strava's API answers again")

FOLDER_UNAVAILABLE_TITLE = define("folder_unavailable_title", "A folder is missing")
FOLDER_UNAVAILABLE = define("folder_unavailable", "the folder {folder} cannot be read ({reason})")
FOLDER_UNAVAILABLE_ADVICE = define(
    "folder_unavailable_advice",
    "mount it or create it, or correct its path under [[watch]] in the settings; Fitferry goes on by itself when "
    "it is there",
)
FOLDER_CLOSED_ADVICE = define(
    "folder_closed_advice",
    "give Fitferry's user the right to read it and to enter the folders above it; Fitferry goes on by itself",
)
FOLDER_UNAVAILABLE_RESOLVED = define("folder_unavailable_resolved", "the folder {folder} is back")

UNREADABLE_TITLE = define("unreadable_title", "Not everything can be read")
UNREADABLE = define_plural(
    "unreadable", "{path} cannot be read", "{path} and others cannot be read, {count:number} in all"
)
UNREADABLE_ADVICE = define(
    "unreadable_advice", "give Fitferry's user the right to read them; then they are tried again"
)
UNREADABLE_RESOLVED = define("unreadable_resolved", "everything in {folder} can be read again")

NOT_MOVED_TITLE = define("not_moved_title", "An uploaded file stays where it is")
NOT_MOVED = define("not_moved", "an uploaded file cannot be moved or deleted ({reason})")
NOT_MOVED_ADVICE = define(
    "not_moved_advice", "give Fitferry the right to write there, or set after_upload to keep"
)
NOT_MOVED_RESOLVED = define("not_moved_resolved", "uploaded files can be moved or deleted again")

NO_COPY_TITLE = define("no_copy_title", "The database is not copied")
NO_COPY = define("no_copy", "the daily copy of the database cannot be made ({reason})")
NO_COPY_ADVICE = define(
    "no_copy_advice",
    "make room on the disk of the state folder; uploads go on, and the copy is tried every hour",
)
NO_COPY_RESOLVED = define("no_copy_resolved", "the database is copied daily again")

LINK_IN_PATH_TITLE = define("link_in_archive_path_title", "The archive folder is a link")
LINK_IN_PATH = define(
    "link_in_archive_path", "{path} is a link, so uploaded files are not moved there: it may lead anywhere"
)
LINK_IN_PATH_ADVICE = define(
    "link_in_archive_path_advice", "put a real folder in its place, or give another archive_folder"
)

FOLDER_BOUND_TITLE = define("folder_bound_title", "Too many files that are no activities")
FOLDER_BOUND = define(
    "folder_bound",
    "in {folder} there are more than {limit:number} files that are no activities; Fitferry remembers no more of "
    "them, and reads the others again and again",
)
FOLDER_BOUND_ADVICE = define("folder_bound_advice", "move them out of the watched folder")
FOLDER_BOUND_RESOLVED = define("folder_bound_resolved", "{folder} holds a usual number of files again")

CLOCK_TITLE = define("clock_title", "The clock is wrong")
CLOCK = define("clock", "this machine's clock and Strava's differ by {difference:duration}")
CLOCK_ADVICE = define("clock_advice", "set the clock; old activities wait until then")
CLOCK_RESOLVED = define("clock_resolved", "the clock is right again")

EDIT_FAILED_TITLE = define("edit_failed_title", "Gear or mute could not be set")
EDIT_FAILED = define(
    "edit_failed", "Strava refuses what your rules set for {file} ({reason}), and it is not tried again"
)
EDIT_FAILED_ADVICE = define(
    "edit_failed_advice", "look at gear in your rules, or set it on Strava by hand; the upload itself is done"
)
EDIT_FAILED_RESOLVED = define("edit_failed_resolved", "what your rules set is taken again")

HOOK_FAILED_TITLE = define("hook_failed_title", "The command after an upload fails")
HOOK_FAILED = define(
    "hook_failed", "the command in [hooks] failed for {file} ({reason}) and is not tried again"
)
HOOK_FAILED_ADVICE = define("hook_failed_advice", "correct the command; the upload itself is done")
HOOK_FAILED_RESOLVED = define("hook_failed_resolved", "the command in [hooks] works again")

UNFINISHED_TITLE = define("unfinished_title", "Not complete")
UNFINISHED = define_plural(
    "unfinished", "{file} is not complete", "{count:number} files are not complete, among them {file}"
)
UNFINISHED_ADVICE = define(
    "unfinished_advice", "copy it again, or delete or dismiss it; `fitferry repair` may save what is there"
)
DAMAGED_TITLE = define("damaged_title", "Damaged")
DAMAGED = define_plural("damaged", "{file} is damaged", "{count:number} files are damaged, among them {file}")
DAMAGED_ADVICE = define(
    "damaged_advice", "copy it again from the device, send it all the same, or dismiss it"
)
TOO_LARGE_TITLE = define("too_large_title", "Too large for Strava")
TOO_LARGE = define_plural(
    "too_large",
    "{file} is larger than the 25 MB that Strava takes",
    "{count:number} files are larger than the 25 MB that Strava takes, among them {file}",
)
TOO_LARGE_ADVICE = define("too_large_advice", "compress it with gzip, split it, or dismiss it")
UNREADABLE_TIMES_TITLE = define("unreadable_times_title", "Times that cannot be read")
UNREADABLE_TIMES = define_plural(
    "unreadable_times",
    "the times in {file} cannot be read",
    "the times in {count:number} files cannot be read, among them {file}",
)
UNREADABLE_TIMES_ADVICE = define(
    "unreadable_times_advice",
    "export it again, if possible as FIT or TCX; send it all the same, or dismiss it",
)
ARCHIVE_REFUSED_TITLE = define("archive_refused_title", "An archive cannot be opened")
ARCHIVE_REFUSED = define_plural(
    "archive_refused",
    "{file} cannot be opened",
    "{count:number} archives cannot be opened, among them {file}",
)
ARCHIVE_REFUSED_ADVICE = define(
    "archive_refused_advice", "unpack it yourself into the watched folder, or dismiss it"
)
FILE_GONE_TITLE = define("file_gone_title", "A file is gone")
FILE_GONE = define_plural(
    "file_gone",
    "{file} was removed before it was uploaded",
    "{count:number} files were removed before they were uploaded, among them {file}",
)
FILE_GONE_ADVICE = define("file_gone_advice", "put it back, or dismiss it")
FILES_RESOLVED = define("files_resolved", "no such file waits any more")

BACKLOG_TITLE = define("backlog_title", "Old activities")
BACKLOG = define_plural(
    "backlog",
    "one activity was there before Fitferry",
    "{count:number} activities were there before Fitferry",
)
BACKLOG_DATED = define_plural(
    "backlog_dated",
    "one activity of {oldest:year} was there before Fitferry; uploading takes about {days}",
    "{count:number} activities from {oldest:year} to {newest:year} were there before Fitferry; uploading all takes "
    "about {days}",
)
BACKLOG_DAYS = define_plural("backlog_days", "one day", "{count:number} days")
BACKLOG_ADVICE = define(
    "backlog_advice", "choose on the page or with `fitferry backlog`: upload all, those since a day, or none"
)
BACKLOG_RESOLVED = define("backlog_resolved", "no old activities wait for a decision any more")

RESOLVED = define("problem_resolved", "a problem is resolved")
